"""What the page Providers owes everybody: roles, addresses, focus, time, sizes, both themes, three widths."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from core.ids import new_id
from tests.browser.conftest import ready, serious, settled
from tests.browser.looking import keyboard_stops, sideways, small_targets
from tests.browser.plant import (
    NewContext,
    Plant,
    choose,
    fresh_desk,
    has_focus,
    pane_of,
    planted,
    press,
    row_of,
    tab_to,
)
from tests.fakes import FakeVendors

TABS = ("health", "breaker", "keys", "events")


@pytest.fixture(scope="module")
def plant(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, vendors: FakeVendors
) -> Iterator[Plant]:
    with planted(tmp_path_factory.mktemp("providers"), fresh_database(), vendors) as plant:
        yield plant


@pytest.fixture
def desk(plant: Plant, fakes: FakeVendors, new_context: NewContext) -> Page:
    return fresh_desk(plant, new_context)


# Roles


@pytest.mark.parametrize("role", ["support", "tester"])
def test_others_see_how_it_is_but_no_keys_no_prices_and_no_buttons(
    role: str, plant: Plant, new_context: NewContext
) -> None:
    plant.change(
        "insert into breakers (provider_id, modality, state, openings, error_class, reason, opened_at, open_until)"
        " select id, 'text', 'open', 1, 'timeout', '5 of 5', now(), now() + interval '5 minutes' from providers"
        " where slug = 'gemini' on conflict do nothing"
    )
    page = plant.page(new_context, f"/providers?sel={plant.id_of('gemini')}&tab=keys", role=role)

    expect(row_of(page, "Google Gemini")).to_contain_text("Down")
    expect(pane_of(page).get_by_role("region", name="Breaker open since")).to_be_visible()
    expect(pane_of(page).get_by_role("tab")).to_have_text(["Health", "Breaker"])
    pane_of(page).get_by_role("tab", name="Breaker").click()
    told = page.locator("main").inner_text() + pane_of(page).inner_text()
    assert "····" not in told
    assert "$" not in told
    assert "Spend" not in told
    assert "@" not in told
    acts = page.locator("main, aside").get_by_role("button").all_inner_texts()
    assert [act for act in acts if act.strip() not in ("close", "")] == []


# Addresses


def test_a_copied_address_restores_provider_and_tab_and_back_goes_back(desk: Page, plant: Plant) -> None:
    desk.get_by_role("link", name="Google Gemini").click()
    desk.get_by_role("link", name="Anthropic").click()
    expect(pane_of(desk).get_by_role("heading", level=2)).to_have_text("Anthropic")
    desk.get_by_role("tab", name="Events").click()
    expect(desk).to_have_url(re.compile(f"sel={plant.id_of('anthropic')}&tab=events"))
    copied = desk.url

    desk.go_back()
    expect(pane_of(desk).get_by_role("heading", level=2)).to_have_text("Google Gemini")
    desk.go_back()
    expect(pane_of(desk)).to_be_hidden()
    desk.goto(copied)
    ready(desk)
    expect(pane_of(desk).get_by_role("heading", level=2)).to_have_text("Anthropic")
    expect(pane_of(desk).get_by_role("tab", name="Events")).to_have_attribute("aria-selected", "true")
    expect(desk.locator("tr.is-chosen")).to_contain_text("Anthropic")


@pytest.mark.parametrize(
    "query", ["?sel=nonsense&tab=nonsense", "?sel=00000000-0000-0000-0000-000000000000", "?tab=%00"]
)
def test_an_address_that_means_nothing_does_no_harm(desk: Page, query: str) -> None:
    desk.goto(f"/providers{query}")
    ready(desk)

    expect(row_of(desk, "OpenAI")).to_be_visible()
    expect(pane_of(desk)).to_be_hidden()


# Focus and time


def test_the_focus_survives_a_live_refresh_and_escape_gives_it_back_to_the_row(
    desk: Page, plant: Plant
) -> None:
    press(desk, desk.get_by_role("link", name="Anthropic"))
    button = tab_to(desk, pane_of(desk).get_by_role("button", name="Test connection"))

    plant.change(
        "insert into breakers (provider_id, modality, state, openings, reason, opened_at, open_until)"
        " select id, 'text', 'open', 1, 'as if', now(), now() + interval '5 minutes' from providers where slug = 'anthropic'"
    )
    why = pane_of(desk).get_by_role("region", name="Breaker open since")
    expect(why).to_be_visible()
    expect(button).to_be_focused()
    probe = tab_to(desk, why.get_by_role("button", name="Isolate…"))
    plant.change("update breakers set reason = 'as if it were worse'")
    expect(why).to_contain_text("As if it were worse.")
    expect(probe).to_be_focused()

    desk.keyboard.press("Escape")
    expect(pane_of(desk)).to_be_hidden()
    assert has_focus(desk.get_by_role("link", name="Anthropic"))


def test_countdowns_go_on_in_the_browser_without_a_word_from_the_server(
    plant: Plant, new_context: NewContext
) -> None:
    opened(plant)
    page = plant.page(new_context, f"/providers?sel={plant.id_of('anthropic')}")
    left = row_of(page, "Anthropic").locator("time")
    expect(left).to_have_text(re.compile(r"probe in 4m 5\ds"))
    before = left.inner_text()
    page.evaluate("window.socket.disconnect()")

    expect(left).not_to_have_text(before)
    expect(left).to_have_text(re.compile(r"probe in 4m [45]\ds"))


def test_a_browser_whose_clock_goes_wrong_counts_by_the_servers(
    plant: Plant, new_context: NewContext
) -> None:
    opened(plant)
    page = plant.page(new_context, "/password", own=True)
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=3))
    page.goto(f"/providers?sel={plant.id_of('anthropic')}")
    ready(page)
    left = row_of(page, "Anthropic").locator("time")
    before = left.inner_text()

    page.clock.run_for(3_000)

    expect(left).not_to_have_text(before)
    expect(left).to_have_text(re.compile(r"probe in 4m [45]\ds"))


def test_each_modality_in_trouble_has_a_block_of_its_own_and_is_asked_for(desk: Page, plant: Plant) -> None:
    plant.run("update providers set ranks = '{\"text\": 2, \"image\": 1}' where slug = 'gemini'")
    plant.change(
        "insert into breakers (provider_id, modality, state, openings, reason, opened_at, open_until)"
        " select id, modality, 'open', 1, 'as if', now(), now() + interval '5 minutes'"
        " from providers, unnest('{text,image}'::varchar[]) modality where slug = 'gemini'"
    )
    desk.get_by_role("link", name="Google Gemini").click()
    pane = pane_of(desk)
    expect(pane.get_by_role("region", name="Breaker of text open since")).to_be_visible()
    image = pane.get_by_role("region", name="Breaker of image open since")
    expect(pane.get_by_role("region", name="By modality, 1 h").get_by_role("row")).to_have_count(3)

    image.get_by_role("button", name="Isolate…").click()
    dialog = desk.get_by_role("dialog", name="Isolate Google Gemini?")
    expect(dialog.get_by_role("combobox", name="Modality")).to_have_value("Image")
    dialog.get_by_label("Reason").fill("its pictures are wrong")
    dialog.get_by_role("button", name="Isolate Google Gemini").click()

    expect(pane.get_by_role("region", name="Breaker of image isolated since")).to_be_visible()
    expect(pane.get_by_role("region", name="Breaker of text open since")).to_be_visible()
    expect(row_of(desk, "Google Gemini")).to_contain_text("Isolated, image")
    expect(desk.get_by_role("list", name="Order in image").get_by_role("img", name="Down")).to_be_visible()


def test_the_story_is_told_page_by_page(plant: Plant, new_context: NewContext) -> None:
    plant.run("delete from provider_events")
    for number in range(30):
        plant.run(
            "insert into provider_events (id, provider_id, kind, reason) select %s, id, 'edited', %s from providers"
            " where slug = 'gemini'",
            new_id(),
            f"the {number}. change",
        )
    page = plant.page(new_context, f"/providers?sel={plant.id_of('gemini')}&tab=events")
    # Written behind Purser's back: another window may have counted them a moment before.
    plant.change("update providers set specialisations = '{general}' where slug = 'gemini'")
    told = pane_of(page).get_by_role("tabpanel", name="Events").get_by_role("listitem")
    expect(told).to_have_count(25)
    expect(told.first).to_contain_text("the 29. change")
    expect(pane_of(page).get_by_role("tab", name="Events")).to_contain_text("30")

    press(page, page.get_by_role("button", name="Older"))

    expect(told).to_have_count(30)
    expect(told.last).to_contain_text("the 0. change")
    expect(page.get_by_role("button", name="Older")).to_be_hidden()
    # What comes meanwhile stands on top, and nothing is lost between the pages.
    plant.change(
        "insert into provider_events (id, provider_id, kind, reason) select %s, id, 'edited', 'one more' from providers"
        " where slug = 'gemini'",
        new_id(),
    )
    plant.change("update providers set specialisations = '{general, news}' where slug = 'gemini'")
    expect(told.first).to_contain_text("one more")
    expect(told).to_have_count(31)


# For everybody's eyes and hands


def test_axe_finds_nothing_serious_in_any_tab_or_dialog(plant: Plant, new_context: NewContext) -> None:
    trouble(plant)
    page = plant.page(new_context)
    expect(row_of(page, "Anthropic")).to_contain_text("Open")
    faults: dict[str, list[str]] = {"list": serious(page)}
    for tab in TABS:
        page.goto(f"/providers?sel={plant.id_of('anthropic')}&tab={tab}")
        settled(page)
        faults[tab] = serious(page)
    for name in ("Edit…", "Simulate outage…", "Isolate…", "Switch off…"):
        choose(page, "Anthropic", name, chosen=True)
        expect(page.get_by_role("dialog")).to_be_visible()
        settled(page)
        faults[name] = serious(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

    assert {where: found for where, found in faults.items() if found} == {}


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_scrolls_sideways_and_targets_are_large_enough(
    width: int, plant: Plant, new_context: NewContext
) -> None:
    trouble(plant)
    page = plant.page(new_context, viewport={"width": width, "height": 844})
    expect(row_of(page, "Anthropic")).to_contain_text("Open")
    least = 44 if width == 390 else 24
    for path in ("/providers", *(f"/providers?sel={plant.id_of('anthropic')}&tab={tab}" for tab in TABS)):
        page.goto(path)
        settled(page)
        assert sideways(page) <= 0, path
        assert page.evaluate(CLIPPED) == [], path
        assert small_targets(page, least) == [], path


def test_a_dialog_is_named_keeps_the_focus_and_gives_it_back(desk: Page) -> None:
    press(desk, desk.get_by_role("link", name="Anthropic"))
    menu = tab_to(desk, desk.get_by_role("button", name="More about Anthropic"))
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("menuitem", name="Edit…")).to_be_focused()
    desk.keyboard.press("ArrowUp")
    desk.keyboard.press("Enter")
    dialog = desk.get_by_role("dialog", name="Switch off Anthropic?")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    for _ in range(8):
        desk.keyboard.press("Tab")
        assert desk.evaluate("!document.activeElement.closest('main, aside, header, nav')")

    desk.keyboard.press("Escape")

    expect(dialog).to_have_count(0)
    expect(menu).to_be_focused()


def test_charts_have_a_label_and_a_table_and_uptime_is_448_wide(
    plant: Plant, new_context: NewContext
) -> None:
    identifier = new_id()
    plant.change(  # at once: a provider comes with its past, as the demo's do
        "with made as (insert into providers (id, slug, name, kind, base_url, ranks) values (%s, 'old', 'Old',"
        " 'openai_compatible', 'http://127.0.0.1:9/v1', '{\"text\": 9}') returning id)"
        " insert into provider_health (provider_id, modality, at, calls, good, errors, down_seconds)"
        " select id, 'text', date_trunc('hour', now()) - interval '1 day' * day, 10, 9, '{\"overloaded\": 1}',"
        " case when day = 5 then 900 else 0 end from made, generate_series(0, 89) day",
        identifier,
    )
    page = plant.page(new_context, f"/providers?sel={identifier}")
    errors = pane_of(page).get_by_role("region", name="Errors, last 24 h")
    uptime = pane_of(page).get_by_role("region", name="Uptime, 90 days").get_by_role("img")

    expect(uptime).to_be_visible()
    expect(errors.get_by_role("img", name="Errors in percent, by quarter of an hour")).to_be_visible()
    expect(errors.locator("table caption")).to_have_text("Errors in percent, by quarter of an hour")
    expect(errors.locator("table tbody tr")).to_have_count(96)
    expect(errors.locator("table")).to_contain_text("10 %")
    expect(uptime).to_have_attribute(
        "aria-label", re.compile(r"^Uptime of 90 days; less than whole: \d+ \w+ 0 %$")
    )
    expect(uptime.locator("rect")).to_have_count(90)
    box = uptime.bounding_box()
    assert box
    assert box["width"] == 448


def test_every_stop_of_the_keyboard_is_seen_and_has_a_name(plant: Plant, new_context: NewContext) -> None:
    trouble(plant)
    page = plant.page(new_context, f"/providers?sel={plant.id_of('anthropic')}")
    expect(pane_of(page).get_by_role("region", name="Breaker open since")).to_be_visible()
    expect(pane_of(page).get_by_role("region", name="Simulated outage")).to_be_visible()
    settled(page)
    stops = keyboard_stops(page)

    for name in ("Move Anthropic up in text", "Test connection", "Probe now", "Stop the drill", "Health"):
        assert name in " ".join(stops)


def test_a_status_is_an_icon_and_a_word(desk: Page) -> None:
    desk.get_by_role("link", name="Anthropic").click()
    chips = desk.locator(":is(main, aside) .pu-chip:visible")
    expect(chips.first).to_be_visible()

    for chip in chips.all():
        expect(chip.locator(".pu-icon")).to_have_count(1)
        assert re.search(r"[A-Z][a-z]+", chip.inner_text())


def test_motion_is_reduced_where_that_is_asked_for(plant: Plant, new_context: NewContext) -> None:
    page = plant.page(new_context, reduced_motion="reduce")

    moving = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0.01"
        " || parseFloat(getComputedStyle(e).animationDuration) > 0.01).length"
    )
    assert moving == 0


def opened(plant: Plant) -> None:
    """Anthropic's breaker open, with five minutes to go."""
    plant.change(
        "insert into breakers (provider_id, modality, state, openings, reason, opened_at, open_until)"
        " select id, 'text', 'open', 1, 'as if', now(), now() + interval '5 minutes' from providers where slug = 'anthropic'"
        " on conflict (provider_id, modality) do update set state = 'open', open_until = excluded.open_until"
    )


def trouble(plant: Plant) -> None:
    """Anthropic open, with a drill, and something in its story."""
    plant.run(
        "insert into breakers (provider_id, modality, state, openings, error_class, reason, vendor_message, opened_at, open_until)"
        " select id, 'text', 'open', 2, 'overloaded', '5 of 5 consecutive failures, the last: overloaded', 'Overloaded', now(),"
        " now() + interval '9 minutes' from providers where slug = 'anthropic' on conflict (provider_id, modality) do nothing"
    )
    plant.change(
        "insert into drills (provider_id, error_class, reason, ends_at) select id, 'timeout', 'a rehearsal',"
        " now() + interval '10 minutes' from providers where slug = 'anthropic' on conflict do nothing"
    )


CLIPPED = """[...document.querySelectorAll("aside *")].filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1
    && getComputedStyle(e).overflowX === "visible" && getComputedStyle(e).display === "block"
    && e.getBoundingClientRect().right > document.querySelector("aside").getBoundingClientRect().right + 1)
    .map(e => e.className + ": " + e.innerText)"""
"""What sticks out of the pane."""
