"""How a provider is doing: from its breaker, its keys, and what its calls of late came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from core.database import Database
from core.ids import first_id_at
from core.providers.config import ProviderConfig
from core.routing.breaker import Status
from core.routing.models import BreakerState

RECENT = timedelta(minutes=5)
DEGRADED_BELOW = 0.95
LEAST_CALLS = 5
"""So many calls are needed before a rate says anything."""


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    HALF_OPEN = "half_open"
    UNKNOWN = "unknown"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Calls:
    """What a provider's calls came to: the last five minutes, the last hour, and USD of the last day.

    The caller's own faults (invalid requests, blocked content) and cancelled calls count neither way.
    """

    recent: int = 0
    recent_good: int = 0
    hour: int = 0
    hour_good: int = 0
    p95_ms: float | None = None
    spend: Decimal | None = None
    unpriced: int = 0

    @property
    def success(self) -> float | None:
        """The share of good calls in the last hour; None without calls."""
        return self.hour_good / self.hour if self.hour else None


NO_CALLS = Calls()


def health(
    provider: ProviderConfig, breaker: Status, calls: Calls, now: datetime, *, usable_keys: int
) -> Health:
    """The one word for a provider."""
    if not provider.enabled:
        return Health.DISABLED
    if breaker.state is BreakerState.HALF_OPEN:
        return Health.HALF_OPEN
    if breaker.state is not BreakerState.CLOSED or (provider.needs_key and not usable_keys):
        return Health.DOWN
    if breaker.failures >= 2:
        return Health.DEGRADED
    if calls.recent >= LEAST_CALLS and calls.recent_good / calls.recent < DEGRADED_BELOW:
        return Health.DEGRADED
    if calls.recent and not calls.recent_good:
        return Health.DEGRADED
    if calls.recent or provider.kind == "sandbox":
        return Health.HEALTHY
    return Health.UNKNOWN


async def calls_by_provider(database: Database, now: datetime | None = None) -> Mapping[UUID, Calls]:
    """What each provider's calls came to, over at most a day of attempts."""
    now = now or datetime.now(UTC)
    rows = await database.fetch_all(
        "select provider_id,"
        " count(*) filter (where id >= %(recent)s and counts), count(*) filter (where id >= %(recent)s and good),"
        " count(*) filter (where id >= %(hour)s and counts), count(*) filter (where id >= %(hour)s and good),"
        " percentile_cont(0.95) within group (order by latency_ms) filter (where id >= %(hour)s and good),"
        " sum(cost) filter (where traffic <> 'demo'), count(*) filter (where unpriced)"
        " from (select *, outcome = 'completed' as good,"
        "   outcome <> 'cancelled' and coalesce(error_class, '') not in ('invalid_request', 'content_blocked') as counts"
        "   from attempts where id >= %(day)s) a where provider_id is not null group by provider_id",
        {
            "recent": first_id_at(now - RECENT),
            "hour": first_id_at(now - timedelta(hours=1)),
            "day": first_id_at(now - timedelta(days=1)),
        },
    )
    return {provider_id: Calls(*rest) for provider_id, *rest in rows}
