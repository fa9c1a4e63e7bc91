"""Free credits of the day: taken with the first request or look at the balance, gone at midnight.

The account remembers the day for which it took them, under its own lock: of many at once one takes them
(`ledger_daily`). What was left of the day before has expired by then.
"""

from datetime import datetime
from uuid import UUID

from core.credits.posting import Balance
from core.database import Database

MOST_REMEMBERED = 100_000
"""People; beyond that the memory begins anew, which costs a statement each."""


async def take_daily(database: Database, user_id: UUID, amount: int, now: datetime, until: datetime) -> int:
    """Grants a user's free credits of the day that ends at `until`, once; returns what was granted now.

    Args:
        amount: what their plan gives a day; 0 costs nothing.
    """
    if amount <= 0:
        return 0
    row = await database.fetch_one("select ledger_daily(%s, %s, %s, %s)", (user_id, amount, now, until))
    return row[0] if row else 0


async def with_daily(
    database: Database, user_id: UUID, amount: int, now: datetime, until: datetime
) -> Balance:
    """What a user would have after `take_daily`; nothing is written."""
    row = await database.fetch_one(
        WITH_DAILY, {"user": user_id, "amount": amount, "now": now, "until": until}
    )
    return Balance(*row) if row else Balance(0, 0)


WITH_DAILY = """
select case when a.daily_until >= %(until)s then a.balance
        else a.balance + %(amount)s - greatest(0, (
            select coalesce(sum(l.remaining), 0) from credit_lots l
            where l.account_id = a.id and l.closed_at is null and l.expires_at <= %(now)s
        ) - a.held) end::bigint, a.held
from credit_accounts a where a.user_id = %(user)s and a.traffic = 'live'
"""
"""What `ledger_daily` comes to: lots whose time is over go first, but for what is held."""


class DailyCredits:
    """Remembers whom this process has asked about today, so that only their first request costs a statement more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._until: datetime | None = None
        self._asked: set[UUID] = set()

    async def take(self, user_id: UUID, amount: int, now: datetime, until: datetime) -> None:
        """As `take_daily`."""
        if until != self._until or len(self._asked) >= MOST_REMEMBERED:
            self._until, self._asked = until, set()
        if user_id not in self._asked:
            await take_daily(self._database, user_id, amount, now, until)
            self._asked.add(user_id)
