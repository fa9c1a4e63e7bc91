"""Providers under trouble: seen in every window, explained, dealt with by the keyboard alone, and told afterwards."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.plant import NewContext, Plant, order_of, pane_of, planted, press, row_of, tab_to
from tests.fakes import FakeVendors

EVERY_CALL = {"provider": "anthropic"}


@pytest.fixture
def plant(fresh_database: Callable[[], str], tmp_path: Path, fakes: FakeVendors) -> Iterator[Plant]:
    """A server of this test's own: breakers remember."""
    with planted(tmp_path, fresh_database(), fakes) as plant:
        yield plant


def test_trouble_is_seen_in_two_windows_dealt_with_by_the_keyboard_and_told_afterwards(
    plant: Plant, fakes: FakeVendors, new_context: NewContext
) -> None:
    desk, wall = plant.page(new_context), plant.page(new_context)
    assert plant.ask(**EVERY_CALL).json()["provider"] == "anthropic"
    expect(row_of(wall, "Anthropic")).to_contain_text("Healthy")

    # A vendor begins to answer 529: degraded, then down, in both, with reason and next probe.
    fakes.anthropic.fail("overloaded")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(plant.ask, **EVERY_CALL)
        for window in (desk, wall):
            expect(row_of(window, "Anthropic")).to_contain_text("Degraded")
        assert asked.result().json()["provider"] != "anthropic"
    plant.ask(**EVERY_CALL)
    for window in (desk, wall):
        row = row_of(window, "Anthropic")
        expect(row).to_contain_text("Down")
        expect(row).to_contain_text(re.compile(r"Open.*probe in \d+ s"))

    press(desk, desk.get_by_role("link", name="Anthropic"))
    pane = pane_of(desk)
    why = pane.get_by_role("region", name="Breaker open since")
    for said in (
        "5 of 5 consecutive failures, the last: overloaded (HTTP 529)",
        "overloaded",
        "“Overloaded”",
        "Nothing is wrong with the key.",
    ):
        expect(why).to_contain_text(said)
    expect(why).to_contain_text(
        re.compile(r"Next probe in \d+ s, at \d\d:\d\d:\d\d.*wait 1 min, doubles each time")
    )

    # The order says who carries, and who is skipped.
    carried = pane.get_by_role("region", name="Fallback order, text").get_by_role("listitem")
    expect(carried.nth(0)).to_contain_text(re.compile(r"1\s*OpenAI.*\d+ %"))
    expect(carried.filter(has_text="Anthropic")).to_contain_text("skipped: breaker open")
    expect(wall.get_by_role("list", name="Order in text").get_by_role("img", name="Down")).to_be_visible()

    # Isolated at the desk, seen on the wall, with who and why.
    press(desk, why.get_by_role("button", name="Isolate…"))
    confirm(desk, "Isolate Anthropic?", "their status page says so", "Isolate Anthropic")
    expect(row_of(wall, "Anthropic")).to_contain_text("Isolated")
    expect(row_of(wall, "Anthropic")).to_contain_text("by admin@example.com")
    isolated = pane.get_by_role("region", name="Breaker isolated since")
    expect(isolated).to_contain_text("By admin@example.com: Their status page says so.")
    expect(isolated).to_contain_text("until a person resets it")
    expect(isolated.get_by_role("button", name="Isolate…")).to_be_hidden()

    # Reset lets exactly one through.
    fakes.anthropic.clear()
    fakes.anthropic.latency = 1.5
    calls = fakes.anthropic.calls
    press(desk, isolated.get_by_role("button", name="Reset…"))
    confirm(desk, "Reset the breaker of Anthropic, text?", "they say it is over", "Reset breaker")
    answers = plant.ask_many(8, **EVERY_CALL)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert fakes.anthropic.calls == calls + 1
    for window in (desk, wall):
        expect(row_of(window, "Anthropic")).to_contain_text("Closed")
    expect(isolated).to_be_hidden()

    # In the morning anyone can see what happened, who did it and why.
    tab_to(desk, pane.get_by_role("tab", name="Health"))
    for _ in range(3):
        desk.keyboard.press("ArrowRight")
    expect(pane.get_by_role("tab", name="Events")).to_be_focused()
    told = pane.get_by_role("tabpanel", name="Events").get_by_role("listitem")
    for place, words in enumerate(
        (
            r"Breaker closed.*by Purser.*the probe was answered",
            r"Probe sent.*by Purser",
            r"Breaker reset.*by admin@example.com.*they say it is over",
            r"Isolated.*by admin@example.com.*their status page says so",
            r"Breaker opened.*by Purser.*5 of 5 consecutive failures.*“Overloaded”",
        )
    ):
        expect(told.nth(place)).to_contain_text(re.compile(words, re.DOTALL))
    audited = plant.run(
        "select action, actor_label, reason from audit where action like 'breaker.%%' order by id"
    )
    assert audited == [
        ("breaker.isolated", "admin@example.com", "their status page says so"),
        ("breaker.reset", "admin@example.com", "they say it is over"),
    ]


