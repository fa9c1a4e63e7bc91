"""Providers: trouble is seen, tested and dealt with; keys go in and never come out."""

from playwright.sync_api import Error, Page, Response, expect

from core.providers.vault import last_four
from tests.browser.conftest import ready, sign_in
from tests.fakes import FakeVendors
from tests.server import Live

SECRET = "sk-test-openai-1234"


def test_a_provider_that_goes_down_says_so_with_the_vendors_words(
    vendor_live: Live, fakes: FakeVendors, anonymous: Page
) -> None:
    fakes.openai.fail("quota")
    page = anonymous
    sign_in(page, vendor_live)
    page.goto(f"{vendor_live.url}/")
    ready(page)
    page.get_by_role("button", name="Run a sample").click()
    expect(page.get_by_text("OpenAI is down")).to_be_visible()

    page.get_by_role("link", name="Open provider").click()

    pane = page.get_by_role("complementary")
    expect(pane.get_by_text("Breaker open")).to_be_visible()
    expect(pane.get_by_text("No usable key left: quota")).to_be_visible()
    expect(page.get_by_role("row", name="OpenAI")).to_contain_text("Down")


def test_a_connection_is_tested_without_cost_and_fails_in_the_vendors_own_words(
    vendor_live: Live, fakes: FakeVendors, anonymous: Page
) -> None:
    page = anonymous
    sign_in(page, vendor_live)
    page.goto(f"{vendor_live.url}/providers")
    ready(page)
    page.get_by_role("link", name="OpenAI").click()

    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("Connected in")).to_be_visible()
    fakes.openai.fail("unauthorized", probes=True)
    page.get_by_role("button", name="Test connection").click()

    expect(page.get_by_text("Failed: authentication")).to_be_visible()
    assert (fakes.openai.calls, fakes.openai.input_tokens) == (0, 0)


def test_a_saved_key_is_never_again_in_page_or_traffic(vendor_live: Live, anonymous: Page) -> None:
    page, traffic = anonymous, []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: traffic.append(str(frame))))
    page.on("response", lambda response: traffic.append(_text_of(response)))
    sign_in(page, vendor_live)
    page.goto(f"{vendor_live.url}/providers")
    ready(page)
    page.get_by_role("link", name="OpenAI").click()
    expect(page.get_by_role("complementary")).to_contain_text(last_four(SECRET))

    everything = "".join(traffic) + page.content()
    assert SECRET not in everything
    assert SECRET not in vendor_live.said()


def test_a_new_provider_is_added_and_the_sandbox_switches_off(
    live: Live, page: Page, fakes: FakeVendors
) -> None:
    page.goto("/providers?add=1")
    ready(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("My OpenAI")
    dialog.get_by_label("API key").fill("sk-added-by-hand-4242")
    dialog.get_by_label("Base URL").fill(fakes.openai.url)

    dialog.get_by_role("button", name="Add provider").click()

    row = page.get_by_role("row", name="My OpenAI")
    expect(row).to_contain_text("4242")
    expect(page.get_by_role("row", name="Sandbox")).to_contain_text("Disabled")
    _switch_back(page)


def test_an_internal_address_is_refused_with_a_sentence(page: Page) -> None:
    page.goto("/providers?add=1")
    ready(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Inside")
    dialog.get_by_label("API key").fill("sk-whatever-000000")
    dialog.get_by_label("Base URL").fill("http://169.254.169.254/latest")

    dialog.get_by_role("button", name="Add provider").click()

    expect(page.get_by_role("alert").filter(has_text="internal")).to_be_visible()
    expect(page.get_by_role("row", name="Inside")).to_have_count(0)


def _switch_back(page: Page) -> None:
    """Leaves the shared server as it was: the sandbox answers, the added provider does not."""
    page.goto("/providers")
    ready(page)
    page.get_by_role("link", name="Sandbox").click()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("link", name="My OpenAI").click()
    page.get_by_role("button", name="Switch off…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the test is over")
    page.get_by_role("dialog").get_by_role("button", name="Switch off My OpenAI").click()
    expect(page.get_by_role("row", name="My OpenAI")).to_contain_text("Disabled")


def _text_of(response: Response) -> str:
    try:
        return response.text()
    except (Error, UnicodeDecodeError):
        return ""  # a redirect or a font has no text
