"""A change in one process is told in every other within a second, whatever way the word takes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from core.database import CONFIG, PEOPLE, Changes, Database, announce, announce_now
from core.database import changes as changes_module
from core.errors import DatabaseUnavailable

PATIENCE = 5.0
"""Generous: a second by design, and a machine may be busy."""


@asynccontextmanager
async def listening(
    database_url: str,
    told: Callable[[], Awaitable[None]],
    *,
    topic: str = CONFIG,
    listen_url: str | None = None,
) -> AsyncIterator[Changes]:
    """Another process's ear."""
    database = Database(database_url, pool_size=3)
    await database.open()
    changes = Changes(database, listen_url=listen_url)
    changes.subscribe(topic, told)
    await changes.start()
    try:
        yield changes
    finally:
        await changes.stop()
        await database.close()


class Ear:
    """Counts what it is told; fails as often as it is set to."""

    def __init__(self, failures: int = 0) -> None:
        self.count = 0
        self.failures = failures
        self.heard = asyncio.Event()

    async def __call__(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ValueError("not today")
        self.count += 1
        self.heard.set()

    async def hears(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.heard.wait()
        self.heard.clear()


@pytest.mark.parametrize("scheme", ["postgresql://", "postgresql+psycopg://"])
async def test_a_notification_wakes_the_others_without_waiting_for_the_next_look(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    ear = Ear()
    listen_url = database_url.replace("postgresql://", scheme, 1)
    async with listening(database_url, ear, listen_url=listen_url):
        await asyncio.sleep(0.3)  # the listener has its connection
        monkeypatch.setattr(changes_module, "POLL_SECONDS", 60)
        await announce_now(database, CONFIG)
        await ear.hears()  # the look that began under the old interval, or the notification
        await announce_now(database, CONFIG)
        await ear.hears()

    assert ear.count == 2


async def test_where_nothing_can_be_listened_to_the_versions_are_looked_at(
    database: Database, database_url: str
) -> None:
    ear = Ear()
    nowhere = "postgresql://postgres@127.0.0.1:1/postgres"
    async with listening(database_url, ear, listen_url=nowhere):
        await announce_now(database, CONFIG)
        await ear.hears()


async def test_nothing_is_told_before_the_transaction_commits_nor_after_it_fails(
    database: Database, database_url: str
) -> None:
    ear = Ear()
    async with listening(database_url, ear) as changes:
        with pytest.raises(RuntimeError, match="stop"):
            async with database.transaction() as session:
                await announce(session, CONFIG)
                await changes.refresh()
                raise RuntimeError("stop")
        await changes.refresh()
        assert ear.count == 0
        async with database.transaction() as session:
            await announce(session, CONFIG)
        await changes.refresh()
        assert ear.count == 1


async def test_only_who_asked_for_a_topic_hears_of_it(database: Database, database_url: str) -> None:
    ear = Ear()
    async with listening(database_url, ear, topic=PEOPLE) as changes:
        await announce_now(database, CONFIG)
        await changes.refresh()
        assert ear.count == 0
        await announce_now(database, PEOPLE)
        await changes.refresh()

    assert ear.count == 1


async def test_a_callback_that_failed_is_called_again(database: Database, database_url: str) -> None:
    ear = Ear(failures=2)
    async with listening(database_url, ear):
        await announce_now(database, CONFIG)
        await ear.hears()

    assert (ear.count, ear.failures) == (1, 0)


async def test_a_callback_that_always_fails_keeps_no_other_topic_from_being_told(
    database: Database, database_url: str
) -> None:
    broken, ear = Ear(failures=1_000), Ear()
    async with listening(database_url, broken) as changes:
        changes.subscribe(PEOPLE, ear)
        await announce_now(database, CONFIG)
        await announce_now(database, PEOPLE)
        await ear.hears()

    assert (broken.count, ear.count) == (0, 1)


async def test_many_changes_at_once_are_told_at_the_latest_by_the_last(
    database: Database, database_url: str
) -> None:
    seen: list[int] = []

    async def look() -> None:
        row = await database.fetch_one("select version from versions where topic = 'config'")
        seen.append(row[0] if row else -1)

    async with listening(database_url, look) as changes:
        await asyncio.gather(*(announce_now(database, CONFIG) for _ in range(20)))
        await changes.refresh()

    row = await database.fetch_one("select version from versions where topic = 'config'")
    assert row == (seen[-1],)


async def test_a_lost_connection_costs_no_change(database: Database, database_url: str) -> None:
    ear = Ear()
    async with listening(database_url, ear):
        await database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await announce_now(database, CONFIG)
                    break
                except DatabaseUnavailable:  # this pool has lost its connections too
                    await asyncio.sleep(0.05)
        await ear.hears()


async def test_it_stops_even_where_a_change_comes_at_that_very_moment(
    database: Database, database_url: str
) -> None:
    for _ in range(5):
        async with listening(database_url, Ear()) as changes:
            await changes.refresh()
            changes._wake.set()
            async with asyncio.timeout(PATIENCE):
                await changes.stop()
