"""Rate limits: so many requests in so much time, with the seconds to wait where that was exceeded.

The limits per address and per service key are counted in this process, in sliding windows, and told to the others
every second (`core.quotas.exchange`); the limit on generations is exact across all processes, one statement in the
database each.
"""

import math
import time
from collections.abc import Callable
from uuid import UUID

from core.config import Rate
from core.database import Database
from core.errors import LimitReached
from core.quotas.exchange import RateExchange
from core.quotas.table import RateTable


class Rates:
    """The limits of the HTTP API; one per process, which speaks with the others from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        *,
        address: Rate,
        service_key: Rate,
        generation: Rate,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self.addresses = RateTable(address, clock=clock)
        self.service_keys = RateTable(service_key, clock=clock)
        self._generation = generation
        self._exchange = RateExchange(database, {"address": self.addresses, "service_key": self.service_keys})

    def start(self) -> None:
        """Begins to tell the other processes what is counted here."""
        self._exchange.start()

    async def stop(self) -> None:
        """Tells the rest and ends."""
        await self._exchange.stop()

    async def exchange(self) -> None:
        """Tells and learns now, as otherwise every second; raises `DatabaseUnavailable`."""
        await self._exchange.exchange()

    def count_address(self, address: str) -> None:
        """One request from an address; raises `LimitReached`."""
        _refuse(self.addresses.take(address), self.addresses.rate, "requests from this address")

    def count_service_key(self, key_id: UUID) -> None:
        """One request by a service key; raises `LimitReached`."""
        _refuse(self.service_keys.take(str(key_id)), self.service_keys.rate, "requests by this key")

    async def count_generation(self, subject: str) -> None:
        """One generation of a user key or a signed-in user, counted for all processes; raises `LimitReached`."""
        rate = self._generation
        used, wait = await _count(self._database, subject, "generation", rate)
        _refuse(wait if used is None else None, rate, "generations")


# One row per subject, which begins anew with each window: nothing is left behind that would have to be swept up. The
# latest moment wins, since a statement that began in the window before may come to its turn in this one.
COUNT = """
with moment as (
    select to_timestamp(floor(extract(epoch from now()) / %(seconds)s) * %(seconds)s) as began
),
counted as (
    insert into quota_counters as q (subject, name, period, used, updated_at)
        values (%(subject)s, %(name)s, 'now', 1, now())
    on conflict (subject, name, period) do update
        set used = case when q.updated_at < (select began from moment) then 1 else q.used + 1 end,
            updated_at = greatest(q.updated_at, now())
        where q.updated_at < (select began from moment) or q.used < %(cap)s
    returning used
)
select (select used from counted),
    extract(epoch from began + make_interval(secs => %(seconds)s) - now())::float8
from moment
"""


async def _count(database: Database, subject: str, name: str, rate: Rate) -> tuple[int | None, float]:
    """The count within the window, or None where it is full; and the seconds until the next."""
    row = await database.fetch_one(
        COUNT, {"subject": subject, "name": name, "seconds": rate.seconds, "cap": rate.count}
    )
    assert row is not None, "the statement always answers"
    return row[0], row[1]


def _refuse(wait: float | None, rate: Rate, what: str) -> None:
    if wait is None:
        return
    seconds = max(1, math.ceil(wait))
    raise LimitReached(
        f"More than {rate.count:,} {what} in {_period(rate.seconds)}. Try again in {_period(seconds)}.",
        retry_after=seconds,
        details={"limit": rate.count, "seconds": rate.seconds},
    )


def _period(seconds: int) -> str:
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds // 60} minutes"
    return "a minute" if seconds == 60 else f"{seconds} second{'s' if seconds != 1 else ''}"
