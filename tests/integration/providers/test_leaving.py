"""A reader that leaves ends the vendor's work."""

import asyncio

import pytest

from core.providers.base import Provider
from tests.fakes import FakeVendor
from tests.integration.providers.conftest import REQUEST


async def test_closing_the_stream_closes_the_response_at_the_vendor(
    provider: Provider, vendor: FakeVendor
) -> None:
    await provider.warm()
    vendor.chunk_delay = 0.05
    chunks = provider.stream_text("model-1", REQUEST, timeout=30)
    while not (await anext(chunks)).text:
        pass
    assert vendor.disconnects == 0
    await chunks.aclose()
    assert await vendor.disconnected(1)


async def test_leaving_before_the_first_piece_closes_it_too(provider: Provider, vendor: FakeVendor) -> None:
    await provider.warm()
    vendor.latency = 5

    async def read_first() -> None:
        async for _ in provider.stream_text("model-1", REQUEST, timeout=30):
            pass

    reader = asyncio.create_task(read_first())
    await asyncio.sleep(0.2)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await vendor.disconnected(1)


async def test_cancelling_a_reader_in_the_middle_closes_it_too(
    provider: Provider, vendor: FakeVendor
) -> None:
    await provider.warm()
    vendor.chunk_delay = 0.05

    async def read_all() -> None:
        async for _ in provider.stream_text("model-1", REQUEST, timeout=30):
            pass

    reader = asyncio.create_task(read_all())
    await asyncio.sleep(0.3)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await vendor.disconnected(1)


async def test_cancelling_a_plain_call_closes_it_too(provider: Provider, vendor: FakeVendor) -> None:
    await provider.warm()
    vendor.latency = 5
    call = asyncio.create_task(provider.generate_text("model-1", REQUEST, timeout=30))
    await asyncio.sleep(0.2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await vendor.disconnected(1)


async def test_a_stream_read_to_its_end_leaves_nothing_to_close(
    provider: Provider, vendor: FakeVendor
) -> None:
    async for _ in provider.stream_text("model-1", REQUEST, timeout=30):
        pass
    assert vendor.disconnects == 0


async def test_a_provider_works_again_after_a_reader_left(provider: Provider, vendor: FakeVendor) -> None:
    vendor.chunk_delay = 0.02
    for _ in range(3):
        chunks = provider.stream_text("model-1", REQUEST, timeout=30)
        await anext(chunks)
        await chunks.aclose()
    vendor.chunk_delay = 0
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).text == vendor.text
