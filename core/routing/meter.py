"""Limits per provider: requests a minute, tokens and USD a day, calls at once.

Calls at once are counted in this process. The others are counted here and reconciled through the database every
second, so that all processes together stay at the limit to within a second's traffic; a provider at its limit is
skipped, with the reason in the trace.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.providers.config import Limits

log = get_logger(__name__)

RECONCILE_SECONDS = 1.0
MICRO_USD = 1_000_000

Counter = tuple[str, str, str]  # subject, name, period


class Meter:
    """What each provider was asked for in the current minute and day."""

    def __init__(
        self, database: Database, zone: ZoneInfo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._running: dict[UUID, int] = defaultdict(int)
        self._shared: dict[Counter, int] = {}
        self._pending: dict[Counter, int] = defaultdict(int)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.reconcile()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.reconcile()

    def refusal(self, provider_id: UUID, limits: Limits) -> str | None:
        """Why the provider may not be called now; None where it may."""
        if limits.concurrent is not None and self._running[provider_id] >= limits.concurrent:
            return f"at its limit of {limits.concurrent} calls at once"
        if (
            limits.requests_per_minute is not None
            and self._used(provider_id, "requests") >= limits.requests_per_minute
        ):
            return f"at its limit of {limits.requests_per_minute} requests a minute"
        if limits.tokens_per_day is not None and self._used(provider_id, "tokens") >= limits.tokens_per_day:
            return f"at its limit of {limits.tokens_per_day:,} tokens a day"
        if (
            limits.usd_per_day is not None
            and self._used(provider_id, "usd") >= limits.usd_per_day * MICRO_USD
        ):
            return f"at its limit of ${limits.usd_per_day:,.2f} a day"
        return None

    def began(self, provider_id: UUID) -> None:
        self._running[provider_id] += 1
        self._pending[self._counter(provider_id, "requests")] += 1

    def ended(self, provider_id: UUID, tokens: int, usd: Decimal | None) -> None:
        """A call is over; `tokens` in and out together, `usd` as far as it is priced."""
        self._running[provider_id] -= 1
        if tokens:
            self._pending[self._counter(provider_id, "tokens")] += tokens
        if usd:
            self._pending[self._counter(provider_id, "usd")] += int(usd * MICRO_USD)

    async def reconcile(self) -> None:
        """Adds what this process counted to the shared counters, and learns what they stand at."""
        pending, self._pending = self._pending, defaultdict(int)
        counters = {**dict.fromkeys(self._current(self._shared), 0), **pending}
        if not counters:
            return
        try:
            rows = await self._database.fetch_all(
                "insert into quota_counters as q (subject, name, period, used)"
                " select * from unnest(%s::varchar[], %s::varchar[], %s::varchar[], %s::bigint[]) as t(s, n, p, u) order by 1, 2, 3"
                " on conflict (subject, name, period) do update set used = q.used + excluded.used"
                " returning subject, name, period, used",
                (
                    [c[0] for c in counters],
                    [c[1] for c in counters],
                    [c[2] for c in counters],
                    list(counters.values()),
                ),
            )
        except DatabaseUnavailable:
            for counter, count in pending.items():
                self._pending[counter] += count
            return
        self._shared = {(subject, name, period): used for subject, name, period, used in rows}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RECONCILE_SECONDS)
            await self.reconcile()

    def _used(self, provider_id: UUID, name: str) -> int:
        counter = self._counter(provider_id, name)
        return self._shared.get(counter, 0) + self._pending.get(counter, 0)

    def _counter(self, provider_id: UUID, name: str) -> Counter:
        now = self._clock()
        period = (
            now.strftime("%Y-%m-%dT%H:%M")
            if name == "requests"
            else now.astimezone(self._zone).date().isoformat()
        )
        return (f"provider:{provider_id}", name, period)

    def _current(self, counters: dict[Counter, int]) -> list[Counter]:
        """The counters whose minute or day still runs: only those are worth asking for."""
        now = self._clock()
        alive = {now.strftime("%Y-%m-%dT%H:%M"), now.astimezone(self._zone).date().isoformat()}
        return [counter for counter in counters if counter[2] in alive]
