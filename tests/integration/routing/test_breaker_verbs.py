"""What people do to breakers, seen from two processes: isolate, reset, probe now; with reason, actor and audit."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from core.audit import COMMAND_LINE, Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.providers.config import ProviderConfig
from core.routing import operations, policy
from core.routing.breaker import Breakers, Status
from core.routing.events import count_events, events
from core.routing.models import BreakerState
from core.vocabulary import Modality, Role
from tests.factories import actor_of, make_user
from tests.fakes import FakeVendors
from tests.rows import make_provider
from tests.waiting import until
from tests.world import World, running, settings_for

TEXT = Modality.TEXT
VERBS = (operations.isolate, operations.reset, operations.probe_now)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.001)


def openai(world: World) -> ProviderConfig:
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    return provider


def status(world: World) -> Status:
    return world.purser.breakers.status(openai(world).id, TEXT)


async def admin(world: World) -> Actor:
    person = await world.purser.identities.resolve_user("admin@example.com")
    assert person is not None
    return person.actor()


async def do(world: World, verb: Callable[..., object], reason: str = "looking into it") -> None:
    async with world.purser.database.transaction() as session:
        await verb(session, openai(world).id, TEXT, actor=await admin(world), reason=reason)  # pyright: ignore[reportGeneralTypeIssues] - one of the verbs


async def open_it(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("overloaded")
    await world.ask()
    await world.ask()
    assert status(world).state is BreakerState.OPEN
    fakes.openai.clear()


async def test_isolating_in_one_process_stops_all_calls_from_the_other(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes, circuit_breaker_timeout=100)
    async with running(settings) as one, running(settings) as other:
        await do(one, operations.isolate, "their incident 4711")

        await until(lambda: status(other).state is BreakerState.ISOLATED)
        result = await other.ask()

        assert (result.provider, fakes.openai.calls) == ("gemini", 0)
        assert result.trace[0]["detail"] == "isolated: their incident 4711"
        assert status(other).reason == "their incident 4711"
        assert status(other).open_until is None


async def test_an_isolation_outlives_failures_probes_and_a_restart(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes, circuit_breaker_timeout=100)
    async with running(settings) as world:
        await open_it(world, fakes)
        await do(world, operations.isolate)
        await world.purser.changes.refresh()
        calls = fakes.openai.calls
        for _ in range(3):
            await world.ask()
    async with running(settings) as world:
        await world.ask()

        assert status(world).state is BreakerState.ISOLATED
        assert fakes.openai.calls == calls


@pytest.mark.parametrize("before", ["isolated", "open"])
async def test_a_reset_lets_exactly_one_of_twenty_through_over_two_processes(
    database_url: str, fakes: FakeVendors, tmp_path: Path, before: str
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as one, running(settings) as other:
        if before == "open":
            await open_it(one, fakes)
        else:
            await do(one, operations.isolate)
        await do(other, operations.reset)
        for world in (one, other):
            await until(lambda world=world: status(world).probe_due(datetime.now(UTC)))
        calls, fakes.openai.latency = fakes.openai.calls, 0.5

        results = await asyncio.gather(*(world.ask() for world in [one, other] * 10))

        assert fakes.openai.calls == calls + 1
        assert [result.provider for result in results].count("openai") == 1
        fakes.openai.latency = 0
        for world in (one, other):
            await until(lambda world=world: status(world).state is BreakerState.CLOSED)
        assert (await one.ask()).provider == (await other.ask()).provider == "openai"


async def test_a_probe_after_a_reset_that_fails_opens_it_for_the_first_time_again(
    world: World, fakes: FakeVendors
) -> None:
    await open_it(world, fakes)
    fakes.openai.fail("overloaded")
    for _ in range(3):
        await do(world, operations.probe_now)
        await world.purser.changes.refresh()
        await world.ask()
    assert status(world).openings == 4

    await do(world, operations.reset)
    await world.purser.changes.refresh()
    await world.ask()

    again = status(world)
    assert again.open_until is not None
    assert (again.state, again.openings) == (BreakerState.OPEN, 1)
    assert again.open_until - datetime.now(UTC) <= timedelta(minutes=1)


async def test_probe_now_makes_the_next_request_the_probe(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as one, running(settings) as other:
        await open_it(one, fakes)
        await until(lambda: status(other).state is BreakerState.OPEN)
        assert not status(other).probe_due(datetime.now(UTC))

        await do(one, operations.probe_now)
        await until(lambda: status(other).probe_due(datetime.now(UTC)))
        result = await other.ask()

        assert result.provider == "openai"
        assert result.trace[0]["reason"] == "probe"


async def test_the_story_tells_who_did_what_and_why(world: World, fakes: FakeVendors) -> None:
    await open_it(world, fakes)
    await do(world, operations.probe_now, "they say it is over")
    await do(world, operations.isolate, "it is not")
    await do(world, operations.reset, "now it is")
    await world.purser.changes.refresh()
    await world.ask()
    database, provider = world.purser.database, openai(world)

    story = await events(database, provider.id)

    assert [(one.kind, one.reason, one.actor, one.modality) for one in reversed(story)][1:] == [
        ("breaker_opened", "5 of 5 consecutive failures, the last: overloaded (HTTP 503)", "Purser", TEXT),
        ("breaker_probe_now", "they say it is over", "admin@example.com", TEXT),
        ("breaker_isolated", "it is not", "admin@example.com", TEXT),
        ("breaker_reset", "now it is", "admin@example.com", TEXT),
        ("breaker_half_open", "one probe goes out", "Purser", TEXT),
        ("breaker_closed", "the probe was answered", "Purser", TEXT),
    ]
    assert "overloaded" in story[5].vendor
    assert await count_events(database, provider.id) == 7
    pages = [await events(database, provider.id, limit=3)]
    while pages[-1]:
        pages.append(await events(database, provider.id, limit=3, before=pages[-1][-1].id))
    assert [one for page in pages for one in page] == story
    rows = await database.fetch_all(
        "select action, actor_label, reason, before ->> 'state', after ->> 'state' from audit"
        " where action like 'breaker.%%' order by id"
    )
    assert rows == [
        ("breaker.probe_now", "admin@example.com", "they say it is over", "open", "open"),
        ("breaker.isolated", "admin@example.com", "it is not", "open", "isolated"),
        ("breaker.reset", "admin@example.com", "now it is", "isolated", "open"),
    ]


@pytest.fixture
async def provider(database: Database) -> UUID:
    return await make_provider(database)


async def attempt(
    database: Database, verb: Callable[..., object], provider: UUID, modality: Modality = TEXT, **how: object
) -> None:
    given = {"actor": COMMAND_LINE, "reason": "why not"} | how
    async with database.transaction() as session:
        await verb(session, provider, modality, **given)  # pyright: ignore[reportGeneralTypeIssues] - one of the verbs


@pytest.mark.parametrize("verb", VERBS)
async def test_only_superadmins_may_in_person_and_with_a_reason(
    database: Database, provider: UUID, verb: Callable[..., object]
) -> None:
    for role in (Role.SUPPORT, Role.TESTER, Role.USER):
        with pytest.raises(NotAllowed):
            await attempt(database, verb, provider, actor=actor_of(await make_user(database, role=role)))
    with pytest.raises(NotAllowed):
        await attempt(database, verb, provider, actor=Actor("key", "a key", Role.SUPERADMIN))
    with pytest.raises(InvalidRequest, match="reason"):
        await attempt(database, verb, provider, reason=" \n")
    assert await database.fetch_all("select 1 from provider_events union all select 1 from audit") == []


@pytest.mark.parametrize("verb", VERBS)
async def test_what_is_not_there_is_said(
    database: Database, provider: UUID, verb: Callable[..., object]
) -> None:
    with pytest.raises(NotFound):
        await attempt(database, verb, new_id())
    with pytest.raises(InvalidRequest, match="does not do video"):
        await attempt(database, verb, provider, Modality.VIDEO)


async def test_what_makes_no_sense_in_a_state_is_refused_and_changes_nothing(
    database: Database, provider: UUID
) -> None:
    breakers = Breakers(database, threshold=1, timeout=timedelta(0))
    for verb, state in ((operations.reset, "closed"), (operations.probe_now, "closed")):
        with pytest.raises(Conflict, match=state):
            await attempt(database, verb, provider)
    await attempt(database, operations.isolate, provider, reason="one by one")
    with pytest.raises(Conflict, match="one by one"):
        await attempt(database, operations.isolate, provider)
    with pytest.raises(Conflict, match="isolated"):
        await attempt(database, operations.probe_now, provider)
    await attempt(database, operations.reset, provider)
    assert await breakers.take_probe(provider, TEXT)
    with pytest.raises(Conflict, match="already"):
        await attempt(database, operations.probe_now, provider)

    assert breakers.status(provider, TEXT).state is BreakerState.HALF_OPEN
    kinds = [one.kind for one in await events(database, provider)]
    assert kinds == ["breaker_half_open", "breaker_reset", "breaker_isolated"]
    assert {one.actor for one in await events(database, provider)} == {"Purser", "command line"}
