"""What open pages learn by themselves: one look a second per process, and only while somebody watches.

Pages subscribe to the events below. What they then read is shared by all of them (`Shared`; the process's board, attention and figures), so that a hundred open pages cost the database what one
costs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from nicegui import Event

from core.audit import queries as audit
from core.bootstrap import Purser
from core.credits import news as credit_news
from core.errors import DatabaseUnavailable
from core.generation.queries import signature
from core.log import get_logger

log = get_logger(__name__)

T = TypeVar("T")

TICK_SECONDS = 1.0

generations_changed: Event[[]] = Event()
"""Something began, ended or was charged."""

providers_changed: Event[[]] = Event()
"""A provider, or what needs attention, looks another way than a moment ago."""


audit_changed: Event[[]] = Event()
"""Something was written to the audit, or sealed."""

plans_changed: Event[[]] = Event()
"""The configuration is another: plans and features may be."""

credits_changed: Event[[]] = Event()
"""Credits were moved, asked for, or granted in bulk."""


class Ticker:
    """One per process."""

    def __init__(self, purser: Purser) -> None:
        self._purser = purser
        self._generations: Any = None
        self._providers: Any = None
        self._audit: Any = None
        self._credits: Any = None
        self._plans: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        # Apart from one another: a database that is away holds up the one, and is what the other has to tell.
        self._tasks = [
            asyncio.create_task(self._run(self._look_at_providers)),
            asyncio.create_task(self._run(self._look_at_generations)),
            asyncio.create_task(self._run(self._look_at_audit)),
            asyncio.create_task(self._run(self._look_at_credits)),
            asyncio.create_task(self._run(self._look_at_plans)),
        ]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _run(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await look()
            except DatabaseUnavailable:
                continue
            except Exception:  # the next look may go better: open pages must not stand still for good
                log.exception("what open pages show could not be looked at")

    async def _look_at_generations(self) -> None:
        if not generations_changed.callbacks:
            return
        seen = await signature(self._purser.database)
        if seen != self._generations:
            self._generations = seen
            generations_changed.emit()

    async def _look_at_audit(self) -> None:
        if not audit_changed.callbacks:
            return
        seen = await audit.signature(self._purser.database)
        if seen != self._audit:
            self._audit = seen
            audit_changed.emit()

    async def _look_at_plans(self) -> None:
        """Asks nobody: the process's own snapshot is replaced whenever the configuration changes."""
        seen = self._purser.snapshots.current
        if seen is not self._plans:
            self._plans = seen
            plans_changed.emit()

    async def _look_at_credits(self) -> None:
        if not credits_changed.callbacks:
            return
        seen = await credit_news.signature(self._purser.database)
        if seen != self._credits:
            self._credits = seen
            credits_changed.emit()

    async def _look_at_providers(self) -> None:
        if not providers_changed.callbacks:
            return
        seen = await self._purser.board.read(), await self._purser.attention.needs()
        if seen != self._providers:
            self._providers = seen
            providers_changed.emit()


class Shared(Generic[T]):
    """A reading that all pages share: made at most once a second, however many ask at once."""

    def __init__(self, read: Callable[[], Awaitable[T]], *, seconds: float = 1.0) -> None:
        self._read = read
        self._seconds = seconds
        self._at = float("-inf")
        self._began = datetime.min.replace(tzinfo=UTC)
        self._value: T | None = None
        self._reading = asyncio.Lock()

    async def get(self, *, since: datetime | None = None) -> T:
        """The reading, at most `seconds` old when it is asked for; and, if something is known to have changed, begun
        `since` then."""
        # Who waits for a slow reading is served by it, not by another one of their own.
        asked = time.monotonic()
        async with self._reading:
            if self._at < asked - self._seconds or (since and self._began < since):
                at, began = time.monotonic(), datetime.now(UTC)
                self._value = await self._read()
                self._at, self._began = at, began
            return cast(T, self._value)
