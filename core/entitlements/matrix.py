"""All plans and features as they are stored now, read in one statement: nobody sees half of a saved change set."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from core.database import Database, run
from core.entitlements.models import Tier
from core.entitlements.rules import Entitlements, FeatureView, PlanView, entitlements_of


@dataclass(frozen=True, slots=True)
class Matrix:
    """Plans by rank, features by id, retired ones among both; and the change set that made it so.

    `version` 0 is as seeded: `saved_at` is None then.
    """

    version: int
    saved_at: datetime | None
    saved_by: str
    plans: tuple[PlanView, ...]
    features: tuple[FeatureView, ...]

    @property
    def entitlements(self) -> Entitlements:
        """The same, as decisions read it."""
        return entitlements_of(self.plans, self.features, self.version)

    def plan(self, plan_id: str | None) -> PlanView | None:
        """A plan by its id."""
        return next((plan for plan in self.plans if plan.id == plan_id), None)

    def feature(self, feature_id: str | None) -> FeatureView | None:
        """A feature by its id."""
        return next((feature for feature in self.features if feature.id == feature_id), None)


async def matrix(source: AsyncSession | Database) -> Matrix:
    """Everything as of now; within a session, as of its transaction."""
    if isinstance(source, Database):
        row = await source.fetch_one(READ)
    else:
        row = (await run(source, READ)).first()
    assert row is not None, "one row always"
    plans, features, version, saved_at, saved_by = row
    return Matrix(
        version or 0, saved_at, saved_by or "", tuple(map(_plan, plans)), tuple(map(_feature, features))
    )


READ = """
select
    (select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('features',
            (select coalesce(jsonb_agg(f.feature_id), '[]') from plan_features f where f.plan_id = p.id))
        order by p.rank, p.id), '[]') from plans p),
    (select coalesce(jsonb_agg(to_jsonb(f) order by f.id), '[]') from features f),
    v.number, v.created_at, v.actor_label
from (select) one left join (
    select number, created_at, actor_label from plan_versions order by number desc limit 1) v on true
"""


def _plan(row: dict[str, Any]) -> PlanView:
    return PlanView(
        id=row["id"],
        display_name=row["display_name"],
        tier=Tier(row["tier"]),
        rank=row["rank"],
        features=frozenset(row["features"]),
        modalities=frozenset(row["modalities"]),
        daily_generations=row["daily_generations"],
        monthly_credits=row["monthly_credits"],
        monthly_ceiling=row["monthly_ceiling"],
        daily_credits=row["daily_credits"],
        trial_days=row["trial_days"],
        trial_uses=row["trial_uses"],
        max_projects=row["max_projects"],
        watermark=row["watermark"],
        routing_strategy=row["routing_strategy"],
        retired=row["retired_at"] is not None,
    )


def _feature(row: dict[str, Any]) -> FeatureView:
    return FeatureView(row["id"], row["display_name"], row["description"], row["retired_at"] is not None)
