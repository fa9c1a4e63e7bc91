"""Credits whose time is up: their lots are closed once, and what was left of them is booked as an expiry.

What is held when its time comes expires after it has been given back: the next tick finds the lot still open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.database.reading import read_within
from core.queue.batches import in_batch
from core.vocabulary import Traffic

AT_ONCE = 50
"""Lots that one statement looks at: their accounts wait for it."""
LONGEST = timedelta(days=62)
SECONDS = 5


@dataclass(frozen=True, slots=True)
class ExpiryDay:
    """What expires in the course of one day (at its end, for what ends at midnight), and of how many people."""

    day: date
    people: int
    credits: int


DUE = """
select id, expires_at, account_id from credit_lots
where expires_at <= %(now)s and expires_at is not null and closed_at is null and (expires_at, id) > (%(after)s, %(seen)s)
order by expires_at, id limit %(most)s
"""
# Accounts in their order: nobody who books on several waits in a circle.
EXPIRE = """
select coalesce(sum(ledger_expire(account, %(now)s)), 0)::bigint
from (select distinct account from unnest(%(accounts)s::uuid[]) account order by account) due
"""


async def expire_due(database: Database, now: datetime) -> int:
    """Closes all lots that are due; returns the credits that expired. It may be repeated, killed, and run twice at once.

    An account that cannot be booked is logged and left out.
    """

    async def expire(accounts: Sequence[UUID]) -> int:
        found = await database.fetch_one(EXPIRE, {"now": now, "accounts": list(accounts)})
        return found[0] if found else 0

    expired = 0
    after, seen = datetime.min.replace(tzinfo=now.tzinfo), UUID(int=0)
    while True:
        rows = await database.fetch_all(DUE, {"now": now, "after": after, "seen": seen, "most": AT_ONCE})
        if not rows:
            return expired
        accounts = sorted({account for _, _, account in rows})
        expired += await in_batch("expiry of credits", accounts, expire)
        seen, after = rows[-1][0], rows[-1][1]


async def expiring(
    database: Database, traffic: Traffic, begin: datetime, end: datetime, zone: ZoneInfo
) -> list[ExpiryDay]:
    """What expires from `begin` until before `end`, by day of the zone, where nobody spends it before. At most 62 days."""
    rows = await read_within(
        database,
        SECONDS,
        EXPIRING,
        {"traffic": traffic.value, "begin": begin, "end": min(end, begin + LONGEST), "zone": zone.key},
    )
    return [ExpiryDay(*row) for row in rows]


EXPIRING = """
select (l.expires_at at time zone %(zone)s - interval '1 microsecond')::date as day, count(distinct l.account_id),
    sum(l.remaining)::bigint
from credit_lots l join credit_accounts a on a.id = l.account_id
where l.expires_at >= %(begin)s and l.expires_at < %(end)s and l.closed_at is null and l.remaining > 0
    and a.traffic = %(traffic)s
group by 1 order by 1
"""
