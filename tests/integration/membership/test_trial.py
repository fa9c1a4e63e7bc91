"""Extending trials: by days, by generations, from now where they had ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.audit import Actor
from core.database import Database
from core.entitlements.rules import Reason, standing
from core.ids import new_id
from core.membership.plan import trial_used
from core.membership.trial import extend_trial
from core.vocabulary import Role
from tests.factories import make_plan, somebody_waits
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


def extending(user_id: Any, **fields: Any) -> Any:
    given: dict[str, Any] = {"actor": SUPPORT, "reason": "asked for a week more", "now": NOW, **fields}
    return lambda session: extend_trial(session, user_id, **given)


async def test_days_are_added_to_those_that_are_left(database: Database) -> None:
    user = await join(database, now=NOW - timedelta(days=4))
    longer = await do(database, extending(user.id, days=7))

    assert longer.trial_ends_at == NOW + timedelta(days=17)
    assert longer.trial_uses == 2
    ((who, reason, before, after),) = await audited(database, "user.trial")
    assert (who, reason) == ("support@example.com", "asked for a week more")
    assert before["trial_ends_at"] < after["trial_ends_at"]
    assert "granted" not in after


async def test_a_trial_that_has_ended_goes_on_from_now_with_the_month_that_runs(database: Database) -> None:
    user = await join(database, now=NOW - timedelta(days=90))
    await database.execute("update users set next_grant_at = null, period_granted = 0")
    trial = await plan_of(database, "trial")
    assert user.trial_ends_at is not None
    assert user.trial_ends_at < NOW
    before = await balance(database, user.id)

    longer = await do(database, extending(user.id, days=7))

    assert longer.trial_ends_at == NOW + timedelta(days=7)
    assert standing(longer, trial, NOW) is Reason.OK
    assert await balance(database, user.id) == before + 50


@pytest.mark.parametrize(("used", "then"), [(0, 5), (2, 5), (4, 7)])
async def test_generations_are_added_to_those_that_are_left_or_to_none(
    database: Database, used: int, then: int
) -> None:
    user = await join(database)
    await use_trial(database, user, used)

    assert (await do(database, extending(user.id, uses=3))).trial_uses == then


async def test_two_at_once_add_up(database: Database) -> None:
    user = await join(database, now=NOW)
    async with database.transaction() as session:
        await extend_trial(session, user.id, days=1, uses=1, actor=SUPPORT, reason="x", now=NOW)
        other = asyncio.create_task(do(database, extending(user.id, days=2, uses=2)))
        await somebody_waits(database)
    await other

    row = await stored(database, user.id)
    assert datetime.fromisoformat(row["trial_ends_at"]) == NOW + timedelta(days=17)
    assert row["trial_uses"] == 5
    async with database.transaction() as session:
        assert await trial_used(session, user.id) == 0


@pytest.mark.parametrize(
    "fields", [{}, {"days": -1}, {"uses": -1}, {"days": 367}, {"uses": 10_001}, {"days": -1, "uses": 2}]
)
async def test_nothing_and_too_much_are_refused(database: Database, fields: dict[str, int]) -> None:
    user = await join(database)
    assert await refused(database, extending(user.id, **fields)) == "invalid_request"


async def test_who_is_on_no_trial_has_none_to_extend(database: Database) -> None:
    user = await join(database, "creator")
    assert await refused(database, extending(user.id, days=7)) == "not_on_trial"
    await database.execute("update users set plan_id = null")
    assert await refused(database, extending(user.id, days=7)) == "not_on_trial"


async def test_a_trial_without_end_or_count_is_given_none(database: Database) -> None:
    await make_plan(database, "by-days", trial_days=3)
    await make_plan(database, "by-uses", trial_uses=3)
    days, uses = await join(database, "by-days"), await join(database, "by-uses")

    assert await refused(database, extending(days.id, uses=1)) == "invalid_request"
    assert await refused(database, extending(uses.id, days=1)) == "invalid_request"


async def test_it_needs_a_reason_and_somebody_who_may(database: Database) -> None:
    user = await join(database)
    staff = await join(database, role=Role.SUPERADMIN, email="root@example.com")

    assert await refused(database, extending(user.id, days=1, reason="")) == "reason_required"
    assert await refused(database, extending(staff.id, days=1)) == "not_allowed"
    tester = Actor("user", "t@example.com", Role.TESTER, new_id())
    assert await refused(database, extending(user.id, days=1, actor=tester)) == "not_allowed"
    assert await audited(database, "user.trial") == []
