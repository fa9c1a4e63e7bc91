"""A user's day and week as the picture shows them: every mark at its time, whose it is, and exact however busy."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.audit import record
from core.credits.service import open_account
from core.database import Database
from core.generation.timeline import pulse, timeline_of, week_of
from core.ids import new_id
from core.vocabulary import Traffic
from tests.factories import actor_of, make_user
from tests.integration.generation.test_queries import make
from tests.rows import id_at, make_months

NOON = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)


async def test_marks_stand_at_their_times_and_failures_by_their_causes(database: Database) -> None:
    await make_months(database, NOON - timedelta(days=31))
    user, other = await make_user(database), await make_user(database)
    first = await make(database, id=id_at(NOON - 90 * MINUTE), user_id=user.id)
    await make(database, id=id_at(NOON - 89 * MINUTE), user_id=user.id)
    for cause in ("timeout", "overloaded", "overloaded"):
        await make(
            database,
            id=id_at(NOON - 3 * MINUTE),
            user_id=user.id,
            status="failed",
            error_class=cause,
        )
    await make(database, id=id_at(NOON - 25 * 60 * MINUTE), user_id=user.id)
    await make(database, id=id_at(NOON - MINUTE), user_id=user.id, traffic="test")
    await make(database, id=id_at(NOON - MINUTE), user_id=other.id)

    found = await timeline_of(database, user.id, Traffic.LIVE, NOON)

    assert [(mark.id, mark.at, mark.count) for mark in found.done] == [(first, NOON - 90 * MINUTE, 2)]
    assert [(mark.at, mark.count, mark.cause) for mark in found.failed] == [
        (NOON - 3 * MINUTE, 3, "overloaded")
    ]
    assert (await timeline_of(database, other.id, Traffic.TEST, NOON)).empty


async def test_the_entries_of_a_day_are_found_among_any_number_of_older_ones(database: Database) -> None:
    user = await make_user(database)
    account = await account_of(database, user.id)
    days = [NOON - timedelta(days=40) + timedelta(hours=1) * number for number in range(40 * 24)]
    await book(database, account, [(at, "usage", -2) for at in days])
    await book(
        database, account, [(NOON - MINUTE, "refund", 2), (NOON - MINUTE, "grant", 90)], begin=len(days)
    )

    found = await timeline_of(database, user.id, Traffic.LIVE, NOON)

    assert [mark.at for mark in found.charges] == days[-24:]
    assert {mark.credits for mark in found.charges} == {2}
    assert [(mark.at, mark.credits) for mark in found.refunds] == [(NOON - MINUTE, 2)]


async def test_a_lost_entry_hides_none_of_the_others(database: Database) -> None:
    user = await make_user(database)
    account = await account_of(database, user.id)
    moments = [NOON - MINUTE * 60 * hours for hours in range(30, 0, -1)]
    await book(database, account, [(at, "usage", -1) for at in moments])
    await database.execute("alter table credit_entries disable trigger user")
    await database.execute("delete from credit_entries where account_id = %s and seq in (8, 16)", (account,))

    found = await timeline_of(database, user.id, Traffic.LIVE, NOON)

    assert [mark.at for mark in found.charges] == [
        at for at in moments[6:] if at not in (moments[7], moments[15])
    ]


async def test_a_week_is_seven_days_up_to_now(database: Database) -> None:
    await make_months(database, NOON - timedelta(days=31))
    user = await make_user(database)
    for hours, status, credits in (
        (1, "completed", 5),
        (23, "failed", 0),
        (25, "completed", 7),
        (24 * 8, "completed", 9),
    ):
        await make(
            database,
            id=id_at(NOON - timedelta(hours=hours)),
            user_id=user.id,
            status=status,
            credits=credits,
        )

    week = await week_of(database, user.id, Traffic.LIVE, NOON)

    assert [(day.generations, day.failed, day.credits) for day in week.days[-2:]] == [(1, 0, 7), (2, 1, 5)]
    assert (len(week.days), week.generations, week.failed, week.credits) == (7, 3, 1, 12)


async def test_the_pulse_beats_when_something_of_the_user_happens_and_else_is_still(
    database: Database,
) -> None:
    user, other = await make_user(database), await make_user(database)
    account = await account_of(database, user.id)
    at_rest = await pulse(database, user.id)
    await make(database, id=new_id(), user_id=other.id)
    assert await pulse(database, user.id) == at_rest

    await make(database, id=new_id(), user_id=user.id)
    begun = await pulse(database, user.id)
    await database.execute("update credit_accounts set balance = 3, held = 3 where id = %s", (account,))
    held = await pulse(database, user.id)
    await book(database, account, [(NOON, "grant", 1)])

    assert len({at_rest, begun, held, await pulse(database, user.id)}) == 4


async def test_the_pulse_beats_with_what_the_audit_says_of_a_user_and_not_of_others(
    database: Database,
) -> None:
    user, other = await make_user(database), await make_user(database)
    at_rest = await pulse(database, user.id)
    async with database.transaction() as session:
        await record(session, actor_of(other), "user.profile", ("user", other.id))
    assert await pulse(database, user.id) == at_rest

    async with database.transaction() as session:
        await record(session, actor_of(other), "user.profile", ("user", user.id))
    about = await pulse(database, user.id)
    async with database.transaction() as session:
        await record(session, actor_of(user), "user.profile", ("user", other.id))

    assert len({at_rest, about, await pulse(database, user.id)}) == 3


async def account_of(database: Database, user_id: UUID) -> UUID:
    async with database.transaction() as session:
        return await open_account(session, user_id)


async def book(
    database: Database, account: UUID, movements: list[tuple[datetime, str, int]], *, begin: int = 0
) -> None:
    """Entries of the past, straight into the table."""
    for number, (at, kind, amount) in enumerate(movements, begin + 1):
        await database.execute(
            "insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind, created_at)"
            " values (%s, %s, %s, %s, %s, 0, 'of the past', 'system', %s)",
            (id_at(at), account, number, kind, amount, at),
        )
    await database.execute(
        "update credit_accounts set seq = %s where id = %s", (begin + len(movements), account)
    )
