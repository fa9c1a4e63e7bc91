"""Who answers when vendors fail, and what it costs."""

import asyncio

import pytest

from core.errors import AllProvidersFailed, ErrorClass, InvalidRequest
from core.generation.order import TextOrder
from core.generation.outcome import Result, StreamCut
from core.routing import policy
from tests.fakes import FakeVendors
from tests.fakes.vendor import ANSWER
from tests.waiting import until
from tests.world import World


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff a hundred times shorter: the order of events is what is tested, not the clock."""
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.01)


async def test_the_first_in_order_answers_and_is_charged_at_its_own_price(
    world: World, fakes: FakeVendors
) -> None:
    result = await world.ask()

    assert (result.provider, result.model, result.credits) == ("openai", "gpt-6.1-sol", 1)
    assert (fakes.openai.calls, fakes.gemini.calls, fakes.anthropic.calls) == (1, 0, 0)
    assert result.cost is not None
    assert result.cost > 0
    assert (await world.balance()).balance == 999
    assert [step["decision"] for step in result.trace] == ["chosen", "not_needed", "not_needed"]


async def test_an_exhausted_quota_costs_exactly_one_call_and_the_next_provider_answers(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")

    result = await world.ask()

    assert result.provider == "gemini"
    assert fakes.openai.calls == 1
    failed, chosen = result.trace[:2]
    assert (failed["provider"], failed["errorClass"], failed["attempt"]) == ("openai", "quota", 1)
    assert (chosen["provider"], chosen["decision"], chosen["reason"]) == ("gemini", "chosen", "next_in_order")


async def test_after_an_exhausted_quota_the_provider_is_not_called_again(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")
    await world.ask()

    again = await world.ask()

    assert fakes.openai.calls == 1
    assert again.trace[0]["reason"] == "breaker_open"


async def test_with_two_providers_down_the_third_answers(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("quota")
    fakes.gemini.fail("server_error")

    result = await world.ask()

    assert result.provider == "anthropic"
    assert fakes.gemini.calls == 4, "three tries of its model, one of its fallback model"


async def test_when_all_are_down_one_error_names_each_cause_and_nothing_is_charged(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")
    fakes.gemini.fail("overloaded")
    fakes.anthropic.fail("unauthorized")

    error = await world.refused()

    assert isinstance(error, AllProvidersFailed)
    assert error.status == 503
    causes = {cause["provider"]: cause["class"] for cause in error.details["causes"]}
    assert causes == {"openai": "quota", "gemini": "overloaded", "anthropic": "authentication"}
    assert all(name in error.message for name in ("openai", "gemini", "anthropic"))
    balance = await world.balance()
    assert (balance.balance, balance.held) == (1_000, 0)
    (row,) = await world.rows()
    assert (row["status"], row["error_code"], row["credits"]) == ("failed", "all_providers_failed", 0)
    assert row["attempts"] == len(await world.attempts(row["id"]))


async def test_a_passing_fault_is_tried_again_at_the_same_provider(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("server_error", times=2)

    result = await world.ask()

    assert (result.provider, fakes.openai.calls) == ("openai", 3)
    attempts = await world.attempts(result.id)
    assert [one["outcome"] for one in attempts] == ["failed", "failed", "completed"]
    assert [one["serving"] for one in attempts] == [False, False, True]
    assert attempts[1]["waited_ms"] > 0


async def test_a_short_retry_after_is_obeyed(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("rate_limit", times=1, retry_after_ms=300)

    result = await world.ask()

    first, second = await world.attempts(result.id)
    assert (first["error_class"], first["retry_after_ms"]) == ("rate_limit", 300)
    assert second["waited_ms"] == 300
    assert second["offset_ms"] >= first["latency_ms"] + 300


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("rate_limit", retry_after=300)

    result = await world.ask()

    assert result.provider == "gemini"
    assert fakes.openai.calls == 2, "once its model, once its fallback model"


async def test_the_callers_own_fault_stops_at_once_and_does_not_travel_on(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("invalid_request")

    error = await world.refused()

    assert isinstance(error, InvalidRequest)
    assert error.code == "invalid_request"
    assert (fakes.openai.calls, fakes.gemini.calls, fakes.anthropic.calls) == (1, 0, 0)
    assert (await world.balance()).balance == 1_000


async def test_blocked_content_is_said_as_such_and_costs_nothing(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("blocked")

    error = await world.refused()

    assert (error.code, error.status) == (ErrorClass.CONTENT_BLOCKED, 422)
    assert fakes.gemini.calls == 0
    assert (await world.balance()).held == 0


async def test_a_retired_model_leads_to_the_providers_fallback_model(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("model_not_found", times=1)

    result = await world.ask()

    assert (result.provider, result.model) == ("openai", "gpt-6-luna")


async def test_a_named_provider_means_only_that_one(world: World, fakes: FakeVendors) -> None:
    fakes.gemini.fail("server_error")

    error = await world.refused(provider="gemini")

    assert isinstance(error, AllProvidersFailed)
    assert (fakes.openai.calls, fakes.anthropic.calls) == (0, 0)
    assert [cause["provider"] for cause in error.details["causes"]] == ["gemini"]


async def test_a_named_provider_with_fallback_goes_first_and_the_others_follow(
    world: World, fakes: FakeVendors
) -> None:
    fakes.gemini.fail("quota")

    result = await world.ask(provider="gemini", allow_fallback=True)

    assert result.provider == "openai"
    assert result.trace[0]["provider"] == "gemini"


async def test_a_named_model_goes_to_its_own_provider_first(world: World, fakes: FakeVendors) -> None:
    result = await world.ask(model="claude-haiku-5-5")

    assert (result.provider, result.model) == ("anthropic", "claude-haiku-5-5")
    assert fakes.openai.calls == 0


async def test_each_attempt_is_priced_at_its_own_model(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("cut", times=1, after=4)

    pieces: list[str] = []
    with pytest.raises(StreamCut):
        async for piece in world.purser.generations.stream_text(
            world.user, TextOrder.of_prompt("Say hello", streamed=True)
        ):
            assert isinstance(piece, str)
            pieces.append(piece)

    (row,) = await world.rows()
    (attempt,) = await world.attempts(row["id"])
    assert pieces
    assert (row["cut"], row["credits"], attempt["usage_estimated"]) == ("vendor", 1, True)
    assert attempt["cost"] == row["cost"] > 0


async def test_a_stream_that_fails_before_its_first_byte_is_answered_by_the_next_provider(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("error_mid_stream", after=1)
    received = [
        piece
        async for piece in world.purser.generations.stream_text(
            world.user, TextOrder.of_prompt("Say hello", streamed=True)
        )
    ]

    result = received[-1]
    assert isinstance(result, Result)
    assert result.provider == "gemini"
    assert "".join(piece for piece in received if isinstance(piece, str)) == result.text


@pytest.mark.parametrize("vendor", ["openai", "gemini", "anthropic"])
async def test_a_stream_that_keeps_bringing_text_may_outlast_the_deadline(
    world: World, fakes: FakeVendors, vendor: str
) -> None:
    await world.ask(provider=vendor)
    world.purser.generations._text_deadline = 1.5
    fakes.named(vendor).chunk_delay = 0.1

    order = TextOrder.of_prompt("Say hello", provider=vendor, streamed=True)
    *pieces, result = [piece async for piece in world.purser.generations.stream_text(world.user, order)]

    assert isinstance(result, Result)
    assert result.text == "".join(map(str, pieces)) == ANSWER
    assert result.latency_ms > 1_500


async def test_a_stream_without_a_first_piece_is_not_waited_for_beyond_its_time(
    world: World, fakes: FakeVendors
) -> None:
    await world.ask(provider="openai")
    world.purser.generations._text_deadline = 2.0
    fakes.openai.fail("hang", seconds=30)

    order = TextOrder.of_prompt("Say hello", streamed=True)
    *_, result = [piece async for piece in world.purser.generations.stream_text(world.user, order)]

    assert isinstance(result, Result)
    assert result.provider == "gemini"
    assert (result.trace[0]["errorClass"], result.trace[0]["detail"]) == (
        "timeout",
        "timeout: No answer within 1 s.",
    )


async def test_a_reader_who_goes_away_is_charged_for_what_was_delivered(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.chunk_delay = 0.05
    stream = world.purser.generations.stream_text(world.user, TextOrder.of_prompt("Say hello", streamed=True))
    await anext(stream)

    await stream.aclose()
    await world.purser.generations.drain()

    assert await fakes.openai.disconnected()
    (row,) = await world.rows()
    assert (row["status"], row["cut"], row["credits"], row["usage_estimated"]) == (
        "cancelled",
        "reader",
        1,
        True,
    )
    balance = await world.balance()
    assert (balance.balance, balance.held) == (999, 0)


async def test_a_reader_who_goes_away_before_the_first_byte_pays_nothing(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("hang", seconds=5)
    reading = asyncio.create_task(
        anext(
            world.purser.generations.stream_text(world.user, TextOrder.of_prompt("Say hello", streamed=True))
        )
    )
    await until(lambda: fakes.openai.calls > 0)

    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await world.purser.generations.drain()

    (row,) = await world.rows()
    assert (row["status"], row["credits"]) == ("cancelled", 0)
    assert (await world.balance()).held == 0
