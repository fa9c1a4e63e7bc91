"""What the trays of open pages learn by themselves: one look a second per process, while a job runs and a page is open."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from nicegui import Event

from core.database import Changes, Database
from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.queue.background import JOBS, Job, tray

log = get_logger(__name__)

TICK_SECONDS = 1.0

Trays = Mapping[UUID, Sequence[Job]]

jobs_changed: Event[Trays] = Event()
"""Jobs were begun, got further, or ended: all that trays show, by person."""


class JobWatch:
    """One per process; woken when a job begins anywhere, asleep while none is open."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._wake = asyncio.Event()
        self._seen: Trays | None = None
        self._task: asyncio.Task[None] | None = None
        changes.subscribe(JOBS, self._begun)

    def start(self) -> None:
        self._wake.set()  # some may be open since before
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _begun(self) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            if jobs_changed.callbacks:
                self._wake.clear()  # before looking: what begins meanwhile wakes it again
                if await self._look():
                    self._wake.set()
            await asyncio.sleep(TICK_SECONDS)

    async def _look(self) -> bool:
        """Tells the trays what there is; whether it is worth to look again."""
        try:
            seen = await tray(self._database)
        except DatabaseUnavailable:
            return True
        except Exception:  # the next look may go better: trays must not stand still for good
            log.exception("the jobs of open pages could not be looked at")
            return True
        if seen != self._seen:
            self._seen = seen
            jobs_changed.emit(seen)
        return any(job.open for jobs in seen.values() for job in jobs)
