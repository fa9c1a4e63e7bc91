"""Several changes of one user at once: all of them, or none."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.accounts.models import UserStatus
from core.database import Database
from core.membership.editing import UserChange, change_user
from tests.integration.membership.people import SUPPORT, audited, do, join, refused, stored

NOW = datetime.now(UTC)

pytestmark = pytest.mark.usefixtures("plans")


def change(user_id: Any, **fields: Any) -> Any:
    return lambda session: change_user(session, user_id, UserChange(**fields), actor=SUPPORT)


async def test_all_that_is_given_changes(database: Database) -> None:
    user = await join(database)
    changed = await do(
        database,
        change(
            user.id,
            name="Mara",
            language="de",
            time_zone="Europe/Berlin",
            trial_days=3,
            status=UserStatus.SUSPENDED,
            reason="chargeback",
        ),
    )

    assert (changed.name, changed.language, changed.time_zone) == ("Mara", "de", "Europe/Berlin")
    assert (changed.status, changed.status_reason) == (UserStatus.SUSPENDED, "chargeback")
    row = await stored(database, user.id)
    assert row["name"] == "Mara"
    assert row["status"] == "suspended"
    back = await do(database, change(user.id, status=UserStatus.ACTIVE, reason="paid"))
    assert back.status is UserStatus.ACTIVE


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"plan": "gold", "reason": "x"}, "unknown_plan"),
        ({"plan": "pro"}, "reason_required"),
        ({"status": UserStatus.SUSPENDED}, "reason_required"),
        ({"time_zone": "Mars/Base"}, "invalid_request"),
        ({"plan": "pro", "trial_days": 3, "reason": "x"}, "not_on_trial"),
        ({"ends": True, "plan_expires_at": NOW - timedelta(days=1), "reason": "x"}, "end_in_past"),
    ],
)
async def test_one_refusal_leaves_everything_as_it_was(
    database: Database, fields: dict[str, Any], code: str
) -> None:
    user = await join(database)
    before = await stored(database, user.id)

    assert await refused(database, change(user.id, name="Mara", **fields)) == code
    assert await stored(database, user.id) == before
    assert await audited(database, "user.profile") == []


async def test_the_end_of_a_plan_is_kept_unless_another_is_said(database: Database) -> None:
    user = await join(database, "creator")
    ends = NOW + timedelta(days=30)

    async def after(**fields: Any) -> datetime | None:
        return (await do(database, change(user.id, reason="x", **fields))).plan_expires_at

    assert await after(ends=True, plan_expires_at=ends) == ends
    assert await after(plan="creator") == ends
    assert await after(plan="creator", name="Somebody") == ends
    assert await after(plan="pro") is None
    assert await after(plan="creator", ends=True, plan_expires_at=ends) == ends
    assert await after(ends=True) is None


async def test_what_is_so_already_needs_no_reason(database: Database) -> None:
    user = await join(database, "creator")
    await do(database, change(user.id, plan="creator", status=UserStatus.ACTIVE))
    assert await audited(database, "user.plan") == []
    assert await refused(database, change(user.id)) == "invalid_request"
    assert await refused(database, change(user.id, reason="why?")) == "invalid_request"


async def test_a_user_without_a_plan_has_none_that_could_end(database: Database) -> None:
    user = await join(database)
    await database.execute("update users set plan_id = null")
    assert await refused(database, change(user.id, ends=True, reason="x")) == "invalid_request"


async def test_suspending_and_changing_plans_at_once_never_wait_in_a_circle(database: Database) -> None:
    user = await join(database)
    for turn in range(5):
        status = UserStatus.SUSPENDED if turn % 2 == 0 else UserStatus.ACTIVE
        plan = "creator" if turn % 2 else "pro"
        await asyncio.gather(
            do(database, change(user.id, status=status, reason="x")),
            do(database, change(user.id, plan=plan, reason="x")),
            do(database, change(user.id, plan=plan, status=status, reason="x")),
        )
