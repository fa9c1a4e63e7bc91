"""A simulated outage: a provider's client that is late, and fails, before the vendor hears of anything."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from core.providers.base import ProviderError, TextChunk, TextRequest, TextResult
from core.providers.config import Drill
from core.routing.attempt import Caller


class DrilledCaller:
    """A client under a drill: first the simulated wait, then the simulated failure, or the real call.

    `asking` is called when the vendor is really called. A wait longer than the attempt's time ends as any slow
    answer does: whoever calls stops waiting.
    """

    def __init__(self, client: Caller, drill: Drill, asking: Callable[[], None]) -> None:
        self._client = client
        self._drill = drill
        self._asking = asking

    async def generate_text(self, model: str, request: TextRequest, *, timeout: float) -> TextResult:
        left = await self._simulate(timeout)
        return await self._client.generate_text(model, request, timeout=left)

    async def stream_text(
        self, model: str, request: TextRequest, *, timeout: float
    ) -> AsyncGenerator[TextChunk, None]:
        left = await self._simulate(timeout)
        async with aclosing(self._client.stream_text(model, request, timeout=left)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _simulate(self, timeout: float) -> float:
        """Waits, and fails where the drill says so; else the seconds that are left for the vendor."""
        wait = self._drill.latency_ms / 1000
        await asyncio.sleep(wait)
        if self._drill.error_class:
            raise ProviderError(
                self._drill.error_class, f"Simulated: {self._drill.error_class.replace('_', ' ')}"
            )
        self._asking()
        return timeout - wait
