"""Changing plans: what changes with it, what is granted, once, and who may."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.accounts import Identities
from core.audit import Actor
from core.database import Database
from core.entitlements.rules import Reason, standing
from core.ids import new_id
from core.membership.plan import change_plan
from core.vocabulary import Role
from tests.factories import actor_of, make_user, somebody_waits
from tests.integration.membership.people import (
    SUPPORT,
    audited,
    balance,
    do,
    join,
    plan_of,
    refused,
    stored,
    use_trial,
)

NOW = datetime.now(UTC)

pytestmark = pytest.mark.usefixtures("plans")


def changing(user_id: Any, plan: str, **fields: Any) -> Any:
    given: dict[str, Any] = {"actor": SUPPORT, "reason": "paid by invoice", **fields}
    return lambda session: change_plan(session, user_id, plan, **given)


async def test_who_leaves_the_trial_has_none_and_gets_what_the_plan_brings_more(database: Database) -> None:
    user = await join(database, "trial")
    assert await balance(database, user.id) == 50
    changed = await do(database, changing(user.id, "creator"))

    assert (changed.plan_id, changed.trial_ends_at, changed.trial_uses) == ("creator", None, None)
    row = await stored(database, user.id)
    assert (row["plan_id"], row["trial_ends_at"], row["trial_uses"]) == ("creator", None, None)
    assert await balance(database, user.id) == 1_500
    ((who, reason, before, after),) = await audited(database, "user.plan")
    assert (who, reason) == ("support@example.com", "paid by invoice")
    assert (before["plan"], before["trial_uses"]) == ("trial", 2)
    assert after == {
        "plan": "creator",
        "expires_at": None,
        "trial_ends_at": None,
        "trial_uses": None,
        "granted": 1_450,
    }


async def test_two_at_once_grant_once(database: Database) -> None:
    user = await join(database, "trial")
    async with database.transaction() as session:
        await change_plan(session, user.id, "creator", actor=SUPPORT, reason="first")
        second = asyncio.create_task(do(database, changing(user.id, "creator", reason="second")))
        third = asyncio.create_task(do(database, changing(user.id, "premium", reason="third")))
        await somebody_waits(database)
    await second
    await third

    assert await balance(database, user.id) in (2_000, 1_500)
    assert (await stored(database, user.id))["plan_id"] in ("premium", "creator")
    entries = await database.fetch_all("select amount from credit_entries order by amount")
    assert entries == [(50,), (500,), (1_450,)]


async def test_to_and_fro_grants_no_month_twice_and_takes_nothing_back(database: Database) -> None:
    user = await join(database, "free")
    for plan in ("creator", "free", "creator", "premium", "creator", "premium"):
        await do(database, changing(user.id, plan))

    assert await balance(database, user.id) == 2_000


async def test_who_is_put_on_a_trial_begins_it_now_whatever_they_used_before(database: Database) -> None:
    user = await join(database, "trial", now=NOW - timedelta(days=40))
    await use_trial(database, user, 2)
    await do(database, changing(user.id, "creator"))

    back = await do(database, changing(user.id, "trial", now=NOW))

    assert back.trial_ends_at == NOW + timedelta(days=14)
    assert back.trial_uses == 4  # of which two are used
    assert standing(back, await plan_of(database, "trial"), NOW) is Reason.OK


async def test_a_plan_ends_when_it_is_said_to_and_can_be_made_to_go_on(database: Database) -> None:
    user = await join(database, "free")
    ends = NOW + timedelta(days=30)
    await do(database, changing(user.id, "creator", expires_at=ends))
    identities = Identities(database)

    async def standing_at(moment: datetime) -> Reason:
        await identities.forget()
        person = await identities.resolve_user(user.email)
        assert person is not None
        return standing(person, await plan_of(database, "creator"), moment)

    assert await standing_at(ends - timedelta(seconds=1)) is Reason.OK
    assert await standing_at(ends) is Reason.PLAN_EXPIRED

    await do(database, changing(user.id, "creator", expires_at=ends + timedelta(days=30)))
    assert await standing_at(ends) is Reason.OK
    await do(database, changing(user.id, "creator"))
    assert await standing_at(ends + timedelta(days=900)) is Reason.OK


async def test_a_plan_that_goes_on_after_its_end_brings_its_month_again(database: Database) -> None:
    user = await join(database, "creator", now=NOW - timedelta(days=70))
    # As the schedule of grants leaves those whose plan has ended: they sleep.
    await database.execute(
        "update users set plan_expires_at = now() - interval '20 days', next_grant_at = null, period_granted = 0"
    )
    before = await balance(database, user.id)

    await do(database, changing(user.id, "creator", expires_at=NOW + timedelta(days=365)))

    assert await balance(database, user.id) == before + 1_500
    assert (await stored(database, user.id))["next_grant_at"] is not None


async def test_nothing_to_change_is_no_change(database: Database) -> None:
    user = await join(database, "creator")
    ends = NOW + timedelta(days=5)
    for _ in range(2):
        await do(database, changing(user.id, "creator", expires_at=ends))

    assert len(await audited(database, "user.plan")) == 1


async def test_it_is_told_to_all_processes(database: Database) -> None:
    user = await join(database, "trial")
    version = "select version from versions where topic = 'people'"
    before = await database.fetch_one(version)
    await do(database, changing(user.id, "pro"))
    assert await database.fetch_one(version) != before


@pytest.mark.parametrize(
    ("plan", "fields", "code"),
    [
        ("gold", {}, "unknown_plan"),
        ("a\0b", {}, "unknown_plan"),
        ("retired", {}, "unknown_plan"),
        ("pro", {"reason": " "}, "reason_required"),
        ("pro", {"expires_at": NOW - timedelta(seconds=1)}, "end_in_past"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    database: Database, plan: str, fields: dict[str, Any], code: str
) -> None:
    user = await join(database, "trial")
    await database.execute(
        "insert into plans (id, display_name, tier, retired_at) values ('retired', 'Old', 'paid', now())"
    )

    assert await refused(database, changing(user.id, plan, **fields)) == code
    assert (await stored(database, user.id))["plan_id"] == "trial"
    assert await refused(database, changing(new_id(), "pro")) == "user_not_found"


async def test_a_plan_that_was_retired_meanwhile_may_still_be_given_an_end(database: Database) -> None:
    user = await join(database, "premium")
    await database.execute("update plans set retired_at = now() where id = 'premium'")

    changed = await do(database, changing(user.id, "premium", expires_at=NOW + timedelta(days=9)))

    assert changed.plan_id == "premium"
    assert changed.plan_expires_at == NOW + timedelta(days=9)


@pytest.mark.parametrize(
    ("role", "kind", "of", "may"),
    [
        (Role.SUPERADMIN, "user", Role.SUPERADMIN, True),
        (Role.SUPERADMIN, "key", Role.USER, True),
        (Role.SUPERADMIN, "key", Role.SUPERADMIN, False),
        (Role.SUPERADMIN, "key", Role.TESTER, True),
        (Role.SUPPORT, "user", Role.USER, True),
        (Role.SUPPORT, "user", Role.TESTER, False),
        (Role.SUPPORT, "user", Role.SUPPORT, False),
        (Role.SUPPORT, "user", Role.SUPERADMIN, False),
        (Role.TESTER, "user", Role.USER, False),
        (Role.USER, "key", Role.USER, False),
    ],
)
async def test_support_and_superadmins_may_but_support_not_on_staff(
    database: Database, role: Role, kind: str, of: Role, may: bool
) -> None:
    target = await join(database, "pro", role=of)
    staff = await make_user(database, role=role)
    actor = actor_of(staff) if kind == "user" else Actor("key", "a key", role, staff.id)
    deed = changing(target.id, "creator", actor=actor)
    if may:
        assert (await do(database, deed)).plan_id == "creator"
    else:
        assert await refused(database, deed) == "not_allowed"
