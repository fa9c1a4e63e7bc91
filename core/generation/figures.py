"""The key figures of the last day and this month, for the overview."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.ids import first_id_at
from core.vocabulary import Traffic


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and sums over 24 hours, USD since the month began. `tests_only`: there was no live traffic to show."""

    as_of: datetime
    tests_only: bool
    total: int
    completed: int
    failed: int
    p95_ms: float | None
    credits: int
    revenue: Decimal
    month_spend: Decimal
    month_unpriced: int
    pending: int
    oldest_pending: datetime | None

    @property
    def success(self) -> float | None:
        """The share of completed among those that ended either way."""
        ended = self.completed + self.failed
        return self.completed / ended if ended else None


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of failure and how often it struck in 24 hours."""

    cause: str
    provider: str | None
    count: int


async def figures(database: Database, zone: ZoneInfo, now: datetime | None = None) -> Figures:
    """The figures of live traffic, or of test runs where nothing else has happened yet."""
    now = now or datetime.now(UTC)
    day = await _day(database, Traffic.LIVE, now)
    tests_only = day[0] == 0
    if tests_only:
        day = await _day(database, Traffic.TEST, now)
    month = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    spend = await database.fetch_one(
        "select coalesce(sum(cost), 0), count(*) filter (where unpriced) from attempts"
        " where id >= %s and traffic = 'live' and provider <> 'sandbox'",
        (first_id_at(month),),
    )
    pending = await database.fetch_one(
        "select count(*), min(created_at) from reservations where state = 'held'"
    )
    assert spend is not None, "an aggregate has one row"
    assert pending is not None, "an aggregate has one row"
    return Figures(now, tests_only, *day, *spend, *pending)


async def causes(database: Database, now: datetime | None = None, *, limit: int = 5) -> list[Cause]:
    """The most frequent causes of failure of live traffic in 24 hours."""
    now = now or datetime.now(UTC)
    rows = await database.fetch_all(
        "select coalesce(error_class, error_code, 'unknown') as cause, provider, count(*) from generations"
        " where status = 'failed' and traffic = 'live' and id >= %s group by 1, 2 order by 3 desc, 1 limit %s",
        (first_id_at(now - timedelta(days=1)), limit),
    )
    return [Cause(*row) for row in rows]


async def latest_of(database: Database, user_id: UUID) -> tuple[UUID, str] | None:
    """A person's newest generation and its status."""
    row = await database.fetch_one(
        "select id, status from generations where user_id = %s order by id desc limit 1", (user_id,)
    )
    return (row[0], row[1]) if row else None


async def _day(
    database: Database, traffic: Traffic, now: datetime
) -> tuple[int, int, int, float | None, int, Decimal]:
    row = await database.fetch_one(
        "select count(*), count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'),"
        " percentile_cont(0.95) within group (order by latency_ms) filter (where status = 'completed'),"
        " coalesce(sum(credits), 0)::bigint, coalesce(sum(revenue), 0)"
        " from generations where traffic = %s and id >= %s",
        (traffic, first_id_at(now - timedelta(days=1))),
    )
    assert row is not None, "an aggregate has one row"
    return row[0], row[1], row[2], row[3], row[4], row[5]
