"""The figures that the list of users is sorted by: kept by one process twice a minute, for whomever something happened to.

What happened is found by when: generations that began or failed, entries of the ledger, uses of pages and keys, and
generations that are seven days old now and so count no more. Whoever is found is counted anew from the rows, so that
counting twice, or again after a crash, changes nothing. How far it has come stands in `marks`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core.database import Database
from core.database.reading import read_within
from core.vocabulary import Traffic

MARK = "user_figures"
WEEK = timedelta(days=7)
OVERLAP = timedelta(minutes=2)
"""So much is looked at once more: what was written then may have become visible later, and clocks differ."""
SLICE = timedelta(hours=1)
MOST_SLICES = 24
"""Hours with something in them that one count goes through; the next one goes on."""
SECONDS_FOR_SLICE = 60
CHUNK = 500
"""Users counted by one statement: no row is held for long."""


async def count_users(database: Database, now: datetime) -> int:
    """Brings the figures up to `now`; returns how many users' had changed.

    It may be killed, repeated, and run twice at once. The first one, and one after a long absence, work for a bounded
    time and leave the rest to the next.
    """
    begin = await _mark(database, now)
    counted = slices = 0
    while begin < now and slices < MOST_SLICES:
        end = min(begin + SLICE, now)
        times = {"begin": begin - OVERLAP, "end": end, "left": begin}
        touched = await read_within(database, SECONDS_FOR_SLICE, TOUCHED, times)
        counted += await recount(database, [user_id for (user_id,) in touched], now)
        await database.execute(ADVANCE, {"name": MARK, "at": end})
        begin = end
        slices += bool(touched)
    return counted


async def recount(database: Database, users: Sequence[UUID], now: datetime) -> int:
    """Counts these users anew: at once after a deed that people want to see in the list. Returns how many had changed."""
    changed = 0
    for first in range(0, len(users), CHUNK):
        chunk = list(users[first : first + CHUNK])
        changed += await database.execute(COUNT, {"users": chunk, "since": now - WEEK, "ever": False})
    return changed


async def recount_all(
    database: Database,
    now: datetime,
    *,
    demo: bool | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Counts all users anew, or those of the demo, or all but those: after rows were written as if long ago.

    Returns how many had changed: none, where the schedule has done its work and nothing happened since.
    """
    changed, done, last = 0, 0, UUID(int=0)
    while True:
        rows = await database.fetch_all(NEXT_USERS, {"after": last, "demo": demo, "limit": CHUNK})
        if not rows:
            return changed
        users = [user_id for (user_id,) in rows]
        changed += await database.execute(COUNT, {"users": users, "since": now - WEEK, "ever": True})
        last = users[-1]
        done += len(users)
        progress(done)


async def figures_as_of(database: Database) -> datetime | None:
    """Up to when the figures have been brought; None before the first count."""
    row = await database.fetch_one("select at from marks where name = %s", (MARK,))
    return row[0] if row else None


async def _mark(database: Database, now: datetime) -> datetime:
    """Where a count goes on: at first a week ago, since nothing before it counts."""
    begun = await figures_as_of(database)
    return min(begun, now) if begun else now - WEEK


# A range of ids is a range of time. What is written later with an earlier time is found by the overlap.
TOUCHED = f"""
select distinct user_id from (
    select user_id from generations where id >= first_uuid_at(%(begin)s) and id < first_uuid_at(%(end)s)
    union all
    select user_id from generations where status = 'failed' and finished_at >= %(begin)s and finished_at < %(end)s
    union all
    select a.user_id from credit_entries e join credit_accounts a on a.id = e.account_id
        where e.id >= first_uuid_at(%(begin)s) and e.id < first_uuid_at(%(end)s)
    union all
    select user_id from api_keys where last_used_at >= %(begin)s and last_used_at < %(end)s
    union all
    select user_id from sessions where last_seen_at >= %(begin)s and last_seen_at < %(end)s
    union all
    select user_id from generations
        where id >= first_uuid_at(%(left)s - interval '{WEEK.days} days') and id < first_uuid_at(%(end)s - interval '{WEEK.days} days')
) touched where user_id is not null
"""

# A user whom another process has counted since this statement began is left as that one found them. The rest of a life
# (`ever`) is looked through only where nothing can be built on: normally what was known of it stands.
COUNT = f"""
update user_stats s set balance = n.balance, used_7d = n.used, generations_7d = n.made, failures_7d = n.failed,
    last_active_at = n.active, counted_at = now()
from (
    select t.user_id, coalesce(a.balance, 0) as balance, g.used, g.made, g.failed,
        greatest(
            case when %(ever)s then u.created_at else t.last_active_at end,
            coalesce(g.newest, case when %(ever)s then uuid_time(l.id) end),
            (select max(last_seen_at) from sessions p where p.user_id = t.user_id),
            (select max(last_used_at) from api_keys k where k.user_id = t.user_id)
        ) as active
    from user_stats t
    join users u on u.id = t.user_id
    left join credit_accounts a
        on a.user_id = t.user_id and a.traffic = case when t.demo then '{Traffic.DEMO}' else '{Traffic.LIVE}' end
    cross join lateral (
        select coalesce(sum(credits) filter (where of_theirs), 0)::bigint as used,
            count(*) filter (where of_theirs)::int as made,
            count(*) filter (where of_theirs and status = 'failed')::int as failed,
            max(uuid_time(id)) as newest
        from (
            select id, credits, status,
                traffic = case when t.demo then '{Traffic.DEMO}' else '{Traffic.LIVE}' end as of_theirs
            from generations where user_id = t.user_id and id >= first_uuid_at(%(since)s)
        ) week
    ) g
    left join lateral (
        select id from generations where %(ever)s and user_id = t.user_id order by id desc limit 1
    ) l on true
    where t.user_id = any(%(users)s)
) n
where s.user_id = n.user_id and s.counted_at <= now()
    and (s.balance, s.used_7d, s.generations_7d, s.failures_7d, s.last_active_at)
        is distinct from (n.balance, n.used, n.made, n.failed, n.active)
"""

ADVANCE = """
insert into marks as m (name, at) values (%(name)s, %(at)s)
on conflict (name) do update set at = greatest(m.at, excluded.at)
"""

NEXT_USERS = """
select user_id from user_stats where user_id > %(after)s and (%(demo)s::boolean is null or demo = %(demo)s::boolean)
order by user_id limit %(limit)s
"""
