"""The key figures of the last 24 hours and of this month, each with its course over seven days, for the overview.

Whole hours come from `hour_figures`, which one process folds every minute; what is newer is summed from the rows. So a
reading costs the same with ten million generations as with ten thousand. Hours begin as the reporting zone's do.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.errors import DatabaseUnavailable
from core.generation.hours import DAY, HOUR, HourSums, hour_of, known_hours
from core.ids import first_id_at
from core.log import get_logger
from core.money import ZERO_USD
from core.vocabulary import Traffic

log = get_logger(__name__)

WEEK = timedelta(days=7)
STEP = timedelta(hours=6)
"""The grain of a course."""
EXACT_TO = 10_000
"""So many generations in two days are few enough for exact percentiles; beyond, they are put together from the hours'."""
KEPT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Hour:
    """How the generations that began in one hour ended."""

    at: datetime
    completed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Courses:
    """The last seven days in steps of six hours, the oldest first. Where there was nothing to measure, success and p95
    stay as they were; they begin with the first step of which something is known."""

    success: tuple[float, ...] = ()
    p95_ms: tuple[float, ...] = ()
    queue_age_s: tuple[float, ...] = ()
    spend: tuple[float, ...] = ()
    credits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of failure and how often it struck in 24 hours; `provider` is None where none was called."""

    cause: str
    provider: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and sums of 24 hours (the hour under way and the 23 before), USD since the month began.

    `p95_ms` is of completed texts, `p95_yesterday_ms` of the 24 hours before; both are put together from the hours',
    and so about right, where `p95_about`. `spend_days` has every day of the month, those to come at 0. `tests_only`:
    there was no live traffic to show. Spend and causes are of live traffic alone.
    """

    as_of: datetime
    tests_only: bool
    completed: int
    failed: int
    p95_ms: float | None
    p95_yesterday_ms: float | None
    p95_about: bool
    credits: int
    revenue: Decimal
    month_spend: Decimal
    month_unpriced: int
    day_unpriced: int
    pending: int
    oldest_pending: datetime | None
    hours: tuple[Hour, ...]
    courses: Courses
    spend_days: tuple[tuple[date, Decimal], ...]
    causes: tuple[Cause, ...] = ()

    @property
    def total(self) -> int:
        """How many ended, either way."""
        return self.completed + self.failed

    @property
    def success(self) -> float | None:
        """The share of completed among those that ended either way."""
        return self.completed / self.total if self.total else None


