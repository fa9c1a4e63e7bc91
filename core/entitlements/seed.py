"""The plans and features that Purser starts with (SPEC 3; DATA, "Defaults").

Seeding may run at any time and inserts only what is missing. It never undoes what an admin changed: an existing row
keeps its values, and a feature is put on a plan only in the run that creates the plan or the feature. So what an
admin took off a plan stays off, while a feature that a later release brings still reaches the plans it is meant for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.database.changes import CONFIG, announce
from core.entitlements.models import Feature, Plan, PlanFeature, Tier
from core.vocabulary import Modality

FREE_DAILY_LIMIT = 5
PLANS_LOCK = 0x504C414E  # "PLAN"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a run has added; all empty where nothing was missing."""

    features: tuple[str, ...]
    plans: tuple[str, ...]
    links: int

    def __bool__(self) -> bool:
        return bool(self.features or self.plans or self.links)


async def seed(session: AsyncSession, *, free_daily_limit: int = FREE_DAILY_LIMIT) -> Seeded:
    """Adds the missing features and plans, in the session's transaction; several processes may do so at once.

    `free_daily_limit` is what a new plan "free" starts with; an existing one keeps its own.
    """
    plans = [
        plan | {"daily_generations": free_daily_limit} if plan["id"] == "free" else plan for plan in PLANS
    ]
    # Other seeders, and those who save plans, wait here for this transaction, and then find everything in place.
    await lock_plans(session)
    features = await _add(session, Feature, FEATURES)
    new_plans = await _add(session, Plan, plans)
    wanted = [
        {"plan_id": plan, "feature_id": feature}
        for plan, on_plan in FEATURES_OF.items()
        for feature in on_plan
        if plan in new_plans or feature in features
    ]
    links = await _add(session, PlanFeature, wanted) if wanted else []
    seeded = Seeded(tuple(features), tuple(new_plans), len(links))
    if seeded:
        await announce(session, CONFIG)
    return seeded


async def lock_plans(session: AsyncSession) -> None:
    """Held to the transaction's end by all who write plans and features."""
    await session.exec(select(func.pg_advisory_xact_lock(PLANS_LOCK)))


async def _add(session: AsyncSession, table: type[SQLModel], rows: Iterable[dict[str, Any]]) -> list[str]:
    """Inserts what is missing; the first key column of what was inserted."""
    key = table.__table__.primary_key.columns[0]  # pyright: ignore[reportAttributeAccessIssue] - SQLModel's tables have it
    statement = insert(table).values(list(rows)).on_conflict_do_nothing().returning(key)
    return list((await session.exec(statement)).scalars())


def _feature(feature_id: str, display_name: str, description: str) -> dict[str, Any]:
    return {"id": feature_id, "display_name": display_name, "description": description}


FEATURES = (
    _feature("topic-researcher", "Topic researcher", "Finds and weighs topics to write or film about."),
    _feature("video-suite", "Video suite", "The workspace in which videos are planned and made."),
    _feature("video-pipeline", "Video pipeline", "Makes a video from script to cut in one go."),
    _feature("video-editor", "Video editor", "Cuts and arranges clips."),
    _feature("script-generator", "Script generator", "Writes scripts from a topic or notes."),
    _feature("video-from-url", "Video from URL", "Turns a page on the web into a video."),
    _feature("voice-over", "Voice-over", "Speaks a script in a chosen voice."),
    _feature("stock-media", "Stock media", "Searches and uses stock images and clips."),
    _feature("creative-assistant", "Creative assistant", "Answers, drafts and gives ideas in a chat."),
)

ALL = frozenset(feature["id"] for feature in FEATURES)
CREATOR = ALL - {"voice-over"}

FEATURES_OF: dict[str, frozenset[str]] = {
    "free": frozenset({"creative-assistant", "stock-media"}),
    "trial": CREATOR,
    "creator": CREATOR,
    "premium": CREATOR,
    "pro": ALL,
    "unlimited": ALL,
}

TEXT_AND_IMAGE = (Modality.TEXT, Modality.IMAGE)


def _plan(
    plan_id: str,
    tier: Tier,
    rank: int,
    *,
    daily: int | None,
    credits: int,
    ceiling: int | None,
    projects: int | None,
    modalities: Iterable[Modality],
    watermark: bool = False,
    trial_days: int | None = None,
    trial_uses: int | None = None,
) -> dict[str, Any]:
    return {
        "id": plan_id,
        "display_name": plan_id.capitalize(),
        "tier": tier,
        "rank": rank,
        "daily_generations": daily,
        "monthly_credits": credits,
        "monthly_ceiling": ceiling,
        "trial_days": trial_days,
        "trial_uses": trial_uses,
        "max_projects": projects,
        "modalities": [str(modality) for modality in modalities],
        "watermark": watermark,
        # The superadmin's own order, until somebody chooses otherwise for a plan.
        "routing_strategy": "priority",
    }


PLANS = (
    _plan("free", Tier.FREE, 10, daily=FREE_DAILY_LIMIT, credits=50, ceiling=50, projects=1,
          modalities=TEXT_AND_IMAGE, watermark=True),
    # The trial's two generations are counted over its whole life, not by the day.
    _plan("trial", Tier.FREE, 20, daily=None, credits=50, ceiling=50, projects=1,
          modalities=TEXT_AND_IMAGE, watermark=True, trial_days=14, trial_uses=2),
    _plan("creator", Tier.PAID, 30, daily=100, credits=1_500, ceiling=3_000, projects=5, modalities=TEXT_AND_IMAGE),
    _plan("premium", Tier.PAID, 40, daily=100, credits=2_000, ceiling=5_000, projects=10,
          modalities=(*TEXT_AND_IMAGE, Modality.AUDIO)),
    _plan("pro", Tier.PREMIUM, 50, daily=500, credits=3_000, ceiling=10_000, projects=25, modalities=Modality),
    _plan("unlimited", Tier.PREMIUM, 60, daily=None, credits=20_000, ceiling=None, projects=None, modalities=Modality),
)  # fmt: skip
