"""What open pages learn by themselves: one look a second per process, and only while somebody watches.

Pages subscribe to `generations_changed`; what they then read, they read through `Shared`, so that a hundred open
pages cost the database what one costs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from nicegui import Event

from core.database import Database
from core.errors import DatabaseUnavailable
from core.generation.queries import signature

T = TypeVar("T")

TICK_SECONDS = 1.0

generations_changed: Event[[]] = Event()
"""Something began, ended or was charged."""


class Ticker:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: Any = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if not generations_changed.callbacks:
                continue
            try:
                seen = await signature(self._database)
            except DatabaseUnavailable:
                continue
            if seen != self._seen:
                self._seen = seen
                generations_changed.emit()


class Shared(Generic[T]):
    """A reading that all pages share: made at most once a second, however many ask at once."""

    def __init__(self, read: Callable[[], Awaitable[T]], *, seconds: float = 1.0) -> None:
        self._read = read
        self._seconds = seconds
        self._at = 0.0
        self._value: T | None = None
        self._reading = asyncio.Lock()

    async def get(self) -> T:
        """The reading, at most `seconds` old."""
        async with self._reading:
            if self._value is None or time.monotonic() - self._at > self._seconds:
                self._value = await self._read()
                self._at = time.monotonic()
            return self._value
