"""The hours of all generations, from which the key figures are put together: folded every minute by one process.

Hours begin as the reporting zone's do. Demo data is in none of them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.database import Database
from core.ids import first_id_at, time_of
from core.money import ZERO_USD
from core.vocabulary import Modality, Traffic

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AGAIN = timedelta(hours=1)
"""The hour that ended within this is folded once more: its last generations may have ended late."""
FIRST_FOLD = timedelta(days=60)
MOST_PIECES = 10
"""Days with something in them that one fold goes through; the next one goes on."""


@dataclass(frozen=True, slots=True)
class HourSums:
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


async def fold_hours(database: Database, zone: ZoneInfo, now: datetime) -> int:
    """Sums hours anew from where the last fold ended; returns how many rows it wrote.

    It may be repeated, killed, and run twice at once. After a long absence it works for a bounded time; the next one
    goes on. The age of the oldest generation under way is kept as the highest seen in its hour.
    """
    # Hours that begin at another minute stand there from before TIME_ZONE was changed.
    await database.execute(
        "delete from hour_figures where extract(epoch from at)::bigint %% 3600 <> %s",
        (-_offset(now, zone) % 3600,),
    )
    begin = hour_of(await _end_of_last(database, now), zone)
    ends = hour_of(now, zone) + HOUR
    written = pieces = 0
    while begin < ends and pieces < MOST_PIECES:
        end = min(begin + DAY, ends)
        sums = await _sum(database, begin, end)
        pieces += bool(sums)
        # Live hours are written even where nothing happened: they say how far the fold has come.
        for number in range((end - begin) // HOUR):
            sums.setdefault((Traffic.LIVE, begin + number * HOUR), HourSums())
        written += await _write(database, sums)
        begin = end
    await database.execute(
        "update hour_figures set queue_age_s = greatest(queue_age_s, (select coalesce(extract(epoch from"
        " now() - min(created_at))::int, 0) from reservations where state = 'held')) where traffic = 'live' and at = %s",
        (hour_of(now, zone),),
    )
    return written


async def known_hours(
    database: Database, zone: ZoneInfo, begin: datetime, now: datetime
) -> Mapping[Traffic, Mapping[datetime, HourSums]]:
    """The hours since `begin`: as they were folded, and from the last one on as the rows say."""
    known: dict[Traffic, dict[datetime, HourSums]] = defaultdict(dict)
    for traffic, at, *sums in await database.fetch_all(
        "select traffic, at, completed, failed, p95_ms, credits, revenue, cost, unpriced, queue_age_s"
        " from hour_figures where at >= %s",
        (begin,),
    ):
        known[Traffic(traffic)][at.astimezone(UTC)] = HourSums(*sums)
    # Where nothing has been folded for long, what can be summed here is a day.
    last = hour_of(now, zone)
    fresh = max(max(known[Traffic.LIVE], default=last - 23 * HOUR), last - 23 * HOUR)
    for (traffic, at), sums in (await _sum(database, fresh, last + HOUR)).items():
        before = known[traffic].get(at, HourSums())
        known[traffic][at] = replace(sums, queue_age_s=before.queue_age_s)
    return known


async def _sum(
    database: Database, begin: datetime, end: datetime
) -> dict[tuple[Traffic, datetime], HourSums]:
    """The hours between two edges, from the rows."""
    edges = [begin + number * HOUR for number in range((end - begin) // HOUR + 1)]
    params = {
        "edges": [first_id_at(edge) for edge in edges],
        "first": first_id_at(begin),
        "last": first_id_at(end),
    }
    sums: dict[tuple[Traffic, datetime], HourSums] = {}
    for traffic, place, *counted in await database.fetch_all(GENERATIONS, params):
        sums[Traffic(traffic), edges[place - 1]] = HourSums(*counted)
    for traffic, place, cost, unpriced in await database.fetch_all(COSTS, params):
        key = Traffic(traffic), edges[place - 1]
        sums[key] = replace(sums.get(key, HourSums()), cost=cost, unpriced=unpriced)
    return sums


async def _write(database: Database, sums: Mapping[tuple[Traffic, datetime], HourSums]) -> int:
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


def hour_of(moment: datetime, zone: ZoneInfo) -> datetime:
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
