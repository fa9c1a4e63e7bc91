"""Limits per provider: requests a minute, tokens and USD a day, calls at once.

Calls at once are counted in this process. The others are counted here and reconciled through the database every
second, so that all processes together stay at the limit to within a second's traffic; a provider at its limit is
skipped, with the reason in the trace.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database, end
from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.providers.config import Limits

log = get_logger(__name__)

RECONCILE_SECONDS = 1.0
MICRO_USD = 1_000_000

Counter = tuple[str, str, str]  # subject, name, period


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one limit is used: `name` is requests, tokens or usd, `part` 1 at the limit, `words` say the limit."""

    name: str
    part: float
    words: str


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
        self._sent: dict[Counter, int] = {}
        self._watched: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.reconcile()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            await end([self._task])
        await self.reconcile()

    def refusal(self, provider_id: UUID, limits: Limits) -> str | None:
        """Why the provider may not be called now; None where it may."""
        self._watched.add(provider_id)
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

    def uses(self, provider_id: UUID, limits: Limits) -> list[Use]:
        """How much of each limit of the minute or day is used, by all processes together."""
        self._watched.add(provider_id)
        told = [
            ("requests", limits.requests_per_minute, 1, "{:,} requests a minute"),
            ("tokens", limits.tokens_per_day, 1, "{:,} tokens a day"),
            ("usd", limits.usd_per_day, MICRO_USD, "${:,.2f} a day"),
        ]
        return [
            Use(name, self._used(provider_id, name) / (limit * unit), words.format(limit))
            for name, limit, unit, words in told
            if limit
        ]

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
        """Adds what this process counted to the shared counters, and learns what they stand at.

        What others counted is learnt too, for every provider that was asked about here.
        """
        counted, self._pending = self._pending, defaultdict(int)
        asked = sorted({counter for one in self._watched for counter in self._counters(one)} | counted.keys())
        if not asked:
            return
        self._sent = counted  # still ours to count while the database has not answered
        try:
            rows = await self._database.fetch_all(
                RECONCILE,
                [[counter[n] for counter in asked] for n in range(3)] + [[counted[c] for c in asked]],
            )
        except DatabaseUnavailable:
            for counter, count in counted.items():
                self._pending[counter] += count
            return
        finally:
            self._sent = {}
        self._shared = {(subject, name, period): used for subject, name, period, used in rows}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RECONCILE_SECONDS)
            await self.reconcile()

    def _used(self, provider_id: UUID, name: str) -> int:
        counter = self._counter(provider_id, name)
        return self._shared.get(counter, 0) + self._sent.get(counter, 0) + self._pending.get(counter, 0)

    def _counter(self, provider_id: UUID, name: str) -> Counter:
        now = self._clock()
        period = (
            now.strftime("%Y-%m-%dT%H:%M")
            if name == "requests"
            else now.astimezone(self._zone).date().isoformat()
        )
        return (f"provider:{provider_id}", name, period)

    def _counters(self, provider_id: UUID) -> list[Counter]:
        """All that count now: past minutes and days are nobody's business any more."""
        return [self._counter(provider_id, name) for name in ("requests", "tokens", "usd")]


RECONCILE = """
with told as (select * from unnest(%s::varchar[], %s::varchar[], %s::varchar[], %s::bigint[]) as t(subject, name, period, more)),
added as (
    insert into quota_counters as q (subject, name, period, used)
    select subject, name, period, more from told where more <> 0 order by 1, 2, 3
    on conflict (subject, name, period) do update set used = q.used + excluded.used, updated_at = now()
    returning subject, name, period, used
)
select * from added
union all
select q.subject, q.name, q.period, q.used from quota_counters q join told using (subject, name, period) where told.more = 0
"""
