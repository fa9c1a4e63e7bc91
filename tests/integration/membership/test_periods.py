"""What a plan brings each month: once, for the month that runs, and more where the plan changes."""

import asyncio
import importlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.accounts.models import User
from core.audit import SYSTEM
from core.credits.expiry import expire_due
from core.credits.totals import Booked, totals
from core.database import Database, run
from core.entitlements.models import Plan
from core.jobs import expire_credits, fold_credits, forget_ended, grant_months
from core.membership import periods
from core.membership.periods import begin_period, grant_due, months_after, period_at, top_up
from core.membership.plan import lock_member
from core.signup import sign_up
from core.vocabulary import Traffic
from tests.factories import make_plan, make_user, seed_plans
from tests.integration.credits.books import disagreements
from tests.waiting import until

BEGUN = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
MONTH = [
    datetime(2027, 2, 28, 9, 30, tzinfo=UTC),
    datetime(2027, 3, 31, 9, 30, tzinfo=UTC),
    datetime(2027, 4, 30, 9, 30, tzinfo=UTC),
]

WAITING = (
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
)


async def join(
    database: Database, plan: str = "creator", *, now: datetime = BEGUN, email: str = "ann@example.com"
) -> User:
    async with database.transaction() as session:
        return await sign_up(session, email=email, actor=SYSTEM, plan_id=plan, now=now)


async def moved(database: Database, user: User) -> list[tuple[str, int]]:
    """Type and amount of a user's entries, in order."""
    rows = await database.fetch_all(
        "select e.type, e.amount from credit_entries e join credit_accounts a on a.id = e.account_id"
        " where a.user_id = %s and a.traffic = 'live' order by e.seq",
        (user.id,),
    )
    return [(type, amount) for type, amount in rows]


async def period(database: Database, user: User) -> tuple[Any, ...] | None:
    return await database.fetch_one(
        "select next_grant_at, period_granted from users where id = %s", (user.id,)
    )


async def change(database: Database, user_id: UUID, plan_id: str, now: datetime) -> int:
    """A change of plan, as far as credits go."""
    async with database.transaction() as session:
        user, plan = await lock_member(session, user_id), await session.get(Plan, plan_id)
        assert plan
        user.plan_id = plan_id
        return await top_up(session, user, plan, actor=SYSTEM, now=now)


@pytest.fixture
async def plans(database: Database) -> Database:
    """Creator brings 1,000 a month, pro 3,000, bare nothing, trial 50 for fourteen days."""
    await make_plan(database, "creator")
    await make_plan(database, "pro", monthly_credits=3_000)
    await make_plan(database, "bare", monthly_credits=0)
    await make_plan(database, "trial", monthly_credits=50, trial_days=14, trial_uses=2)
    return database


@pytest.mark.parametrize(
    ("anchor", "now", "begins", "ends"),
    [
        ((2027, 1, 31), (2027, 1, 31), (2027, 1, 31), (2027, 2, 28)),
        ((2027, 1, 31), (2027, 2, 27), (2027, 1, 31), (2027, 2, 28)),
        ((2027, 1, 31), (2027, 2, 28), (2027, 2, 28), (2027, 3, 31)),
        ((2027, 1, 31), (2028, 2, 29), (2028, 2, 29), (2028, 3, 31)),
        ((2026, 12, 15), (2027, 1, 14), (2026, 12, 15), (2027, 1, 15)),
    ],
)
def test_months_are_counted_from_the_first_day(
    anchor: tuple[int, int, int],
    now: tuple[int, int, int],
    begins: tuple[int, int, int],
    ends: tuple[int, int, int],
) -> None:
    found = period_at(datetime(*anchor, tzinfo=UTC), datetime(*now, tzinfo=UTC))

    assert found == (datetime(*begins, tzinfo=UTC), datetime(*ends, tzinfo=UTC))


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)),
    st.timedeltas(timedelta(0), timedelta(days=4_000)),
)
def test_some_month_always_runs_and_they_follow_on_one_another(anchor: datetime, later: timedelta) -> None:
    anchor = anchor.replace(tzinfo=UTC)
    begins, ends = period_at(anchor, anchor + later)

    assert begins <= anchor + later < ends
    assert period_at(anchor, ends)[0] == ends
    assert timedelta(days=28) <= ends - begins <= timedelta(days=31)


