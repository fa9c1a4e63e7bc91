"""Urgent requests: three are asked at once, the first good answer wins, and the books are right about all of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.errors import AllProvidersFailed, InvalidRequest
from core.generation.order import TextOrder
from core.generation.outcome import Result, StreamCut
from core.routing import policy
from core.routing.models import BreakerState
from core.system.integrity import differences
from core.vocabulary import Modality
from tests.fakes import FakeUsage, FakeVendors
from tests.fakes.vendor import ANSWER, FakeVendor
from tests.waiting import until
from tests.world import World, running, settings_for

Step = dict[str, Any]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.01)


@pytest.fixture
async def world(database_url: str, fakes: FakeVendors, tmp_path: Path) -> AsyncIterator[World]:
    """Three vendors whose clients are built already, so that a race is one of answers; after them the sandbox."""
    settings = settings_for(database_url, tmp_path, fakes, enable_sandbox=True, circuit_breaker_timeout=1_000)
    async with running(settings) as world:
        for vendor in ("openai", "gemini", "anthropic"):
            await world.ask(provider=vendor)
        fakes.reset()
        yield world
        await world.purser.generations.drain()
        assert all(not count for count in world.purser.meter._running.values()), "counted as running"
        assert await world.held() == 0
        assert await differences(world.purser.database.url) == []


async def ask(world: World, *, streamed: bool = False, **order: Any) -> Result:
    """One urgent text, whole or streamed."""
    if not streamed:
        return await world.ask(urgency="immediate", **order)
    asked = TextOrder.of_prompt("Say hello", urgency="immediate", streamed=True, **order)
    received = [piece async for piece in world.purser.generations.stream_text(world.user, asked)]
    result = received.pop()
    assert isinstance(result, Result)
    assert "".join(map(str, received)) == result.text
    return result


async def refused(asking: Awaitable[Result]) -> Exception:
    with pytest.raises((AllProvidersFailed, InvalidRequest)) as refusal:
        await asking
    return refusal.value


def by_provider(trace: list[Step]) -> dict[str, Step]:
    return {step["provider"]: step for step in trace}


def hang(*vendors: FakeVendor) -> None:
    for vendor in vendors:
        vendor.fail("hang", seconds=30)


def three(fakes: FakeVendors) -> list[FakeVendor]:
    """Those that race."""
    return [fakes.openai, fakes.gemini, fakes.anthropic]


def others(fakes: FakeVendors, winner: str) -> list[FakeVendor]:
    return [vendor for vendor in three(fakes) if vendor.name != winner]


def provider_id(world: World, slug: str) -> UUID:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return provider.id


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


# Who wins


@both
@pytest.mark.parametrize("winner", ["openai", "gemini", "anthropic"])
async def test_the_first_good_answer_wins_and_the_others_are_cancelled_at_once(
    world: World, fakes: FakeVendors, winner: str, streamed: bool
) -> None:
    losers = others(fakes, winner)
    hang(*losers)
    next(vendor for vendor in three(fakes) if vendor.name == winner).latency = 0.2

    result = await ask(world, streamed=streamed)

    assert (result.provider, result.text) == (winner, ANSWER)
    assert all([await vendor.disconnected() for vendor in losers]), (
        "the vendors see that nobody waits any more"
    )
    assert [vendor.calls for vendor in three(fakes)] == [1, 1, 1]
    attempts = {one["provider"]: one for one in await world.attempts(result.id)}
    assert {name: one["outcome"] for name, one in attempts.items()} == {
        vendor.name: "completed" if vendor.name == winner else "cancelled" for vendor in three(fakes)
    }
    assert [name for name, one in attempts.items() if one["serving"]] == [winner]
    row = await world.row(result.id)
    assert (row["provider"], row["attempts"], row["parameters"]["urgency"]) == (winner, 3, "immediate")


async def test_the_trace_says_who_was_started_when_who_won_and_who_was_cancelled_and_why(
    world: World, fakes: FakeVendors
) -> None:
    hang(fakes.openai, fakes.anthropic)
    fakes.gemini.latency = 0.2

    result = await ask(world)

    steps = by_provider(result.trace)
    assert [step["provider"] for step in result.trace] == ["openai", "gemini", "anthropic", "sandbox"]
    assert [step["decision"] for step in result.trace] == ["cancelled", "chosen", "cancelled", "not_needed"]
    assert [steps[name]["reason"] for name in ("openai", "gemini", "anthropic")] == ["race"] * 3
    assert steps["gemini"]["detail"] == "the first to answer of 3 asked at once"
    assert steps["openai"]["detail"] == steps["anthropic"]["detail"] == "gemini answered first"
    began = [steps[name]["atMs"] for name in ("openai", "gemini", "anthropic")]
    assert max(began) < steps["gemini"]["atMs"] + steps["gemini"]["latencyMs"], "all before the first answer"
    assert max(began) - min(began) < 100
    assert steps["openai"]["latencyMs"] >= 190, "cancelled when the winner had answered"
    assert (await world.row(result.id))["trace"] == result.trace
    assert 190 <= result.vendor_ms <= result.latency_ms, "calls side by side count once"


@both
async def test_a_racer_that_fails_first_does_not_end_the_race(
    world: World, fakes: FakeVendors, streamed: bool
) -> None:
    fakes.openai.fail("quota")
    hang(fakes.anthropic)
    fakes.gemini.latency = 0.3

    result = await ask(world, streamed=streamed)

    assert result.provider == "gemini"
    steps = by_provider(result.trace)
    assert (steps["openai"]["decision"], steps["openai"]["errorClass"]) == ("failed", "quota")
    assert steps["anthropic"]["detail"] == "gemini answered first"
    status = world.purser.breakers.status(provider_id(world, "openai"), Modality.TEXT)
    assert status.state is BreakerState.OPEN, "its failure has the usual consequences"
    assert fakes.openai.calls == 1


async def test_a_stream_that_breaks_after_it_has_won_ends_as_any_other(
    world: World, fakes: FakeVendors
) -> None:
    hang(fakes.gemini, fakes.anthropic)
    fakes.openai.fail("cut", after=6)

    with pytest.raises(StreamCut):
        await ask(world, streamed=True)

    row = (await world.rows())[-1]
    assert (row["status"], row["cut"], row["provider"], row["credits"]) == ("failed", "vendor", "openai", 1)
    assert [one["outcome"] for one in await world.attempts(row["id"])] == ["failed", "cancelled", "cancelled"]


# When all racers fail


@both
async def test_if_all_racers_fail_the_walk_goes_on_with_the_candidates_that_are_left(
    world: World, fakes: FakeVendors, streamed: bool
) -> None:
    for vendor in three(fakes):
        vendor.fail("overloaded")

    result = await ask(world, streamed=streamed)

    assert result.provider == "sandbox"
    assert [vendor.calls for vendor in three(fakes)] == [1, 1, 1], "one attempt each"
    assert [(step["decision"], step["reason"]) for step in result.trace] == [
        *[("failed", "race")] * 3,
        ("chosen", "next_in_order"),
    ]
    row = await world.row(result.id)
    assert (row["provider"], row["attempts"]) == ("sandbox", 4)


async def test_when_nobody_answers_every_cause_is_named_and_nothing_is_charged(
    world: World, fakes: FakeVendors
) -> None:
    await world.purser.database.execute("update providers set enabled = false where slug = 'sandbox'")
    await world.purser.snapshots.rebuild()
    fakes.openai.fail("quota")
    fakes.gemini.fail("overloaded")
    fakes.anthropic.fail("server_error")
    before = await world.balance()

    error = await refused(ask(world))

    assert isinstance(error, AllProvidersFailed)
    causes = {cause["provider"]: cause["class"] for cause in error.details["causes"]}
    assert causes == {"openai": "quota", "gemini": "overloaded", "anthropic": "server"}
    assert await world.balance() == before
    assert [vendor.calls for vendor in three(fakes)] == [1, 1, 1]


# The request itself at fault


@both
async def test_a_racer_that_refuses_the_request_does_not_stop_another_one_from_answering(
    world: World, fakes: FakeVendors, streamed: bool
) -> None:
    fakes.openai.fail("invalid_request")
    hang(fakes.anthropic)
    fakes.gemini.latency = 0.2

    assert (await ask(world, streamed=streamed)).provider == "gemini"


@both
async def test_a_refused_request_that_no_racer_answers_travels_no_further(
    world: World, fakes: FakeVendors, streamed: bool
) -> None:
    fakes.openai.fail("overloaded")
    fakes.gemini.fail("invalid_request")
    fakes.anthropic.fail("overloaded")

    error = await refused(ask(world, streamed=streamed))

    assert isinstance(error, InvalidRequest)
    assert error.code == "invalid_request"
    row = (await world.rows())[-1]
    assert (row["status"], row["error_class"], row["credits"]) == ("failed", "invalid_request", 0)
    assert row["trace"][-1] | {"atMs": 0} == {
        "provider": "sandbox",
        "model": "sandbox-text",
        "decision": "not_needed",
        "reason": "stopped",
        "detail": "the request itself was refused",
        "atMs": 0,
    }


# Nothing to race with


async def test_a_named_provider_without_fallback_works_as_usual(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("server_error", times=2)

    result = await ask(world, provider="openai")

    assert (result.provider, fakes.openai.calls, fakes.gemini.calls) == ("openai", 3, 0)
    assert [step["reason"] for step in result.trace if step["provider"] == "openai"] == [
        "named_provider",
        "retry",
        "retry",
    ]


async def test_one_admissible_candidate_is_no_race(world: World, fakes: FakeVendors) -> None:
    await world.purser.database.execute("update providers set enabled = false where slug = 'sandbox'")
    await world.purser.snapshots.rebuild()
    fakes.gemini.fail("quota")
    fakes.anthropic.fail("quota")
    for name in ("gemini", "anthropic"):
        await world.refused(provider=name)
    fakes.openai.fail("server_error", times=2)

    result = await ask(world)

    assert (result.provider, fakes.openai.calls) == ("openai", 3), "with its retries"
    steps = by_provider(result.trace)
    assert steps["gemini"]["reason"] == steps["anthropic"]["reason"] == "breaker_open"


async def test_a_candidate_that_may_not_be_called_leaves_its_place_to_the_next(
    world: World, fakes: FakeVendors
) -> None:
    await world.purser.database.execute(
        "update providers set limits = '{\"requests_per_minute\": 0}', limits_enabled = true where slug = 'openai'"
    )
    await world.purser.snapshots.rebuild()
    hang(fakes.gemini, fakes.anthropic)

    result = await ask(world)

    assert result.provider == "sandbox"
    assert [(step["provider"], step["decision"]) for step in result.trace] == [
        ("openai", "skipped"),
        ("gemini", "cancelled"),
        ("anthropic", "cancelled"),
        ("sandbox", "chosen"),
    ]


async def test_only_as_many_race_as_the_cost_limit_covers_together(world: World, fakes: FakeVendors) -> None:
    costs = await estimates(world, "openai", "gemini", "anthropic")
    hang(fakes.openai)
    fakes.gemini.latency = 0.2

    result = await ask(world, max_cost=costs["openai"] + costs["gemini"])

    assert result.provider == "gemini"
    assert [vendor.calls for vendor in three(fakes)] == [1, 1, 0]
    fakes.openai.clear()
    alone = await ask(world, max_cost=max(costs.values()))
    assert alone.trace[0]["reason"] == "first_in_order"


async def test_what_may_not_be_called_takes_nothing_of_the_cost_limit(
    world: World, fakes: FakeVendors
) -> None:
    await world.purser.database.execute(
        "update providers set limits = '{\"requests_per_minute\": 0}', limits_enabled = true where slug = 'openai'"
    )
    await world.purser.database.execute("update providers set enabled = false where slug = 'sandbox'")
    await world.purser.snapshots.rebuild()
    costs = await estimates(world, "openai", "gemini", "anthropic")
    hang(fakes.gemini)
    fakes.anthropic.latency = 0.2

    result = await ask(world, max_cost=max(costs["openai"], costs["gemini"] + costs["anthropic"]))

    assert result.provider == "anthropic"
    assert [vendor.calls for vendor in three(fakes)] == [0, 1, 1]
    assert by_provider(result.trace)["gemini"]["detail"] == "anthropic answered first"


async def estimates(world: World, *slugs: str) -> dict[str, Decimal]:
    """What each may cost at most, for the prompt of these tests."""
    snapshot = world.purser.snapshots.current
    found: dict[str, Decimal] = {}
    for slug in slugs:
        provider = snapshot.provider(slug)
        assert provider is not None
        offer = snapshot.offer(provider.id, provider.default_models[Modality.TEXT])
        assert offer is not None
        request = TextOrder.of_prompt("Say hello").request()
        cost = offer.estimated_cost(7, request.max_tokens, datetime.now(UTC))
        assert cost is not None
        found[slug] = cost
    return found


# Money


async def test_the_hold_covers_the_dearest_and_the_charge_is_the_winners(
    world: World, fakes: FakeVendors
) -> None:
    hang(fakes.openai, fakes.anthropic)
    fakes.gemini.answer_with("Hello", FakeUsage(input=1_000, output=1_000))

    result = await ask(world)

    row = await world.row(result.id)
    assert row["held"] == 5, "2,007 tokens of gpt-6.1-sol at 2 credits a thousand"
    assert (result.credits, row["credits"]) == (2, 2), "2,000 tokens of gemini-3.8-flash at 1"


@both
async def test_cancelled_racers_are_priced_at_their_own_model_by_the_prompt_they_were_sent(
    world: World, fakes: FakeVendors, streamed: bool
) -> None:
    hang(fakes.openai, fakes.anthropic)
    fakes.gemini.latency = 0.2

    result = await ask(world, streamed=streamed)

    attempts = {one["provider"]: one for one in await world.attempts(result.id)}
    for name in ("openai", "anthropic"):
        one = attempts[name]
        assert (one["output_tokens"], one["usage_estimated"], one["unpriced"]) == (0, True, False)
        assert one["input_tokens"] > 0
        assert one["cost"] > 0
    assert attempts["gemini"]["usage_estimated"] is False
    row = await world.row(result.id)
    assert Decimal(str(row["cost"])) == sum(Decimal(str(one["cost"])) for one in attempts.values())
    assert result.cost == Decimal(str(row["cost"]))


# The caller goes


async def test_a_caller_who_is_cancelled_in_the_middle_leaves_nothing_running(
    world: World, fakes: FakeVendors
) -> None:
    hang(*three(fakes))
    before = await world.balance()
    asking = asyncio.create_task(ask(world))
    await until(lambda: all(vendor.calls for vendor in three(fakes)))

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await world.purser.generations.drain()

    assert all([await vendor.disconnected() for vendor in three(fakes)])
    row = (await world.rows())[-1]
    assert (row["status"], row["credits"]) == ("cancelled", 0)
    attempts = await world.attempts(row["id"])
    assert [(one["outcome"], one["serving"]) for one in attempts] == [("cancelled", False)] * 3
    assert all(one["usage_estimated"] and one["cost"] > 0 for one in attempts), "all had been asked"
    assert {step["detail"] for step in row["trace"]} == {"cancelled"}
    assert await world.balance() == before


async def test_a_reader_who_leaves_before_the_first_byte_leaves_nothing_running(
    world: World, fakes: FakeVendors
) -> None:
    hang(*three(fakes))
    order = TextOrder.of_prompt("Say hello", urgency="immediate", streamed=True)
    reading = asyncio.create_task(anext(world.purser.generations.stream_text(world.user, order)))
    await until(lambda: all(vendor.calls for vendor in three(fakes)))

    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await world.purser.generations.drain()

    assert all([await vendor.disconnected() for vendor in three(fakes)])
    row = (await world.rows())[-1]
    assert (row["status"], row["credits"]) == ("cancelled", 0)


async def test_a_reader_who_leaves_the_winner_is_charged_for_what_it_delivered(
    world: World, fakes: FakeVendors
) -> None:
    hang(fakes.openai, fakes.anthropic)
    fakes.gemini.chunk_delay = 0.05
    order = TextOrder.of_prompt("Say hello", urgency="immediate", streamed=True)
    stream = world.purser.generations.stream_text(world.user, order)
    await anext(stream)

    await stream.aclose()
    await world.purser.generations.drain()

    assert all([await vendor.disconnected() for vendor in three(fakes)])
    row = (await world.rows())[-1]
    assert (row["status"], row["cut"], row["provider"], row["credits"]) == (
        "cancelled",
        "reader",
        "gemini",
        1,
    )
    serving = [one["provider"] for one in await world.attempts(row["id"]) if one["serving"]]
    assert serving == ["gemini"]


# Breakers


@both
async def test_a_probe_that_loses_the_race_is_given_back(
    world: World, fakes: FakeVendors, streamed: bool
) -> None:
    await open_openai(world, fakes)
    hang(fakes.openai, fakes.anthropic)
    fakes.gemini.latency = 0.2

    result = await ask(world, streamed=streamed)
    await world.purser.generations.drain()

    steps = by_provider(result.trace)
    assert (steps["openai"]["reason"], steps["openai"]["decision"]) == ("probe", "cancelled")
    status = world.purser.breakers.status(provider_id(world, "openai"), Modality.TEXT)
    assert status.state is BreakerState.OPEN
    assert status.probe_due(datetime.now(UTC)), "the next request may be the probe"
    fakes.openai.clear()
    assert (await world.ask()).provider == "openai"


async def test_a_caller_who_goes_in_the_middle_gives_the_probe_back(world: World, fakes: FakeVendors) -> None:
    await open_openai(world, fakes)
    hang(*three(fakes))
    asking = asyncio.create_task(ask(world))
    await until(lambda: all(vendor.calls for vendor in three(fakes)))

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await world.purser.generations.drain()

    status = world.purser.breakers.status(provider_id(world, "openai"), Modality.TEXT)
    assert status.probe_due(datetime.now(UTC))


async def test_a_probe_that_wins_the_race_closes_the_breaker(world: World, fakes: FakeVendors) -> None:
    await open_openai(world, fakes)
    hang(fakes.gemini, fakes.anthropic)

    assert (await ask(world)).provider == "openai"

    status = world.purser.breakers.status(provider_id(world, "openai"), Modality.TEXT)
    assert status.state is BreakerState.CLOSED


async def open_openai(world: World, fakes: FakeVendors) -> None:
    """A breaker whose probe is due, as after real failures a while ago; the vendor is well again."""
    fakes.openai.fail("overloaded")
    await world.ask()
    await world.ask()
    openai = provider_id(world, "openai")
    await until(lambda: world.purser.breakers.status(openai, Modality.TEXT).probe_due(datetime.now(UTC)))
    fakes.reset()


async def test_many_races_at_once_leave_the_books_right(world: World, fakes: FakeVendors) -> None:
    fakes.openai.latency, fakes.gemini.latency, fakes.anthropic.latency = 0.05, 0.05, 0.05
    fakes.openai.fail("server_error", times=4)

    results = await asyncio.gather(
        *(ask(world, streamed=number % 2 == 0) for number in range(24)), return_exceptions=True
    )

    answered = [one for one in results if isinstance(one, Result)]
    assert len(answered) == 24
    for result in answered:
        attempts = await world.attempts(result.id)
        assert [one["outcome"] for one in attempts].count("completed") == 1
        assert sum(one["serving"] for one in attempts) == 1
