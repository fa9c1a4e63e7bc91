"""The board: one reading of all providers for everybody, right within a second, and cheap."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.audit import COMMAND_LINE
from core.database import Database
from core.errors import DatabaseUnavailable, ErrorClass
from core.routing import policy
from core.routing.fold import fold
from core.routing.health import Health
from core.routing.models import BreakerState
from core.system import board as boards
from core.system import demo
from core.system.board import Board, BoardState, ProviderState
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.rows import make_attempt, make_months, make_probe
from tests.world import World


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.001)


def fresh(world: World) -> Board:
    """A board that has not looked yet, as another process has it."""
    purser = world.purser
    return Board(purser.database, purser.snapshots, purser.breakers, purser.keys, purser.settings.zone)


def of(state: BoardState, slug: str = "openai") -> ProviderState:
    return next(one for one in state.providers if one.provider.slug == slug)


def id_of(world: World, slug: str = "openai") -> Any:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return provider.id


async def test_all_providers_are_there_in_the_order_of_text(world: World) -> None:
    state = await fresh(world).read()

    assert [one.provider.slug for one in state.providers] == ["openai", "gemini", "anthropic", "sandbox"]
    assert of(state).health is Health.UNKNOWN
    assert of(state, "sandbox").health is Health.DISABLED
    assert list(of(state).by_modality) == [Modality.TEXT]
    assert state.find(id_of(world)) == of(state)
    assert state.find(None) is None


async def test_a_call_makes_it_healthy_and_is_in_its_figures(world: World) -> None:
    await world.ask()

    one = of(await fresh(world).read())

    assert (one.health, one.reasons) == (Health.HEALTHY, ())
    text = one.by_modality[Modality.TEXT]
    assert (text.performance.hour.calls, text.share) == (1, 1.0)
    assert one.performance.day.calls == 1
    assert one.spend_24h == text.performance.cost > 0


async def test_failures_degrade_it_and_an_open_breaker_takes_it_down_at_once(
    world: World, fakes: FakeVendors
) -> None:
    board = fresh(world)
    fakes.openai.fail("overloaded")

    await world.ask()
    degraded = of(await board.read())
    assert (degraded.health, degraded.reasons[0]) == (Health.DEGRADED, "4 failures in a row")
    await world.ask()
    board.forget()
    down = of(await board.read())

    assert down.health is Health.DOWN
    assert down.reasons == ("breaker open: 5 of 5 consecutive failures, the last: overloaded (HTTP 503)",)
    assert down.by_modality[Modality.TEXT].breaker.state is BreakerState.OPEN
    assert of(await board.read(), "gemini").by_modality[Modality.TEXT].share == 1.0


async def test_probes_are_in_the_word(world: World) -> None:
    now = datetime.now(UTC)
    for minutes in (3, 2, 1):
        await make_probe(
            world.purser.database, id_of(world), now - timedelta(minutes=minutes), ErrorClass.CONNECTION
        )
    await make_probe(world.purser.database, id_of(world, "gemini"), now)

    state = await fresh(world).read()

    assert of(state).health is Health.DOWN
    assert of(state).reasons == ("3 of 3 probes unanswered: connection",)
    assert of(state).last_probe is not None
    assert of(state, "gemini").health is Health.HEALTHY


async def test_history_is_in_ticks_and_uptime_and_the_present_is_known_before_the_fold(world: World) -> None:
    database, now = world.purser.database, datetime.now(UTC)
    await make_months(database, now - timedelta(days=40))
    await make_attempt(database, id_of(world), now - timedelta(hours=2))
    await fold(database, now)
    await world.purser.breakers.failed(
        id_of(world), Modality.TEXT, ErrorClass.OVERLOADED, "Overloaded", probe=None, at_once=True
    )

    one = of(await fresh(world).read())

    assert len(one.ticks) == 24
    assert one.ticks[-1].state is Health.DOWN
    assert one.ticks[-3].state is Health.HEALTHY
    assert len(one.uptime) == 90
    assert one.uptime_share == 1.0


async def test_the_demos_providers_come_with_their_past_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "FIGURES_SECONDS", 0.0)
    board = fresh(world)
    await board.read()
    await demo.load(world.purser.database, actor=COMMAND_LINE, users=20, generations=3_000)
    await world.purser.changes.refresh()
    board.forget()

    one = of(await board.read(), "demo-openai")

    assert one.health is Health.DISABLED
    assert one.performance.day.calls > one.performance.hour.calls
    assert one.uptime_share is not None
    assert len(one.ticks) == 24


async def test_a_hundred_readers_cost_the_database_what_one_costs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = Database.fetch_all

    async def counted(self: Database, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return await plain(self, sql, params)

    monkeypatch.setattr(Database, "fetch_all", counted)
    board = fresh(world)

    states = await asyncio.gather(*(board.read() for _ in range(100)))
    assert len(set(map(id, states))) == 1
    first = len(asked)
    assert first <= 6

    board.forget()
    await board.read()
    assert len(asked) == first, "within five seconds only memory is read anew"


async def test_two_readings_are_equal_when_nothing_visible_has_changed(world: World) -> None:
    board = fresh(world)
    one = await board.read()
    board.forget()
    other = await board.read()
    assert other is not one
    assert other == one

    await world.purser.breakers.failed(
        id_of(world), Modality.TEXT, ErrorClass.OVERLOADED, "Overloaded", probe=None
    )
    board.forget()
    assert await board.read() != one, "a failure more is seen"


async def test_without_the_database_the_last_figures_stand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "FIGURES_SECONDS", 0.0)
    await world.ask()
    board = fresh(world)
    before = await board.read()

    async def away(self: Database, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        raise DatabaseUnavailable

    monkeypatch.setattr(Database, "fetch_all", away)
    board.forget()
    after = await board.read()

    assert (after, after.figures_at) == (before, before.figures_at)
    assert of(after).spend_24h > Decimal(0)


async def test_figures_that_take_long_are_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PATIENCE", 0.05)
    let_go = asyncio.Event()
    plain = Database.fetch_all

    async def slow(self: Database, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        await let_go.wait()
        return await plain(self, sql, params)

    await world.ask()
    monkeypatch.setattr(Database, "fetch_all", slow)
    board = fresh(world)
    assert (await board.read()).figures_at is None
    monkeypatch.setattr(boards, "PATIENCE", 60.0)
    async with asyncio.timeout(20):
        board.forget()
        await board.read()  # the patience was for the first one; who comes later does not wait anew

    let_go.set()
    async with asyncio.timeout(20):
        while (await board.read()).figures_at is None:
            board.forget()
    assert of(await board.read()).performance.hour.calls == 1


async def test_closing_ends_a_reading_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "PATIENCE", 0.05)

    async def never(self: Database, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        await asyncio.Event().wait()
        raise AssertionError("it never goes on")

    monkeypatch.setattr(Database, "fetch_all", never)
    board = fresh(world)
    await board.read()

    async with asyncio.timeout(20):
        await board.close()
