"""What one user did lately, small enough to be drawn: the last 24 hours as marks on four lanes, the last week in days.

A day of a busy user is thousands of generations: they are gathered in steps of five minutes, which no eye tells apart
on a picture of a day. The entries of a day are found by halving along `seq`, which counts without a gap: the ledger
has no index by time for one account, and needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.credits.models import EntryType
from core.database import Database
from core.database.reading import read_within
from core.ids import first_id_at, time_of
from core.vocabulary import Traffic

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
STEP = timedelta(minutes=5)
STEPS = DAY // STEP
DAYS = 7
SECONDS = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened within five minutes: when first, how many times, and how many credits it came to.

    `id` is the first generation (or entry) of them; `cause` is the commonest one, of failures.
    """

    at: datetime
    id: UUID
    count: int
    credits: int = 0
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """24 hours of one user, each lane in order of time. `done` are the generations that have not failed."""

    begin: datetime
    end: datetime
    done: tuple[Mark, ...] = ()
    failed: tuple[Mark, ...] = ()
    charges: tuple[Mark, ...] = ()
    refunds: tuple[Mark, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.done or self.failed or self.charges or self.refunds)


@dataclass(frozen=True, slots=True)
class Day:
    """24 hours: generations, how many of them failed, and the credits that they were charged."""

    generations: int = 0
    failed: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class Week:
    """Seven times 24 hours, the oldest first; the last ends now."""

    days: tuple[Day, ...]

    @property
    def generations(self) -> int:
        return sum(day.generations for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    @property
    def credits(self) -> int:
        return sum(day.credits for day in self.days)


async def timeline_of(database: Database, user_id: UUID, traffic: Traffic, now: datetime) -> Timeline:
    """The 24 hours up to now.

    Raises:
        Fault: `query_too_slow`.
    """
    begin = now - DAY
    edges = [begin + STEP * number for number in range(STEPS + 1)]
    generations = await read_within(database, SECONDS, GENERATIONS, _asked(user_id, traffic, edges, now))
    entries = await read_within(
        database,
        SECONDS,
        ENTRIES,
        {"user": user_id, "traffic": str(traffic), "edges": edges, "begin": begin},
    )
    marks = [
        (failed, Mark(time_of(first), first, count, 0, cause if failed else None))
        for _, failed, first, count, cause in generations
    ]
    moved = [
        (entry_type, Mark(at, entry_id, count, credits))
        for _, entry_type, at, entry_id, count, credits in entries
    ]
    return Timeline(
        begin,
        now,
        done=tuple(mark for failed, mark in marks if not failed),
        failed=tuple(mark for failed, mark in marks if failed),
        charges=tuple(mark for kind, mark in moved if kind == EntryType.USAGE),
        refunds=tuple(mark for kind, mark in moved if kind == EntryType.REFUND),
    )


async def week_of(database: Database, user_id: UUID, traffic: Traffic, now: datetime) -> Week:
    """The seven days up to now. Raises as `timeline_of` does."""
    edges = [now - DAY * (DAYS - number) for number in range(DAYS)]
    rows = await read_within(database, SECONDS, WEEK, _asked(user_id, traffic, edges, now))
    found = {number: Day(*counted) for number, *counted in rows}
    return Week(tuple(found.get(number, Day()) for number in range(1, DAYS + 1)))


async def pulse(database: Database, user_id: UUID) -> tuple[Any, ...] | None:
    """A value that differs whenever a generation of the user began or ended, their credits moved, or the audit wrote
    something about them or by them; cheap enough for each second."""
    return await database.fetch_one(PULSE, {"user": user_id, "subject": str(user_id)})


def _asked(user_id: UUID, traffic: Traffic, edges: Sequence[datetime], now: datetime) -> dict[str, Any]:
    ids = [first_id_at(edge) for edge in edges]
    # An end keeps the months to come out of the plan; it lies an hour ahead, since not all clocks agree.
    end = first_id_at(now + HOUR)
    return {"user": user_id, "traffic": str(traffic), "edges": ids, "begin": ids[0], "end": end}


GENERATIONS = """
select width_bucket(g.id, %(edges)s::uuid[]), g.status = 'failed', (array_agg(g.id order by g.id))[1], count(*),
    mode() within group (order by coalesce(g.error_class, g.error_code))
from generations g
where g.user_id = %(user)s and g.traffic = %(traffic)s and g.id >= %(begin)s and g.id < %(end)s
group by 1, 2 order by 1, 2
"""

ENTRIES = """
with recursive account (id, seq) as (
    select id, seq from credit_accounts where user_id = %(user)s and traffic = %(traffic)s
), search (low, high) as (
    select 1::bigint, seq + 1 from account
    union all
    select case when e.created_at < %(begin)s then m.place + 1 else s.low end,
        case when e.created_at < %(begin)s then s.high else m.place end
    from search s
    cross join lateral (select (s.low + s.high) / 2 as place) m
    join credit_entries e on e.account_id = (select id from account) and e.seq = m.place
    where s.low < s.high
)
select width_bucket(e.created_at, %(edges)s::timestamptz[]), e.type, min(e.created_at),
    (array_agg(e.id order by e.seq))[1], count(*), sum(abs(e.amount))::bigint
from account a join credit_entries e on e.account_id = a.id
where e.seq >= (select max(low) from search) and e.created_at >= %(begin)s and e.type in ('usage', 'refund')
group by 1, 2 order by 1, 2
"""

WEEK = """
select width_bucket(g.id, %(edges)s::uuid[]), count(*), count(*) filter (where g.status = 'failed'),
    coalesce(sum(g.credits), 0)::bigint
from generations g
where g.user_id = %(user)s and g.traffic = %(traffic)s and g.id >= %(begin)s and g.id < %(end)s
group by 1
"""

PULSE = """
select (select g.id from generations g where g.user_id = %(user)s order by g.id desc limit 1),
    (select sum(a.seq) from credit_accounts a where a.user_id = %(user)s),
    (select sum(a.held) from credit_accounts a where a.user_id = %(user)s),
    (select a.id from audit a where a.subject_id = %(subject)s and a.subject_kind = 'user' order by a.id desc limit 1),
    (select a.id from audit a where a.actor_id = %(user)s order by a.id desc limit 1)
"""
