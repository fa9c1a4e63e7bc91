"""Keys as the program handles them: set aside for a time, put back, their last use, and the breakers that wait for one."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.database import Database
from core.errors import Conflict, ErrorClass
from core.ids import new_id
from core.providers.resting import last_used, mark_used, restore_key
from core.routing.events import events
from tests.integration.providers.keys import MINUTE, OTHER, add, aside, change, keys, put_back, rotate
from tests.rows import make_provider


@pytest.fixture
async def provider(database: Database) -> UUID:
    return await make_provider(database)


async def test_a_key_set_aside_keeps_the_vendors_words_and_comes_back_after_its_time(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)
    until = await aside(database, key, error=ErrorClass.AUTHENTICATION)

    (config,), now = await keys(database), datetime.now(UTC)
    assert (config.state, config.state_class, config.state_reason) == (
        "set_aside", ErrorClass.AUTHENTICATION, "said",
    )  # fmt: skip
    assert config.state_until == until
    assert now < until <= now + MINUTE
    assert not config.usable(now)
    assert config.usable(until)


async def test_many_that_fail_with_it_at_once_are_one_event_and_one_rest(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)

    times = await asyncio.gather(*(aside(database, key) for _ in range(8)))

    assert len(set(times)) == 1
    assert [one.kind for one in await events(database, provider)] == ["key_set_aside", "key_added"]


async def test_a_later_time_that_the_vendor_names_counts_and_an_earlier_one_does_not(
    database: Database, provider: UUID
) -> None:
    key, now = await add(database, provider), datetime.now(UTC)
    hour, day = now + timedelta(hours=1), now + timedelta(days=1)

    assert await aside(database, key, until=hour) == hour
    assert await aside(database, key, until=now + MINUTE) == hour
    assert await aside(database, key) == hour
    assert await aside(database, key, until=day) == day
    assert (await keys(database))[0].state_until == day


async def test_it_rests_twice_as_long_each_time_up_to_an_hour_until_it_has_served(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)
    rests: list[int] = []
    for _ in range(9):
        rests.append(round((await aside(database, key) - datetime.now(UTC)) / MINUTE))
        await database.execute("update provider_keys set state_until = now() - interval '1 second'")
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]

    await restore_key(database, key.id)
    assert round((await aside(database, key) - datetime.now(UTC)) / MINUTE) == 1


async def test_a_key_that_is_switched_off_is_not_set_aside(database: Database, provider: UUID) -> None:
    key = await add(database, provider)
    await change(database, key, enabled=False)
    await aside(database, key)
    await restore_key(database, key.id)

    assert (await keys(database))[0].state == "disabled"
    assert [one.kind for one in await events(database, provider)] == ["key_changed", "key_added"]


async def test_putting_back_is_told_once_by_whom(database: Database, provider: UUID) -> None:
    key = await add(database, provider)
    await aside(database, key)
    await asyncio.gather(*(restore_key(database, key.id) for _ in range(3)))
    with pytest.raises(Conflict) as refused:
        await put_back(database, key)
    assert refused.value.code == "key_not_set_aside"
    await aside(database, key)
    await put_back(database, key)

    told = [(one.kind, one.reason, one.actor) for one in reversed(await events(database, provider))]
    assert told[1:] == [
        ("key_set_aside", "its quota is exhausted", "Purser"),
        ("key_restored", "the vendor takes it again", "Purser"),
        ("key_set_aside", "its quota is exhausted", "Purser"),
        ("key_restored", "it is paid", "command line"),
    ]
    assert (await keys(database))[0].state_reason is None


async def test_the_last_use_only_goes_forward_and_tells_nobody(database: Database, provider: UUID) -> None:
    key, other = await add(database, provider), await add(database, provider, OTHER)
    before = await database.fetch_all("select topic, version from versions")
    now = datetime.now(UTC)

    await mark_used(database, {key.id: now, new_id(): now})
    await mark_used(database, {key.id: now - MINUTE, other.id: now - MINUTE})
    await mark_used(database, {})

    assert await last_used(database, provider) == {key.id: now, other.id: now - MINUTE}
    assert await database.fetch_all("select topic, version from versions") == before


@pytest.mark.parametrize("error_class", ["authentication", "quota", "overloaded"])
async def test_a_breaker_that_only_waited_for_a_key_is_let_try_when_there_is_one(
    database: Database, provider: UUID, error_class: str
) -> None:
    async def due() -> bool:
        row = await database.fetch_one("select open_until <= now() from breakers")
        assert row is not None
        return row[0]

    async def wait() -> None:
        await database.execute(
            "insert into breakers (provider_id, modality, state, error_class, open_until)"
            " values (%s, 'text', 'open', %s, now() + interval '1 day')"
            " on conflict (provider_id, modality) do update set open_until = excluded.open_until",
            (provider, error_class),
        )

    awaited = error_class != "overloaded"
    await wait()
    key = await add(database, provider)
    assert await due() is awaited
    await wait()
    await aside(database, key)
    assert not await due()
    await restore_key(database, key.id)
    assert await due() is awaited
    await wait()
    await rotate(database, key)
    assert await due() is awaited
    await wait()
    await change(database, key, enabled=False)
    assert not await due()
    await change(database, key, enabled=True)
    assert await due() is awaited
