"""The job queue and the schedules: procrastinate, on the same PostgreSQL.

A schedule's tick is one row that only one process can insert, so that each tick runs once, however many processes
share the database. Job bodies and schedules stand in `core.jobs`.
"""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable
from typing import Any

from procrastinate import App, Blueprint, JobContext, PsycopgConnector

from core.database import end
from core.log import get_logger

log = get_logger(__name__)

CONNECTIONS = 2
"""Of its own, beside the pools of `core.database`: one listens, one works."""
RESTART_AFTER = 2.0
GRACE_SECONDS = 10.0
"""How long a job may go on when the process stops."""


class Queue:
    """This process's worker."""

    def __init__(self, url: str, jobs: Blueprint, context: dict[str, Any]) -> None:
        self._app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=CONNECTIONS))
        # A copy: procrastinate renames the tasks it takes over, and ties them to this one app.
        self._app.add_tasks_from(copy.deepcopy(jobs), namespace="purser")
        self._context = context
        self._worker: asyncio.Task[None] | None = None
        self._running = 0
        self._ticking: set[str] = set()

    async def start(self) -> None:
        """Opens the connections and begins to work, in the background."""
        await self._app.open_async()
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Finishes what runs, for at most ten seconds."""
        if self._worker:
            self._worker.cancel()
            await asyncio.wait([self._worker], timeout=1)
            until = time.monotonic() + GRACE_SECONDS
            while self._running and not self._worker.done() and time.monotonic() < until:
                await asyncio.wait([self._worker], timeout=0.1)
            # A worker that has no job and goes on all the same has lost the cancellation.
            await end([self._worker])
        await self._app.close_async()

    async def _counted(self, job: Callable[[], Awaitable[Any]], context: JobContext, _worker: Any) -> Any:
        """Around every job. A tick is left out while this process is still at the one before it: a body that takes long
        must not fill all the places."""
        tick = context.job.queueing_lock
        if tick is not None and tick in self._ticking:
            return None
        self._running += 1
        if tick is not None:
            self._ticking.add(tick)
        try:
            return await job()
        finally:
            self._running -= 1
            if tick is not None:
                self._ticking.discard(tick)

    async def _work(self) -> None:
        while True:
            try:
                await self._app.run_worker_async(
                    concurrency=4,
                    install_signal_handlers=False,
                    additional_context=self._context,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    worker_middleware=[self._counted],
                )
            except Exception as failure:  # noqa: BLE001 - a database that went away, above all, is not the end
                log.warning("queue worker stopped, starting it again", error=str(failure))
            await asyncio.sleep(RESTART_AFTER)
