"""The page Plans in a real browser: the matrix by mouse and by keyboard, the review, two people at once, eyes and widths."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from core.ids import new_id
from tests.browser.conftest import ready, serious, settled, sign_in
from tests.browser.looking import keyboard_stops, sideways, small_targets
from tests.browser.plant import NewContext, Plant, has_focus, tab_to
from tests.server import serving

TABS = ("matrix", "history", "overrides", "undefined", "proposals", "file")


@pytest.fixture(scope="module")
def plant(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Ten users on Premium, of whom one has voice-over by exception, three on Unlimited, and an undefined feature."""
    url = fresh_database()
    with serving(tmp_path_factory.mktemp("plans"), DATABASE_URL=url) as live:
        plant = Plant(live, url)
        for plan, count in (("premium", 10), ("unlimited", 3)):
            for number in range(count):
                plant.run(
                    "insert into users (id, email, role, plan_id) values (%s, %s, 'user', %s)",
                    new_id(), f"{plan}-{number}@northlight.example", plan,
                )  # fmt: skip
        plant.run(
            "insert into overrides (id, user_id, feature_id, allowed, reason) select %s, id, 'voice-over', true, 'promised'"
            " from users where email = 'premium-0@northlight.example'",
            new_id(),
        )
        plant.run("insert into undefined_features (feature_id, checks) values ('topic-research', 41)")
        yield plant
        plant.close()


@pytest.fixture
def desk(plant: Plant, new_context: NewContext) -> Page:
    """A superadmin at the matrix as it was seeded."""
    as_seeded(plant)
    page = plant.page(new_context, "/plans")
    expect(cell(page, "voice-over on Premium")).to_have_accessible_name("voice-over on Premium: not on plan")
    return page


# The whole way, by each hand


def test_a_change_is_marked_counted_reviewed_tried_and_saved_with_its_reason(
    desk: Page, plant: Plant
) -> None:
    cell(desk, "voice-over on Premium").click()
    projects = cell(desk, "Projects of Unlimited")
    projects.click()
    desk.keyboard.type("50")
    desk.keyboard.press("Enter")
    expect(projects).to_have_accessible_name("Projects of Unlimited: 50, was no limit")
    expect(cell(desk, "voice-over on Premium")).to_have_accessible_name(
        "voice-over on Premium: on plan, was not on plan"
    )
    bar = desk.get_by_role("region", name="Not saved yet")
    expect(bar).to_contain_text("2 changes")
    expect(bar).to_contain_text(re.compile(r"1[34] users · 9 gain, [34] lose"))

    bar.get_by_role("button", name="Review changes…").click()

    dialog = desk.get_by_role("dialog", name="Review 2 changes to plans")
    expect(dialog.get_by_role("textbox", name="Reason")).to_be_focused()
    expect(dialog).to_contain_text("9 gain voice-over, 1 has it already by override")
    expect(dialog.get_by_role("link", name="10 on Premium")).to_have_attribute("href", "/users?plan=premium")
    dialog.get_by_role("textbox", name="E-mail or id of a user").fill("premium-4@northlight.example")
    expect(dialog.locator(".pu-tried")).to_contain_text(
        re.compile("Now.*Not allowed.*After.*Allowed", re.DOTALL)
    )
    expect(dialog.get_by_role("list", name="How it is decided after")).to_contain_text("voice-over on plan")
    verb = dialog.get_by_role("button", name="Save 2 changes")
    verb.click()
    expect(dialog.get_by_role("alert")).to_contain_text("reason")
    dialog.get_by_role("textbox", name="Reason").fill("voice-over moves down")
    verb.dblclick()

    expect(dialog).to_have_count(0)
    expect(desk.get_by_role("status").filter(has_text="is saved")).to_be_visible()
    expect(bar).to_be_hidden()
    expect(cell(desk, "voice-over on Premium")).to_have_accessible_name("voice-over on Premium: on plan")
    assert plant.run("select reason, actor_label from plan_versions") == [
        ("voice-over moves down", plant.live.email)
    ]
    ((actor, why, before, after),) = plant.run(
        "select actor_label, reason, before, after from audit where action = 'plans.save'"
    )
    assert (actor, why) == (plant.live.email, "voice-over moves down")
    assert "voice-over" not in str(before)
    assert "voice-over" in str(after)


