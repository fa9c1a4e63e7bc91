"""When something is read again: not too often, one reading at a time, and the last of the news is never lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Run = Callable[[], Awaitable[None]]


class Pace:
    """Calls `run` at most once in so many seconds; what comes meanwhile is one call at their end."""

    def __init__(self, run: Run, seconds: float) -> None:
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
        self.rest()
        await self._run()

    def rest(self) -> None:
        """It runs now, for whatever reason: the seconds begin."""
        self._next = time.monotonic() + self._seconds

    def stop(self) -> None:
        """Nobody looks any more."""
        self._stopped = True


class OneAtATime:
    """Calls `run` when it is asked to; what is asked while it runs is one more call behind it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._running = asyncio.Lock()
        self._asked = False

    async def again(self) -> None:
        """Runs, now or behind what runs; who asks meanwhile does not wait for it."""
        self._asked = True
        if self._running.locked():
            return
        async with self._running:
            while self._asked:
                self._asked = False
                await self._run()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Something else stands in for it, when its turn has come; what is asked meanwhile runs behind it."""
        async with self._running:
            yield
        if self._asked:
            await self.again()
