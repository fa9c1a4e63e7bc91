"""How often news may move a list: at once, and then not again for a while; the last of them is never lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """Calls `run` at most once in so many seconds; what comes meanwhile is one call at their end."""

    def __init__(self, run: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._run, self._seconds = run, seconds
        self._next = 0.0
        self._waiting = self._stopped = False

    async def beat(self) -> None:
        """Something is new."""
        if self._waiting:
            return
        self._waiting = True
        await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        self._waiting = False
        if self._stopped:
            return
        self._next = time.monotonic() + self._seconds
        await self._run()

    def stop(self) -> None:
        """Nobody looks any more."""
        self._stopped = True
