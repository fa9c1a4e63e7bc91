"""How often somebody may try to sign in: counted in the database, so exact across all processes."""

import hashlib
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.rules import network_of, window
from core.config import Rate
from core.database import Database, run
from core.errors import LimitReached

# The address is counted first, and an attempt that it refuses is not counted against the account: nobody locks
# others out from one place. All callers lock in this order, so they can't wait for each other in a circle.
COUNT = """
with place as (
    insert into quota_counters as q (subject, name, period, used)
        select %(place)s, 'login', %(period)s, 1 where %(place)s::varchar is not null
        on conflict (subject, name, period) do update set used = q.used + 1, updated_at = now()
        returning used
), account as (
    insert into quota_counters as q (subject, name, period, used)
        select %(account)s, 'login', %(period)s, 1 where not exists (select from place where used > %(cap)s)
        on conflict (subject, name, period) do update set used = q.used + 1, updated_at = now()
        returning used
)
select (select used from place), (select used from account)
"""


async def count_attempt(
    database: Database, email: str, address: str | None, rate: Rate, now: datetime
) -> None:
    """Counts one attempt to sign in against the account (existing or not) and the address.

    Raises:
        LimitReached: with `retry_after`, the seconds until the next window.
    """
    period, wait = window(now, rate)
    place = f"login-ip:{network_of(address)}" if address else None
    row = await database.fetch_one(
        COUNT, {"account": account_subject(email), "place": place, "period": period, "cap": rate.count}
    )
    by_place, by_account = row or (None, None)
    if (by_place or 0) > rate.count or (by_account or 0) > rate.count:
        raise LimitReached(
            f"Too many attempts to sign in. Try again in {wait} seconds.",
            retry_after=wait,
            details={"limit": rate.count, "seconds": rate.seconds},
        )


async def forgive_account(session: AsyncSession, email: str) -> None:
    """After a success the account starts afresh; the address does not, or one good password would buy more guesses."""
    await run(
        session,
        "delete from quota_counters where subject = :subject and name = 'login'",
        {"subject": account_subject(email)},
    )


async def forget_attempts(database: Database, now: datetime) -> int:
    """Removes counters whose windows are long past; returns how many. For a daily schedule."""
    return await database.execute(
        "delete from quota_counters where name = 'login' and updated_at < %s", (now - timedelta(days=1),)
    )


def account_subject(email: str) -> str:
    """The counter's subject: a hash, since what was typed may be anything, and is nobody's to read."""
    return "login:" + hashlib.sha256(email.encode("utf-8", "surrogatepass")).hexdigest()
