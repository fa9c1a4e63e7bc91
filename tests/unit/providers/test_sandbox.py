"""The built-in vendor."""

import asyncio

import pytest

from core.errors import ErrorClass, InvalidRequest
from core.providers.base import Connection, Message, ProviderError, TextChunk, TextRequest
from core.providers.registry import build
from core.providers.sandbox import Behaviour, Sandbox
from core.providers.tokens import estimate_messages, estimate_tokens

REQUEST = TextRequest((Message("user", "Why is the sky blue?"),))
FAST = "sandbox://?latency_ms=0&piece_ms=0"


def sandbox(url: str = FAST) -> Sandbox:
    provider = build(Connection("sandbox", url))
    assert isinstance(provider, Sandbox)
    return provider


async def streamed(provider: Sandbox, request: TextRequest = REQUEST) -> list[TextChunk]:
    return [chunk async for chunk in provider.stream_text("model", request, timeout=30)]


async def test_the_same_prompt_gives_the_same_answer_that_mentions_it() -> None:
    first = await sandbox().generate_text("model", REQUEST, timeout=30)
    second = await sandbox().generate_text("model", REQUEST, timeout=30)
    assert first.text == second.text
    assert "Why is the sky blue?" in first.text
    assert first.finish_reason == "stop"


async def test_other_prompts_systems_and_models_give_other_answers() -> None:
    texts = {
        (
            await sandbox().generate_text(
                model, TextRequest((Message("user", "Same words"),), system), timeout=5
            )
        ).text
        for model in ("a", "b", "c")
        for system in (None, "x", "y")
    }
    assert len(texts) > 4


async def test_usage_follows_the_estimate_rule() -> None:
    result = await sandbox().generate_text("model", REQUEST, timeout=30)
    assert result.usage is not None
    assert result.usage.input_tokens == estimate_messages(REQUEST.messages)
    assert result.usage.output_tokens == estimate_tokens(result.text)


async def test_a_stream_says_the_same_in_small_pieces_and_ends_with_usage() -> None:
    plain = await sandbox().generate_text("model", REQUEST, timeout=30)
    chunks = await streamed(sandbox())
    assert "".join(chunk.text for chunk in chunks) == plain.text
    assert len(chunks) > 10
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage == plain.usage


async def test_max_tokens_end_the_answer_early_with_length() -> None:
    request = TextRequest(REQUEST.messages, max_tokens=10)
    result = await sandbox().generate_text("model", request, timeout=30)
    assert result.finish_reason == "length"
    assert estimate_tokens(result.text) <= 10
    assert (await streamed(sandbox(), request))[-1].finish_reason == "length"


async def test_a_prompt_with_braces_or_of_enormous_length_is_answered() -> None:
    for prompt in ("{0} {topic} {}", "word " * 10_000, "", "a\ud800b"):
        result = await sandbox().generate_text("model", TextRequest((Message("user", prompt),)), timeout=30)
        assert result.text


def test_by_default_the_first_piece_comes_after_150_ms_and_the_next_ones_after_10() -> None:
    behaviour = Behaviour.parse("sandbox://")
    assert (behaviour.latency, behaviour.piece) == (0.15, 0.01)


@pytest.mark.parametrize("fault", list(ErrorClass))
async def test_every_class_can_be_had_as_a_fault_plain_and_streamed(fault: ErrorClass) -> None:
    provider = sandbox(f"{FAST}&fault={fault}&retry_after=3")
    with pytest.raises(ProviderError) as plain:
        await provider.generate_text("model", REQUEST, timeout=30)
    with pytest.raises(ProviderError) as in_stream:
        await streamed(provider)
    assert plain.value.error_class is in_stream.value.error_class is fault
    assert plain.value.retry_after == 3


async def test_a_cut_comes_after_some_pieces_and_tells_what_was_used() -> None:
    texts: list[str] = []
    with pytest.raises(ProviderError) as cut:
        async for chunk in sandbox(f"{FAST}&fault=cut").stream_text("model", REQUEST, timeout=30):
            texts.append(chunk.text)
    assert len(texts) == 3
    assert cut.value.error_class is ErrorClass.CONNECTION
    assert cut.value.usage is not None
    assert cut.value.usage.output_tokens == estimate_tokens("".join(texts))


async def test_fault_after_lets_so_many_pieces_through() -> None:
    texts: list[str] = []
    with pytest.raises(ProviderError):
        async for chunk in sandbox(f"{FAST}&fault=server&fault_after=5").stream_text(
            "m", REQUEST, timeout=30
        ):
            texts.append(chunk.text)
    assert len(texts) == 5


async def test_fault_times_fails_the_first_calls_only() -> None:
    provider = sandbox(f"{FAST}&fault=overloaded&fault_times=2")
    for _ in range(2):
        with pytest.raises(ProviderError):
            await provider.generate_text("model", REQUEST, timeout=30)
    assert (await provider.generate_text("model", REQUEST, timeout=30)).text


async def test_an_answer_slower_than_the_deadline_is_a_timeout_in_time() -> None:
    with pytest.raises(ProviderError) as slow:
        async with asyncio.timeout(30):
            await sandbox("sandbox://?latency_ms=60000").generate_text("model", REQUEST, timeout=0.05)
    assert slow.value.error_class is ErrorClass.TIMEOUT
    with pytest.raises(ProviderError) as slow_stream:
        async for _ in sandbox("sandbox://?latency_ms=0&piece_ms=30").stream_text("m", REQUEST, timeout=0.1):
            pass
    assert slow_stream.value.error_class is ErrorClass.TIMEOUT


async def test_a_probe_succeeds_and_fails_with_the_fault_that_is_set() -> None:
    assert (await sandbox().probe()).detail == "The sandbox is ready."
    assert (await sandbox("sandbox://?fault=cut").probe()).detail
    with pytest.raises(ProviderError) as refused:
        await sandbox("sandbox://?fault=authentication").probe()
    assert refused.value.error_class is ErrorClass.AUTHENTICATION


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "sandbox://?fault=meteor", "sandbox://?latency_ms=-1", "sandbox://?wings=2"],
)
def test_a_setting_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        sandbox(url)


async def test_a_hundred_answers_at_once_do_not_wait_for_each_other() -> None:
    provider = sandbox("sandbox://?latency_ms=500")
    async with asyncio.timeout(25):  # half of what they take one after another
        await asyncio.gather(*(provider.generate_text("model", REQUEST, timeout=20) for _ in range(100)))
