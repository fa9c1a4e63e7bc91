"""What single vendors do that the others do not."""

from typing import Any

import pytest

from core.errors import ErrorClass
from core.providers.base import ProviderError
from tests.fakes import FakeVendors
from tests.integration.providers.conftest import REQUEST, Connect, read


def completion(message: dict[str, Any] | None, finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "message": message, "finish_reason": finish}] if message is not None else []
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **more}


async def test_gemini_does_not_go_on_by_itself_after_a_full_answer(
    fakes: FakeVendors, connect: Connect
) -> None:
    fakes.gemini.answer_with("The first part", finish="continuation")
    provider = connect("gemini")
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).finish_reason == "length"
    assert (await read(provider))[-1].finish_reason == "length"
    assert fakes.gemini.calls == 2


async def test_openrouters_error_inside_a_200_is_an_error(fakes: FakeVendors, connect: Connect) -> None:
    fakes.openai.fail("raw", body={"error": {"message": "Provider returned error", "code": 503}})
    with pytest.raises(ProviderError, match="Provider returned error") as failure:
        await connect("openai_compatible").generate_text("model-1", REQUEST, timeout=30)
    assert failure.value.error_class is ErrorClass.OVERLOADED


async def test_an_answer_without_choices_is_an_empty_answer(fakes: FakeVendors, connect: Connect) -> None:
    fakes.openai.fail("raw", body=completion(None))
    with pytest.raises(ProviderError, match="empty") as failure:
        await connect("openai").generate_text("model-1", REQUEST, timeout=30)
    assert failure.value.error_class is ErrorClass.SERVER


async def test_a_refusal_in_openais_own_field_is_a_blocked_answer(
    fakes: FakeVendors, connect: Connect
) -> None:
    fakes.openai.fail(
        "raw", body=completion({"role": "assistant", "content": None, "refusal": "I will not."})
    )
    with pytest.raises(ProviderError, match="I will not") as failure:
        await connect("openai").generate_text("model-1", REQUEST, timeout=30)
    assert failure.value.error_class is ErrorClass.CONTENT_BLOCKED


async def test_a_filtered_answer_with_text_is_an_answer_that_says_so(
    fakes: FakeVendors, connect: Connect
) -> None:
    fakes.openai.fail("raw", body=completion({"role": "assistant", "content": "As far as"}, "content_filter"))
    result = await connect("openai").generate_text("model-1", REQUEST, timeout=30)
    assert (result.text, result.finish_reason) == ("As far as", "content_blocked")


async def test_deepseek_without_machines_is_overloaded(fakes: FakeVendors, connect: Connect) -> None:
    fakes.deepseek.fail(
        "raw", body=completion({"role": "assistant", "content": ""}, "insufficient_system_resource")
    )
    with pytest.raises(ProviderError) as failure:
        await connect("deepseek").generate_text("model-1", REQUEST, timeout=30)
    assert failure.value.error_class is ErrorClass.OVERLOADED


async def test_deepseeks_thinking_is_billed_but_not_part_of_the_answer(
    fakes: FakeVendors, connect: Connect
) -> None:
    message = {"role": "assistant", "content": "42", "reasoning_content": "Let me see…"}
    usage = {"prompt_tokens": 9, "completion_tokens": 70, "total_tokens": 79, "prompt_cache_hit_tokens": 8}
    fakes.deepseek.fail("raw", body=completion(message, usage=usage))
    result = await connect("deepseek").generate_text("model-1", REQUEST, timeout=30)
    assert result.text == "42"
    assert result.usage is not None
    assert (result.usage.cached_tokens, result.usage.output_tokens) == (8, 70)


async def test_thinking_that_a_server_counts_apart_is_added_to_the_output(
    fakes: FakeVendors, connect: Connect
) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 114,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }
    fakes.openai.fail("raw", body=completion({"role": "assistant", "content": "42"}, usage=usage))
    result = await connect("openai_compatible").generate_text("model-1", REQUEST, timeout=30)
    assert result.usage is not None
    assert result.usage.output_tokens == 105


async def test_usage_with_holes_is_read_as_far_as_it_goes(fakes: FakeVendors, connect: Connect) -> None:
    fakes.openai.fail("raw", times=1, body=completion({"role": "assistant", "content": "42"}, usage={}))
    fakes.openai.fail(
        "raw", times=1, body=completion({"role": "assistant", "content": "42"}, usage={"prompt_tokens": 3})
    )
    provider = connect("openai_compatible")
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).usage is None
    told = (await provider.generate_text("model-1", REQUEST, timeout=30)).usage
    assert told is not None
    assert (told.input_tokens, told.output_tokens) == (3, 0)
