"""How the parts of a running Purser are: database, providers, queue, schedules; for monitors, several times a minute.

`core.system.checks` looks deeper and says what to mend; here a look costs a few statements and is shared by all who
ask within a moment. Nothing raises for a database that is away: that is what is being reported.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.database import Database
from core.errors import DatabaseUnavailable
from core.routing.health import Health
from core.system.board import Board, ProviderState

KEPT_SECONDS = 1.0
PATIENCE = 2.0
"""Seconds for which a look waits for the database."""
SLOW_MS = 250.0
LATE_SECONDS = 300
SILENT_SECONDS = 120
"""A schedule ticks every 30 s; without a tick for so long, no process runs them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state, a sentence on it, and figures."""

    state: Health
    detail: str = ""
    figures: Mapping[str, float | None] = field(default_factory=dict)


AWAY = Part(Health.UNKNOWN, "not known while the database is away")


@dataclass(frozen=True, slots=True)
class Report:
    """All parts at `taken_at`; `providers` by slug, those that are switched off among them."""

    taken_at: datetime
    database: Part
    providers: Mapping[str, Part]
    queue: Part
    schedules: Part

    @property
    def usable(self) -> bool:
        """Whether requests can be served at all."""
        return self.database.state is not Health.DOWN

    @property
    def all_providers(self) -> Health:
        """The providers in one word: down where none could answer, degraded where one could not."""
        on = [part.state for part in self.providers.values() if part.state is not Health.DISABLED]
        if all(state is Health.DOWN for state in on):
            return Health.DOWN
        well = (Health.HEALTHY, Health.UNKNOWN)
        return Health.HEALTHY if all(state in well for state in on) else Health.DEGRADED

    @property
    def whole(self) -> Health:
        """Purser in one word."""
        if not self.usable or self.all_providers is Health.DOWN:
            return Health.DOWN
        states = (self.database.state, self.queue.state, self.schedules.state, self.all_providers)
        well = all(state in (Health.HEALTHY, Health.UNKNOWN) for state in states)
        return Health.HEALTHY if well else Health.DEGRADED


class Parts:
    """Looks at the parts; one per process."""

    def __init__(self, database: Database, board: Board) -> None:
        self._database = database
        self._board = board
        self._looking = asyncio.Lock()
        self._last: tuple[float, Report] | None = None

    async def report(self) -> Report:
        """All parts, as of now or of a second ago."""
        async with self._looking:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                report = await self._look()
                self._last = time.monotonic(), report
            return self._last[1]

    async def ready(self) -> bool:
        """Whether the database answers now."""
        return (await self._ask_database()).state is not Health.DOWN

    async def _look(self) -> Report:
        now = datetime.now(UTC)
        database, queue, schedules = await self._ask_database(), AWAY, AWAY
        if database.state is not Health.DOWN:
            try:
                async with asyncio.timeout(PATIENCE):
                    queue, schedules = await self._ask_queue(now)
            except (DatabaseUnavailable, TimeoutError):
                database = Part(Health.DOWN, "stopped answering")
        board = await self._board.read()
        providers = {one.provider.slug: _provider(one) for one in board.providers}
        return Report(now, database, providers, queue, schedules)

    async def _ask_database(self) -> Part:
        try:
            async with asyncio.timeout(PATIENCE):
                taken = round(await self._database.ping(), 1)
        except (DatabaseUnavailable, TimeoutError):
            return Part(Health.DOWN, "does not answer")
        state = Health.DEGRADED if taken > SLOW_MS else Health.HEALTHY
        return Part(state, f"answers in {taken:g} ms", {"ms": taken})

    async def _ask_queue(self, now: datetime) -> tuple[Part, Part]:
        row = await self._database.fetch_one(QUEUE)
        assert row is not None, "a count always answers"
        waiting, running, failed, oldest, ticked = row
        late = oldest is not None and oldest > LATE_SECONDS
        queue = Part(
            Health.DEGRADED if late else Health.HEALTHY,
            f"the oldest job waits for {oldest:.0f} s" if late else f"{waiting} waiting, {running} running",
            {"waiting": waiting, "running": running, "failed": failed, "oldestSeconds": oldest},
        )
        if ticked is None:
            return queue, Part(Health.UNKNOWN, "none has run yet")
        silent = max(0, round(now.timestamp() - ticked))
        figures = {"secondsSinceLast": silent}
        if silent > SILENT_SECONDS:
            return queue, Part(Health.DEGRADED, f"none has run for {silent} s; is a worker running?", figures)
        return queue, Part(Health.HEALTHY, "running", figures)


def _provider(state: ProviderState) -> Part:
    performance = state.performance
    breakers = [
        (one.modality, one.breaker.state.value.replace("_", "-")) for one in state.by_modality.values()
    ]
    told = (
        breakers[0][1]
        if len(breakers) == 1
        else ", ".join(f"{word} for {one.value}" for one, word in breakers)
    )
    return Part(
        state.health,
        f"breaker {told}, {state.usable_keys} of {len(state.provider.keys)} keys usable",
        {
            "recentCalls": performance.recent.recent,
            "recentGood": performance.recent.good,
            "p95Ms": performance.hour.p95_ms,
        },
    )


QUEUE = """
select count(*) filter (where status = 'todo' and coalesce(scheduled_at, now()) <= now()),
    count(*) filter (where status = 'doing'),
    count(*) filter (where status = 'failed'),
    (select extract(epoch from now() - min(coalesce(j.scheduled_at, e.at)))::float8
        from procrastinate_jobs j left join procrastinate_events e on e.job_id = j.id and e.type = 'deferred'
        where j.status = 'todo' and coalesce(j.scheduled_at, now()) <= now()),
    (select max(defer_timestamp) from procrastinate_periodic_defers)
from procrastinate_jobs
"""
