"""The key figures of the last 24 hours and of this month, each with its course over seven days, for the overview.

Whole hours come from `hour_figures`, which one process folds every minute; what is newer is summed from the rows. So a
reading costs the same with ten million generations as with ten thousand. Hours begin as the reporting zone's do.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.ids import first_id_at, time_of
from core.money import ZERO_USD
from core.vocabulary import Modality, Traffic

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
STEP = timedelta(hours=6)
"""The grain of a course."""
AGAIN = timedelta(hours=2)
"""Hours that began so long ago are folded once more: their last generations may have ended late."""
FIRST_FOLD = timedelta(days=60)
MOST_PIECES = 10
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
    """The figures as all pages of a process share them: read at most every five seconds, however many ask."""

    def __init__(
        self, database: Database, zone: ZoneInfo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._reading = asyncio.Lock()
        self._last: tuple[float, Figures] | None = None

    async def read(self) -> Figures:
        """The figures, at most five seconds old."""
        async with self._reading:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                self._last = time.monotonic(), await figures(self._database, self._zone, self._clock())
            return self._last[1]


async def figures(database: Database, zone: ZoneInfo, now: datetime | None = None) -> Figures:
    """The figures of live traffic, or of test runs where nothing else has happened in 24 hours."""
    now = now or datetime.now(UTC)
    last = _hour_of(now, zone)
    day, week = last - 23 * HOUR, last - WEEK + HOUR
    month = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    known = await _hours(database, zone, min(week, day - DAY, month), now)
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
        causes=tuple(await causes(database, now, since=day)),
    )


async def causes(
    database: Database, now: datetime | None = None, *, since: datetime | None = None, limit: int = 5
) -> list[Cause]:
    """The most frequent causes of failure of live traffic, of 24 hours unless told otherwise."""
    since = since or (now or datetime.now(UTC)) - DAY
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


async def fold_hours(
    database: Database, zone: ZoneInfo, now: datetime, *, since: datetime | None = None
) -> int:
    """Sums whole hours anew from `since`, or from where the last fold ended; returns how many rows it wrote.

    It may be repeated, killed, and run twice at once. After a long absence it works for a bounded time; the next one
    goes on. The age of the oldest generation under way is kept as the highest seen in its hour.
    """
    # Hours that begin at another minute stand there from before TIME_ZONE was changed.
    await database.execute(
        "delete from hour_figures where extract(epoch from at)::bigint %% 3600 <> %s",
        (-_offset(now, zone) % 3600,),
    )
    begin = _hour_of(since or await _end_of_last(database, now), zone)
    ends = _hour_of(now, zone) + HOUR
    written = pieces = 0
    while begin < ends and pieces < MOST_PIECES:
        end = min(begin + DAY, ends)
        sums = await _sum(database, begin, end)
        pieces += bool(sums)
        # Live hours are written even where nothing happened: they say how far the fold has come.
        for number in range((end - begin) // HOUR):
            sums.setdefault((Traffic.LIVE, begin + number * HOUR), _Sums())
        written += await _write(database, sums)
        begin = end
    await database.execute(
        "update hour_figures set queue_age_s = greatest(queue_age_s, (select coalesce(extract(epoch from"
        " now() - min(created_at))::int, 0) from reservations where state = 'held')) where traffic = 'live' and at = %s",
        (_hour_of(now, zone),),
    )
    return written


@dataclass(frozen=True, slots=True)
class _Sums:
    """One hour of one kind of traffic."""

    completed: int = 0
    failed: int = 0
    p95_ms: float | None = None
    credits: int = 0
    revenue: Decimal = ZERO_USD
    cost: Decimal = ZERO_USD
    unpriced: int = 0
    queue_age_s: int = 0

    @property
    def ended(self) -> int:
        return self.completed + self.failed


async def _hours(
    database: Database, zone: ZoneInfo, begin: datetime, now: datetime
) -> Mapping[Traffic, Mapping[datetime, _Sums]]:
    """The hours since `begin`: as they were folded, and from the last one on as the rows say."""
    known: dict[Traffic, dict[datetime, _Sums]] = defaultdict(dict)
    for traffic, at, *sums in await database.fetch_all(
        "select traffic, at, completed, failed, p95_ms, credits, revenue, cost, unpriced, queue_age_s"
        " from hour_figures where at >= %s",
        (begin,),
    ):
        known[Traffic(traffic)][at.astimezone(UTC)] = _Sums(*sums)
    # Where nothing has been folded for long, what can be summed here is a day.
    last = _hour_of(now, zone)
    fresh = max(max(known[Traffic.LIVE], default=last - 23 * HOUR), last - 23 * HOUR)
    for (traffic, at), sums in (await _sum(database, fresh, last + HOUR)).items():
        before = known[traffic].get(at, _Sums())
        known[traffic][at] = replace(sums, queue_age_s=before.queue_age_s)
    return known


async def _sum(database: Database, begin: datetime, end: datetime) -> dict[tuple[Traffic, datetime], _Sums]:
    """The hours between two edges, from the rows."""
    edges = [begin + number * HOUR for number in range((end - begin) // HOUR + 1)]
    params = {
        "edges": [first_id_at(edge) for edge in edges],
        "first": first_id_at(begin),
        "last": first_id_at(end),
    }
    sums: dict[tuple[Traffic, datetime], _Sums] = {}
    for traffic, place, *counted in await database.fetch_all(GENERATIONS, params):
        sums[Traffic(traffic), edges[place - 1]] = _Sums(*counted)
    for traffic, place, cost, unpriced in await database.fetch_all(COSTS, params):
        key = Traffic(traffic), edges[place - 1]
        sums[key] = replace(sums.get(key, _Sums()), cost=cost, unpriced=unpriced)
    return sums


async def _write(database: Database, sums: Mapping[tuple[Traffic, datetime], _Sums]) -> int:
    lines = sorted(sums.items())
    return await database.execute(
        WRITE,
        {
            "traffic": [traffic for (traffic, _), _ in lines],
            "at": [at for (_, at), _ in lines],
            "completed": [one.completed for _, one in lines],
            "failed": [one.failed for _, one in lines],
            "p95": [one.p95_ms for _, one in lines],
            "credits": [one.credits for _, one in lines],
            "revenue": [one.revenue for _, one in lines],
            "cost": [one.cost for _, one in lines],
            "unpriced": [one.unpriced for _, one in lines],
        },
    )


async def _end_of_last(database: Database, now: datetime) -> datetime:
    """Where a fold goes on: a little before the last hour there is, at first with the oldest generation of 60 days."""
    oldest = now - FIRST_FOLD
    row = await database.fetch_one(
        "select min(at), max(at), (select id from generations where id >= %s order by id limit 1)"
        " from hour_figures where traffic = 'live'",
        (first_id_at(oldest),),
    )
    begun, last, first = row or (None, None, None)
    if begun is not None and last is not None:
        return max(oldest, begun, min(last, now) - AGAIN)
    return time_of(first) if first else now


async def _exact_p95(database: Database, traffic: Traffic, day: datetime) -> list[float | None]:
    """The 95th percentile of completed texts since `day`, and in the 24 hours before."""
    row = await database.fetch_one(
        "select percentile_cont(0.95) within group (order by latency_ms) filter (where id >= %(day)s),"
        " percentile_cont(0.95) within group (order by latency_ms) filter (where id < %(day)s) from generations"
        " where traffic = %(traffic)s and status = 'completed' and modality = 'text' and id >= %(before)s",
        {"traffic": traffic, "day": first_id_at(day), "before": first_id_at(day - DAY)},
    )
    return list(row or (None, None))


def _mixed_p95(hours: Iterable[_Sums]) -> float | None:
    """A 95th percentile from those of hours, each with the weight of what it completed."""
    known = [(one.p95_ms, one.completed) for one in hours if one.p95_ms is not None and one.completed]
    whole = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / whole if whole else None


def _courses(shown: Mapping[datetime, _Sums], live: Mapping[datetime, _Sums], begin: datetime) -> Courses:
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


def _share(part: Sequence[_Sums]) -> float | None:
    ended = sum(one.ended for one in part)
    return sum(one.completed for one in part) / ended if ended else None


def _spend_days(
    hours: Iterable[tuple[datetime, _Sums]], month: datetime, zone: ZoneInfo
) -> tuple[tuple[date, Decimal], ...]:
    """USD of each day of the month, those to come at 0."""
    spent: dict[date, Decimal] = defaultdict(Decimal)
    for at, one in hours:
        spent[at.astimezone(zone).date()] += one.cost
    first = month.date()
    following = (first + timedelta(days=32)).replace(day=1)
    days = [first + timedelta(days=number) for number in range((following - first).days)]
    return tuple((day, spent.get(day, ZERO_USD)) for day in days)


def _hour_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning, in UTC, of the hour of the zone in which a moment lies."""
    local = moment.astimezone(zone)
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