def test_everything_goes_without_a_mouse_and_a_live_refresh_keeps_the_focus(
    desk: Page, plant: Plant, new_context: NewContext
) -> None:
    tier = tab_to(desk, cell(desk, "Tier of Free"))
    desk.keyboard.press("Tab")
    assert not has_focus(desk.get_by_role("grid"))  # one stop for the whole grid
    desk.keyboard.press("Shift+Tab")
    expect(tier).to_be_focused()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        desk.keyboard.press(key)
    credits = cell(desk, "Credits a month of Trial")
    expect(credits).to_be_focused()
    desk.keyboard.press("Enter")
    desk.keyboard.type("many")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("alert").filter(has_text="A whole number")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(credits).to_be_focused()
    expect(credits).to_have_accessible_name("Credits a month of Trial: 50")
    desk.keyboard.press("7")
    desk.keyboard.type("5")
    desk.keyboard.press("Enter")
    expect(credits).to_have_accessible_name("Credits a month of Trial: 75, was 50")
    expect(credits).to_be_focused()

    desk.keyboard.press("Control+Home")
    desk.keyboard.press("ArrowRight")
    expect(desk.get_by_role("button", name=re.compile("^Trial"))).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("menuitem", name="Edit plan…")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("button", name=re.compile("^Trial"))).to_be_focused()

    desk.keyboard.press("Control+End")
    last = cell(desk, "voice-over on Unlimited")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport(ratio=1)
    desk.keyboard.press("Space")
    expect(last).to_have_accessible_name("voice-over on Unlimited: not on plan, was on plan")
    other = colleague(plant, new_context)
    change_and_save(other, "stock-media on Free", "a colleague's")
    expect(desk.get_by_text("colleague@staff.example saved version 1 · Show")).to_be_visible()
    expect(cell(desk, "stock-media on Free")).to_have_accessible_name("stock-media on Free: not on plan")
    expect(last).to_be_focused()

    review = tab_to(desk, desk.get_by_role("button", name="Review changes…"))
    desk.keyboard.press("Enter")
    dialog = desk.get_by_role("dialog", name="Review 2 changes to plans")
    expect(dialog.get_by_role("textbox", name="Reason")).to_be_focused()
    for _ in range(12):
        desk.keyboard.press("Tab")
        assert desk.evaluate("!document.activeElement.closest('main, header, nav')")
    desk.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(review).to_be_focused()


def test_of_two_who_save_at_once_one_saves_and_the_other_sees_the_difference_again(
    desk: Page, plant: Plant, new_context: NewContext
) -> None:
    cell(desk, "voice-over on Premium").click()
    cell(desk, "video-suite on Free").click()
    desk.get_by_role("button", name="Review changes…").click()
    mine = desk.get_by_role("dialog", name="Review 2 changes to plans")
    mine.get_by_role("textbox", name="Reason").fill("mine")
    other = colleague(plant, new_context)
    change_and_save(other, "voice-over on Premium", "theirs")

    mine.get_by_role("button", name="Save 2 changes").click()

    again = desk.get_by_role("dialog", name="Review 1 change to plans")
    expect(again.get_by_role("alert").first).to_contain_text(
        "colleague@staff.example saved version 1 meanwhile"
    )
    expect(again.get_by_role("list", name="Left out")).to_contain_text("Left out: It is so by now.")
    expect(again.get_by_text("On version 1")).to_be_visible()
    assert plant.run("select reason from plan_versions order by number") == [("theirs",)]
    expect(again.get_by_role("textbox", name="Reason")).to_have_value("mine")
    again.get_by_role("button", name="Save 1 change").click()

    expect(again).to_have_count(0)
    expect(cell(desk, "video-suite on Free")).to_have_accessible_name("video-suite on Free: on plan")
    assert plant.run("select reason from plan_versions order by number") == [("theirs",), ("mine",)]
    expect(other.get_by_text(f"{plant.live.email} saved version 2 · Show")).to_be_visible()
    other.get_by_role("link", name="Show").click()
    expect(other.locator(".pu-versions .is-shown")).to_contain_text("mine")

    other.get_by_role("button", name="Revert version 1…").click()
    revert = other.get_by_role("dialog", name="Revert version 1: 1 change")
    revert.get_by_role("textbox", name="Reason").fill("too early")
    revert.get_by_role("button", name="Revert 1 change").click()
    expect(other.get_by_text("reverted by 3")).to_be_visible()
    expect(cell_after(desk, "voice-over on Premium", "not on plan")).to_be_attached()


