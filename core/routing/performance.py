"""What each provider's calls came to, by modality: the last five minutes, the last hour, and 24 hours.

Counted is what the provider answers for: not the calls of a drill, which never reached it, not those cancelled or
refused by the caller's own fault. Tokens and USD are of every call that was billed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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
DAY = timedelta(days=1)
DAY_KEPT = timedelta(minutes=2)
"""The part of the day before the last hour is read so often: it hardly changes, and is most of the rows."""

NO_ERRORS: Mapping[str, int] = MappingProxyType({})
CALLERS_FAULTS = (ErrorClass.INVALID_REQUEST, ErrorClass.CONTENT_BLOCKED)
_CALLERS = ", ".join(f"'{one.value}'" for one in CALLERS_FAULTS)
FAULTS = tuple(one for one in ErrorClass if one not in CALLERS_FAULTS)

Line = tuple[UUID, Modality | None]
"""A provider in one modality, or (None) in all of them together."""

COUNTS = f"outcome <> 'cancelled' and not simulated and coalesce(error_class, '') not in ({_CALLERS})"
"""Whether an attempt says anything about its provider, as a condition."""


@dataclass(frozen=True, slots=True)
class Window:
    """The calls of a stretch of time; times in milliseconds, of good calls."""

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

    `tokens`, `cost` (USD, as far as priced), `unpriced` and `errors` (by class) are of 24 hours; `served` counts the
    live generations that it carried in the last 15 minutes.
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

    A read sums the last hour anew. The rest of the day, most of the rows, is kept for two minutes, and with it the
    percentiles of 24 hours.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._day: _Day | None = None

    async def read(self, now: datetime) -> Mapping[Line, Performance]:
        """The figures of every provider that was called in 24 hours."""
        if self._day is None or not timedelta(0) <= now - self._day.taken_at < DAY_KEPT:
            self._day = await self._read_day(now)
        day = self._day
        rows = await self._database.fetch_all(
            LATELY,
            {
                "begin": first_id_at(day.end),
                "hour": first_id_at(now - HOUR),
                "carrying": first_id_at(now - CARRYING),
                "recent": first_id_at(now - RECENT),
            },
        )
        figures = {
            line: Performance(
                day=Window(sums.calls, sums.good, *percentiles),
                tokens=sums.tokens,
                cost=sums.cost,
                unpriced=sums.unpriced,
                errors=MappingProxyType(sums.errors),
            )
            for line, (sums, percentiles) in day.lines.items()
        }
        for row in rows:
            line, recent, hour, served, sums = (
                _line(row),
                Calls(*row[3:5]),
                Window(*row[5:10]),
                row[10],
                _sums(row[11:]),
            )
            before = figures.get(line, NOTHING)
            errors = Counter(before.errors) + Counter(sums.errors)
            figures[line] = Performance(
                recent=recent,
                hour=hour,
                day=replace(
                    before.day, calls=before.day.calls + sums.calls, good=before.day.good + sums.good
                ),
                tokens=before.tokens + sums.tokens,
                cost=before.cost + sums.cost,
                unpriced=before.unpriced + sums.unpriced,
                errors=MappingProxyType(dict(sorted(errors.items()))),
                served=served,
            )
        return figures

    async def _read_day(self, now: datetime) -> "_Day":
        end = now - HOUR
        rows = await self._database.fetch_all(
            BEFORE, {"begin": first_id_at(now - DAY), "end": first_id_at(end)}
        )
        return _Day(now, end, {_line(row): (_sums(row[6:]), row[3:6]) for row in rows})


def shares(figures: Mapping[Line, Performance]) -> Mapping[Line, float]:
    """Which share of a modality's live traffic each provider carried in the last 15 minutes; none where none was."""
    carried = {line: one.served for line, one in figures.items() if line[1] is not None and one.served}
    whole = Counter[Modality | None]()
    for (_, modality), served in carried.items():
        whole[modality] += served
    return {line: served / whole[line[1]] for line, served in carried.items()}


@dataclass(frozen=True, slots=True)
class _Sums:
    calls: int
    good: int
    tokens: int
    cost: Decimal
    unpriced: int
    errors: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Day:
    """The sums from a day ago up to `end`, and the percentiles of the whole day."""

    taken_at: datetime
    end: datetime
    lines: Mapping[Line, tuple[_Sums, Sequence[float | None]]]


def _line(row: Sequence[Any]) -> Line:
    provider_id, modality, together = row[:3]
    return provider_id, None if together else Modality(modality)


def _sums(row: Sequence[Any]) -> _Sums:
    calls, good, tokens, cost, unpriced, *errors = row
    return _Sums(
        calls,
        good,
        int(tokens),
        cost,
        unpriced,
        {one.value: count for one, count in zip(FAULTS, errors, strict=True) if count},
    )


def _select(figures: str, *, sums: str) -> str:
    """The statement over attempts; `sums` is the condition under which an attempt is summed."""
    return (
        f"select provider_id, modality, grouping(modality), {figures},"
        f" count(*) filter (where counts and {sums}), count(*) filter (where good and {sums}),"
        f" coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) filter (where {sums}), 0),"
        f" coalesce(sum(cost) filter (where {sums}), 0), count(*) filter (where unpriced and {sums}), "
        + ", ".join(
            f"count(*) filter (where counts and error_class = '{one.value}' and {sums})" for one in FAULTS
        )
        + f" from (select *, outcome = 'completed' as good, {COUNTS} as counts from attempts"
        " where id >= %(begin)s and not simulated and provider_id is not null) called"
        " group by grouping sets ((provider_id, modality), (provider_id))"
    )


def _percentiles(condition: str) -> str:
    return (
        f"percentile_cont(0.5) within group (order by latency_ms) filter (where {condition}),"
        f" percentile_cont(0.95) within group (order by latency_ms) filter (where {condition}),"
        f" percentile_cont(0.5) within group (order by first_token_ms) filter (where {condition})"
    )


BEFORE = _select(_percentiles("good"), sums="id < %(end)s")
LATELY = _select(
    "count(*) filter (where counts and id >= %(recent)s), count(*) filter (where good and id >= %(recent)s),"
    " count(*) filter (where counts and id >= %(hour)s), count(*) filter (where good and id >= %(hour)s), "
    + _percentiles("good and id >= %(hour)s")
    + ", count(*) filter (where serving and traffic = 'live' and id >= %(carrying)s)",
    sums="true",
)
