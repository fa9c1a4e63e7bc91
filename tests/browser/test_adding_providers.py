"""Adding a provider and testing its connection: keys go in and never come out, refusals are said in words."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import ready, sign_in
from tests.fakes import FakeVendors
from tests.server import Live


def test_a_connection_is_tested_without_cost_and_fails_in_the_vendors_own_words(
    vendor_live: Live, fakes: FakeVendors, anonymous: Page
) -> None:
    page = anonymous
    sign_in(page, vendor_live)
    page.goto(f"{vendor_live.url}/providers")
    ready(page)
    page.get_by_role("link", name="OpenAI").click()

    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("status").filter(has_text="Connected in")).to_be_visible()
    fakes.openai.fail("unauthorized", probes=True)
    page.get_by_role("button", name="Test connection").click()

    said = page.get_by_role("status").filter(has_text="Failed: authentication")
    expect(said).to_contain_text("The vendor said “")
    assert (fakes.openai.calls, fakes.openai.input_tokens) == (0, 0)


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
    expect(page).to_have_url(f"{live.url}/providers")
    _switch_back(page)


def test_an_internal_address_is_refused_with_a_sentence(page: Page) -> None:
    page.goto("/providers?add=1")
    ready(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Inside")
    dialog.get_by_label("API key").fill("sk-whatever-000000")
    dialog.get_by_label("Base URL").fill("http://169.254.169.254/latest")

    dialog.get_by_role("button", name="Add provider").click()

    expect(dialog.get_by_role("alert").filter(has_text="inside the network")).to_be_visible()
    expect(page.get_by_role("row", name="Inside")).to_have_count(0)


def _switch_back(page: Page) -> None:
    """Leaves the shared server as it was: the sandbox answers, the added provider does not."""
    for name, word in (("Sandbox", "on"), ("My OpenAI", "off")):
        page.goto("/providers")
        ready(page)
        page.get_by_role("link", name=name).click()
        page.get_by_role("button", name=f"More about {name}").click()
        page.get_by_role("menuitem", name=f"Switch {word}…").click()
        page.get_by_role("dialog").get_by_label("Reason").fill("the test is over")
        page.get_by_role("dialog").get_by_role("button", name=f"Switch {word} {name}").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("row", name="My OpenAI")).to_contain_text("Disabled")
