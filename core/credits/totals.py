"""What was booked in any stretch of time, by type: exact, and as quick over ten million entries as over ten thousand.

One process folds entries into hours every minute (`credit_hours`). Whole hours are read from there; the hours that a
range cuts in two, and the newest ones, from the entries themselves, all in one snapshot. The last hour before a fold is
never taken from it: a transaction under way may still bring an entry whose id is a little older.

Whoever writes entries of the past (the demo does, a restore does not need to) folds anew from there: `since`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.credits.models import EntryType
from core.database import Database, run
from core.ids import first_id_at, time_of
from core.vocabulary import Traffic

HOUR, DAY, LONG = timedelta(hours=1), timedelta(days=1), timedelta(days=31)
MARK = "credit_hours"
"""Names the row of `marks` that says up to when entries were folded."""
MOST_PIECES = 60
"""Days that one tick goes through after a long absence; the next one goes on."""
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Booked:
    """How many entries, and the credits they sum to (negative for what left)."""

    entries: int = 0
    credits: int = 0


NOTHING = Booked()


@dataclass(frozen=True, slots=True)
class Totals:
    """What was booked, by type; a type of which there was nothing is left out."""

    by_type: Mapping[EntryType, Booked]

    def of(self, *types: EntryType) -> Booked:
        """The total of some types together."""
        found = [self.by_type.get(one, NOTHING) for one in types]
        return Booked(sum(one.entries for one in found), sum(one.credits for one in found))

    @property
    def all(self) -> Booked:
        """Of everything: its credits are by how much the balances have grown."""
        return self.of(*EntryType)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What all accounts have together, and what of it is held now."""

    balance: int
    held: int


async def totals(
    database: Database, traffic: Traffic, begin: datetime | None = None, end: datetime | None = None
) -> Totals:
    """What was booked from `begin` until before `end`; None is without an edge."""
    begin, end = begin or BEGINNING, end or FOREVER
    rows = await database.fetch_all(
        TOTALS,
        {
            "traffic": traffic,
            "begin": first_id_at(begin),
            "end": first_id_at(end),
            "first": _hour_from(begin),
            "last": hour_of(end),
        },
    )
    return Totals({EntryType(type): Booked(entries, credits) for type, entries, credits in rows})


async def outstanding(database: Database, traffic: Traffic = Traffic.LIVE) -> Outstanding:
    """The sum of all balances: of all entries, that is (`verify` proves that both are the same)."""
    row = await database.fetch_one(
        "select coalesce(sum(r.amount), 0)::bigint from reservations r join credit_accounts a on a.id = r.account_id"
        " where r.state = 'held' and a.traffic = %s",
        (traffic,),
    )
    return Outstanding((await totals(database, traffic)).all.credits, row[0] if row else 0)


async def fold_credit_hours(database: Database, now: datetime, since: datetime | None = None) -> int:
    """Sums hours anew from where the last fold is certain, or from `since`, to its end; returns how many hours it wrote.

    It may be repeated, killed, and run twice at once.
    """
    begin = await certain_until(database) or await _oldest(database) or hour_of(now)
    if since is not None:
        begin = min(begin, hour_of(since))
    written = pieces = 0
    ends = hour_of(now) + HOUR
    while begin < ends and (since is not None or pieces < MOST_PIECES):
        end = min(begin + (DAY if since is None else LONG), ends)
        hours = await _fold(database, begin, end, min(end, now))
        written += hours
        pieces += bool(hours)
        begin = end
    return written


async def certain_until(database: Database) -> datetime | None:
    """The beginning of the first hour that a reader takes from the entries; None where nothing was folded yet."""
    row = await database.fetch_one("select at from marks where name = %s", (MARK,))
    return hour_of(row[0]) - HOUR if row else None


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour (of UTC) in which a moment lies."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hour_from(moment: datetime) -> datetime:
    """The first hour that begins at a moment or after it."""
    begun = hour_of(moment)
    return begun if begun == moment else begun + HOUR


async def _oldest(database: Database) -> datetime | None:
    row = await database.fetch_one("select id from credit_entries order by id limit 1")
    return hour_of(time_of(row[0])) if row else None


async def _fold(database: Database, begin: datetime, end: datetime, folded: datetime) -> int:
    """One stretch of whole hours."""
    edges = [begin + number * HOUR for number in range((end - begin) // HOUR + 1)]
    async with database.transaction() as session:
        await run(session, "select pg_advisory_xact_lock(hashtext(:name))", {"name": MARK})
        await run(
            session, "delete from credit_hours where at >= :begin and at < :end", {"begin": begin, "end": end}
        )
        written = await run(
            session,
            FOLD,
            {
                "edges": [first_id_at(edge) for edge in edges],
                "hours": edges,
                "begin": first_id_at(begin),
                "end": first_id_at(end),
            },
        )
        await run(
            session,
            "insert into marks (name, at) values (:name, :at)"
            " on conflict (name) do update set at = greatest(marks.at, excluded.at)",
            {"name": MARK, "at": folded},
        )
        return written.rowcount


FOLD = """
insert into credit_hours (at, traffic, type, entries, credits)
select (cast(:hours as timestamptz[]))[width_bucket(id, cast(:edges as uuid[]))], traffic, type, count(*), sum(amount)
from credit_entries where id >= :begin and id < :end group by 1, 2, 3
"""

TOTALS = """
with folded as (
    select least(%(last)s::timestamptz, coalesce(
        (select date_trunc('hour', at, 'UTC') - interval '1 hour' from marks where name = 'credit_hours'), '-infinity')) as until
),
hours as (
    select h.type, h.entries, h.credits from credit_hours h, folded
    where h.traffic = %(traffic)s and h.at >= %(first)s and h.at < folded.until
),
before as (
    select e.type, count(*) entries, sum(e.amount) credits from credit_entries e
    where e.traffic = %(traffic)s and e.id >= %(begin)s and e.id < least(first_uuid_at(%(first)s), %(end)s::uuid) group by 1
),
beyond as (
    select e.type, count(*) entries, sum(e.amount) credits from credit_entries e
    where e.traffic = %(traffic)s and e.id < %(end)s
        and e.id >= (select greatest(first_uuid_at(%(first)s), case when until > '1970-01-01' then first_uuid_at(until) end)
            from folded)
    group by 1
)
select type, sum(entries)::bigint, sum(credits)::bigint
from (select * from hours union all select * from before union all select * from beyond) t group by type
"""
