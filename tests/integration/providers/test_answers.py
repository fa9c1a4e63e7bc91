"""Answers and their usage, plain and streamed, as each vendor writes them."""

import asyncio
from decimal import Decimal

import pytest

from core.errors import ErrorClass
from core.providers.base import Message, Provider, ProviderError, TextRequest, Usage
from tests.fakes import FakeUsage, FakeVendor, FakeVendors
from tests.integration.providers.conftest import KEY, REQUEST, Connect, read


async def test_a_plain_answer_has_text_usage_model_and_finish(provider: Provider, vendor: FakeVendor) -> None:
    vendor.answer_with("Good morning.", FakeUsage(input=30, cached=10, output=12))
    result = await provider.generate_text("model-1", REQUEST, timeout=30)
    assert (result.text, result.model, result.finish_reason) == ("Good morning.", "model-1", "stop")
    assert result.usage == Usage(input_tokens=30, cached_tokens=10, output_tokens=12)
    assert result.request_id
    assert vendor.calls == 1


async def test_a_streamed_answer_comes_in_pieces_and_ends_with_usage(
    provider: Provider, vendor: FakeVendor
) -> None:
    vendor.answer_with("Good morning, dear reader.", FakeUsage(input=30, cached=10, output=12))
    chunks = await read(provider)
    assert [chunk.text for chunk in chunks if chunk.text] == ["Good", " morning,", " dear", " reader."]
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage == Usage(input_tokens=30, cached_tokens=10, output_tokens=12)
    assert chunks[-1].request_id
    assert (vendor.calls, vendor.streamed_calls) == (1, 1)


async def test_an_answer_that_was_cut_for_length_says_so(provider: Provider, vendor: FakeVendor) -> None:
    vendor.answer_with("Half a", finish="length")
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).finish_reason == "length"
    assert (await read(provider))[-1].finish_reason == "length"


async def test_an_empty_answer_that_ran_out_of_tokens_is_no_error(
    provider: Provider, vendor: FakeVendor
) -> None:
    vendor.answer_with("", FakeUsage(output=2000, thoughts=2000), finish="length")
    result = await provider.generate_text("model-1", REQUEST, timeout=30)
    assert (result.text, result.finish_reason) == ("", "length")
    assert result.usage is not None
    assert result.usage.output_tokens == 2000


async def test_text_beyond_ascii_survives_the_wire(provider: Provider, vendor: FakeVendor) -> None:
    vendor.answer_with("Grüße, Привет, 你好 😀")
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).text == "Grüße, Привет, 你好 😀"
    assert "".join(chunk.text for chunk in await read(provider)) == "Grüße, Привет, 你好 😀"


async def test_many_calls_at_once_share_one_provider(provider: Provider, vendor: FakeVendor) -> None:
    results = await asyncio.gather(
        *(provider.generate_text(f"model-{number}", REQUEST, timeout=10) for number in range(40))
    )
    assert [result.model for result in results] == [f"model-{number}" for number in range(40)]
    assert vendor.calls == 40


async def test_the_key_goes_where_the_vendor_looks_for_it(
    provider: Provider, vendor: FakeVendor, kind: str
) -> None:
    await provider.generate_text("model-1", REQUEST, timeout=30)
    headers = vendor.requests[-1].headers
    if kind == "gemini":
        assert headers["x-goog-api-key"] == KEY
    else:
        assert headers["Authorization"] == f"Bearer {KEY}"
    if kind == "anthropic":
        assert headers["anthropic-version"]


async def test_neither_temperature_nor_organisation_is_sent_unasked(
    provider: Provider, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-this-machine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-this-machine")
    await provider.generate_text("model-1", REQUEST, timeout=30)
    assert b"temperature" not in vendor.requests[-1].body
    assert "OpenAI-Organization" not in vendor.requests[-1].headers
    assert "OpenAI-Project" not in vendor.requests[-1].headers


TALK = TextRequest(
    (
        Message("system", "Be brief."),
        Message("user", "Hello"),
        Message("assistant", "Hi"),
        Message("user", "More"),
    ),
    system="You help.",
    max_tokens=77,
    temperature=0.5,
)


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("openai", "max_completion_tokens"), ("openai_compatible", "max_tokens"), ("deepseek", "max_tokens")],
)
async def test_openai_kinds_send_system_texts_as_messages(
    fakes: FakeVendors, connect: Connect, kind: str, limit: str
) -> None:
    await connect(kind).generate_text("model-1", TALK, timeout=30)
    assert fakes.named(kind).requests[-1].json == {
        "model": "model-1",
        "messages": [
            {"role": "system", "content": "You help."},
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "More"},
        ],
        limit: 77,
        "temperature": 0.5,
    }


async def test_openai_is_asked_for_the_usage_of_a_stream(fakes: FakeVendors, connect: Connect) -> None:
    await read(connect("openai"))
    assert fakes.openai.requests[-1].json["stream_options"] == {"include_usage": True}


async def test_anthropic_gets_system_texts_in_their_own_field(fakes: FakeVendors, connect: Connect) -> None:
    await connect("anthropic").generate_text("model-1", TALK, timeout=30)
    assert fakes.anthropic.requests[-1].json == {
        "model": "model-1",
        "system": "You help.\n\nBe brief.",
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "More"},
        ],
        "max_tokens": 77,
        "temperature": 0.5,
    }


