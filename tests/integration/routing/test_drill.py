"""A simulated outage: test traffic meets it as it would really go, live traffic and everything shared notice nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.accounts.person import Person
from core.errors import ContentBlocked, ErrorClass, PurserError
from core.generation.order import TextOrder
from core.generation.outcome import Result
from core.providers.config import ProviderConfig
from core.providers.keyring import encrypted_key
from core.routing import policy
from core.routing.models import BreakerState
from core.routing.scores import UNTRIED, Track
from core.system.integrity import differences
from core.vocabulary import Modality, Role, Traffic
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import World, person, running, settings_for


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.01)


@pytest.fixture
async def world(database_url: str, fakes: FakeVendors, tmp_path: Path) -> AsyncIterator[World]:
    async with running(settings_for(database_url, tmp_path, fakes, circuit_breaker_timeout=500)) as world:
        yield world
        await world.purser.generations.drain()
        assert not any(world.purser.meter._running.values()), "counted as running"
        assert await world.held() == 0
        assert await differences(world.purser.database.url) == []


@pytest.fixture
async def tester(world: World) -> Person:
    return await person(world.purser, "tess@example.com", credits=100, role=Role.TESTER)


async def drill(
    world: World, error: ErrorClass | None, *, latency_ms: int = 0, seconds: float = 600, slug: str = "openai"
) -> None:
    await world.purser.database.execute(
        "insert into drills (provider_id, error_class, latency_ms, reason, ends_at)"
        " values (%s, %s, %s, 'for the test', %s)",
        (openai(world, slug).id, error, latency_ms, datetime.now(UTC) + timedelta(seconds=seconds)),
    )
    await world.purser.snapshots.rebuild()


def openai(world: World, slug: str = "openai") -> ProviderConfig:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return provider


async def run(world: World, by: Person, *, streamed: bool = False, **order: Any) -> Result:
    """One test run, whole or streamed."""
    asked = TextOrder.of_prompt("Say hello", streamed=streamed, **order)
    generations = world.purser.generations
    if not streamed:
        return await generations.generate_text(by, asked, traffic=Traffic.TEST)
    received = [piece async for piece in generations.stream_text(by, asked, traffic=Traffic.TEST)]
    result = received.pop()
    assert isinstance(result, Result)
    assert "".join(map(str, received)) == result.text
    return result


def at_openai(result: Result) -> list[dict[str, Any]]:
    return [step for step in result.trace if step["provider"] == "openai"]


def untouched(world: World) -> bool:
    """Whether nothing shared knows of the drill: breaker, keys, score, limits."""
    purser, provider = world.purser, openai(world)
    status = purser.breakers.status(provider.id, Modality.TEXT)
    requests = purser.meter._used(provider.id, "requests")
    return (
        (status.state, status.failures) == (BreakerState.CLOSED, 0)
        and len(purser.keys.usable(provider)) == len(provider.keys)
        and track(world) == UNTRIED
        and requests == 0
    )


def track(world: World) -> Track:
    provider = openai(world)
    return world.purser.scores.track(provider.id, provider.default_models[Modality.TEXT])


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@both
async def test_a_test_run_meets_the_outage_without_any_call_and_the_fallback_answers(
    world: World, tester: Person, fakes: FakeVendors, streamed: bool
) -> None:
    await drill(world, ErrorClass.OVERLOADED, latency_ms=20)

    result = await run(world, tester, streamed=streamed)

    assert (result.provider, fakes.openai.calls) == ("gemini", 0)
    steps = at_openai(result)
    assert [step["reason"] for step in steps] == ["first_in_order", "retry", "retry", "fallback_model"]
    assert {step["detail"] for step in steps} == {"Simulated: overloaded"}
    assert all(step["simulated"] for step in steps)
    assert "simulated" not in result.trace[len(steps)]
    attempts = await world.attempts(result.id)
    assert [(one["provider"], one["simulated"]) for one in attempts] == [
        *[("openai", True)] * 4,
        ("gemini", False),
    ]
    assert [one["error_class"] for one in attempts] == [*["overloaded"] * 4, None]
    assert [one["cost"] for one in attempts[:4]] == [0] * 4
    assert all(one["latency_ms"] >= 20 for one in attempts[:4])
    assert untouched(world)


@both
async def test_live_traffic_is_untouched(
    world: World, tester: Person, fakes: FakeVendors, streamed: bool
) -> None:
    await drill(world, ErrorClass.SERVER, latency_ms=60_000)

    if streamed:
        order = TextOrder.of_prompt("Say hello", streamed=True)
        *_, result = [piece async for piece in world.purser.generations.stream_text(world.user, order)]
        assert isinstance(result, Result)
    else:
        result = await world.ask()

    assert (result.provider, fakes.openai.calls) == ("openai", 1)
    assert result.latency_ms < 30_000
    (attempt,) = await world.attempts(result.id)
    assert attempt["simulated"] is False
    assert "simulated" not in result.trace[0]


@pytest.mark.parametrize("error", list(ErrorClass))
async def test_no_class_of_simulated_error_has_consequences(
    world: World, tester: Person, fakes: FakeVendors, error: ErrorClass
) -> None:
    await drill(world, error)

    for _ in range(6):
        if error in (ErrorClass.INVALID_REQUEST, ErrorClass.CONTENT_BLOCKED):
            with pytest.raises(PurserError, match=f"Simulated: {error.replace('_', ' ')}"):
                await run(world, tester)
        else:
            assert (await run(world, tester)).provider == "gemini"

    assert fakes.openai.calls == 0
    assert untouched(world)
    assert (await world.ask()).provider == "openai"


async def test_a_simulated_block_stops_as_a_real_one_would(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await drill(world, ErrorClass.CONTENT_BLOCKED)

    with pytest.raises(ContentBlocked):
        await run(world, tester)

    assert sum(vendor.calls for vendor in fakes.all) == 0


async def test_an_exhausted_quota_is_simulated_for_each_key_once(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    async with world.purser.database.transaction() as session:
        session.add(encrypted_key(world.purser.vault, openai(world).id, "sk-test-second-0002"))
    await drill(world, ErrorClass.QUOTA)

    result = await run(world, tester)

    assert result.provider == "gemini"
    assert [step["reason"] for step in at_openai(result)] == ["first_in_order", "next_key"]
    keys = [one["key_id"] for one in await world.attempts(result.id) if one["provider"] == "openai"]
    assert len(set(keys)) == 2
    assert untouched(world)


@both
async def test_with_latency_alone_the_real_call_follows(
    world: World, tester: Person, fakes: FakeVendors, streamed: bool
) -> None:
    await drill(world, None, latency_ms=300)

    result = await run(world, tester, streamed=streamed)

    assert (result.provider, fakes.openai.calls) == ("openai", 1)
    assert result.latency_ms >= 300
    (attempt,) = await world.attempts(result.id)
    assert (attempt["outcome"], attempt["simulated"], attempt["serving"]) == ("completed", True, True)
    assert attempt["cost"] > 0, "the vendor was really asked"
    assert at_openai(result)[0]["simulated"] is True
    assert track(world) == UNTRIED, "a simulated delay is nobody's latency"


async def test_a_real_failure_after_a_simulated_delay_has_no_consequences_either(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await drill(world, None, latency_ms=10)
    fakes.openai.fail("unauthorized")

    result = await run(world, tester)

    assert (result.provider, fakes.openai.calls) == ("gemini", 1)
    provider = openai(world)
    assert world.purser.keys.usable(provider)
    assert world.purser.breakers.status(provider.id, Modality.TEXT).state is BreakerState.CLOSED


@both
async def test_a_timeout_by_simulated_latency_has_no_consequences_and_the_deadline_holds(
    world: World, tester: Person, fakes: FakeVendors, streamed: bool
) -> None:
    await drill(world, None, latency_ms=60_000)
    world.purser.generations._text_deadline = 2.0

    result = await run(world, tester, streamed=streamed)

    assert (result.provider, fakes.openai.calls) == ("gemini", 0)
    assert result.latency_ms < 2_000
    (step,) = at_openai(result)
    assert (step["errorClass"], step["detail"]) == ("timeout", "Simulated: no answer within 1 s")
    assert untouched(world)


async def test_it_ends_by_itself(world: World, tester: Person, fakes: FakeVendors) -> None:
    await drill(world, ErrorClass.SERVER, seconds=0.5)
    assert (await run(world, tester)).provider == "gemini"

    await until(lambda: not openai(world).drilled(datetime.now(UTC)))

    assert (await run(world, tester)).provider == "openai"


async def test_it_takes_no_breakers_probe(world: World, tester: Person, fakes: FakeVendors) -> None:
    fakes.openai.fail("overloaded")
    await world.ask()
    await world.ask()
    fakes.openai.clear()
    provider = openai(world)
    await until(lambda: world.purser.breakers.status(provider.id, Modality.TEXT).probe_due(datetime.now(UTC)))
    await drill(world, None, latency_ms=10)
    before = fakes.openai.calls

    result = await run(world, tester)

    assert result.provider == "gemini"
    (step,) = at_openai(result)
    assert step["reason"] == "breaker_open"
    assert step["detail"].endswith("a drill takes no probe")
    assert fakes.openai.calls == before
    probing = await world.ask()
    assert probing.provider == "openai", "the probe was left to a live request"
    assert probing.trace[0]["reason"] == "probe"


async def test_simulated_failures_do_not_count_against_the_limits(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await world.purser.database.execute(
        "update providers set limits = '{\"requests_per_minute\": 1}', limits_enabled = true where slug = 'openai'"
    )
    await drill(world, ErrorClass.RATE_LIMIT)
    await run(world, tester)
    await run(world, tester)

    assert (await world.ask()).provider == "openai"


async def test_a_real_call_after_a_simulated_delay_counts_against_the_limits(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await world.purser.database.execute(
        "update providers set limits = '{\"tokens_per_day\": 10}', limits_enabled = true where slug = 'openai'"
    )
    await drill(world, None, latency_ms=10)
    assert (await run(world, tester)).provider == "openai"

    result = await world.ask()

    assert (result.provider, result.trace[0]["reason"]) == ("gemini", "limit")


async def test_a_caller_who_leaves_during_the_simulated_delay_costs_nothing(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await drill(world, None, latency_ms=60_000)
    running = asyncio.create_task(run(world, tester))
    await until(lambda: bool(world.purser.generations._running))
    await asyncio.sleep(0)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await world.purser.generations.drain()

    (row,) = await world.rows()
    assert (row["status"], row["cost"], row["credits"]) == ("cancelled", 0, 0)
    assert fakes.openai.calls == 0


@both
async def test_in_a_race_the_drilled_one_is_outrun_and_costs_nothing(
    world: World, tester: Person, fakes: FakeVendors, streamed: bool
) -> None:
    await drill(world, None, latency_ms=60_000)

    result = await run(world, tester, streamed=streamed, urgency="immediate")

    assert result.provider in ("gemini", "anthropic")
    (step,) = at_openai(result)
    assert (step["decision"], step["simulated"]) == ("cancelled", True)
    first = (await world.attempts(result.id))[0]
    assert (first["provider"], first["outcome"], first["cost"], first["simulated"]) == (
        "openai",
        "cancelled",
        0,
        True,
    )
    assert fakes.openai.calls == 0
    assert untouched(world)


async def test_the_page_says_that_a_failure_was_simulated(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await drill(world, ErrorClass.OVERLOADED)

    with pytest.raises(PurserError):
        await run(world, tester, provider="openai")

    (row,) = await world.rows()
    assert (row["status"], row["error_class"], row["credits"]) == ("failed", "overloaded", 0)
    assert "openai: Simulated: overloaded" in row["error_message"]