class KeyFigures:
    """The figures as all pages of a process share them: read at most every five seconds, however many ask.

    While the database is away, the last ones stand (`as_of` says of when they are).
    """

    def __init__(
        self, database: Database, zone: ZoneInfo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._reading = asyncio.Lock()
        self._last: Figures | None = None
        self._due = 0.0

    async def read(self) -> Figures:
        """The figures, at most five seconds old.

        Raises:
            DatabaseUnavailable: there are none yet, and the database is away.
        """
        async with self._reading:
            if time.monotonic() >= self._due:
                try:
                    self._last = await figures(self._database, self._zone, self._clock())
                except DatabaseUnavailable:
                    log.warning("the key figures could not be read, the database does not answer")
                self._due = time.monotonic() + KEPT_SECONDS  # after a failure too: nobody waits in vain twice
            if self._last is None:
                raise DatabaseUnavailable
            return self._last


async def figures(database: Database, zone: ZoneInfo, now: datetime | None = None) -> Figures:
    """The figures of live traffic, or of test runs where nothing else has happened in 24 hours."""
    now = now or datetime.now(UTC)
    last = hour_of(now, zone)
    day, week = last - 23 * HOUR, last - WEEK + HOUR
    month = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    known = await known_hours(database, zone, min(week, day - DAY, month), now)
    live = known[Traffic.LIVE]
    tests_only = not any(one.ended for at, one in live.items() if at >= day)
    traffic = Traffic.TEST if tests_only else Traffic.LIVE
    shown = known[traffic]
    today = [one for at, one in shown.items() if at >= day]
    yesterday = [one for at, one in shown.items() if day - DAY <= at < day]
    p95 = [_mixed_p95(today), _mixed_p95(yesterday)]
    if exact := sum(one.ended for one in (*today, *yesterday)) <= EXACT_TO:
        p95 = await _exact_p95(database, traffic, day)
    pending = await database.fetch_one(
        "select count(*), min(created_at) from reservations where state = 'held'"
    )
    assert pending is not None, "an aggregate has one row"
    this_month = [(at, one) for at, one in live.items() if at >= month]
    return Figures(
        as_of=now,
        tests_only=tests_only,
        completed=sum(one.completed for one in today),
        failed=sum(one.failed for one in today),
        p95_ms=p95[0],
        p95_yesterday_ms=p95[1],
        p95_about=not exact,
        credits=sum(one.credits for one in today),
        revenue=sum((one.revenue for one in today), ZERO_USD),
        month_spend=sum((one.cost for _, one in this_month), ZERO_USD),
        month_unpriced=sum(one.unpriced for _, one in this_month),
        day_unpriced=sum(one.unpriced for at, one in live.items() if at >= day),
        pending=pending[0],
        oldest_pending=pending[1],
        hours=tuple(
            Hour(at, shown[at].completed, shown[at].failed) if at in shown else Hour(at)
            for at in (day + number * HOUR for number in range(24))
        ),
        courses=_courses(shown, live, week),
        spend_days=_spend_days(this_month, month, zone),
        causes=tuple(await causes(database, day)),
    )


async def causes(database: Database, since: datetime, *, limit: int = 5) -> list[Cause]:
    """The most frequent causes of failure of live traffic since a moment."""
    rows = await database.fetch_all(
        "select coalesce(error_class, error_code, 'unknown') as cause, provider, count(*) from generations"
        " where status = 'failed' and traffic = 'live' and id >= %s group by 1, 2 order by 3 desc, 1, 2 limit %s",
        (first_id_at(since), limit),
    )
    return [Cause(*row) for row in rows]


async def latest_of(database: Database, user_id: UUID) -> tuple[UUID, str] | None:
    """A person's newest generation and its status."""
    row = await database.fetch_one(
        "select id, status from generations where user_id = %s order by id desc limit 1", (user_id,)
    )
    return (row[0], row[1]) if row else None


async def _exact_p95(database: Database, traffic: Traffic, day: datetime) -> list[float | None]:
    """The 95th percentile of completed texts since `day`, and in the 24 hours before."""
    row = await database.fetch_one(
        "select percentile_cont(0.95) within group (order by latency_ms) filter (where id >= %(day)s),"
        " percentile_cont(0.95) within group (order by latency_ms) filter (where id < %(day)s) from generations"
        " where traffic = %(traffic)s and status = 'completed' and modality = 'text' and id >= %(before)s",
        {"traffic": traffic, "day": first_id_at(day), "before": first_id_at(day - DAY)},
    )
    return list(row or (None, None))


def _mixed_p95(hours: Iterable[HourSums]) -> float | None:
    """A 95th percentile from those of hours, each with the weight of what it completed."""
    known = [(one.p95_ms, one.completed) for one in hours if one.p95_ms is not None and one.completed]
    whole = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / whole if whole else None


def _courses(
    shown: Mapping[datetime, HourSums], live: Mapping[datetime, HourSums], begin: datetime
) -> Courses:
    steps = [begin + number * STEP for number in range(WEEK // STEP)]
    parts = [[one for at, one in shown.items() if step <= at < step + STEP] for step in steps]
    lived = [[one for at, one in live.items() if step <= at < step + STEP] for step in steps]
    return Courses(
        success=_carried(_share(part) for part in parts),
        p95_ms=_carried(_mixed_p95(part) for part in parts),
        queue_age_s=tuple(float(max((one.queue_age_s for one in part), default=0)) for part in lived),
        spend=tuple(float(sum(one.cost for one in part)) for part in lived),
        credits=tuple(float(sum(one.credits for one in part)) for part in parts),
    )


def _carried(values: Iterable[float | None]) -> tuple[float, ...]:
    """What is not known stays as it was."""
    found: list[float] = []
    for value in values:
        if value is not None or found:
            found.append(found[-1] if value is None else value)
    return tuple(found)


def _share(part: Sequence[HourSums]) -> float | None:
    ended = sum(one.ended for one in part)
    return sum(one.completed for one in part) / ended if ended else None


def _spend_days(
    hours: Iterable[tuple[datetime, HourSums]], month: datetime, zone: ZoneInfo
) -> tuple[tuple[date, Decimal], ...]:
    """USD of each day of the month, those to come at 0."""
    spent: dict[date, Decimal] = defaultdict(Decimal)
    for at, one in hours:
        spent[at.astimezone(zone).date()] += one.cost
    first = month.date()
    following = (first + timedelta(days=32)).replace(day=1)
    days = [first + timedelta(days=number) for number in range((following - first).days)]
    return tuple((day, spent.get(day, ZERO_USD)) for day in days)