def test_support_proposes_and_a_superadmin_accepts(desk: Page, plant: Plant, new_context: NewContext) -> None:
    support = plant.page(new_context, "/plans", role="support")
    expect(support.get_by_text("You can propose changes; a superadmin saves them.")).to_be_visible()
    cell(support, "video-editor on Free").click()
    support.get_by_role("button", name="Review and propose…").click()
    support.get_by_role("textbox", name="Reason").fill("many tickets")
    support.get_by_role("button", name="Propose 1 change").click()
    expect(support.get_by_text("Proposed: it waits for a superadmin")).to_be_visible()
    expect(support.get_by_role("region", name="Not saved yet")).to_be_hidden()

    desk.goto("/plans?tab=proposals")
    ready(desk)
    desk.get_by_role("button", name="Review…").click()
    dialog = desk.get_by_role("dialog", name="Proposed by support@staff.example: 1 change")
    expect(dialog).to_contain_text("many tickets")
    dialog.get_by_role("button", name="Accept and save 1 change").click()

    expect(desk.locator("main .pu-chip", has_text="Accepted")).to_be_visible()
    expect(cell_after(support, "video-editor on Free", "on plan")).to_be_attached()


# Addresses, and leaving


def test_the_address_is_the_state_and_leaving_with_changes_asks_first(desk: Page) -> None:
    desk.get_by_role("button", name="Rows all").click()
    desk.get_by_role("option", name="where plans differ").click()
    expect(cell(desk, "Routing strategy of Free")).to_have_count(0)
    desk.get_by_role("tab", name="History").click()
    expect(desk).to_have_url(re.compile(r"/plans\?tab=history&rows=differ$"))
    copied = desk.url
    desk.go_back()
    expect(desk.get_by_role("tab", name="Matrix")).to_have_attribute("aria-selected", "true")
    desk.goto(copied)
    ready(desk)
    expect(desk.get_by_text("Nothing was changed yet")).to_be_visible()
    desk.get_by_role("tab", name="Matrix").click()
    expect(cell(desk, "Routing strategy of Free")).to_have_count(0)

    cell(desk, "video-suite on Free").click()
    expect(desk.get_by_role("region", name="Not saved yet")).to_be_visible()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    desk.once("dialog", stay)
    desk.get_by_role("link", name="Providers").click()
    expect(cell(desk, "video-suite on Free")).to_have_accessible_name(re.compile("was not on plan"))
    assert asked == ["beforeunload"]
    desk.get_by_role("button", name="Discard").click()
    expect(desk.get_by_role("button", name="Undo")).to_be_visible()
    desk.get_by_role("link", name="Providers").click()
    expect(desk).to_have_url(re.compile("/providers$"))
    assert asked == ["beforeunload"]


# For everybody's eyes and hands


