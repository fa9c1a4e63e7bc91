"""Where in time entries of some books and types lie: the hours in which there were any, so that a list skips a sea of others.

Live charges have no index of their own (they would pay for it at each booking). Their place is known by the hour from
`credit_hours`; the newest hours, not yet folded for certain, always belong to the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.credits.models import EntryType
from core.credits.totals import FOREVER, HOUR, certain_until, hour_of
from core.database import Database
from core.database.reading import read_within
from core.ids import first_id_at, time_of
from core.vocabulary import Traffic

SECONDS = 2


@dataclass(frozen=True, slots=True)
class Span:
    """Ids from `low` until before `high`."""

    low: UUID
    high: UUID


async def spans_with(
    database: Database,
    traffic: Traffic,
    types: Sequence[EntryType],
    edge: UUID | None,
    most: int,
    *,
    backwards: bool,
) -> list[Span] | None:
    """Stretches that together hold at least `most` entries of these books on one side of `edge`, or all there are.

    None: nothing was folded yet, and they may be anywhere.
    """
    certain = await certain_until(database)
    if certain is None:
        return None
    hour = hour_of(time_of(edge)) if edge else None
    rows = await database.fetch_all(
        "select at, sum(entries)::bigint from credit_hours where traffic = %(traffic)s and type = any(%(types)s)"
        " and at < %(certain)s and (%(hour)s::timestamptz is null or at"
        f" {'>=' if backwards else '<='} %(hour)s) group by at order by at {'asc' if backwards else 'desc'} limit %(most)s",
        {
            "traffic": traffic.value,
            "types": [one.value for one in types],
            "certain": certain,
            "hour": hour,
            "most": most + 2,
        },
    )
    hours: list[datetime] = []
    enough = 0
    for at, entries in rows:
        hours.append(at)
        enough += entries if at != hour else 0  # the edge cuts its own hour in two
        if enough >= most:
            break
    newest = (certain, FOREVER)
    stretches = [(at, at + HOUR) for at in hours]
    if not backwards and (hour is None or hour >= certain):
        stretches.insert(0, newest)
    elif backwards and enough < most:
        stretches.append(newest)
    return _joined(stretches)


async def count_live(
    database: Database, types: Sequence[EntryType], low: UUID | None, high: UUID | None, most: int
) -> int | None:
    """How many live entries lie from `low` until before `high`, counted no further than `most`; None where nothing was
    folded yet."""
    certain = await certain_until(database)
    if certain is None:
        return None
    named = {"types": [one.value for one in types]}
    first = hour_of(time_of(low)) + HOUR if low else None
    last = min(certain, hour_of(time_of(high))) if high else certain
    if first is not None and first >= last:
        return await _count(database, named, low, high, most)
    row = await database.fetch_one(
        "select coalesce(sum(entries), 0)::bigint from credit_hours where traffic = 'live' and type = any(%(types)s)"
        " and (%(first)s::timestamptz is null or at >= %(first)s) and at < %(last)s",
        {**named, "first": first, "last": last},
    )
    found: int = row[0] if row else 0
    if low is not None and first is not None and found < most:
        found += await _count(database, named, low, first_id_at(first), most - found)
    if found < most:
        found += await _count(database, named, first_id_at(last), high, most - found)
    return min(found, most)


async def _count(
    database: Database, named: dict[str, list[str]], low: UUID | None, high: UUID | None, most: int
) -> int:
    rows = await read_within(
        database,
        SECONDS,
        "select count(*) from (select from credit_entries where traffic = 'live' and type = any(%(types)s)"
        " and id >= %(low)s and id < %(high)s limit %(most)s) t",
        {**named, "low": low or UUID(int=0), "high": high or UUID(int=2**128 - 1), "most": most},
    )
    return rows[0][0]


def _joined(stretches: Sequence[tuple[datetime, datetime]]) -> list[Span]:
    """The stretches as spans, those that touch made one."""
    joined: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(stretches):
        if joined and joined[-1][1] >= begin:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return [Span(first_id_at(begin), first_id_at(end)) for begin, end in joined]