def test_a_probe_asked_for_goes_out_with_the_next_request(
    plant: Plant, fakes: FakeVendors, new_context: NewContext
) -> None:
    page = plant.page(new_context)
    open_breaker(plant, "anthropic")
    page.get_by_role("link", name="Anthropic").click()
    why = pane_of(page).get_by_role("region", name="Breaker open since")
    expect(why).to_contain_text(re.compile(r"Next probe in \dm \d\ds"))

    press(page, why.get_by_role("button", name="Probe now"))

    expect(why).to_contain_text("Next probe with the next request")
    expect(row_of(page, "Anthropic")).to_contain_text("probe with the next request")
    assert plant.ask(**EVERY_CALL).json()["provider"] == "anthropic"
    expect(why).to_be_hidden()


def test_an_exhausted_key_is_set_aside_said_and_put_back(
    plant: Plant, fakes: FakeVendors, new_context: NewContext
) -> None:
    page = plant.page(new_context, f"/providers?sel={plant.id_of('openai')}&tab=keys")
    fakes.openai.fail("quota", times=1)

    plant.ask(provider="openai")

    expect(row_of(page, "OpenAI")).to_contain_text("Down")
    why = pane_of(page).get_by_role("region", name="Breaker open since")
    expect(why).to_contain_text("No usable key left: quota (HTTP 429).")
    expect(why).to_contain_text("The account behind the key has nothing left.")
    key = pane_of(page).get_by_role("region", name="····1234")
    expect(key).to_contain_text("Set aside")
    expect(key).to_contain_text("quota: “You exceeded your current quota")
    expect(key).to_contain_text(re.compile(r"Tried again\s*in \d+ s, at \d\d:\d\d:\d\d"))

    press(page, key.get_by_role("button", name="Put back ····1234"))
    confirm(page, "Put ····1234 back into use?", "paid the bill", "Put key back")

    expect(key).to_contain_text("Serving")
    assert plant.ask(provider="openai").json()["provider"] == "openai"
    expect(why).to_be_hidden()


def test_a_drill_touches_test_traffic_only_says_so_in_every_window_and_ends_by_itself(
    plant: Plant, fakes: FakeVendors, new_context: NewContext
) -> None:
    chosen = f"/providers?sel={plant.id_of('anthropic')}"
    desk, wall = plant.page(new_context, chosen), plant.page(new_context, chosen)
    tab_to(desk, desk.get_by_role("button", name="More about Anthropic"))
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("menuitem", name="Edit…")).to_be_focused()
    desk.keyboard.press("ArrowDown")
    expect(desk.get_by_role("menuitem", name="Simulate outage…")).to_be_focused()
    desk.keyboard.press("Enter")
    dialog = desk.get_by_role("dialog", name="Simulate an outage of Anthropic")
    expect(dialog).to_contain_text(re.compile(r"Test traffic only, ends by itself at \d\d:\d\d"))
    tab_to(desk, dialog.get_by_label("Reason"))
    desk.keyboard.type("friday's rehearsal")
    press(desk, dialog.get_by_role("button", name="Start the drill"))

    for window in (desk, wall):
        banner = pane_of(window).get_by_role("region", name="Simulated outage, test traffic only")
        expect(banner).to_contain_text("Calls end with overloaded. friday's rehearsal")
        expect(banner).to_contain_text(re.compile(r"Ends by itself in (20m 00|19m \d\d)s"))
    assert plant.ask(**EVERY_CALL).json()["provider"] == "anthropic"
    expect(row_of(wall, "Anthropic")).to_contain_text("0/5 failures")

    plant.change("update drills set ends_at = now() + interval '3 seconds'")

    for window in (desk, wall):
        expect(pane_of(window).get_by_role("region", name="Simulated outage")).to_be_hidden()


