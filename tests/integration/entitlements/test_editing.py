"""Saving change sets: whole or not at all, by one at a time, told to everybody, and never undone by a start."""

import asyncio
from typing import Any

import pytest

from core.accounts.models import User
from core.audit import SYSTEM, Actor
from core.database import Database
from core.entitlements.changes import (
    Change,
    applied,
    cell,
    feature_property,
    inverse,
    new_feature,
    new_plan,
    plan_property,
    plan_values,
)
from core.entitlements.checking import check_changes
from core.entitlements.editing import save
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.rules import PlanView
from core.entitlements.seed import seed
from core.errors import Conflict, InvalidRequest, NotAllowed
from core.vocabulary import Role
from tests.factories import make_user, somebody_waits
from tests.integration.entitlements.conftest import Save


def plan_of(plans: Matrix, plan_id: str) -> PlanView:
    found = plans.plan(plan_id)
    assert found
    return found


async def seeding(database: Database) -> bool:
    async with database.transaction() as session:
        return bool(await seed(session))


async def config_version(database: Database) -> int:
    row = await database.fetch_one("select version from versions where topic = 'config'")
    assert row
    return row[0]


def everything(plans: Matrix) -> list[Change]:
    """A change of each kind."""
    pro, feature = plan_of(plans, "pro"), plans.feature("stock-media")
    assert feature
    values: dict[str, Any] = {
        "display_name": "Professional", "tier": "paid", "rank": 55, "daily_generations": None,
        "monthly_credits": 3_500, "monthly_ceiling": None, "daily_credits": 20, "trial_days": 30, "trial_uses": 9,
        "max_projects": 30, "modalities": ("audio", "text"), "watermark": True, "routing_strategy": "cost",
        "retired": True,
    }  # fmt: skip
    return [
        *(plan_property(pro, name, value) for name, value in values.items()),
        cell("premium", "voice-over", True),
        cell("unlimited", "voice-over", False),
        feature_property(feature, "display_name", "Stock"),
        feature_property(feature, "description", "Pictures."),
        feature_property(feature, "retired", True),
        new_feature("subtitles", "Subtitles", "Texts under videos."),
        new_plan("team", display_name="Team", features=["voice-over", "subtitles"], max_projects=99),
        cell("team", "video-suite", True),
    ]


async def test_every_kind_of_change_is_stored_as_it_was_reviewed(
    database: Database, plans: Matrix, saving: Save
) -> None:
    changes = everything(plans)
    assert await saving(*changes, base=0) == 1
    stored = await matrix(database)
    assert stored.entitlements.plans == applied(plans.entitlements, changes).plans
    assert stored.entitlements.all_features == applied(plans.entitlements, changes).all_features
    assert (stored.version, stored.saved_by) == (1, "mira@example.com")


async def test_the_inverse_saved_brings_everything_back(
    database: Database, plans: Matrix, saving: Save
) -> None:
    changes = check_changes(
        plans, everything(plans)
    )  # as a version keeps them, with all that is set of a new plan
    await saving(*changes)
    await saving(*inverse(changes))
    stored = await matrix(database)
    assert (stored.plans, stored.features, stored.version) == (plans.plans, plans.features, 2)


async def test_no_seeding_undoes_what_an_admin_saved(database: Database, plans: Matrix, saving: Save) -> None:
    await saving(*everything(plans))
    changed = await matrix(database)
    assert not await seeding(database)
    assert await matrix(database) == changed
    assert "stock-media" not in changed.entitlements.features


async def test_one_wrong_change_keeps_all_of_them_out(
    database: Database, plans: Matrix, saving: Save
) -> None:
    before = await config_version(database)
    good = cell("premium", "voice-over", True)
    with pytest.raises(InvalidRequest):
        await saving(good, plan_property(plan_of(plans, "pro"), "max_projects", -1))
    assert await matrix(database) == plans
    assert await config_version(database) == before
    assert await database.fetch_one("select from audit where action like 'plans.%%'", {}) is None