def test_a_month_later_is_the_same_day_where_there_is_one() -> None:
    assert months_after(datetime(2026, 11, 21, tzinfo=UTC), 1) == datetime(2026, 12, 21, tzinfo=UTC)
    assert months_after(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 2) == datetime(
        2027, 2, 28, 23, 59, tzinfo=UTC
    )
    assert months_after(datetime(2028, 1, 30, tzinfo=UTC), 1) == datetime(2028, 2, 29, tzinfo=UTC)


async def test_each_month_is_granted_once_and_ends_with_the_month(plans: Database) -> None:
    user = await join(plans)
    granted: list[int] = []
    for moment in (MONTH[0] - timedelta(seconds=1), MONTH[0], MONTH[0], MONTH[1]):
        await expire_due(plans, moment)
        granted.append(await grant_due(plans, moment))

    assert granted == [0, 1, 0, 1]
    assert await moved(plans, user) == [("grant", 1_000), ("expiry", -1_000)] * 2 + [("grant", 1_000)]
    assert await period(plans, user) == (MONTH[2], 1_000)
    (told,) = await plans.fetch_all(
        "select distinct reason from credit_entries where type = 'grant' and seq > 1"
    )
    assert told == ("Monthly credits of plan Creator",)


async def test_after_a_long_absence_only_the_month_that_runs_is_granted(plans: Database) -> None:
    user = await join(plans)

    assert await grant_due(plans, MONTH[2] + timedelta(days=3)) == 1

    assert await moved(plans, user) == [("grant", 1_000)] * 2
    assert await period(plans, user) == (datetime(2027, 5, 31, 9, 30, tzinfo=UTC), 1_000)


async def test_four_schedulers_at_once_grant_everybody_once(
    plans: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periods, "AT_ONCE", 7)
    people = [await join(plans, email=f"u{number}@example.com") for number in range(25)]

    await asyncio.gather(*(grant_due(plans, MONTH[0]) for _ in range(4)))

    assert [await moved(plans, user) for user in people] == [[("grant", 1_000)] * 2] * 25
    assert await disagreements(plans) == []


async def test_those_who_cannot_be_granted_keep_nobody_else_from_their_month(
    plans: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periods, "AT_ONCE", 2)
    people = [await join(plans, email=f"u{number}@example.com") for number in range(5)]
    broken, others = people[:2], people[2:]  # a whole batch of them comes first
    await plans.execute(
        "update credit_accounts set balance = balance - 1, seq = seq - 1 where user_id = any(%s)",
        ([user.id for user in broken],),
    )
    await plans.execute(
        "update users set next_grant_at = next_grant_at - interval '1 second' where id = any(%s)",
        ([user.id for user in broken],),
    )

    assert await expire_due(plans, MONTH[0]) == 3_000
    assert await grant_due(plans, MONTH[0]) == 3
    assert await grant_due(plans, MONTH[0]) == 0

    after = [("grant", 1_000), ("expiry", -1_000), ("grant", 1_000)]
    assert [await moved(plans, user) for user in others] == [after] * 3
    assert [await moved(plans, user) for user in broken] == [[("grant", 1_000)]] * 2


async def test_two_who_open_the_same_accounts_in_different_orders_do_not_wait_in_a_circle(
    database: Database,
) -> None:
    ids = sorted([(await make_user(database)).id for _ in range(5)])

    async def open_all(order: list[UUID]) -> None:
        async with database.transaction() as session:
            await run(session, periods.OPEN_ACCOUNTS, {"ids": order})

    async def both_wait() -> bool:
        return await database.fetch_one(WAITING) == (2,)

    # Somebody has the one in the middle: both come to it, and go on from there at once.
    async with database.transaction() as session:
        await run(session, periods.OPEN_ACCOUNTS, {"ids": [ids[2]]})
        both = [asyncio.create_task(open_all(order)) for order in (ids, ids[::-1])]
        await until(both_wait, seconds=30)
        await session.rollback()
    await asyncio.gather(*both)

    assert await database.fetch_one("select count(*) from credit_accounts") == (5,)


async def test_a_suspended_person_gets_the_running_month_when_they_return(plans: Database) -> None:
    user = await join(plans)
    await plans.execute("update users set status = 'suspended' where id = %s", (user.id,))
    assert await grant_due(plans, MONTH[1]) == 0

    await plans.execute("update users set status = 'active' where id = %s", (user.id,))

    assert await grant_due(plans, MONTH[1] + timedelta(days=1)) == 1
    assert await moved(plans, user) == [("grant", 1_000)] * 2
    assert await period(plans, user) == (MONTH[2], 1_000)