def test_a_drill_is_stopped_before_its_time(plant: Plant, new_context: NewContext) -> None:
    plant_drill(plant, "anthropic")
    page = plant.page(new_context, f"/providers?sel={plant.id_of('anthropic')}")
    banner = pane_of(page).get_by_role("region", name="Simulated outage")

    press(page, banner.get_by_role("button", name="Stop the drill"))

    expect(banner).to_be_hidden()
    assert plant.run("select count(*) from drills") == [(0,)]


def test_switching_off_shows_first_what_changes_and_who_carries(
    plant: Plant, new_context: NewContext
) -> None:
    page = plant.page(new_context, f"/providers?sel={plant.id_of('openai')}")
    choose(page, "More about OpenAI", "Switch off…")
    dialog = page.get_by_role("dialog", name="Switch off OpenAI?")
    expect(dialog).to_contain_text(re.compile(r"switched on.*switched off", re.DOTALL))
    expect(dialog).to_contain_text(re.compile(r"OpenAI offers \d+ models"))
    expect(dialog).to_contain_text("Text is carried by Google Gemini, then Anthropic.")

    press(page, dialog.get_by_role("button", name="Switch off OpenAI"))
    expect(dialog.get_by_role("alert")).to_contain_text("This needs a reason")
    dialog.get_by_label("Reason").fill("moving house")
    press(page, dialog.get_by_role("button", name="Switch off OpenAI"))

    expect(dialog).to_be_hidden()
    expect(row_of(page, "OpenAI")).to_contain_text("Disabled")
    expect(order_of(page)).to_have_text(["Google Gemini", "Anthropic"])
    choose(page, "More about OpenAI", "Switch on…")
    page.get_by_role("dialog").get_by_label("Reason").fill("there again")
    page.get_by_role("button", name="Switch on OpenAI").click()
    expect(row_of(page, "OpenAI")).not_to_contain_text("Disabled")


def confirm(page: Page, title: str, reason: str, verb: str) -> None:
    """Says why, and presses the verb, by the keyboard alone."""
    dialog = page.get_by_role("dialog", name=title)
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type(reason)
    press(page, dialog.get_by_role("button", name=verb))
    expect(dialog).to_be_hidden()


def open_breaker(plant: Plant, slug: str, minutes: int = 5) -> None:
    """As five failures leave it."""
    plant.change(
        "insert into breakers (provider_id, modality, state, openings, error_class, reason, vendor_message, opened_at,"
        " open_until) select id, 'text', 'open', 1, 'overloaded', '5 of 5 consecutive failures, the last: overloaded',"
        " 'Overloaded', now(), now() + make_interval(mins => %s) from providers where slug = %s",
        minutes,
        slug,
    )


def plant_drill(plant: Plant, slug: str) -> None:
    """One that somebody else has started."""
    plant.change(
        "insert into drills (provider_id, error_class, reason, ends_at)"
        " select id, 'timeout', 'a rehearsal', now() + interval '10 minutes' from providers where slug = %s",
        slug,
    )


def choose(page: Page, menu: str, item: str) -> None:
    page.get_by_role("button", name=menu).click()
    page.get_by_role("menuitem", name=item).click()