GENERATIONS = f"""
select traffic, width_bucket(id, %(edges)s::uuid[]), count(*) filter (where status = 'completed'),
    count(*) filter (where status = 'failed'),
    percentile_cont(0.95) within group (order by latency_ms)
        filter (where status = 'completed' and modality = '{Modality.TEXT.value}'),
    coalesce(sum(credits), 0)::bigint, coalesce(sum(revenue) filter (where provider is distinct from 'sandbox'), 0)
from generations where id >= %(first)s and id < %(last)s and traffic <> 'demo' group by 1, 2
"""

COSTS = """
select traffic, width_bucket(id, %(edges)s::uuid[]), coalesce(sum(cost), 0), count(*) filter (where unpriced)
from attempts
where id >= %(first)s and id < %(last)s and traffic <> 'demo' and provider <> 'sandbox' group by 1, 2
"""

WRITE = """
insert into hour_figures (traffic, at, completed, failed, p95_ms, credits, revenue, cost, unpriced)
select * from unnest(%(traffic)s::varchar[], %(at)s::timestamptz[], %(completed)s::int[], %(failed)s::int[],
    %(p95)s::float8[], %(credits)s::bigint[], %(revenue)s::numeric[], %(cost)s::numeric[], %(unpriced)s::int[])
order by 1, 2
on conflict (traffic, at) do update set completed = excluded.completed, failed = excluded.failed,
    p95_ms = excluded.p95_ms, credits = excluded.credits, revenue = excluded.revenue, cost = excluded.cost,
    unpriced = excluded.unpriced
"""