@pytest.mark.parametrize(
    ("plan", "ended"),
    [
        ("creator", "plan_expires_at = '2027-02-10'"),
        ("trial", "plan_id = 'trial'"),
        ("creator", "plan_id = null"),
    ],
)
async def test_grants_of_who_has_no_plan_any_more_sleep_until_there_is_one(
    plans: Database, plan: str, ended: str
) -> None:
    user = await join(plans, plan)
    await plans.execute(f"update users set {ended} where id = %s", (user.id,))

    assert await grant_due(plans, MONTH[0]) == 0
    assert await period(plans, user) == (None, 0)
    assert await grant_due(plans, MONTH[1]) == 0
    given = await change(plans, user.id, "pro", MONTH[1] + timedelta(days=2))

    assert given == 3_000
    assert await period(plans, user) == (MONTH[2], 3_000)


async def test_a_better_plan_brings_the_difference_and_a_lesser_one_takes_nothing(plans: Database) -> None:
    user = await join(plans)
    day = BEGUN + timedelta(days=3)

    granted = [
        await change(plans, user.id, plan, day) for plan in ("pro", "creator", "pro", "bare", "creator")
    ]

    assert granted == [2_000, 0, 0, 0, 0]
    assert await period(plans, user) == (MONTH[0], 3_000)
    ends = await plans.fetch_all("select distinct expires_at from credit_lots")
    assert ends == [(MONTH[0],)]


async def test_of_many_changes_at_once_the_difference_is_granted_once(plans: Database) -> None:
    user = await join(plans)

    granted = await asyncio.gather(*(change(plans, user.id, "pro", BEGUN) for _ in range(10)))

    assert sorted(granted) == [0] * 9 + [2_000]
    assert await moved(plans, user) == [("grant", 1_000), ("grant", 2_000)]


async def test_a_change_of_plan_in_the_moment_of_the_monthly_grant_adds_up(plans: Database) -> None:
    people = [await join(plans, email=f"u{number}@example.com") for number in range(12)]

    await asyncio.gather(
        grant_due(plans, MONTH[0]), *(change(plans, user.id, "pro", MONTH[0]) for user in people)
    )

    for user in people:
        assert sum(amount for _, amount in await moved(plans, user)) == 4_000
        assert await period(plans, user) == (MONTH[1], 3_000)


async def test_somebody_without_a_plan_begins_their_months_with_their_first(plans: Database) -> None:
    user = await make_user(plans)

    assert await change(plans, user.id, "creator", BEGUN) == 1_000

    assert await period(plans, user) == (MONTH[0], 1_000)


async def test_what_was_set_in_the_same_transaction_is_not_lost(plans: Database) -> None:
    user = await make_user(plans)
    async with plans.transaction() as session:
        found, plan = await session.get(User, user.id), await session.get(Plan, "creator")
        assert found
        assert plan
        found.name = "Ann"
        await begin_period(session, found, plan, actor=SYSTEM, now=BEGUN)
        found.language = "de"

    row = await plans.fetch_one("select name, language, period_granted from users where id = %s", (user.id,))
    assert row == ("Ann", "de", 1_000)


async def test_people_from_before_have_their_months_from_the_day_they_came(plans: Database) -> None:
    user = await join(plans)
    fresh = "period_anchor = null, next_grant_at = null, period_granted = 0, created_at = '2027-01-31 09:30Z'"
    await plans.execute(f"update users set {fresh}")
    migration = importlib.import_module("migrations.versions.0006_credits")

    await plans.execute(migration.PERIODS)

    assert await period(plans, user) == (MONTH[0], 1_000)
    assert await grant_due(plans, MONTH[1]) == 1
    assert await moved(plans, user) == [("grant", 1_000)] * 2


async def test_the_schedule_lets_expire_and_grants(plans: Database) -> None:
    user = await join(plans, now=datetime.now(UTC) - timedelta(days=40))
    context: Any = SimpleNamespace(additional_context={"database": plans})

    await expire_credits(context, 0)
    await grant_months(context, 0)
    await fold_credits(context, 0)
    await forget_ended(context, 0)

    assert await moved(plans, user) == [("grant", 1_000), ("expiry", -1_000), ("grant", 1_000)]
    assert (await totals(plans, Traffic.LIVE)).all == Booked(3, 1_000)
    assert await plans.fetch_one("select count(*) from credit_hours") != (0,)


async def test_staff_are_granted_as_everybody(database: Database) -> None:
    await seed_plans(database)
    user = await join(database, "unlimited")
    await grant_due(database, MONTH[0])

    assert await moved(database, user) == [("grant", 20_000)] * 2
