"""People, plans and exceptions for the tests of decisions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.entitlements.models import Tier
from core.entitlements.rules import FeatureView, PlanView, entitlements_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE, LATER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Exceptional:
    feature_id: str | None = None
    limit_name: str | None = None
    allowed: bool | None = None
    value: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Somebody:
    status: str = "active"
    plan_id: str | None = "free"
    plan_expires_at: datetime | None = None
    trial_ends_at: datetime | None = None
    overrides: tuple[Exceptional, ...] = ()


FREE = PlanView("free", "Free", Tier.FREE, 10, frozenset({"stock-media"}), daily_generations=5)
TRIAL = PlanView("trial", "Trial", Tier.FREE, 20, frozenset({"stock-media", "video-suite"}), trial_days=14)
PRO = PlanView("pro", "Pro", Tier.PREMIUM, 50, frozenset({"stock-media", "video-suite", "voice-over"}))
OLD = PlanView("old", "Old", Tier.PAID, 60, frozenset({"voice-over"}), retired=True)
ENTITLEMENTS = entitlements_of(
    (PRO, FREE, TRIAL, OLD),
    (
        FeatureView("stock-media", "Stock media"),
        FeatureView("video-suite", "Video suite"),
        FeatureView("voice-over", "Voice-over"),
    ),
)
