"""What needs somebody now: one list for the overview, the bell and the tab's title, the worst first.

What is a need, and how it is put, says `core.system.needs`; here is the one who looks, for all pages of a process.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from core.credits.approvals import waiting
from core.database import Database
from core.entitlements.proposals import count_waiting
from core.entitlements.service import undefined_features
from core.errors import DatabaseUnavailable
from core.routing.events import opened_since
from core.routing.health import Health
from core.routing.meter import Meter, Use
from core.snapshot import SnapshotHolder
from core.system.board import Board, BoardState
from core.system.needs import needs_of
from core.system.parts import Parts
from core.system.provider_needs import LIMIT_NEAR
from core.system.reports import last_proof
from core.system.sight import FAR, ORDER, FailedGrant, Need, Sight

__all__ = ["Attention", "Need"]

KEPT_SECONDS = 1.0
ASKED_SECONDS = 5.0
"""What only the database knows is asked for less often than the board."""
FLAPPING_WITHIN = timedelta(hours=1)
NEAR_TOLD = timedelta(minutes=2)
"""A minute's limit is soon nothing near again: it is told so long, for people to read."""


class Attention:
    """One per process."""

    def __init__(
        self,
        database: Database,
        snapshots: SnapshotHolder,
        board: Board,
        parts: Parts,
        meter: Meter,
        zone: ZoneInfo,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._board = board
        self._parts = parts
        self._meter = meter
        self._zone = zone
        self._clock = clock
        self._looking = asyncio.Lock()
        self._last: tuple[float, list[Need]] | None = None
        self._seen: Sight | None = None
        self._ask_due = 0.0
        self._noticed: dict[str, datetime] = {}
        self._near: dict[tuple[UUID, str], datetime] = {}
        self.checked_at: datetime | None = None

    async def needs(self) -> list[Need]:
        """All of them, the worst first, then the oldest; what the board knows at most a second old, the rest five.

        Never raises for a database that is away: that is one of them.
        """
        async with self._looking:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                self._last = time.monotonic(), await self._look()
            return self._last[1]

    @property
    def requests(self) -> int:
        """How many movements of credits wait for a second superadmin, as of the last look."""
        return len(self._seen.requests) if self._seen else 0

    def forget(self) -> None:
        """The next look is made anew: what somebody has just changed is seen at once."""
        self._last, self._ask_due = None, 0.0

    async def _look(self) -> list[Need]:
        board, now = await self._board.read(), self._clock()
        seen = replace(self._seen, board=board, now=now) if self._seen else Sight(board, now, self._zone)
        if time.monotonic() >= self._ask_due:
            seen = await self._ask(seen)
            self._ask_due = time.monotonic() + ASKED_SECONDS
        self._seen = replace(seen, near=self._near_limits(board, now))
        self.checked_at = now
        return sorted(
            self._dated(needs_of(self._seen), now),
            key=lambda need: (ORDER.index(need.severity), need.since or FAR, need.key),
        )

    async def _ask(self, seen: Sight) -> Sight:
        """With what only the database knows; while it is away, with what it has said last."""
        seen = replace(seen, report=await self._parts.report())
        if seen.report and seen.report.database.state is not Health.DOWN:
            with suppress(DatabaseUnavailable):
                return await self._ask_database(seen)
        return seen

    async def _ask_database(self, seen: Sight) -> Sight:
        async with self._database.transaction() as session:
            undefined = await undefined_features(session, self._snapshots.current.entitlements)
        aside = [
            key.id for one in seen.board.providers for key in one.provider.keys if key.state == "set_aside"
        ]
        return replace(
            seen,
            undefined=undefined,
            requests=await waiting(self._database),
            proposals=await count_waiting(self._database),
            failed_grants=[FailedGrant(*row) for row in await self._database.fetch_all(FAILED_GRANTS)],
            proof=await last_proof(self._database),
            openings=await opened_since(self._database, seen.now - FLAPPING_WITHIN),
            aside_since=dict(await self._database.fetch_all(ASIDE_SINCE, (aside,))) if aside else {},
        )

    def _near_limits(self, board: BoardState, now: datetime) -> dict[UUID, list[Use]]:
        """The limits of which most is used, or was a moment ago."""
        near: dict[UUID, list[Use]] = {}
        for one in board.providers:
            for use in self._meter.uses(one.provider.id, one.provider.limits):
                key = one.provider.id, use.name
                if use.part >= LIMIT_NEAR:
                    self._near[key] = now
                elif use.name != "requests" or now - self._near.get(key, LONG_AGO) > NEAR_TOLD:
                    continue
                near.setdefault(one.provider.id, []).append(use)
        return near

    def _dated(self, found: Sequence[Need], now: datetime) -> list[Need]:
        """A need that does not know since when it is one is as old as its first sight here."""
        self._noticed = {need.key: self._noticed.get(need.key, now) for need in found}
        return [need if need.since else replace(need, since=self._noticed[need.key]) for need in found]


# The newest are enough: whoever goes on with one sees the next.
FAILED_GRANTS = """
select id, title, people, coalesce(finished_at, created_at) from bulk_grants where state = 'failed'
order by id desc limit 3
"""
LONG_AGO = datetime.min.replace(tzinfo=UTC)

# A key that was tried again and failed is set aside anew: what counts is the first time since it last served.
ASIDE_SINCE = """
select k.id, min(e.at) from provider_keys k join provider_events e on e.provider_id = k.provider_id
where k.id = any(%s) and e.kind = 'key_set_aside' and e.detail ->> 'key' = k.id::varchar
    and not exists (
        select from provider_events r where r.provider_id = k.provider_id and r.id > e.id
            and r.kind = 'key_restored' and r.detail ->> 'key' = k.id::varchar)
group by k.id
"""
