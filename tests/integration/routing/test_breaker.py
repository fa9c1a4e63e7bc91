"""The circuit breaker as everybody sees it: two processes on one database, restarts, and one probe in the world."""

import asyncio
from pathlib import Path

import pytest

from core.errors import AllProvidersFailed
from core.providers.service import encrypted_key
from core.routing import policy
from core.routing.models import BreakerState
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import World, running, settings_for


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.001)


def state_of(world: World, slug: str = "openai") -> BreakerState:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return world.purser.breakers.status(provider.id, Modality.TEXT).state


async def events(world: World) -> list[tuple[str, str]]:
    return [
        (kind, reason)
        for kind, reason in await world.purser.database.fetch_all(
            "select kind, reason from provider_events where kind like 'breaker%%' order by id"
        )
    ]


async def fail_until_open(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("overloaded")
    await world.ask()
    await world.ask()
    assert state_of(world) is BreakerState.OPEN


async def test_five_consecutive_failures_open_it_and_no_further_call_is_made(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("overloaded")

    await world.ask()
    assert (state_of(world), fakes.openai.calls) == (BreakerState.CLOSED, 4)
    await world.ask()
    assert (state_of(world), fakes.openai.calls) == (BreakerState.OPEN, 5)
    result = await world.ask()

    assert fakes.openai.calls == 5
    assert result.provider == "gemini"
    assert result.trace[0]["reason"] == "breaker_open"
    assert "next probe in" in result.trace[0]["detail"]
    assert await events(world) == [
        ("breaker_opened", "5 of 5 consecutive failures, the last: overloaded (HTTP 503)")
    ]


async def test_a_success_starts_the_count_anew(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("overloaded", times=4)
    await world.ask()
    await world.ask()
    fakes.openai.fail("overloaded", times=4)
    await world.ask()

    assert state_of(world) is BreakerState.CLOSED


async def test_invalid_requests_never_count(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("invalid_request")
    for _ in range(8):
        await world.refused()

    assert state_of(world) is BreakerState.CLOSED


async def test_a_bad_key_opens_it_at_once_when_no_other_key_is_left(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("unauthorized")

    await world.ask()

    assert (state_of(world), fakes.openai.calls) == (BreakerState.OPEN, 1)
    assert await events(world) == [("breaker_opened", "no usable key left: authentication (HTTP 401)")]


async def test_another_process_learns_of_it_and_half_open_lets_one_of_twenty_through(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes, circuit_breaker_timeout=1500)
    async with running(settings) as one, running(settings) as other:
        await fail_until_open(one, fakes)
        await until(lambda: state_of(other) is BreakerState.OPEN)
        await asyncio.sleep(1.6)
        fakes.openai.clear()
        fakes.openai.latency = 0.5
        before = fakes.openai.calls

        results = await asyncio.gather(*(world.ask() for world in [one, other] * 10))

        assert fakes.openai.calls == before + 1
        assert [result.provider for result in results].count("openai") == 1
        assert [result.provider for result in results].count("gemini") == 19
        await until(lambda: state_of(one) is state_of(other) is BreakerState.CLOSED)
        fakes.openai.latency = 0
        assert (await one.ask()).provider == (await other.ask()).provider == "openai"


async def test_it_is_still_open_after_a_restart(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as world:
        await fail_until_open(world, fakes)
    calls = fakes.openai.calls

    async with running(settings) as world:
        assert state_of(world) is BreakerState.OPEN
        assert (await world.ask()).provider == "gemini"
    assert fakes.openai.calls == calls


async def test_a_failed_probe_opens_it_for_twice_as_long(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes, circuit_breaker_timeout=300)
    async with running(settings) as world:
        await fail_until_open(world, fakes)
        provider = world.purser.snapshots.current.provider("openai")
        assert provider is not None
        first = world.purser.breakers.status(provider.id, Modality.TEXT)
        await asyncio.sleep(0.35)

        await world.ask()

        second = world.purser.breakers.status(provider.id, Modality.TEXT)
        assert first.open_until is not None
        assert second.open_until is not None
        assert (second.state, second.openings) == (BreakerState.OPEN, 2)
        assert second.open_until - first.open_until > first.open_until - (first.opened_at or first.open_until)
        assert [kind for kind, _ in await events(world)] == [
            "breaker_opened",
            "breaker_half_open",
            "breaker_opened",
        ]


async def test_a_probe_that_is_cancelled_leaves_the_next_request_to_probe(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes, circuit_breaker_timeout=200)
    async with running(settings) as world:
        await fail_until_open(world, fakes)
        fakes.openai.clear()
        fakes.openai.latency = 5
        calls = fakes.openai.calls
        await asyncio.sleep(0.25)
        probe = asyncio.create_task(world.ask())
        await until(lambda: fakes.openai.calls > calls)

        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        await world.purser.generations.drain()
        fakes.openai.latency = 0

        assert (await world.ask()).provider == "openai"
        assert state_of(world) is BreakerState.CLOSED


async def test_an_isolated_provider_is_not_called_whatever_the_time(world: World, fakes: FakeVendors) -> None:
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    await world.purser.database.execute(
        "insert into breakers (provider_id, modality, state, reason) values (%s, 'text', 'isolated', 'maintenance')",
        (provider.id,),
    )
    await world.purser.breakers.reload()

    result = await world.ask()

    assert (result.provider, fakes.openai.calls) == ("gemini", 0)
    assert (result.trace[0]["reason"], result.trace[0]["detail"]) == ("isolated", "isolated: maintenance")


async def test_two_keys_one_exhausted_the_other_serves(world: World, fakes: FakeVendors) -> None:
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    async with world.purser.database.transaction() as session:
        session.add(encrypted_key(world.purser.vault, provider.id, "sk-test-second-key"))
    await world.purser.snapshots.rebuild()
    fakes.openai.fail("quota", times=1)

    result = await world.ask()

    assert (result.provider, fakes.openai.calls) == ("openai", 2)
    assert result.trace[1]["reason"] == "next_key"
    keys = await world.purser.database.fetch_all(
        "select state, state_class from provider_keys where provider_id = %s", (provider.id,)
    )
    assert sorted(keys) == [("active", None), ("set_aside", "quota")]


async def test_when_everything_is_open_the_error_says_when_the_next_probe_comes(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    async with running(settings_for(database_url, tmp_path, fakes)) as world:
        for vendor in (fakes.openai, fakes.gemini, fakes.anthropic):
            vendor.fail("unauthorized")
        await world.refused()

        error = await world.refused()

        assert isinstance(error, AllProvidersFailed)
        assert error.message.count("next probe in") == 3
        assert fakes.openai.calls == 1
