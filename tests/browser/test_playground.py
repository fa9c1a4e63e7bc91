"""The Playground as a tester uses it: estimate, run, stop, compare, link."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import ready, serious, sign_in
from tests.fakes import FakeVendors
from tests.server import Live

SAMPLE = "A plain explanation"
ANSWER = "Hearts pump. " * 60


def column(page: Page, letter: str) -> Locator:
    return page.get_by_role("region", name=re.compile(f"^{letter}: "))


def prompt(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Prompt"))


def run(page: Page) -> Locator:
    return page.get_by_role("button", name="Run", exact=True)


def open_playground(page: Page, query: str = "") -> None:
    page.goto(f"/playground{query}")
    ready(page)


@pytest.fixture
def vendor_page(new_context: Callable[..., BrowserContext], vendor_live: Live) -> Page:
    page = new_context(base_url=vendor_live.url).new_page()
    sign_in(page, vendor_live)
    return page


def test_a_sample_runs_side_by_side_and_leaves_its_rows(page: Page) -> None:
    open_playground(page)
    page.get_by_role("button", name=SAMPLE).click()

    prompt(page).press("Control+Enter")

    for letter in "AB":
        answered = column(page, letter)
        expect(answered.get_by_text("Completed")).to_be_visible()
        expect(answered.get_by_text("circuit breaker")).to_be_visible()
        expect(answered.get_by_text("1 cr charged")).to_be_visible()
        expect(answered.get_by_text("Free")).to_be_visible()
    expect(
        page.get_by_role("status").filter(has_text="Run ended. A: Completed. B: Completed.")
    ).to_have_count(1)
    trace = page.get_by_role("table", name="Trace")
    expect(trace.get_by_role("row")).to_have_count(3)
    expect(run(page)).to_be_enabled()
    link = column(page, "A").get_by_role("link", name="Open the row of A")
    expect(link).to_have_attribute("href", re.compile(r"^/generations\?sel=[0-9a-f-]{36}$"))


def test_the_estimate_stands_before_the_run_and_follows_what_is_typed(page: Page) -> None:
    open_playground(page)
    money = page.locator(".pu-play-money")
    expect(money.get_by_text("cr, free")).to_have_count(0)

    prompt(page).fill("Why is the sky blue?")

    expect(money.get_by_text("2 cr, free")).to_be_visible()
    expect(money.get_by_text("of $50.00")).to_be_visible()
    page.get_by_role("button", name="Remove model B").click()
    expect(money.get_by_text("1 cr, free")).to_be_visible()
    expect(page.get_by_role("button", name="Remove model A")).to_have_count(0)


def test_nothing_runs_without_a_prompt(page: Page) -> None:
    open_playground(page)

    run(page).click()

    expect(page.get_by_text("Write a prompt first.")).to_be_visible()
    expect(prompt(page)).to_be_focused()
    expect(column(page, "A")).to_have_count(0)


def test_a_link_restores_everything(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_playground(page)
    page.get_by_role("button", name="Template:").click()
    page.get_by_role("option", name="script").click()
    page.get_by_role("textbox", name="System prompt").fill("Short sentences.")
    prompt(page).fill("Why & how?")
    page.get_by_role("spinbutton", name="Max tokens").fill("900")
    page.get_by_role("switch", name="Allow fallback").click()
    page.get_by_role("button", name="Remove model A").click()

    page.get_by_role("button", name="Copy link").click()

    expect(page.get_by_text("Link copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    again = page.context.new_page()
    again.goto(link)
    ready(again)
    expect(again.get_by_role("button", name="Template: script")).to_be_visible()
    expect(again.get_by_role("textbox", name="System prompt")).to_have_value("Short sentences.")
    expect(prompt(again)).to_have_value("Why & how?")
    expect(again.get_by_role("spinbutton", name="Max tokens")).to_have_value("900")
    expect(again.get_by_role("switch", name="Allow fallback")).not_to_be_checked()
    expect(again.get_by_text("Models, 1 of 4")).to_be_visible()
    expect(again.locator(".pu-play-model").get_by_text("sandbox-text-small")).to_be_visible()


def test_stop_keeps_what_came_and_charges_for_it(vendor_page: Page, fakes: FakeVendors) -> None:
    fakes.openai.answer_with(ANSWER)
    fakes.openai.chunk_delay = 0.2
    open_playground(vendor_page, "?model=openai/gpt-6.1-sol&prompt=Why+three+hearts%3F")
    run(vendor_page).click()
    answered = column(vendor_page, "A")
    expect(answered.get_by_text("Hearts pump.").first).to_be_visible()
    expect(answered.get_by_text("Streaming")).to_be_visible()
    expect(run(vendor_page)).to_be_disabled()

    vendor_page.get_by_role("button", name="Stop, keep output").click()

    expect(answered.get_by_text("Cancelled")).to_be_visible()
    expect(answered.get_by_text("Hearts pump.").first).to_be_visible()
    expect(answered.get_by_text(re.compile(r"^[1-9]\d* cr charged$"))).to_be_visible()
    expect(run(vendor_page)).to_be_enabled()
    expect(vendor_page.get_by_role("button", name="Stop, keep output")).to_be_hidden()
    expect(vendor_page.get_by_role("table", name="Trace").get_by_text("Cancelled")).to_be_visible()


def test_one_failure_leaves_the_other_running_and_says_why(vendor_page: Page, fakes: FakeVendors) -> None:
    fakes.openai.fail("unauthorized")
    fakes.gemini.answer_with(ANSWER)
    query = "?model=openai/gpt-6.1-sol&model=gemini/gemini-3.8-flash&fallback=false&prompt=Why%3F"
    open_playground(vendor_page, query)

    run(vendor_page).click()

    failed, answered = column(vendor_page, "A"), column(vendor_page, "B")
    told = failed.get_by_role("alert")
    expect(told).to_contain_text("OpenAI refused our key.")
    expect(told).to_contain_text("Nothing")
    expect(told).to_contain_text("A superadmin replaces the key")
    expect(failed.get_by_role("link", name="Open the row of A")).to_be_visible()
    expect(answered.get_by_text("Completed")).to_be_visible()
    expect(answered.get_by_text("Hearts pump.").first).to_be_visible()
    expect(vendor_page.get_by_role("table", name="Trace").get_by_text("authentication")).to_be_visible()
    assert serious(vendor_page) == []


def test_an_answer_of_a_fallback_says_so(vendor_page: Page, fakes: FakeVendors) -> None:
    fakes.openai.fail("unauthorized")
    open_playground(vendor_page, "?model=openai/gpt-6.1-sol&prompt=Why%3F")

    run(vendor_page).click()

    expect(column(vendor_page, "A").get_by_text("Completed")).to_be_visible()
    expect(column(vendor_page, "A").get_by_text(re.compile("^via "))).to_be_visible()
