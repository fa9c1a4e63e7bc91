"""Loading the entitlements for the snapshot, and the checks of features that nobody has defined: counted, listed, dismissed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.database.connection import Database
from core.entitlements.matrix import matrix
from core.entitlements.models import UndefinedFeature
from core.entitlements.rules import LONGEST_ID, Entitlements, nearest
from core.errors import DatabaseUnavailable, NotAllowed, NotFound
from core.log import get_logger
from core.vocabulary import Role

log = get_logger(__name__)


async def load(source: AsyncSession | Database) -> Entitlements:
    """All plans with their features, and the features that are defined, as of one moment."""
    return (await matrix(source)).entitlements


class UndefinedFeatures:
    """Counts, in memory, checks of undefined features, and adds them to the table every few seconds and at the end.

    Ids come from clients: they are cut, cleaned of what PostgreSQL refuses, and bounded in number, between two
    flushes and in the table; what is beyond is counted together only in the log.
    """

    def __init__(self, database: Database, *, every_seconds: float = 5.0, most_ids: int = 1_000) -> None:
        self._database = database
        self._every_seconds = every_seconds
        self._most_ids = most_ids
        self._counts: dict[str, int] = {}
        self._dropped = 0
        self._flushing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def record(self, feature_id: str, checks: int = 1) -> None:
        """Counts a check; no I/O."""
        feature_id = _clean(feature_id)
        if feature_id in self._counts or len(self._counts) < self._most_ids:
            self._counts[feature_id] = self._counts.get(feature_id, 0) + checks
        else:
            self._dropped += checks

    async def flush(self) -> None:
        """Writes what has been counted; while the database does not answer, it is kept for the next time."""
        async with self._flushing:
            counts, self._counts = self._counts, {}
            dropped, self._dropped = self._dropped, 0
            if dropped:
                log.warning("too many undefined features were asked for", checks_not_recorded=dropped)
            if not counts:
                return
            try:
                # In order of ids, so that two processes that flush at once never wait for each other in a circle.
                ids = sorted(counts)
                await self._database.execute(
                    ADD, {"ids": ids, "checks": [counts[i] for i in ids], "most": MOST_ROWS}
                )
            except DatabaseUnavailable:
                for feature_id, checks in counts.items():
                    self.record(feature_id, checks)
            except psycopg.Error:
                log.exception("undefined features could not be recorded")

    def start(self) -> None:
        """Flushes regularly from now on."""
        self._task = asyncio.create_task(self._flush_regularly())

    async def close(self) -> None:
        """Writes the rest, and ends."""
        self._stopping.set()
        if self._task:
            await self._task
        await self.flush()

    async def _flush_regularly(self) -> None:
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every_seconds)
            except TimeoutError:
                await self.flush()


@dataclass(frozen=True, slots=True)
class Undefined:
    """A feature that is asked for and not defined: "checked 41 times; did you mean …?"."""

    feature_id: str
    checks: int
    first_seen_at: datetime
    last_seen_at: datetime
    nearest: str | None
    retired: bool = False
    """Whether it was a feature once."""


async def undefined_features(
    session: AsyncSession, entitlements: Entitlements, *, limit: int = 100
) -> list[Undefined]:
    """The undefined features asked for most often; what has been defined since, or dismissed, is left out."""
    rows = await session.exec(
        select(UndefinedFeature)
        .where(col(UndefinedFeature.feature_id).not_in(list(entitlements.features)))
        .where(col(UndefinedFeature.dismissed_at).is_(None))
        .order_by(col(UndefinedFeature.checks).desc(), col(UndefinedFeature.feature_id))
        .limit(limit)
    )
    return [
        Undefined(
            row.feature_id,
            row.checks,
            row.first_seen_at,
            row.last_seen_at,
            nearest(row.feature_id, entitlements.features),
            row.feature_id in entitlements.all_features,
        )
        for row in rows
    ]


async def dismiss_undefined(session: AsyncSession, feature_id: str, *, actor: Actor) -> None:
    """Takes an undefined feature off the list for good, as a client's mistake; its checks are counted on. Twice is once.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: `unknown_feature`, nobody ever asked for it.
    """
    if actor.role is not Role.SUPERADMIN:
        raise NotAllowed("Only a superadmin can dismiss features that are not defined.")
    row = await session.get(UndefinedFeature, feature_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("Nobody has asked for this feature.", code="unknown_feature")
    if row.dismissed_at is None:
        row.dismissed_at = datetime.now(UTC)
        session.add(row)
        await record(
            session,
            actor,
            "feature.dismiss",
            ("feature", feature_id),
            before={"checks": row.checks, "last_seen_at": row.last_seen_at},
        )


MOST_ROWS = 5_000
"""Rows of the table beyond which no new id is taken up; known ones are counted on."""

ADD = """
insert into undefined_features as known (feature_id, checks)
select asked.feature_id, asked.checks
from unnest(%(ids)s::varchar[], %(checks)s::bigint[]) as asked (feature_id, checks)
where asked.feature_id in (select feature_id from undefined_features)
    or (select count(*) from undefined_features) < %(most)s
order by asked.feature_id
on conflict (feature_id) do update set checks = known.checks + excluded.checks, last_seen_at = now()
"""


def _clean(feature_id: str) -> str:
    """An id that PostgreSQL can store: no NUL, no half of a surrogate pair, not too long."""
    return feature_id[:LONGEST_ID].replace("\0", "").encode("utf-8", "replace").decode()
