"""Credits whose time is up: booked once as expired, lot by lot, but never what is held."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.credits.expiry import AT_ONCE, expire_due, expiring
from core.credits.queries import expiring as expiring_of
from core.database import Database
from core.vocabulary import Traffic
from tests.integration.credits.books import Books, disagreements

NOW = datetime.now(UTC)
SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(days=40)


async def test_what_is_left_of_a_grant_expires_once(database: Database) -> None:
    books = await Books.open(database, 5)
    await books.grant(10, SOON)
    await books.grant(10, LATER)
    await books.charge(4)

    assert await expire_due(database, NOW) == 0
    assert await expire_due(database, SOON) == 6
    assert await expire_due(database, SOON) == 0

    assert (await books.entries())[-1] == ("expiry", -6, 15)
    assert await books.lots() == [(5, None), (0, SOON), (10, LATER)]
    (told,) = await database.fetch_all("select reason, actor_kind from credit_entries where type = 'expiry'")
    assert told == (f"test of {NOW:%Y-%m-%d}", "system")
    assert await disagreements(database) == []


async def test_a_spent_grant_leaves_no_entry_when_its_time_comes(database: Database) -> None:
    books = await Books.open(database)
    await books.grant(10, SOON)
    await books.charge(10)

    assert await expire_due(database, SOON) == 0
    assert await database.fetch_all("select closed_at is null from credit_lots") == [(False,)]
    assert len(await books.entries()) == 2


async def test_what_is_held_expires_after_it_was_released(database: Database) -> None:
    books = await Books.open(database)
    await books.grant(10, SOON)
    _, generation = await books.reserve(7)

    assert await expire_due(database, SOON) == 3
    assert await books.state() == (7, 7)
    await books.release(generation)
    assert await expire_due(database, SOON) == 7

    assert await books.state() == (0, 0)
    assert [amount for _, amount, _ in await books.entries()] == [10, -3, -7]


async def test_what_is_held_may_still_be_spent(database: Database) -> None:
    books = await Books.open(database, 5)
    await books.grant(10, SOON)
    _, generation = await books.reserve(12)
    assert await expire_due(database, SOON) == 0

    await books.settle(generation, 8)

    assert await expire_due(database, SOON) == 2
    assert await books.entries() == [("grant", 5, 5), ("grant", 10, 15), ("usage", -8, 7), ("expiry", -2, 5)]


async def test_four_schedulers_at_once_expire_once_while_people_spend(database: Database) -> None:
    many = [await Books.open(database) for _ in range(AT_ONCE // 5)]
    for books in many:
        for number in range(7):
            await books.grant(10, SOON + timedelta(seconds=number))
    end = SOON + timedelta(minutes=1)

    await asyncio.gather(
        *(expire_due(database, end) for _ in range(4)),
        *(books.charge(3) for books in many),
        return_exceptions=True,
    )
    await expire_due(database, end)

    assert [await books.state() for books in many] == [(0, 0)] * len(many)
    assert await disagreements(database) == []


async def test_what_will_expire_is_told_by_day_and_by_person(database: Database) -> None:
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime(2100, 5, 2, tzinfo=zone)
    one, other = await Books.open(database, 9), await Books.open(database)
    await one.grant(10, midnight)
    await other.grant(5, midnight - timedelta(hours=3))
    await other.grant(7, midnight + timedelta(hours=3))
    await one.charge(4)

    days = await expiring(
        database, Traffic.LIVE, midnight - timedelta(days=3), midnight + timedelta(days=3), zone
    )
    mine = await expiring_of(database, one.user_id)

    assert [(str(day.day), day.people, day.credits) for day in days] == [
        ("2100-05-01", 2, 11),
        ("2100-05-02", 1, 7),
    ]
    assert [(part.amount, part.expires_at) for part in mine] == [(6, midnight)]


async def test_an_account_that_cannot_be_booked_keeps_nobody_else_from_expiring(database: Database) -> None:
    broken, *others = [await Books.open(database) for _ in range(3)]
    for books in (broken, *others):
        await books.grant(10, SOON)
    await database.execute(
        "update credit_accounts set balance = balance - 1 where id = %s", (broken.account_id,)
    )

    assert await expire_due(database, SOON) == 20

    assert [await books.state() for books in (broken, *others)] == [(9, 0), (0, 0), (0, 0)]
    assert await broken.lots() == [(10, SOON)]
    assert await expire_due(database, SOON) == 0
