"""Every fault of every vendor, plain and streamed, has its class."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.errors import ErrorClass
from core.providers.base import Message, Provider, ProviderError, TextRequest
from core.providers.sdk import UNCLASSIFIED
from tests.fakes import FakeVendor, FakeVendors
from tests.fakes.anthropic import QUOTA_SHAPES as ANTHROPIC_QUOTA
from tests.fakes.gemini import QUOTA_SHAPES as GEMINI_QUOTA
from tests.fakes.openai import QUOTA_SHAPES as OPENAI_QUOTA
from tests.fakes.vendor import COMMON_FAULTS
from tests.integration.providers.conftest import KEY, REQUEST, Connect, read

CLASSES = {
    "unauthorized": ErrorClass.AUTHENTICATION,
    "forbidden": ErrorClass.AUTHENTICATION,
    "location": ErrorClass.AUTHENTICATION,
    "quota": ErrorClass.QUOTA,
    "rate_limit": ErrorClass.RATE_LIMIT,
    "overloaded": ErrorClass.OVERLOADED,
    "timeout": ErrorClass.TIMEOUT,
    "hang": ErrorClass.TIMEOUT,
    "reset": ErrorClass.CONNECTION,
    "cut": ErrorClass.CONNECTION,
    "invalid_request": ErrorClass.INVALID_REQUEST,
    "too_large": ErrorClass.INVALID_REQUEST,
    "unprocessable": ErrorClass.INVALID_REQUEST,
    "blocked": ErrorClass.CONTENT_BLOCKED,
    "blocked_400": ErrorClass.CONTENT_BLOCKED,
    "model_not_found": ErrorClass.MODEL_NOT_FOUND,
    "model_not_found_400": ErrorClass.MODEL_NOT_FOUND,
    "server_error": ErrorClass.SERVER,
    "html": ErrorClass.SERVER,
    "redirect": ErrorClass.SERVER,
    "malformed": ErrorClass.SERVER,
    "empty": ErrorClass.SERVER,
}
IN_STREAMS_ONLY = {"ended_early", "error_mid_stream"}
NO_FAULTS = {"no_usage", "raw"}


async def failed(provider: Provider, streams: bool, timeout: float = 5) -> ProviderError:
    with pytest.raises(ProviderError) as failure:
        if streams:
            await read(provider, timeout=timeout)
        else:
            await provider.generate_text("model-1", REQUEST, timeout=timeout)
    error = failure.value
    assert error.vendor_code != UNCLASSIFIED
    assert 0 < len(error.message) <= 500
    assert "<" not in error.message
    assert KEY not in error.message
    return error


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def streams(request: pytest.FixtureRequest) -> bool:
    return request.param


def test_every_fault_that_the_fakes_know_is_tested(vendor: FakeVendor) -> None:
    assert vendor.wire.faults | COMMON_FAULTS <= CLASSES.keys() | IN_STREAMS_ONLY | NO_FAULTS


async def test_every_fault_has_its_class(provider: Provider, vendor: FakeVendor, streams: bool) -> None:
    await provider.warm()
    for fault in sorted(vendor.wire.faults | COMMON_FAULTS - IN_STREAMS_ONLY - NO_FAULTS):
        vendor.clear()
        vendor.fail(fault)
        before = vendor.calls
        error = await failed(provider, streams, timeout=0.3 if fault == "hang" else 5)
        assert error.error_class is CLASSES[fault], fault
        assert vendor.calls == before + 1, f"{fault} was tried again"


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("openai", shape) for shape in OPENAI_QUOTA]
    + [("deepseek", "payment_required")]
    + [("anthropic", shape) for shape in ANTHROPIC_QUOTA]
    + [("gemini", shape) for shape in GEMINI_QUOTA],
)
async def test_every_shape_of_a_spent_quota_is_known(
    connect: Connect, fakes: FakeVendors, kind: str, shape: str
) -> None:
    fakes.named(kind).fail("quota", shape=shape)
    provider = connect(kind)
    for streams in (False, True):
        assert (await failed(provider, streams)).error_class is ErrorClass.QUOTA


async def test_the_vendors_wish_to_wait_is_kept(
    provider: Provider, vendor: FakeVendor, streams: bool
) -> None:
    vendor.fail("rate_limit", retry_after=7)
    assert (await failed(provider, streams)).retry_after == 7


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_a_wish_to_wait_may_be_milliseconds_or_a_date(
    connect: Connect, fakes: FakeVendors, kind: str
) -> None:
    provider, vendor = connect(kind), fakes.named(kind)
    vendor.fail("overloaded", times=1, retry_after_ms=1500)
    assert (await failed(provider, False)).retry_after == 1.5
    vendor.fail(
        "overloaded",
        times=1,
        retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True),
    )
    waiting = (await failed(provider, False)).retry_after
    assert waiting is not None
    assert 25 < waiting <= 30


async def test_the_vendors_words_and_codes_are_kept(
    provider: Provider, vendor: FakeVendor, kind: str
) -> None:
    vendor.fail("invalid_request", message="Frobnication is not supported.")
    error = await failed(provider, False)
    assert error.message == "Frobnication is not supported."
    assert error.status == 400
    assert error.vendor_code
    if kind != "gemini":
        assert error.request_id == "req_fake"


async def test_a_web_page_instead_of_an_answer_becomes_a_sentence(
    provider: Provider, vendor: FakeVendor, streams: bool
) -> None:
    vendor.fail("html")
    error = await failed(provider, streams)
    assert error.message == "The vendor answered with HTTP 502 Bad Gateway and gave no reason."


async def test_a_web_page_with_status_200_is_no_answer(provider: Provider, vendor: FakeVendor) -> None:
    vendor.fail("html", status=200)
    assert (await failed(provider, False)).error_class is ErrorClass.SERVER
    assert (await failed(provider, True)).error_class in (ErrorClass.SERVER, ErrorClass.CONNECTION)


async def test_an_empty_answer_says_that_it_was_empty_and_what_it_cost(
    provider: Provider, vendor: FakeVendor, streams: bool
) -> None:
    vendor.fail("empty")
    error = await failed(provider, streams)
    assert error.message == "The vendor's answer was empty."
    assert error.usage is not None
    assert error.usage.input_tokens == 20


async def test_a_stream_that_ends_without_a_finish_is_a_lost_connection(
    provider: Provider, vendor: FakeVendor
) -> None:
    vendor.fail("ended_early", after=4)
    error = await failed(provider, True)
    assert error.error_class is ErrorClass.CONNECTION
    assert "before the answer was finished" in error.message


async def test_a_stream_without_a_single_frame_is_a_lost_connection(
    provider: Provider, vendor: FakeVendor
) -> None:
    vendor.fail("ended_early", after=0)
    assert (await failed(provider, True)).error_class is ErrorClass.CONNECTION


async def test_what_came_before_a_cut_is_delivered_before_the_error(
    provider: Provider, vendor: FakeVendor
) -> None:
    vendor.fail("cut", after=6)
    texts: list[str] = []
    with pytest.raises(ProviderError) as cut:
        async for chunk in provider.stream_text("model-1", REQUEST, timeout=30):
            texts.append(chunk.text)
    assert "".join(texts).strip()
    assert vendor.text.startswith("".join(texts))
    assert cut.value.error_class is ErrorClass.CONNECTION


async def test_an_answer_that_was_complete_when_the_line_dropped_is_an_answer(
    provider: Provider, vendor: FakeVendor
) -> None:
    frames = vendor.wire.frames(vendor.text, vendor.usage, "stop")
    # All but what follows the finish: OpenAI's usage and end mark, Anthropic's message_stop; Gemini has nothing there.
    vendor.fail(
        "cut", after=len(frames) - {"openai": 2, "deepseek": 2, "anthropic": 1, "gemini": 0}[vendor.name]
    )
    chunks = await read(provider)
    assert "".join(chunk.text for chunk in chunks) == vendor.text
    assert chunks[-1].finish_reason == "stop"


async def test_a_cut_stream_tells_the_usage_as_far_as_it_is_known(
    fakes: FakeVendors, connect: Connect
) -> None:
    for vendor in (fakes.anthropic, fakes.gemini):
        vendor.fail("cut", after=8)
        error = await failed(connect(vendor.name), True)
        assert error.usage is not None
        assert error.usage.input_tokens == 20
        assert error.usage.output_tokens > 1


@pytest.mark.parametrize(
    ("kind", "code", "error_class"),
    [
        ("openai", None, ErrorClass.SERVER),
        ("openai", "rate_limit_exceeded", ErrorClass.RATE_LIMIT),
        ("openai", "insufficient_quota", ErrorClass.QUOTA),
        ("openai_compatible", 429, ErrorClass.RATE_LIMIT),
        ("openai_compatible", 503, ErrorClass.OVERLOADED),
        ("anthropic", "overloaded_error", ErrorClass.OVERLOADED),
        ("anthropic", "api_error", ErrorClass.SERVER),
        ("anthropic", "rate_limit_error", ErrorClass.RATE_LIMIT),
        ("anthropic", "invalid_request_error", ErrorClass.INVALID_REQUEST),
        ("gemini", "UNAVAILABLE", ErrorClass.OVERLOADED),
    ],
)
async def test_an_error_in_the_middle_of_a_stream_is_sorted_by_its_type(
    fakes: FakeVendors, connect: Connect, kind: str, code: str | int | None, error_class: ErrorClass
) -> None:
    fakes.named(kind).fail("error_mid_stream", code=code, after=4)
    assert (await failed(connect(kind), True)).error_class is error_class


async def test_nobody_listening_is_a_lost_connection_at_once(
    kind: str, fakes: FakeVendors, connect: Connect, streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = connect(kind, fakes.refused_url)
    await provider.warm()
    waits, sleep = [0.0], asyncio.sleep

    async def noted(delay: float, *rest: object) -> None:
        waits.append(delay)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    assert (await failed(provider, streams)).error_class is ErrorClass.CONNECTION
    assert max(waits) < 0.5, "an SDK's hidden retry waits a second at least"


async def test_a_host_that_has_no_address_is_a_lost_connection(
    kind: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_args: object, **_kwargs: object) -> None:
        raise OSError(-2, "Name or service not known")

    provider = connect(kind, "http://vendor.invalid/v1")
    await provider.warm()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    assert (await failed(provider, False)).error_class is ErrorClass.CONNECTION


async def test_a_slow_stream_ends_at_the_deadline_over_all_of_it(
    provider: Provider, vendor: FakeVendor
) -> None:
    await provider.warm()
    vendor.chunk_delay = 0.05
    error = await failed(provider, True, timeout=0.4)
    assert error.error_class is ErrorClass.TIMEOUT
    assert await vendor.disconnected()


async def test_a_reader_that_is_slower_than_the_deadline_is_not_cancelled_in_its_own_work(
    provider: Provider, vendor: FakeVendor
) -> None:
    await provider.warm()
    chunks = provider.stream_text("model-1", REQUEST, timeout=0.3)
    assert await anext(chunks)
    await asyncio.sleep(0.5)
    await chunks.aclose()


async def test_a_redirect_is_not_followed(
    provider: Provider, vendor: FakeVendor, fakes: FakeVendors, streams: bool
) -> None:
    vendor.fail("redirect", to=f"{fakes.openai.url}/chat/completions")
    await failed(provider, streams)
    assert sum(len(each.requests) for each in fakes.all) == 1


async def test_a_model_that_refuses_is_a_blocked_answer_with_its_cost(
    provider: Provider, vendor: FakeVendor, streams: bool
) -> None:
    vendor.fail("blocked")
    error = await failed(provider, streams)
    assert error.error_class is ErrorClass.CONTENT_BLOCKED
    assert error.usage is not None
    assert error.usage.input_tokens == 20


async def test_characters_that_cannot_be_sent_are_a_bad_request(
    provider: Provider, vendor: FakeVendor
) -> None:
    broken = TextRequest((Message("user", "half a pair: \ud83d"),))
    with pytest.raises(ProviderError) as refused:
        await provider.generate_text("model-1", broken, timeout=30)
    assert refused.value.error_class is ErrorClass.INVALID_REQUEST
