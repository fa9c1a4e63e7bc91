"""Providers of every kind, against their fakes."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from core.providers.base import Connection, Message, Provider, TextChunk, TextRequest
from core.providers.registry import build
from tests.fakes import FakeVendor, FakeVendors

KEY = "sk-ant-test-0123456789abcdef"
REQUEST = TextRequest((Message("user", "Say something."),))
KINDS = ("openai", "openai_compatible", "deepseek", "anthropic", "gemini")

Connect = Callable[..., Provider]


@pytest.fixture(scope="session")
def server() -> Iterator[FakeVendors]:
    with FakeVendors() as fakes:
        yield fakes


@pytest.fixture
def fakes(server: FakeVendors) -> FakeVendors:
    server.reset()
    return server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def vendor(fakes: FakeVendors, kind: str) -> FakeVendor:
    return fakes.named(kind)


@pytest.fixture
async def connect(fakes: FakeVendors) -> AsyncIterator[Connect]:
    """Builds a provider of a kind, closed at the end of the test."""
    built: list[Provider] = []

    def connect(kind: str, url: str | None = None) -> Provider:
        provider = build(Connection(kind, url or fakes.named(kind).url, KEY))
        built.append(provider)
        return provider

    yield connect
    for provider in built:
        await provider.close()


@pytest.fixture
def provider(connect: Connect, kind: str) -> Provider:
    return connect(kind)


async def read(provider: Provider, request: TextRequest = REQUEST, timeout: float = 5) -> list[TextChunk]:
    """A whole stream."""
    return [chunk async for chunk in provider.stream_text("model-1", request, timeout=timeout)]
