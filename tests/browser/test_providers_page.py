"""What the page Providers owes everybody: order, keys, roles, addresses, focus, sizes, both themes, three widths."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page, Response, expect

from core.ids import new_id
from tests.browser.conftest import ready, settled
from tests.browser.plant import (
    NewContext,
    Plant,
    has_focus,
    order_of,
    pane_of,
    planted,
    press,
    row_of,
    tab_to,
)
from tests.fakes import FakeVendors

ORDER = ["OpenAI", "Google Gemini", "Anthropic"]
SECRET, ROTATED = "sk-proj-brand-new-key-AAAA7777", "sk-proj-rotated-key-BBBB8888"
TABS = ("health", "breaker", "keys", "events")
FIGURES = 10_000
"""Milliseconds within which pages show sums over the database."""
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def plant(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, vendors: FakeVendors
) -> Iterator[Plant]:
    with planted(tmp_path_factory.mktemp("providers"), fresh_database(), vendors) as plant:
        yield plant


@pytest.fixture
def desk(plant: Plant, fakes: FakeVendors, new_context: NewContext) -> Page:
    """A superadmin at the page, with the order as it was configured."""
    plant.run("delete from providers where slug not in ('openai', 'gemini', 'anthropic', 'sandbox')")
    for rank, slug in enumerate(("openai", "gemini", "anthropic"), 1):
        plant.run(
            "update providers set ranks = jsonb_build_object('text', %s::int) where slug = %s", rank, slug
        )
    plant.change("delete from breakers")
    page = plant.page(new_context)
    expect(page.get_by_role("list", name="Order in text").get_by_role("listitem")).to_have_count(3)
    return page


# The fallback order


def test_the_order_is_changed_by_the_keyboard_kept_by_the_focus_and_taken_back(
    desk: Page, plant: Plant, fakes: FakeVendors
) -> None:
    press(desk, desk.get_by_role("button", name="Move Anthropic up in text"))
    expect_order(desk, ["OpenAI", "Anthropic", "Google Gemini"])
    expect(desk.get_by_role("button", name="Move Anthropic up in text")).to_be_focused()
    expect(desk.get_by_role("status").filter(has_text="Anthropic is now number 2 in text")).to_be_visible()

    # Quicker than the server answers; at the top the way up is gone, and the focus takes the one that is left.
    desk.keyboard.press("Enter")
    desk.keyboard.press("Enter")
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])
    expect(desk.get_by_role("button", name="Move Anthropic down in text")).to_be_focused()
    assert plant.ask().json()["provider"] == "anthropic"

    desk.get_by_role("button", name="Undo").last.click()
    expect_order(desk, ["OpenAI", "Anthropic", "Google Gemini"])


def test_the_order_is_changed_by_dragging_and_escape_lets_go(
    desk: Page, plant: Plant, new_context: NewContext
) -> None:
    wall = plant.page(new_context)
    drag(desk, "Anthropic", onto="OpenAI")
    for window in (desk, wall):
        expect_order(window, ["Anthropic", "OpenAI", "Google Gemini"])

    begin_drag(desk, "Google Gemini", onto="Anthropic")
    desk.keyboard.press("Escape")
    desk.mouse.up()
    expect(desk.locator(".is-dragged")).to_have_count(0)
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])

    desk.get_by_role("button", name="Undo").click()
    for window in (desk, wall):
        expect_order(window, ORDER)


def test_an_undo_does_not_undo_what_somebody_else_has_done_since(
    desk: Page, plant: Plant, new_context: NewContext
) -> None:
    other = plant.page(new_context)
    press(desk, desk.get_by_role("button", name="Move Anthropic up in text"))
    expect_order(other, ["OpenAI", "Anthropic", "Google Gemini"])
    press(other, other.get_by_role("button", name="Move OpenAI down in text"))
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])

    desk.get_by_role("button", name="Undo").click()

    expect(desk.get_by_text("has been changed since; it stays")).to_be_visible()
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])


def test_an_order_that_was_changed_meanwhile_is_shown_anew(desk: Page, plant: Plant) -> None:
    # Behind the page's back, and without a word to it: what the page sends no longer fits.
    plant.run("update providers set ranks = ranks - 'text' where slug = 'gemini'")

    press(desk, desk.get_by_role("button", name="Move Anthropic up in text"))

    expect(desk.get_by_role("alert").filter(has_text="changed by somebody else meanwhile")).to_be_visible()
    plant.run("update versions set version = version + 1")
    expect_order(desk, ["OpenAI", "Anthropic"])


def test_a_modality_that_nobody_serves_says_so(desk: Page, plant: Plant) -> None:
    expect(desk.get_by_text("Nobody serves video yet.")).to_be_visible()

    plant.change("update providers set ranks = ranks || '{\"video\": 1}' where slug = 'gemini'")

    expect(desk.get_by_text("Nobody serves video yet.")).to_be_hidden()
    expect_order(desk, ["Google Gemini"], "video")


# Keys


def test_a_key_that_was_added_and_rotated_is_never_again_in_page_or_traffic(
    plant: Plant, new_context: NewContext
) -> None:
    page = plant.page(new_context)
    page.goto("about:blank")
    received: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))
    page.on("response", lambda response: received.append(text_of(response)))
    page.goto(f"{plant.live.url}/providers?sel={plant.id_of('openai')}&tab=keys")
    ready(page)

    press(page, page.get_by_role("button", name="Add key…"))
    dialog = page.get_by_role("dialog", name="Add a key to OpenAI")
    expect(dialog.get_by_label("API key")).to_be_focused()
    page.keyboard.type(SECRET)
    press(page, dialog.get_by_role("button", name="Add key"))
    added = pane_of(page).get_by_role("region", name="····7777")
    expect(added).to_contain_text("50% of the calls")
    press(page, added.get_by_role("button", name="Rotate ····7777"))
    dialog = page.get_by_role("dialog", name="Rotate ····7777")
    expect(dialog.get_by_label("API key")).to_be_focused()
    page.keyboard.type(ROTATED)
    tab_to(page, dialog.get_by_label("Reason"))
    page.keyboard.type("it leaked")
    press(page, dialog.get_by_role("button", name="Rotate key"))
    expect(pane_of(page).get_by_role("region", name="····8888")).to_contain_text("Serving")
    expect(added).to_contain_text(re.compile(r"Expires\s*\d{4}-\d\d-\d\d \d\d:\d\d"))
    page.reload()
    ready(page)
    expect(pane_of(page).get_by_role("region", name="····8888")).to_be_visible()

    everything = "".join(received) + page.content() + plant.live.said()
    assert "····8888" in everything
    assert SECRET not in everything
    assert ROTATED not in everything

    # Gone for good only once its four characters are typed.
    for name in ("7777", "8888"):
        page.get_by_role("button", name=f"More about ····{name}").click()
        page.get_by_role("menuitem", name="Remove…").click()
        dialog = page.get_by_role("dialog", name=f"Remove ····{name}?")
        verb = dialog.get_by_role("button", name="Remove key")
        expect(verb).to_be_disabled()
        dialog.get_by_label(f"Type {name} to confirm").fill(name)
        dialog.get_by_label("Reason").fill("the test is over")
        verb.click()
        expect(pane_of(page).get_by_role("region", name=f"····{name}")).to_have_count(0)


def test_a_key_under_another_encryption_key_says_so(plant: Plant, desk: Page) -> None:
    gemini = plant.id_of("gemini")
    kept = plant.run("select ciphertext from provider_keys where provider_id = %s", gemini)[0][0]
    plant.change("update provider_keys set ciphertext = 'nonsense' where provider_id = %s", gemini)

    desk.goto(f"/providers?sel={gemini}&tab=keys")
    ready(desk)

    expect(row_of(desk, "Google Gemini")).to_contain_text("key cannot be decrypted")
    expect(row_of(desk, "Google Gemini")).to_contain_text("Down")
    expect(pane_of(desk).get_by_role("region", name="····5678")).to_contain_text("ENCRYPTION_KEYS lacks")
    plant.change("update provider_keys set ciphertext = %s where provider_id = %s", kept, gemini)
    expect(row_of(desk, "Google Gemini")).not_to_contain_text("decrypted")


# Editing


def test_an_edit_is_reviewed_before_it_is_saved_and_says_why_it_is_refused(desk: Page, plant: Plant) -> None:
    choose(desk, "Anthropic", "Edit…")
    dialog = desk.get_by_role("dialog", name="Edit Anthropic")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    dialog.get_by_role("button", name="Review changes…").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing is different")
    dialog.get_by_label("Base URL").fill("http://169.254.169.254/latest")
    dialog.get_by_role("button", name="Review changes…").click()
    expect(dialog.get_by_role("alert")).to_contain_text("inside the network")

    dialog.get_by_label("Base URL").fill(
        plant.run("select base_url from providers where slug = 'anthropic'")[0][0]
    )
    dialog.get_by_label("Good at").fill("analysis, poetry")
    dialog.get_by_label("Requests a minute").fill("7")
    dialog.get_by_role("switch", name="Limits").click()
    dialog.get_by_role("button", name="Review changes…").click()
    for said in (
        r"Good at.*analysis, ethics, safety.*analysis, poetry",
        r"Requests a minute.*20.*7",
        r"Limits.*off.*on",
    ):
        expect(dialog).to_contain_text(re.compile(said, re.DOTALL))
    expect(dialog).to_contain_text("Text is carried by OpenAI, then Google Gemini.")
    dialog.get_by_label("Reason").fill("a new contract")
    dialog.get_by_role("button", name="Save changes").click()

    expect(dialog).to_be_hidden()
    stored = plant.run(
        "select specialisations, limits_enabled, limits from providers where slug = 'anthropic'"
    )
    assert stored[0][:2] == (["analysis", "poetry"], True)
    assert stored[0][2]["requests_per_minute"] == 7
    desk.get_by_role("tab", name="Events").click()
    expect(pane_of(desk)).to_contain_text(
        re.compile("Edited by admin@example.com.*a new contract", re.DOTALL)
    )


def test_an_edit_that_somebody_else_was_quicker_with_is_not_saved(desk: Page, plant: Plant) -> None:
    choose(desk, "Anthropic", "Edit…")
    dialog = desk.get_by_role("dialog", name="Edit Anthropic")
    dialog.get_by_label("Good at").fill("everything")
    dialog.get_by_role("button", name="Review changes…").click()
    plant.run("update providers set specialisations = '{ballads}' where slug = 'anthropic'")
    dialog.get_by_label("Reason").fill("why not")

    dialog.get_by_role("button", name="Save changes").click()

    expect(dialog.get_by_role("alert")).to_contain_text("changed by somebody else meanwhile")


def test_probes_are_switched_off_and_on_again_at_once(desk: Page, plant: Plant) -> None:
    desk.get_by_role("link", name="Anthropic").click()
    switch = pane_of(desk).get_by_role("switch", name="Cost-free probes every minute")
    expect(switch).to_be_checked()

    tab_to(desk, switch)
    desk.keyboard.press("Space")

    expect(desk.get_by_text("Cost-free probes are off")).to_be_visible()
    assert plant.run("select probing from providers where slug = 'anthropic'") == [(False,)]
    desk.get_by_role("button", name="Undo").click()
    expect(switch).to_be_checked()
    expect(desk.get_by_text("Cost-free probes are on")).to_be_visible()


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
    plant.change(
        "insert into breakers (provider_id, modality, state, openings, reason, opened_at, open_until)"
        " select id, 'text', 'open', 1, 'as if', now(), now() + interval '5 minutes' from providers where slug = 'anthropic'"
        " on conflict (provider_id, modality) do update set state = 'open', open_until = excluded.open_until"
    )
    page = plant.page(new_context, f"/providers?sel={plant.id_of('anthropic')}")
    left = row_of(page, "Anthropic").locator("time")
    expect(left).to_have_text(re.compile(r"probe in 4m 5\ds"))
    before = left.inner_text()
    page.evaluate("window.socket.disconnect()")

    expect(left).not_to_have_text(before)
    expect(left).to_have_text(re.compile(r"probe in 4m [45]\ds"))


# For everybody's eyes and hands


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


def test_axe_finds_nothing_serious_in_any_tab_or_dialog(
    theme: str, plant: Plant, new_context: NewContext
) -> None:
    trouble(plant)
    page = plant.page(new_context, color_scheme=theme)
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
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert page.evaluate(CLIPPED) == [], path
        small = page.evaluate(SMALL, least)
        assert small == [], path


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

    expect(uptime).to_be_visible(timeout=FIGURES)
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
    stops: list[str] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["name"] in (None, "Skip to the content") and stops:
            break
        stops.append(stop["name"])
        assert stop["name"], stop
        assert stop["ring"], stop
        assert stop["seen"], stop

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


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in SERIOUS]


def expect_order(page: Page, names: list[str], modality: str = "text") -> None:
    listed = page.get_by_role("list", name=f"Order in {modality}", exact=True)
    expect(listed.locator(".pu-sortable-name > span")).to_have_text(names)
    assert order_of(page, modality) == names


def begin_drag(page: Page, name: str, *, onto: str) -> None:
    listed = page.get_by_role("list", name="Order in text", exact=True).get_by_role("listitem")
    source, target = listed.filter(has_text=name).locator(".pu-handle"), listed.filter(has_text=onto)
    start, end = source.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 10, start["y"] + start["height"] / 2)
    page.mouse.down()
    upwards = end["y"] < start["y"]
    page.mouse.move(start["x"] + 10, end["y"] + (4 if upwards else end["height"] - 4), steps=4)
    expect(page.locator(".is-dragged")).to_have_count(1)


def drag(page: Page, name: str, *, onto: str) -> None:
    begin_drag(page, name, onto=onto)
    page.mouse.up()


def choose(page: Page, provider: str, item: str, *, chosen: bool = False) -> None:
    """An action of a provider's menu."""
    if not chosen:
        page.get_by_role("link", name=provider).click()
    page.get_by_role("button", name=f"More about {provider}").click()
    page.get_by_role("menuitem", name=item).click()


