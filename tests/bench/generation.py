"""A whole generation in process, and the manager alone, against the OpenAI SDK on the same fake server."""

import itertools
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
from pydantic import AnyHttpUrl, SecretStr

from core.bootstrap import Purser, start
from core.config import Settings
from core.generation.order import TextOrder
from core.providers.base import Message, TextRequest
from core.routing.candidates import plan_route
from core.routing.route import Wish
from tests.bench.measure import Figure, fake_vendors, median, rate
from tests.world import person

MODEL = "gpt-6.1-sol"
AT_ONCE = 32
USERS = 64
"""As many as in the bench of the ledger: one person alone would be measured waiting for their own account's lock."""
COUNT = 2_000
ROUNDS = 5


async def measure() -> list[Figure]:
    with fake_vendors() as base, tempfile.TemporaryDirectory(prefix="purser-bench-") as folder:
        Path(folder).chmod(0o755)
        purser = await start(_settings(Path(folder), f"{base}/openai/v1"))
        bare = openai.AsyncOpenAI(api_key="sk-bench", base_url=f"{base}/openai/v1", max_retries=0)
        quick = openai.AsyncOpenAI(
            api_key="sk-bench",
            base_url=f"{base}/openai/v1",
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        )
        try:
            return await _compare(purser, bare, quick)
        finally:
            await purser.stop()
            await bare.close()
            await quick.close()


async def _compare(purser: Purser, bare: openai.AsyncOpenAI, quick: openai.AsyncOpenAI) -> list[Figure]:
    users = itertools.cycle(
        [await person(purser, f"bench-{n}@example.com", credits=50_000_000) for n in range(USERS)]
    )
    order = TextOrder.of_prompt("Say hello")
    streamed_order = replace(order, streamed=True)
    question: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Say hello"}],
        "max_completion_tokens": 2000,
        "timeout": 60,
    }

    async def whole() -> object:
        return await purser.generations.generate_text(next(users), order)

    async def whole_streamed() -> object:
        return [piece async for piece in purser.generations.stream_text(next(users), streamed_order)]

    async def call(client: openai.AsyncOpenAI) -> object:
        return await client.chat.completions.create(**question)

    async def call_streamed() -> object:
        chunks = await quick.chat.completions.create(
            **question, stream=True, stream_options={"include_usage": True}
        )
        return [chunk.choices[0].delta.content async for chunk in chunks if chunk.choices]

    generations, sdk, aiohttp_sdk = await _rounds(whole, lambda: call(bare), lambda: call(quick))
    streams, sdk_streams = await _rounds(whole_streamed, call_streamed)
    managed = _manager_alone(purser)
    manager, direct = await _rounds(managed, lambda: call(quick))
    ratio = median([g / s for (g, _), (s, _) in zip(generations, sdk, strict=True)])
    streamed = median([g / s for (g, _), (s, _) in zip(streams, sdk_streams, strict=True)])
    own = median([m - d for (_, m), (_, d) in zip(manager, direct, strict=True)])
    return [
        Figure(
            "generation in process, 32 at once / OpenAI SDK, default transport",
            f"{median([r for r, _ in generations]):.0f}/s, {median([c for _, c in generations]):.2f} ms CPU",
            f"{median([r for r, _ in sdk]):.0f}/s, {median([c for _, c in sdk]):.2f} ms CPU"
            f" (aiohttp {median([r for r, _ in aiohttp_sdk]):.0f}/s, {median([c for _, c in aiohttp_sdk]):.2f} ms)",
            f"{ratio:.2f}", "≥ 0.6", "≥ 1.0", ratio >= 0.6,
        ),
        Figure(
            "the manager's own CPU a call, above the SDK's (same transport)",
            f"{median([c for _, c in manager]):.2f} ms", f"{median([c for _, c in direct]):.2f} ms",
            f"{own:+.3f} ms", "≤ 0.3 ms", "≤ 0.1 ms", own <= 0.3,
        ),
        Figure(
            "streamed generation in process / OpenAI SDK's stream, aiohttp transport",
            f"{median([r for r, _ in streams]):.0f}/s, {median([c for _, c in streams]):.2f} ms CPU",
            f"{median([r for r, _ in sdk_streams]):.0f}/s, {median([c for _, c in sdk_streams]):.2f} ms CPU",
            f"{streamed:.2f}", "none named", "", True,
        ),
    ]  # fmt: skip


async def _rounds(*works: Callable[[], Awaitable[object]]) -> list[list[tuple[float, float]]]:
    """Rounds in turns, so that what the machine does besides meets all alike; the first warms up."""
    for work in works:
        await rate(work, count=COUNT // 10, at_once=AT_ONCE)
    results: list[list[tuple[float, float]]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            results[place].append(await rate(work, count=COUNT, at_once=AT_ONCE))
    return results


def _manager_alone(purser: Purser) -> Callable[[], Awaitable[object]]:
    """Routing and the call, without books: what `core.routing` adds to the SDK."""
    manager = purser.generations._manager
    request = TextRequest(messages=(Message("user", "Say hello"),))

    async def managed() -> object:
        route = plan_route(purser.snapshots.current, Wish(input_tokens=10), datetime.now(UTC))
        walk = manager.walk(route, request, deadline=60)
        try:
            return await manager.generate(walk)
        finally:
            await walk.finish()

    return managed


def _settings(folder: Path, openai_url: str) -> Settings:
    given = {
        "data_dir": folder,
        "openai_api_key": SecretStr("sk-bench"),
        "openai_base_url": AnyHttpUrl(openai_url),
        "database_pool_size": 20,
    }
    return Settings(_env_file=None, **given)  # pyright: ignore[reportCallIssue] - pydantic-settings takes it