async def test_gemini_gets_system_texts_in_their_own_field(fakes: FakeVendors, connect: Connect) -> None:
    await connect("gemini").generate_text("model-1", TALK, timeout=30)
    body = fakes.gemini.requests[-1].json
    assert body["systemInstruction"]["parts"] == [{"text": "You help.\n\nBe brief."}]
    assert [(c["role"], c["parts"][0]["text"]) for c in body["contents"]] == [
        ("user", "Hello"),
        ("model", "Hi"),
        ("user", "More"),
    ]
    assert body["generationConfig"] == {"maxOutputTokens": 77, "temperature": 0.5}


async def test_anthropics_cache_reads_and_writes_are_part_of_the_input(
    fakes: FakeVendors, connect: Connect
) -> None:
    fakes.anthropic.answer_with("Hello.", FakeUsage(input=1000, cached=700, cache_write=200, output=5))
    wanted = Usage(input_tokens=1000, cached_tokens=700, cache_write_tokens=200, output_tokens=5)
    provider = connect("anthropic")
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).usage == wanted
    assert (await read(provider))[-1].usage == wanted


async def test_anthropics_first_usage_is_marked_as_not_yet_whole(
    fakes: FakeVendors, connect: Connect
) -> None:
    first = next(chunk for chunk in await read(connect("anthropic")) if chunk.usage)
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.estimated) == (20, True)


async def test_geminis_thoughts_count_as_output(fakes: FakeVendors, connect: Connect) -> None:
    fakes.gemini.answer_with("Hello.", FakeUsage(input=10, output=50, thoughts=40))
    provider = connect("gemini")
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).usage == Usage(10, output_tokens=50)
    assert (await read(provider))[-1].usage == Usage(10, output_tokens=50)


async def test_what_openrouter_charged_is_kept_to_the_last_digit(
    fakes: FakeVendors, connect: Connect
) -> None:
    fakes.openai.answer_with("Hello.", FakeUsage(cost=0.000123))
    provider = connect("openai_compatible")
    plain = (await provider.generate_text("model-1", REQUEST, timeout=30)).usage
    streamed = (await read(provider))[-1].usage
    assert plain is not None
    assert plain == streamed
    assert plain.cost == Decimal("0.000123")


async def test_a_server_that_tells_no_usage_is_no_error(
    provider: Provider, vendor: FakeVendor, kind: str
) -> None:
    if kind == "anthropic":
        vendor.answer_with("Hello.")  # Anthropic always tells it
    else:
        vendor.fail("no_usage")
        assert (await provider.generate_text("model-1", REQUEST, timeout=30)).usage is None
        assert (await read(provider))[-1].usage is None
    assert "".join(chunk.text for chunk in await read(provider)) == vendor.text


async def test_a_version_in_the_base_url_is_understood(fakes: FakeVendors, connect: Connect) -> None:
    assert (
        await connect("anthropic", fakes.anthropic.url + "/v1").generate_text("m", REQUEST, timeout=30)
    ).text
    assert fakes.anthropic.requests[-1].path == "/v1/messages"
    assert (
        await connect("gemini", fakes.gemini.url + "/v1beta").generate_text("m", REQUEST, timeout=30)
    ).text
    assert fakes.gemini.requests[-1].path == "/v1beta/models/m:generateContent"


async def test_a_probe_costs_no_generation_and_says_what_it_found(
    provider: Provider, vendor: FakeVendor
) -> None:
    result = await provider.probe()
    assert result.detail
    assert result.latency_ms > 0
    assert (vendor.probes, vendor.calls) == (1, 0)


async def test_a_probe_with_a_refused_key_gives_the_vendors_words(
    provider: Provider, vendor: FakeVendor
) -> None:
    vendor.fail("unauthorized", probes=True)
    with pytest.raises(ProviderError) as refused:
        await provider.probe()
    assert refused.value.error_class is ErrorClass.AUTHENTICATION
    assert KEY not in refused.value.message


async def test_deepseeks_probe_tells_the_balance(fakes: FakeVendors, connect: Connect) -> None:
    assert (await connect("deepseek").probe()).detail == "Balance: 110.00 USD."
    fakes.deepseek.wire.available = False  # pyright: ignore[reportAttributeAccessIssue] - DeepSeek's wire has it
    try:
        with pytest.raises(ProviderError, match=r"0\.00 USD") as spent:
            await connect("deepseek").probe()
    finally:
        fakes.deepseek.wire.available = True  # pyright: ignore[reportAttributeAccessIssue] - as above
    assert spent.value.error_class is ErrorClass.QUOTA


async def test_after_warming_the_first_call_builds_nothing_more(provider: Provider) -> None:
    await provider.warm()
    client = provider._client  # pyright: ignore[reportAttributeAccessIssue] - every SDK kind has one
    await provider.generate_text("model-1", REQUEST, timeout=30)
    assert provider._client is client is not None  # pyright: ignore[reportAttributeAccessIssue] - as above
