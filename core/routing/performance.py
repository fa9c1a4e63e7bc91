"""What each provider's calls came to, by modality: the last five minutes, the last hour, and 24 hours.

Counted is what the provider answers for: not the calls of a drill, which never reached it, not those cancelled or
refused by the caller's own fault. Tokens and USD are of every call that was billed.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from core.database import Database
from core.errors import ErrorClass
from core.ids import first_id_at
from core.money import ZERO_USD
from core.routing.health import NO_CALLS, Calls
from core.vocabulary import Modality

RECENT = timedelta(minutes=5)
CARRYING = timedelta(minutes=15)
HOUR = timedelta(hours=1)
HOURS = 24
SETTLED = timedelta(minutes=15)
"""So long after its end an hour has all its rows: attempts are written when their generation ends."""
STEP = 1.1
"""How far the edges of the histogram lie apart, from which the percentiles of 24 hours are read: right to 5 %."""

NO_ERRORS: Mapping[str, int] = MappingProxyType({})
CALLERS_FAULTS = (ErrorClass.INVALID_REQUEST, ErrorClass.CONTENT_BLOCKED)
_CALLERS = ", ".join(f"'{one.value}'" for one in CALLERS_FAULTS)
Line = tuple[UUID, Modality | None]
"""A provider in one modality, or (None) in all of them together."""

COUNTS = f"outcome <> 'cancelled' and not simulated and coalesce(error_class, '') not in ({_CALLERS})"
"""Whether an attempt says anything about its provider, as a condition."""


@dataclass(frozen=True, slots=True)
class Window:
    """The calls of a stretch of time; times in milliseconds, of good calls.

    Of 24 hours the percentiles are right to 5 %, and the first token is not known.
    """

    calls: int = 0
    good: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    first_token_ms: float | None = None

    @property
    def success(self) -> float | None:
        """The share of good calls; None without calls."""
        return self.good / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class Performance:
    """A provider's calls, in one modality or in all.

    `day`, `tokens`, `cost` (USD, as far as priced), `unpriced` and `errors` (by class) are of 24 hours: the hour under
    way and the 23 before. `served` counts the live generations that it carried in the last 15 minutes.
    """

    recent: Calls = NO_CALLS
    hour: Window = Window()
    day: Window = Window()
    tokens: int = 0
    cost: Decimal = ZERO_USD
    unpriced: int = 0
    errors: Mapping[str, int] = field(default_factory=lambda: NO_ERRORS)
    served: int = 0


NOTHING = Performance()


class Performances:
    """Reads the figures; one per process.

    The sums of whole hours are read once and kept, so that a reading costs the rows of the last hour or so.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._whole: dict[datetime, Mapping[Line, _Sums]] = {}

    async def read(self, now: datetime) -> Mapping[Line, Performance]:
        """The figures of every provider that was called in 24 hours."""
        last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hours = [last - number * HOUR for number in range(HOURS)]
        self._whole = {hour: sums for hour, sums in self._whole.items() if hour in hours}
        unread = min(hour for hour in hours if hour not in self._whole)
        fresh = await self._sums(unread, last + HOUR)
        self._whole |= {
            hour: fresh.get(hour, {}) for hour in hours if hour >= unread and hour + HOUR + SETTLED <= now
        }
        day: dict[Line, _Sums] = defaultdict(_Sums)
        for sums_of in {**self._whole, **fresh}.values():
            for line, sums in sums_of.items():
                day[line].add(sums)
        lately = await self._lately(now)
        return {line: _performance(day.get(line), lately.get(line)) for line in {**day, **lately}}

    def forget(self) -> None:
        """All hours are read anew: attempts have come or gone that lie in the past."""
        self._whole = {}

    async def _sums(self, begin: datetime, end: datetime) -> dict[datetime, dict[Line, "_Sums"]]:
        """The sums of each hour between two edges."""
        edges = [begin + number * HOUR for number in range((end - begin) // HOUR + 1)]
        params = {
            "edges": [first_id_at(edge) for edge in edges],
            "first": first_id_at(begin),
            "last": first_id_at(end),
        }
        found: dict[datetime, dict[Line, _Sums]] = defaultdict(lambda: defaultdict(_Sums))
        for provider_id, modality, code, *counted in await self._database.fetch_all(SUMS, params):
            place, outcome = divmod(code, CODES)
            for line in ((provider_id, Modality(modality)), (provider_id, None)):
                found[edges[place - 1]][line].count(outcome, *counted)
        return found

    async def _lately(self, now: datetime) -> dict[Line, Sequence[Any]]:
        params = {
            "hour": first_id_at(now - HOUR),
            "carrying": first_id_at(now - CARRYING),
            "recent": first_id_at(now - RECENT),
        }
        return {
            (provider_id, None if together else Modality(modality)): figures
            for provider_id, modality, together, *figures in await self._database.fetch_all(LATELY, params)
        }


def shares(figures: Mapping[Line, Performance]) -> Mapping[Line, float]:
    """Which share of a modality's live traffic each provider carried in the last 15 minutes; none where none was."""
    carried = {line: one.served for line, one in figures.items() if line[1] is not None and one.served}
    whole = Counter[Modality | None]()
    for (_, modality), served in carried.items():
        whole[modality] += served
    return {line: served / whole[line[1]] for line, served in carried.items()}


@dataclass(slots=True)
class _Sums:
    """What adds up; `latencies` counts good calls by the step of their time."""

    calls: int = 0
    good: int = 0
    tokens: int = 0
    cost: Decimal = ZERO_USD
    unpriced: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    latencies: Counter[int] = field(default_factory=Counter[int])

    def count(self, outcome: int, calls: int, tokens: Any, cost: Decimal, unpriced: int) -> None:
        """So many calls that went the same way (`SUMS`)."""
        if outcome >= WELL:
            self.calls, self.good = self.calls + calls, self.good + calls
            self.latencies[outcome - WELL] += calls
        elif outcome:
            self.calls += calls
            self.errors[FAULTS[outcome - 1]] += calls
        self.tokens, self.cost = self.tokens + int(tokens), self.cost + cost
        self.unpriced += unpriced

    def add(self, other: "_Sums") -> None:
        self.calls, self.good = self.calls + other.calls, self.good + other.good
        self.tokens, self.cost = self.tokens + other.tokens, self.cost + other.cost
        self.unpriced += other.unpriced
        self.errors.update(other.errors)
        self.latencies.update(other.latencies)


def _performance(day: _Sums | None, lately: Sequence[Any] | None) -> Performance:
    day = day or _Sums()
    recent, good, calls, well, p50, p95, first, served = lately or (0, 0, 0, 0, None, None, None, 0)
    return Performance(
        recent=Calls(recent, good),
        hour=Window(calls, well, p50, p95, first),
        day=Window(day.calls, day.good, _percentile(day.latencies, 0.5), _percentile(day.latencies, 0.95)),
        tokens=day.tokens,
        cost=day.cost,
        unpriced=day.unpriced,
        errors=MappingProxyType(dict(sorted(day.errors.items()))),
        served=served,
    )


def _percentile(steps: Mapping[int, int], part: float) -> float | None:
    """The time below which that part of the calls stayed: the middle of its step."""
    reached, whole = 0, sum(steps.values())
    for step in sorted(steps):
        reached += steps[step]
        if reached >= part * whole:
            return STEP ** (step + 0.5)
    return None


FAULTS = ("unknown", *(one.value for one in ErrorClass))
CODES, WELL = 1_000, 100

# The hour and how a call went are one number, since grouping by four columns takes twice the time. Of how it went: 0 does
# not count, 1 to 99 is a fault by its place in FAULTS, 100 and more a good call by the step of its time.
SUMS = f"""
select provider_id, modality, {CODES} * width_bucket(id, %(edges)s::uuid[]) + case
        when outcome = 'completed' then {WELL} + least({CODES - WELL - 1}, floor(ln(greatest(latency_ms, 1)) / {math.log(STEP)})::int)
        when {COUNTS} then greatest(1, coalesce(array_position(array{list(FAULTS)}::varchar[], error_class), 1))
        else 0 end as code,
    count(*), coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0), coalesce(sum(cost), 0),
    count(*) filter (where unpriced)
from attempts
where id >= %(first)s and id < %(last)s and not simulated and provider_id is not null
group by provider_id, modality, code
"""

LATELY = f"""
select provider_id, modality, grouping(modality),
    count(*) filter (where counts and id >= %(recent)s), count(*) filter (where good and id >= %(recent)s),
    count(*) filter (where counts), count(*) filter (where good),
    percentile_cont(0.5) within group (order by latency_ms) filter (where good),
    percentile_cont(0.95) within group (order by latency_ms) filter (where good),
    percentile_cont(0.5) within group (order by first_token_ms) filter (where good),
    count(*) filter (where serving and traffic = 'live' and id >= %(carrying)s)
from (
    select id, provider_id, modality, latency_ms, first_token_ms, serving, traffic, outcome = 'completed' as good,
        {COUNTS} as counts
    from attempts where id >= %(hour)s and not simulated and provider_id is not null
) called
group by grouping sets ((provider_id, modality), (provider_id))
"""