async def test_the_audit_has_before_and_after_reason_and_actor(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(
        cell("premium", "voice-over", True),
        plan_property(plan_of(plans, "unlimited"), "max_projects", 50),
        new_feature("login-token", "Tokens"),  # no secret, though it is named like one
        reason="Voice-over moves down",
    )
    row = await database.fetch_one(
        "select action, subject_kind, subject_id, reason, actor_id, before, after from audit order by id desc limit 1"
    )
    assert row is not None
    assert row[:5] == ("plans.save", "plans", "1", "Voice-over moves down", admin.id)
    before, after = row[5:]
    added = set(after["premium (plan)"]["features"]) - set(before["premium (plan)"]["features"])
    assert added == {"voice-over"}
    assert (before["unlimited (plan)"], after["unlimited (plan)"]) == (
        {"max_projects": None},
        {"max_projects": 50},
    )
    assert "login-token (feature)" not in before
    assert after["login-token (feature)"]["display_name"] == "Tokens"


async def test_all_processes_are_told(database: Database, saving: Save) -> None:
    before = await config_version(database)
    await saving(cell("premium", "voice-over", True))
    assert await config_version(database) == before + 1


async def test_of_two_admins_at_once_one_saves_and_the_other_hears_who(
    database: Database, plans: Matrix, admin: Actor
) -> None:
    async def one(value: int, actor: Actor) -> int:
        async with database.transaction() as session:
            change = plan_property(plan_of(plans, "pro"), "max_projects", value)
            return await save(session, [change], base=0, actor=actor, reason="mine")

    other = Actor("user", "jon@example.com", Role.SUPERADMIN, admin.id)
    async with database.transaction() as session:
        change = plan_property(plan_of(plans, "pro"), "max_projects", 40)
        await save(session, [change], base=0, actor=admin, reason="first")
        # The second stands before the lock until the first has committed.
        second = asyncio.create_task(one(50, other))
        await somebody_waits(database)
    with pytest.raises(Conflict, match=r"mira@example\.com saved version 1 meanwhile") as refusal:
        await second
    assert refusal.value.code == "changed_meanwhile"
    assert (refusal.value.details["by"], refusal.value.details["version"]) == ("mira@example.com", 1)
    assert plan_of(await matrix(database), "pro").max_projects == 40


async def test_many_admins_at_once_make_one_version(database: Database, plans: Matrix, admin: Actor) -> None:
    async def one(value: int) -> int:
        async with database.transaction() as session:
            change = plan_property(plan_of(plans, "pro"), "rank", value)
            return await save(session, [change], base=0, actor=admin, reason="mine")

    ended = await asyncio.gather(*(one(value) for value in range(1, 9)), return_exceptions=True)
    assert sum(isinstance(end, int) for end in ended) == 1
    assert {end.code for end in ended if isinstance(end, Conflict)} == {"changed_meanwhile"}
    assert (await matrix(database)).version == 1


async def test_what_a_database_owner_changed_by_hand_is_noticed_though_the_version_is_the_same(
    database: Database, plans: Matrix, saving: Save
) -> None:
    await database.execute("update plans set max_projects = 26 where id = 'pro'")
    with pytest.raises(
        Conflict, match="Pro, Projects was changed meanwhile: it is “26” by now, not “25”"
    ) as found:
        await saving(plan_property(plan_of(plans, "pro"), "max_projects", 50), base=0)
    assert found.value.code == "changed_meanwhile"


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TESTER, Role.USER])
async def test_nobody_but_superadmins_saves(database: Database, plans: Matrix, role: Role) -> None:
    with pytest.raises(NotAllowed):
        async with database.transaction() as session:
            actor = Actor("user", "x@example.com", role)
            await save(session, [cell("premium", "voice-over", True)], base=0, actor=actor, reason="mine")
    assert await matrix(database) == plans


async def test_a_save_needs_a_reason(saving: Save) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await saving(cell("premium", "voice-over", True), reason=" \n ")
    assert refusal.value.code == "reason_required"


async def test_a_plan_that_people_are_on_is_retired_and_never_removed(
    database: Database, plans: Matrix, saving: Save
) -> None:
    added = new_plan("team", display_name="Team")
    await saving(added)
    user = await make_user(database, plan_id="team")
    team = plan_of(await matrix(database), "team")
    removal = Change("plan", "team", None, None, plan_values(team), None)
    with pytest.raises(Conflict, match="There are users on Team") as refusal:
        await saving(removal)
    assert refusal.value.code == "plan_in_use"
    await saving(plan_property(team, "retired", True))
    entitlements = (await matrix(database)).entitlements
    assert entitlements.plans["team"].retired
    row = await database.fetch_one("select plan_id from users where id = %s", (user.id,))
    assert row == ("team",)


async def test_whoever_joins_a_plan_while_it_is_taken_away_keeps_it(
    database: Database, plans: Matrix, saving: Save
) -> None:
    await saving(new_plan("team", display_name="Team"))
    team = plan_of(await matrix(database), "team")
    async with database.transaction() as session:
        session.add(User(email="late@example.com", plan_id="team"))
        await session.flush()
        removing = asyncio.create_task(saving(Change("plan", "team", None, None, plan_values(team), None)))
        await somebody_waits(database)
    with pytest.raises(Conflict) as refusal:
        await removing
    assert refusal.value.code == "plan_in_use"
    assert (await matrix(database)).plan("team")


async def test_nobody_reads_half_of_a_change_set(database: Database, plans: Matrix, admin: Actor) -> None:
    done = asyncio.Event()
    torn: list[Matrix] = []

    async def look() -> None:
        while not done.is_set():
            seen = await matrix(database)
            on = {plan.id for plan in seen.plans if "voice-over" in plan.features}
            retired = plan_of(seen, "premium").retired
            if ("premium" in on) != retired or retired != (seen.version % 2 == 1):
                torn.append(seen)

    async def write() -> None:
        for turn in range(12):
            seen = await matrix(database)
            async with database.transaction() as session:
                await save(
                    session,
                    [
                        cell("premium", "voice-over", turn % 2 == 0),
                        plan_property(plan_of(seen, "premium"), "retired", turn % 2 == 0),
                    ],
                    base=turn,
                    actor=SYSTEM,
                    reason="turn",
                )
        done.set()

    await asyncio.gather(look(), look(), write())
    assert not torn
