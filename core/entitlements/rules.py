"""May this person use this feature, and why: the decision, from memory, without a database or a clock.

The chain is user → active → plan → not expired → feature defined → feature on plan → override. The first five end
it; an override turns the answer about the feature on the plan round, for as long as it lasts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from core import spelling
from core.entitlements.models import Tier


class Override(Protocol):
    """An exception for one person; it ends by itself at `expires_at`."""

    @property
    def feature_id(self) -> str | None: ...
    @property
    def limit_name(self) -> str | None: ...
    @property
    def allowed(self) -> bool | None: ...
    @property
    def value(self) -> int | None: ...
    @property
    def expires_at(self) -> datetime | None: ...


class Person(Protocol):
    """What a decision needs to know of a user."""

    @property
    def status(self) -> str: ...
    @property
    def plan_id(self) -> str | None: ...
    @property
    def plan_expires_at(self) -> datetime | None: ...
    @property
    def trial_ends_at(self) -> datetime | None: ...
    @property
    def overrides(self) -> Sequence[Override]: ...


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as the hot paths read it. None means unlimited wherever a limit stands."""

    id: str
    display_name: str
    tier: Tier
    rank: int = 0
    features: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()
    daily_generations: int | None = None
    monthly_credits: int = 0
    monthly_ceiling: int | None = None
    daily_credits: int = 0
    trial_days: int | None = None
    trial_uses: int | None = None
    max_projects: int | None = None
    watermark: bool = False
    routing_strategy: str = "priority"
    retired: bool = False

    @property
    def is_trial(self) -> bool:
        """Whether it ends by days or by uses."""
        return self.trial_days is not None or self.trial_uses is not None


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A thing to be allowed. A retired one is kept, with the plans that had it, and counts as not defined."""

    id: str
    display_name: str
    description: str = ""
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Entitlements:
    """All plans, and the features that are defined (retired ones are not), at one version.

    Plans stand in the order of their rank, features in that of their ids. A plan's own `features` may name retired ones.
    """

    plans: Mapping[str, PlanView]
    features: Mapping[str, str]
    """Display name by id."""
    all_features: Mapping[str, FeatureView] = field(default_factory=dict[str, FeatureView])
    """The retired ones too, by id."""
    version: int = 0
    """The number of the last saved change set; 0 is as seeded."""


def entitlements_of(
    plans: Iterable[PlanView], features: Iterable[FeatureView], version: int = 0
) -> Entitlements:
    """Entitlements of these plans and features, each in its order."""
    ordered = sorted(features, key=lambda feature: feature.id)
    return Entitlements(
        MappingProxyType({plan.id: plan for plan in sorted(plans, key=lambda plan: (plan.rank, plan.id))}),
        MappingProxyType({one.id: one.display_name for one in ordered if not one.retired}),
        MappingProxyType({one.id: one for one in ordered}),
        version,
    )


NEW_USERS_PLAN = "trial"
STAFF_PLAN = "unlimited"
VISITORS_PLAN = "free"
NEEDED_PLANS: Mapping[str, str] = {
    NEW_USERS_PLAN: "new users start on it",
    STAFF_PLAN: "staff are put on it",
    VISITORS_PLAN: "visitors without an account are served by it",
}
"""Plans that Purser itself puts people on, and why they cannot be retired."""


class Reason(StrEnum):
    OK = "ok"
    UNKNOWN_USER = "unknown_user"
    ACCOUNT_SUSPENDED = "account_suspended"
    NO_PLAN = "no_plan"
    PLAN_EXPIRED = "plan_expired"
    TRIAL_EXPIRED = "trial_expired"
    FEATURE_UNDEFINED = "feature_undefined"
    FEATURE_NOT_IN_PLAN = "feature_not_in_plan"
    OVERRIDE_ALLOWS = "override_allows"
    OVERRIDE_DENIES = "override_denies"
    DATABASE_UNAVAILABLE = "database_unavailable"


def check(
    entitlements: Entitlements | None, person: Person | None, feature_id: str, now: datetime
) -> "Decision":
    """Whether a person may use a feature now. Never raises.

    `person` None is a user whom nobody knows; `entitlements` None means that the database could not be read.
    """
    if entitlements is None:
        return Decision(False, Reason.DATABASE_UNAVAILABLE, feature_id)
    if person is None:
        return Decision(False, Reason.UNKNOWN_USER, feature_id, entitlements)
    plan = entitlements.plans.get(person.plan_id) if person.plan_id is not None else None
    reason = _reason(entitlements, person, plan, feature_id, now)
    allowed = reason is Reason.OK or reason is Reason.OVERRIDE_ALLOWS
    return Decision(allowed, reason, feature_id, entitlements, plan, person, now)


def unavailable(feature_id: str) -> "Decision":
    """The answer where the database that knows the person does not answer."""
    return Decision(False, Reason.DATABASE_UNAVAILABLE, feature_id)


Limit = Literal["daily_generations", "monthly_ceiling", "max_projects", "trial_uses"]


def effective_limit(plan: PlanView, person: Person | None, limit: Limit, now: datetime) -> int | None:
    """A plan's limit for a person: overrides raise it while they last, and never lower it. None is unlimited."""
    value: int | None = getattr(plan, limit)
    if value is None or person is None:
        return value
    for override in person.overrides:
        if override.limit_name == limit and override.value is not None and _lasts(override, now):
            value = max(value, override.value)
    return value


