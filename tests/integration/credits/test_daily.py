"""Free credits of the day: once, whoever asks first and however often, and gone at midnight."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.credits.daily import DailyCredits, take_daily
from core.credits.expiry import expire_due
from core.credits.posting import Balance
from core.database import Database
from core.errors import InsufficientCredits
from core.generation.usage import credits_now, usage_of
from core.ids import new_id
from tests.integration.credits.books import Books
from tests.world import World, person, running, settings_for

NOW = datetime.now(UTC)
MIDNIGHT = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


async def test_of_twenty_at_once_one_takes_the_days_credits(database: Database) -> None:
    books = await Books.open(database, 3)

    taken = await asyncio.gather(*(take_daily(database, books.user_id, 10, NOW, MIDNIGHT) for _ in range(20)))

    assert sorted(taken) == [0] * 19 + [10]
    assert await books.lots() == [(3, None), (10, MIDNIGHT)]


async def test_yesterdays_are_gone_when_todays_come(database: Database) -> None:
    books = await Books.open(database)
    tomorrow = MIDNIGHT + timedelta(days=1)
    await take_daily(database, books.user_id, 10, NOW, MIDNIGHT)
    await books.charge(4)

    assert await take_daily(database, books.user_id, 10, MIDNIGHT + timedelta(seconds=1), tomorrow) == 10

    assert [amount for _, amount, _ in await books.entries()] == [10, -4, -6, 10]
    assert await expire_due(database, tomorrow) == 10


async def test_a_process_asks_once_a_day_for_each_person(database: Database) -> None:
    books = await Books.open(database)
    daily = DailyCredits(database)
    await daily.take(books.user_id, 10, NOW, MIDNIGHT)
    await database.execute("update credit_accounts set daily_until = null")

    await daily.take(books.user_id, 10, NOW, MIDNIGHT)
    assert await books.state() == (10, 0)
    await daily.take(books.user_id, 10, MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert len(await books.entries()) == 3, "a new day: what was left has expired, and there is more"


async def test_without_an_account_or_a_gift_there_is_nothing_to_take(database: Database) -> None:
    assert await take_daily(database, new_id(), 10, NOW, MIDNIGHT) == 0
    books = await Books.open(database)
    assert await take_daily(database, books.user_id, 0, NOW, MIDNIGHT) == 0
    assert await books.entries() == []


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A user who has nothing, on a plan that gives three credits a day; the sandbox answers at one each."""
    async with running(settings_for(database_url, tmp_path)) as world:
        await world.purser.database.execute("update plans set daily_credits = 3 where id = 'premium'")
        await world.purser.snapshots.rebuild()
        world.user = await person(world.purser, "daily@example.com", credits=0, plan="premium")
        yield world


async def test_the_first_request_of_a_day_brings_its_credits(world: World) -> None:
    for _ in range(3):
        await world.ask()
    with pytest.raises(InsufficientCredits):
        await world.ask()

    assert (await world.balance()).balance == 0


async def test_a_look_at_the_balance_brings_them_too(world: World) -> None:
    purser, now = world.purser, datetime.now(UTC)
    asked = (purser.database, purser.snapshots.current, world.user, now, purser.settings.zone)

    assert (await credits_now(*asked)).available == 3
    assert (await usage_of(*asked)).credits.available == 3


async def test_whoever_looks_for_somebody_else_sees_them_and_takes_nothing(world: World) -> None:
    purser, now = world.purser, datetime.now(UTC)
    asked = (purser.database, purser.snapshots.current, world.user)
    before = await entries(world)

    for _ in range(2):
        assert (await credits_now(*asked, now, purser.settings.zone, take=False)).available == 3
        report = await usage_of(*asked, now, purser.settings.zone, take=False)
        assert report.credits.available == 3
    assert await entries(world) == before

    await world.ask()
    assert (await credits_now(*asked, now, purser.settings.zone, take=False)).available == 2
    taken = await entries(world)
    # Of the two that are left, one is held over midnight: it stays, the other goes, and three new ones come.
    await purser.database.execute("update credit_accounts set held = 1 where user_id = %s", (world.user.id,))
    tomorrow = now + timedelta(days=1)
    seen = await credits_now(*asked, tomorrow, purser.settings.zone, take=False)
    assert await entries(world) == taken
    assert seen == await credits_now(*asked, tomorrow, purser.settings.zone) == Balance(4, 1)


async def entries(world: World) -> int:
    row = await world.purser.database.fetch_one(
        "select count(*) from credit_entries e join credit_accounts a on a.id = e.account_id where a.user_id = %s",
        (world.user.id,),
    )
    assert row is not None
    return row[0]


async def test_a_plan_that_has_ended_brings_none(world: World) -> None:
    purser, now = world.purser, datetime.now(UTC)
    await purser.database.execute("update users set plan_expires_at = now() where id = %s", (world.user.id,))
    await purser.identities.forget()
    user = await purser.identities.resolve_user(world.user.email)
    assert user is not None

    found = await credits_now(
        purser.database, purser.snapshots.current, user, now + timedelta(seconds=1), purser.settings.zone
    )

    assert found.balance == 0
