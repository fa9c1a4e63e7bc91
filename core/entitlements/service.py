"""Loading the entitlements for the snapshot, and counting the checks of features that nobody has defined."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import psycopg
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.database.connection import Database
from core.entitlements.models import Feature, Plan, PlanFeature, UndefinedFeature
from core.entitlements.rules import LONGEST_ID, Entitlements, PlanView, nearest
from core.errors import DatabaseUnavailable
from core.log import get_logger

log = get_logger(__name__)


async def load(source: AsyncSession | Database) -> Entitlements:
    """All plans with their features, and the features that are defined."""
    if isinstance(source, Database):
        async with source.transaction() as session:
            return await load(session)
    on_plan = array_agg(aggregate_order_by(col(PlanFeature.feature_id), col(PlanFeature.feature_id)))
    rows = await source.exec(
        select(Plan, on_plan)
        .outerjoin(PlanFeature, col(PlanFeature.plan_id) == col(Plan.id))
        .group_by(col(Plan.id))
        .order_by(col(Plan.rank), col(Plan.id))
    )
    plans = {plan.id: _view(plan, frozenset(features) - {None}) for plan, features in rows}
    # Read after the plans: a feature that was put on one of them is sure to be among these.
    features = await source.exec(
        select(Feature).where(col(Feature.retired_at).is_(None)).order_by(Feature.id)
    )
    return Entitlements(
        MappingProxyType(plans), MappingProxyType({feature.id: feature.display_name for feature in features})
    )


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


async def undefined_features(
    session: AsyncSession, entitlements: Entitlements, *, limit: int = 100
) -> list[Undefined]:
    """The undefined features asked for most often; what has been defined since is left out."""
    rows = await session.exec(
        select(UndefinedFeature)
        .where(col(UndefinedFeature.feature_id).not_in(list(entitlements.features)))
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
        )
        for row in rows
    ]


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


def _view(plan: Plan, features: frozenset[str]) -> PlanView:
    return PlanView(
        id=plan.id,
        display_name=plan.display_name,
        tier=plan.tier,
        rank=plan.rank,
        features=features,
        modalities=frozenset(plan.modalities),
        daily_generations=plan.daily_generations,
        monthly_credits=plan.monthly_credits,
        monthly_ceiling=plan.monthly_ceiling,
        trial_days=plan.trial_days,
        trial_uses=plan.trial_uses,
        max_projects=plan.max_projects,
        watermark=plan.watermark,
        routing_strategy=plan.routing_strategy,
        retired=plan.retired_at is not None,
    )
