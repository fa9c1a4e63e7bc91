"""The ticker: open pages are told when the providers or the generations look another way, and nobody asks otherwise."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from nicegui import Event

from core.database import Database
from core.errors import DatabaseUnavailable, ErrorClass
from core.vocabulary import Modality
from dashboard import live
from dashboard.live import Shared, Ticker, generations_changed, providers_changed
from tests.waiting import until
from tests.world import World


class Page:
    """Something that watches."""

    def __init__(self) -> None:
        self.providers = 0
        self.generations = 0

    def see_providers(self) -> None:
        self.providers += 1

    def see_generations(self) -> None:
        self.generations += 1


@pytest.fixture
async def page(sandbox: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    """One that watches both, with a ticker that looks often."""
    monkeypatch.setattr(live, "TICK_SECONDS", 0.02)
    page = Page()
    providers_changed.subscribe(page.see_providers)
    generations_changed.subscribe(page.see_generations)
    ticker = Ticker(sandbox.purser)
    ticker.start()
    yield page
    ticker.stop()
    providers_changed.unsubscribe(page.see_providers)
    generations_changed.unsubscribe(page.see_generations)


async def ticks(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Waits until tickers have slept so often again."""
    seen = 0
    plain = asyncio.sleep

    async def counted(seconds: float, *args: Any) -> None:
        nonlocal seen
        seen += seconds == live.TICK_SECONDS
        await plain(seconds, *args)

    with monkeypatch.context() as patched:
        patched.setattr(live.asyncio, "sleep", counted)
        async with asyncio.timeout(20):
            while seen < 2 * count:
                await plain(0.005)


async def fail(world: World) -> None:
    provider = world.purser.snapshots.current.provider("sandbox")
    assert provider is not None
    await world.purser.breakers.failed(
        provider.id, Modality.TEXT, ErrorClass.OVERLOADED, "Overloaded", probe=None
    )


async def test_a_provider_that_looks_otherwise_is_told_once(
    sandbox: World, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: page.providers == 1)
    await ticks(monkeypatch, 5)
    assert page.providers == 1, "nothing has changed since"

    await fail(sandbox)
    sandbox.purser.board.forget()
    await until(lambda: page.providers == 2)


async def test_what_needs_attention_is_told_too(sandbox: World, page: Page) -> None:
    await until(lambda: page.providers == 1)
    sandbox.purser.undefined_features.record("topic-research")
    await sandbox.purser.undefined_features.flush()
    sandbox.purser.attention.forget()

    await until(lambda: page.providers == 2)


async def test_a_generation_is_told(sandbox: World, page: Page) -> None:
    await until(lambda: page.generations == 1)
    await sandbox.ask()
    await until(lambda: page.generations >= 2)


async def test_a_look_that_fails_is_not_the_last(
    sandbox: World, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: page.providers == 1)
    failed = 0

    async def broken(*_: Any) -> None:
        nonlocal failed
        failed += 1
        raise RuntimeError("once")

    with monkeypatch.context() as patched:
        patched.setattr(type(sandbox.purser.board), "read", broken)
        await until(lambda: failed > 0)
    await fail(sandbox)
    sandbox.purser.board.forget()

    await until(lambda: page.providers == 2)


async def test_a_database_that_is_away_is_told_although_generations_cannot_be_looked_at(
    sandbox: World, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: page.providers == 1)

    async def hanging(_database: Database) -> None:
        await asyncio.Event().wait()

    async def away(_database: Database) -> float:
        raise DatabaseUnavailable

    monkeypatch.setattr(live, "signature", hanging)
    monkeypatch.setattr(Database, "ping", away)
    sandbox.purser.attention.forget()
    sandbox.purser.parts._last = None

    await until(lambda: page.providers == 2)
    assert [need.title for need in await sandbox.purser.attention.needs()] == [
        "The database does not answer."
    ]


async def test_while_nobody_watches_nobody_is_asked(sandbox: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.01)
    # Pages that other tests have left open in this process watch the process's own events.
    monkeypatch.setattr(live, "providers_changed", Event())
    monkeypatch.setattr(live, "generations_changed", Event())
    ticker = Ticker(sandbox.purser)
    asked: list[str] = []
    plain = Database.fetch_one

    async def counted(self: Database, sql: str, params: Any = ()) -> Any:
        if self is sandbox.purser.database:
            asked.append(sql)
        return await plain(self, sql, params)

    monkeypatch.setattr(Database, "fetch_one", counted)
    ticker.start()
    await ticks(monkeypatch, 5)
    ticker.stop()

    assert not [sql for sql in asked if "generations" in sql or "procrastinate" in sql]


async def test_a_hundred_pages_cost_the_database_what_one_costs(
    sandbox: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.02)
    pages = [Page() for _ in range(100)]
    asked: list[str] = []
    plain = Database.fetch_all

    async def counted(self: Database, sql: str, params: Any = ()) -> Any:
        asked.append(sql)
        return await plain(self, sql, params)

    async def show() -> None:
        await sandbox.purser.board.read()
        await sandbox.purser.attention.needs()

    reading: list[asyncio.Task[None]] = []
    for page in pages:
        providers_changed.subscribe(page.see_providers)
    providers_changed.subscribe(lambda: reading.extend(asyncio.create_task(show()) for _ in pages))
    ticker = Ticker(sandbox.purser)
    monkeypatch.setattr(Database, "fetch_all", counted)
    ticker.start()
    try:
        await until(lambda: all(page.providers for page in pages))
        await ticks(monkeypatch, 5)
    finally:
        ticker.stop()
        providers_changed.callbacks.clear()
    await asyncio.gather(*reading)

    figures = [sql for sql in asked if "from attempts" in sql or "from probes" in sql]
    assert len(figures) <= 3


async def test_a_slow_reading_serves_all_who_asked_while_it_ran_and_none_who_asked_for_something_newer() -> (
    None
):
    readings = 0

    async def read() -> int:
        nonlocal readings
        readings += 1
        await asyncio.sleep(0.05)
        return readings

    shared = Shared(read, seconds=0.01)
    first = asyncio.gather(*(shared.get() for _ in range(100)))
    await asyncio.sleep(0.02)
    changed = datetime.now(UTC)

    newer = await asyncio.gather(*(shared.get(since=changed) for _ in range(100)))

    assert set(await first) == {1}
    assert set(newer) == {2}
