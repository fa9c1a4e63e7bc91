"""Rate limits: so many requests in so much time, with the seconds to wait where that was exceeded.

The limits per address and per service key are counted in this process, in sliding windows; the limit on generations
is exact across all processes, one statement in the database each.
"""

import math
import time
from collections.abc import Callable
from uuid import UUID

from core.config import Rate
from core.database import Database
from core.errors import LimitReached

CAPACITY = 20_000
"""Subjects that one table remembers; beyond, whoever was quiet longest is forgotten."""


class RateTable:
    """Sliding windows in memory, one per subject.

    The window slides by weighing the one before: a burst across a boundary is seen, and two counts are all that is
    kept of a subject.
    """

    def __init__(
        self, rate: Rate, *, capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self._capacity = capacity
        self._clock = clock
        self._windows: dict[
            str, tuple[int, int, int]
        ] = {}  # number of the window, count, count of the one before

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, subject: str) -> float | None:
        """Counts one request; None where it is within the rate, else the seconds to wait (and it is not counted)."""
        number, into = divmod(self._clock(), self.rate.seconds)
        passed = into / self.rate.seconds
        window, current, before = self._windows.pop(subject, (int(number), 0, 0))
        if window != number:
            before, current = (current if window == number - 1 else 0), 0
        wait = self._wait(current, before, passed)
        if len(self._windows) >= self._capacity:
            del self._windows[next(iter(self._windows))]
        # Put in last again: the first of the dictionary is who was quiet longest.
        self._windows[subject] = (int(number), current + (wait is None), before)
        return wait

    def _wait(self, current: int, before: int, passed: float) -> float | None:
        room = self.rate.count - 1
        if before * (1 - passed) + current <= room:
            return None
        if current <= room:  # the window before still weighs: until enough of it has passed
            return (1 - (room - current) / before - passed) * self.rate.seconds
        return (1 - passed + 1 - room / current) * self.rate.seconds


class Rates:
    """The limits of the HTTP API; one per process."""

    def __init__(
        self,
        *,
        address: Rate,
        service_key: Rate,
        generation: Rate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._addresses = RateTable(address, clock=clock)
        self._service_keys = RateTable(service_key, clock=clock)
        self._generation = generation

    def count_address(self, address: str) -> None:
        """One request from an address; raises `LimitReached`."""
        _refuse(self._addresses.take(address), self._addresses.rate, "requests from this address")

    def count_service_key(self, key_id: UUID) -> None:
        """One request by a service key; raises `LimitReached`."""
        _refuse(self._service_keys.take(str(key_id)), self._service_keys.rate, "requests by this key")

    async def count_generation(self, database: Database, subject: str) -> None:
        """One generation of a user key or a signed-in user, counted for all processes; raises `LimitReached`."""
        rate = self._generation
        used, wait = await _count(database, subject, "generation", rate)
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