def text_of(response: Response) -> str:
    try:
        return response.text()
    except (Error, UnicodeDecodeError):
        return ""  # a redirect or a font has no text


STOP = """() => {
    const here = document.activeElement;
    if (here === document.body) return { name: null };
    const shown = here.closest("tr:has(.pu-rowlink)") ?? here.closest(".q-toggle") ?? here;
    const box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
    const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {
        name: here.getAttribute("aria-label") || here.innerText || here.title,
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        seen: box.top >= 0 && box.bottom <= innerHeight && (shown.contains(middle) || middle?.contains(shown)),
    };
}"""
"""What has the focus: its name, whether a ring is around it, and whether it is in sight with nothing over it."""

SMALL = """least => [...document.querySelectorAll("main button, main a, aside button, aside a, aside [role=switch]")]
    .filter(e => e.offsetParent)
    .map(e => [e.getAttribute("aria-label") || e.innerText, e.closest("tr[data-link]") ?? e])
    .map(([name, e]) => [name, e.getBoundingClientRect()])
    .filter(([, box]) => box.height < least - 0.5 || box.width < Math.min(least, 24) - 0.5)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
"""Whatever can be pressed and is lower than `least`; a row is pressed as a whole."""

CLIPPED = """[...document.querySelectorAll("aside *")].filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1
    && getComputedStyle(e).overflowX === "visible" && getComputedStyle(e).display === "block"
    && e.getBoundingClientRect().right > document.querySelector("aside").getBoundingClientRect().right + 1)
    .map(e => e.className + ": " + e.innerText)"""
"""What sticks out of the pane."""