def test_axe_finds_nothing_serious_in_any_tab_or_dialog(plant: Plant, new_context: NewContext) -> None:
    as_seeded(plant)
    page = plant.page(new_context, "/plans")
    change_and_save(page, "voice-over on Premium", "something to see")
    faults: dict[str, list[str]] = {}
    for tab in TABS:
        page.goto(f"/plans?tab={tab}")
        settled(page)
        faults[tab] = serious(page)
    page.goto("/plans")
    settled(page)
    page.get_by_role("button", name="Add plan").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)
    faults["Add plan"] = serious(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    cell(page, "video-suite on Free").click()
    cell(page, "Modalities of Free").click()
    settled(page)
    faults["editing"] = serious(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Premium")).click()
    expect(page.get_by_role("menuitem", name="Retire")).to_be_visible()
    faults["menu"] = serious(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Review changes…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="E-mail or id of a user").fill("premium-4@northlight.example")
    expect(dialog.locator(".pu-tried")).to_contain_text("Allowed")
    settled(page)
    faults["review"] = serious(page)

    assert {where: found for where, found in faults.items() if found} == {}


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_scrolls_sideways_targets_are_large_and_a_phone_only_reads(
    width: int, plant: Plant, new_context: NewContext
) -> None:
    as_seeded(plant)
    page = plant.page(new_context, "/plans", viewport={"width": width, "height": 844})
    least = 44 if width == 390 else 24
    for tab in TABS:
        page.goto(f"/plans?tab={tab}")
        settled(page)
        assert sideways(page) <= 0, tab
        small = small_targets(page, least)
        assert [one for one in small if "tab=" not in one and not one.startswith(TAB_WORDS)] == [], tab
    page.goto("/plans")
    settled(page)
    head, first = (
        page.get_by_role("columnheader", name="Feature or limit"),
        page.get_by_role("rowheader", name="voice-over"),
    )
    last = cell(page, "voice-over on Unlimited")
    last.scroll_into_view_if_needed()
    expect(head).to_be_in_viewport(ratio=1)
    expect(first).to_be_in_viewport(ratio=1)
    assert sideways(page) <= 0

    last.click()

    bar = page.get_by_role("region", name="Not saved yet")
    if width == 390:
        expect(page.get_by_role("grid")).to_have_attribute("aria-readonly", "true")
        expect(page.get_by_role("button", name="Add plan")).to_be_hidden()
        expect(bar).to_be_hidden()
    else:
        expect(bar).to_be_visible()
        expect(bar.get_by_role("button", name="Review changes…")).to_be_in_viewport(ratio=1)


def test_every_stop_of_the_keyboard_is_seen_and_has_a_name(desk: Page) -> None:
    cell(desk, "video-suite on Free").click()
    expect(desk.get_by_role("region", name="Not saved yet")).to_be_visible()
    settled(desk)
    desk.evaluate("document.querySelector('.pu-skip').focus()")
    stops = keyboard_stops(desk)

    for name in ("Matrix", "Add plan", "video-suite on Free", "Discard", "Review changes…"):
        assert name in " ".join(stops)


TAB_WORDS = ("Matrix", "History", "Overrides", "Undefined", "Proposals", "Export and import")


def cell(page: Page, name: str) -> Locator:
    """The cell of that name, whatever it says."""
    return page.get_by_role("gridcell", name=re.compile(f"^{re.escape(name)}:"))


def cell_after(page: Page, name: str, says: str) -> Locator:
    """The same once it says something; it may stand on a tab that is not shown."""
    return page.get_by_role("gridcell", name=f"{name}: {says}", exact=True, include_hidden=True)


def colleague(plant: Plant, new_context: NewContext) -> Page:
    """Another superadmin at the matrix."""
    plant.run(
        "insert into users (id, email, role, password_hash) select %s, 'colleague@staff.example', 'superadmin', password_hash"
        " from users where email = %s on conflict do nothing",
        new_id(), plant.live.email,
    )  # fmt: skip
    page = new_context(base_url=plant.live.url).new_page()
    sign_in(page, plant.live, "colleague@staff.example")
    page.goto("/plans")
    return ready(page)


def change_and_save(page: Page, name: str, reason: str) -> None:
    """One cell changed, reviewed and saved."""
    cell(page, name).click()
    page.get_by_role("button", name="Review changes…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Reason").fill(reason)
    dialog.get_by_role("button", name="Save 1 change").click()
    expect(dialog).to_have_count(0)


def as_seeded(plant: Plant) -> None:
    """Plans as Purser brings them, without a history."""
    plant.run("delete from plan_proposals")
    plant.run("update plan_versions set reverts = null")
    plant.run("delete from plan_versions")
    plant.run("delete from plan_features where plan_id in ('free', 'premium')")
    plant.run(
        "insert into plan_features (plan_id, feature_id) select 'premium', id from features where id <> 'voice-over'"
        " union all select 'free', id from features where id in ('creative-assistant', 'stock-media')"
    )
    plant.change("update plans set max_projects = null where id = 'unlimited'")
