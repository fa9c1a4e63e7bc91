"""The page Plans: who may what, also by hand-sent events; what a draft is; how others' changes come in."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from nicegui import ui

from core.audit import SYSTEM
from core.entitlements.changes import Change, cell
from core.entitlements.editing import save
from core.entitlements.history import versions
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.proposals import proposals
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.table import DataTable
from dashboard.live import plans_changed
from dashboard.plans.address import Address
from dashboard.plans.draft import Draft, rebase
from dashboard.plans.grid import Grid
from tests.pages.conftest import Visit
from tests.world import World

Enter = Callable[..., Awaitable[Visit]]

VOICE_ON_PREMIUM = ["voice-over", "premium", True]


# What an address and a draft are


def test_what_an_address_cannot_mean_is_ignored() -> None:
    assert Address.of({"tab": "nonsense", "rows": "x", "version": "9", "feature": "a"}) == Address()
    assert Address.of({"tab": "history", "version": "9" * 30}).version is None
    assert Address.of({"tab": "history", "version": "39"}).url == "/plans?tab=history&version=39"
    assert Address.of({"rows": "differ"}).turned("history").turned("matrix").url == "/plans?rows=differ"


async def test_a_draft_forgets_what_is_set_back_and_says_what_it_would_be(world: World) -> None:
    draft = Draft(await matrix(world.purser.database))

    draft.set_cell("premium", "voice-over", True)
    draft.set_plan("unlimited", "max_projects", 50)
    assert [change.plan_id for change in draft.changes] == ["premium", "unlimited"]
    assert "voice-over" in features_of(draft.shown, "premium")
    assert "voice-over" not in features_of(draft.saved, "premium")

    draft.set_cell("premium", "voice-over", False)
    draft.set_plan("unlimited", "max_projects", None)
    assert not draft


async def test_a_new_plan_takes_its_cells_with_it_and_a_new_feature_its_own(world: World) -> None:
    draft = Draft(await matrix(world.purser.database))
    draft.add_feature("clip-finder", "Clip finder")
    draft.add_plan("team", {"display_name": "Team"})
    draft.set_cell("team", "clip-finder", True)
    draft.set_cell("pro", "clip-finder", True)
    draft.set_cell("pro", "clip-finder", False)
    draft.set_plan("team", "max_projects", 9)

    team = draft.shown.plan("team")
    assert team is not None
    assert (team.max_projects, team.features) == (9, {"clip-finder"})
    assert len(draft.changes) == 2

    draft.leave_out("feature", "clip-finder")
    draft.leave_out("plan", "team")
    assert not draft


async def test_a_change_set_on_a_newer_version_says_what_still_applies(world: World) -> None:
    old = await matrix(world.purser.database)
    draft = Draft(old)
    draft.set_cell("premium", "voice-over", True)
    draft.set_plan("unlimited", "max_projects", 50)
    await saved(world, draft.changes[:1])

    found = rebase(draft.changes, await matrix(world.purser.database))

    assert [change.field for change in found.still] == ["max_projects"]
    assert [(change.feature_id, why) for change, why in found.dropped] == [("voice-over", "It is so by now.")]


# Who may what


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT])
async def test_every_tab_opens_for_those_who_may_see_plans(enter: Enter, role: Role) -> None:
    visit = await enter(role)
    await saved(visit.world, [cell("premium", "voice-over", True)])

    for tab, said in (
        ("matrix", "voice-over on Premium: on plan"),
        ("history", "for the test"),
        ("overrides", "No overrides"),
        ("undefined", "Everything that is asked for is defined"),
        ("proposals", "Nothing waits"),
        ("file", "Review the differences…"),
    ):
        await visit.user.open(f"/plans?tab={tab}")
        await sees(visit, said)
        await visit.user.should_not_see("Something in Purser went wrong")


async def test_others_are_told_which_roles_see_plans_and_who_grants_them(enter: Enter) -> None:
    visit = await enter(Role.TESTER)

    await visit.user.open("/plans")

    await sees(visit, "Plans is open to superadmin and support.")
    await sees(visit, "a superadmin can change it")
    await visit.user.should_not_see("voice-over")
    answer = await visit.user.http_client.get("/plans.toml")
    assert answer.status_code == 403
    assert "voice-over" not in answer.text


async def test_support_proposes_and_cannot_save_nor_revert_by_sending_the_event_by_hand(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await saved(visit.world, [cell("pro", "voice-over", False)])
    await visit.user.open("/plans?tab=history")
    await sees(visit, "You can propose changes")
    await visit.user.should_not_see("Revert…")

    change(visit, VOICE_ON_PREMIUM)
    press(visit, "Review and propose…")
    await sees(visit, "Propose 1 change")
    await visit.user.should_not_see("Save 1 change")
    reason(visit, "many ask for it")
    press(visit, "Propose 1 change")
    await sees(visit, "Proposed: it waits for a superadmin")

    (waiting,) = await proposals(visit.world.purser.database)
    assert [one.feature_id for one in waiting.changes] == ["voice-over"]
    assert (await matrix(visit.world.purser.database)).version == 1


async def test_a_superadmin_no_more_is_refused_though_the_review_is_open(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/plans")
    change(visit, VOICE_ON_PREMIUM)
    press(visit, "Review changes…")
    await sees(visit, "Save 1 change")
    reason(visit, "as agreed")
    await visit.world.purser.database.execute(
        "update users set role = 'support' where email = 'superadmin@example.com'"
    )

    press(visit, "Save 1 change")

    await sees(visit, "This is for superadmin; you are signed in as support.")
    assert (await matrix(visit.world.purser.database)).version == 0


async def test_without_a_reason_nothing_is_saved(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/plans")
    change(visit, VOICE_ON_PREMIUM)
    press(visit, "Review changes…")
    await sees(visit, "Save 1 change")

    press(visit, "Save 1 change")

    await sees(visit, "eason")
    assert (await matrix(visit.world.purser.database)).version == 0


async def test_nonsense_in_an_event_changes_nothing(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/plans")

    for nonsense in (
        None, [], 7, ["voice-over"], ["voice-over", "premium", "on"], ["voice-over", "nobody", True],
        ["nothing", "premium", True], ["=max_projects", "premium", -1], ["=max_projects", "premium", True],
        ["=tier", "premium", "royal"], ["=modalities", "premium", ["smell"]], [[], {}, 1],
    ):  # fmt: skip
        change(visit, nonsense)
        visit.user.find(kind=Grid).trigger("act", nonsense)
    visit.user.find(kind=Grid).trigger(
        "act", ["plan", "free", "retire"]
    )  # new users' plans offer no such thing
    change(visit, ["=modalities", "premium", []])
    await sees(visit, "Modalities: at least one of")

    await visit.user.should_not_see("Something in Purser went wrong")
    await visit.user.should_not_see("1 change")


# What others do meanwhile


async def test_another_persons_save_shows_and_ones_own_changes_go_on_over_it(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/plans")
    change(visit, VOICE_ON_PREMIUM)
    change(visit, ["=max_projects", "unlimited", 50])
    await sees(visit, "2 changes")

    await saved(visit.world, [cell("premium", "voice-over", True)])
    plans_changed.emit()

    await sees(visit, "Purser saved version 1")
    await sees(visit, "1 change of yours changes nothing any more.")
    await sees(visit, "Projects of Unlimited: 50, was no limit")


async def test_what_cannot_be_read_is_said_and_the_page_stays(enter: Enter) -> None:
    visit = await enter()
    await visit.world.purser.database.execute("alter table plan_proposals rename to elsewhere")

    await visit.user.open("/plans?tab=proposals")

    await sees(visit, "Something in Purser went wrong.")
    await sees(visit, "Request ")
    await visit.world.purser.database.execute("alter table elsewhere rename to plan_proposals")
    press(visit, "Retry")
    await sees(visit, "Nothing waits")


async def test_an_undefined_feature_is_defined_or_dismissed(enter: Enter) -> None:
    visit = await enter()
    purser = visit.world.purser
    purser.undefined_features.record("topic-research", 41)
    purser.undefined_features.record("voiceover")
    await purser.undefined_features.flush()
    await visit.user.open("/plans?tab=undefined")
    for said in ("topic-research", "41 times", "topic-researcher", "once"):
        await sees(visit, said)

    table = visit.user.find(kind=DataTable)
    table.trigger("act", ["voiceover", "dismiss"])
    await sees(visit, "voiceover is dismissed")
    table.trigger("act", ["topic-research", "define"])
    await sees(visit, "What products ask for, for good.")
    press(visit, "Add feature", last=True)

    await sees(visit, "topic-research on Premium: not on plan")
    await sees(visit, "1 change")


async def test_a_file_becomes_changes_to_review_and_a_wrong_one_says_where(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/plans?tab=file")
    text = (await visit.user.http_client.get("/plans.toml")).text
    field = next(iter(visit.user.find(kind=ui.textarea).elements))

    field.value = text.replace("max_projects = 10", "max_projects = many")
    press(visit, "Review the differences…")
    await sees(visit, "This file cannot be taken in: it is no TOML")
    field.value = text.replace("max_projects = 10", "max_projects = 12")
    press(visit, "Review the differences…")

    await sees(visit, "Review 1 change to plans")
    reason(visit, "from version control")
    press(visit, "Save 1 change")
    await sees(visit, "Version 1 is saved")
    (version,) = await versions(visit.world.purser.database)
    assert [(one.plan_id, one.field, one.after) for one in version.changes] == [
        ("premium", "max_projects", 12)
    ]


async def sees(visit: Visit, words: str) -> None:
    """What is written shows after the write, however busy the machine is."""
    await visit.user.should_see(words)


def change(visit: Visit, said: object) -> None:
    visit.user.find(kind=Grid).trigger("set", said)


def press(visit: Visit, label: str, *, last: bool = False) -> None:
    found = visit.user.find(kind=Button, content=label)
    if last:
        found.elements = {max(found.elements, key=lambda one: one.id)}
    found.click()


def reason(visit: Visit, words: str) -> None:
    """Fills in the reason: the last field of several lines."""
    fields = visit.user.find(kind=ui.textarea).elements
    max(fields, key=lambda one: one.id).value = words


def features_of(found: Matrix, plan_id: str) -> frozenset[str]:
    plan = found.plan(plan_id)
    assert plan is not None
    return plan.features


async def saved(world: World, changes: list[Change]) -> None:
    """Somebody saves it behind the page's back."""
    async with world.purser.database.transaction() as session:
        await save(session, changes, base=None, actor=SYSTEM, reason="for the test")
    await world.purser.changes.refresh()
    await asyncio.sleep(0)
