"""How many users are on each plan: counted along an index, and remembered for some seconds."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from weakref import WeakKeyDictionary

from core.database import Database
from core.database.reading import read_within

LONGEST_AGE = 10.0
"""Seconds for which a count may be used again."""
SECONDS_TO_COUNT = 10

COUNT = "select plan_id, count(*) from user_stats where demo = false group by plan_id"


@dataclass(slots=True)
class _Remembered:
    at: float = float("-inf")
    counts: Mapping[str | None, int] = field(default_factory=dict[str | None, int])
    counting: asyncio.Lock = field(default_factory=asyncio.Lock)


_remembered: WeakKeyDictionary[Database, _Remembered] = WeakKeyDictionary()


async def users_per_plan(database: Database, *, longest_age: float = LONGEST_AGE) -> Mapping[str | None, int]:
    """Users by plan, None for those without; demo users left out. Plans on which nobody is are missing.

    Args:
        longest_age: seconds that the count may be old; 0 counts now.

    Raises:
        Fault: `query_too_slow`.
    """
    known = _remembered.setdefault(database, _Remembered())
    async with known.counting:  # many who ask at once have it counted once
        if time.monotonic() - known.at >= longest_age:
            rows = await read_within(database, SECONDS_TO_COUNT, COUNT, {}, by_index=True)
            known.counts = MappingProxyType({row[0]: row[1] for row in rows})
            known.at = time.monotonic()
        return known.counts
