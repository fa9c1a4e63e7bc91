"""The counters of days, months and moments that nobody will ask for again."""

from datetime import datetime, timedelta

from core.database import Database

DAYS_KEPT = timedelta(days=4)
"""Longer than anything runs that may give its place back to the day it was taken from."""
MONTHS_KEPT = timedelta(days=70)

# A period reads as it sorts: 2026-11-30, 2026-11.
FORGET = """
delete from quota_counters where (name = 'day' and period < %(day)s) or (name = 'month' and period < %(month)s)
    or (name = 'generation' and updated_at < %(day)s::timestamptz)
"""


async def forget_counters(database: Database, now: datetime) -> int:
    """Removes counters whose period is long past; returns how many. For a schedule. Trials are counted for ever."""
    return await database.execute(
        FORGET,
        {
            "day": (now - DAYS_KEPT).strftime("%Y-%m-%d"),
            "month": (now - MONTHS_KEPT).strftime("%Y-%m"),
        },
    )