LONGEST_ID = 100
"""Characters of a feature id; what is longer is cut before anything is done with it."""


def nearest(feature_id: str, defined: Sequence[str] | Mapping[str, str]) -> str | None:
    """The defined feature that an undefined id most resembles ("did you mean"); None where none is near."""
    asked = feature_id[:LONGEST_ID].strip().lower().replace("_", "-").replace(" ", "-")
    return spelling.nearest(asked, defined, likeness=0.6)


class Step(NamedTuple):
    """One link of the chain that led to a decision."""

    step: str
    outcome: Literal["passed", "failed", "not reached", "none", "allows", "denies"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer; `message` and `chain` are made when they are asked for, from what it was decided on."""

    allowed: bool
    reason: Reason
    feature_id: str
    entitlements: Entitlements | None = field(default=None, repr=False, compare=False)
    plan: PlanView | None = field(default=None, repr=False)
    person: Person | None = field(default=None, repr=False, compare=False)
    now: datetime | None = field(default=None, compare=False)

    @property
    def message(self) -> str:
        """A sentence for the person."""
        from core.entitlements.wording import message

        return message(self)

    @property
    def chain(self) -> tuple[Step, ...]:
        """Every step in order, with its outcome and what it was about, for "why"."""
        from core.entitlements.wording import chain

        return chain(self)


def standing(person: Person, plan: PlanView | None, now: datetime) -> Reason:
    """How a person stands before any feature is looked at: active, with a plan that has not run out."""
    if person.status != ACTIVE:
        return Reason.ACCOUNT_SUSPENDED
    if plan is None:
        return Reason.NO_PLAN
    if person.plan_expires_at is not None and person.plan_expires_at <= now:
        return Reason.PLAN_EXPIRED
    if person.trial_ends_at is not None and plan.is_trial and person.trial_ends_at <= now:
        return Reason.TRIAL_EXPIRED
    return Reason.OK


def _reason(
    entitlements: Entitlements, person: Person, plan: PlanView | None, feature_id: str, now: datetime
) -> Reason:
    reason = standing(person, plan, now)
    if reason is not Reason.OK or plan is None:
        return reason
    if feature_id not in entitlements.features:
        return Reason.FEATURE_UNDEFINED
    exception = feature_override(person, feature_id, now) if person.overrides else None
    if feature_id in plan.features:
        return Reason.OVERRIDE_DENIES if exception is not None and not exception.allowed else Reason.OK
    return (
        Reason.OVERRIDE_ALLOWS if exception is not None and exception.allowed else Reason.FEATURE_NOT_IN_PLAN
    )


ACTIVE = "active"


def feature_override(person: Person, feature_id: str, now: datetime) -> Override | None:
    """The exception that counts for a feature now: of several, one that denies goes before those that allow."""
    found = None
    for override in person.overrides:
        if override.feature_id == feature_id and override.allowed is not None and _lasts(override, now):
            if not override.allowed:
                return override
            found = override
    return found


def _lasts(override: Override, now: datetime) -> bool:
    return override.expires_at is None or now < override.expires_at
