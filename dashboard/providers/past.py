"""What the tabs show of the past: read once for all pages that look at the same provider."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID
from weakref import WeakKeyDictionary, ref

from core.database import Database
from core.providers.resting import last_used
from core.routing.events import COUNTED, Event, count_events, events
from core.routing.history import Band, Quarter, bands, course
from dashboard.live import Shared
from dashboard.providers.events_tab import PAGE

T = TypeVar("T")

COURSE_SECONDS = 15.0
"""The course is folded once a minute."""
EVENTS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Past:
    """The errors of 24 hours, and when breakers let nothing through."""

    quarters: Sequence[Quarter]
    bands: Sequence[Band]


class Archive:
    """`archive_of(database)` is one per process, and keeps one reading of each kind per provider."""

    def __init__(self, database: Database) -> None:
        self._weakly = ref(database)  # it must not keep alive what it is kept by
        self._kept: dict[tuple[str, UUID], Shared[Any]] = {}

    @property
    def _database(self) -> Database:
        database = self._weakly()
        assert database is not None, "whoever reads has it"
        return database

    async def past(self, provider_id: UUID) -> Past:
        async def read() -> Past:
            now = datetime.now(UTC)
            return Past(
                await course(self._database, provider_id, None, now),
                await bands(self._database, provider_id, now),
            )

        return await self._shared("past", provider_id, read, COURSE_SECONDS)

    async def events(self, provider_id: UUID, *, since: datetime) -> Sequence[Event]:
        """The newest page, with all that was written before `since`: when the board was read that is shown beside it."""
        return await self._shared(
            "events",
            provider_id,
            lambda: events(self._database, provider_id, limit=PAGE),
            EVENTS_SECONDS,
            since,
        )

    async def event_count(self, provider_id: UUID, *, since: datetime) -> str:
        """How many there are, in words; all counted that were written before `since`."""
        count = await self._shared(
            "count", provider_id, lambda: count_events(self._database, provider_id), EVENTS_SECONDS, since
        )
        return f"{count:,}{'+' if count == COUNTED else ''}" if count else ""

    async def last_used(self, provider_id: UUID) -> Mapping[UUID, datetime]:
        return await self._shared("used", provider_id, lambda: last_used(self._database, provider_id), 5.0)

    async def _shared(
        self,
        kind: str,
        provider_id: UUID,
        read: Callable[[], Awaitable[T]],
        seconds: float,
        since: datetime | None = None,
    ) -> T:
        key = (kind, provider_id)
        if key not in self._kept:
            self._kept[key] = Shared(read, seconds=seconds)
        return cast(T, await self._kept[key].get(since=since))


_archives: WeakKeyDictionary[Database, Archive] = WeakKeyDictionary()


def archive_of(database: Database) -> Archive:
    """The process's archive."""
    return _archives.setdefault(database, Archive(database))
