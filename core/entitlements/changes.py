"""Changes to plans and features as values: what a review shows, a version keeps, a revert turns round.

A change set is a sequence of changes, each about one cell of the matrix, one property, or a whole plan or feature that
is added (`before` None) or, in the revert of that, taken away again (`after` None). Whether it may be is for
`core.entitlements.checking` to say; here is what it comes to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

from core.entitlements.fields import FEATURE_PROPERTIES, PROPERTIES
from core.entitlements.matrix import Matrix
from core.entitlements.models import Tier
from core.entitlements.rules import Entitlements, FeatureView, PlanView, entitlements_of, nearest
from core.errors import InvalidRequest
from core.spelling import did_you_mean

Subject = Literal["plan", "feature", "cell"]
Named = TypeVar("Named", PlanView, FeatureView)
Key = tuple[Subject, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. Values are plain: numbers, texts, yes or no, sorted tuples of texts; None is unlimited.

    A cell is on the plan (True) or not. `field` is a property's name; without one the change is about the plan or the
    feature as a whole, whose properties (and a plan's `features`) are a mapping then.
    """

    subject: Subject
    plan_id: str | None
    feature_id: str | None
    field: str | None
    before: Any
    after: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", _plain(self.before))
        object.__setattr__(self, "after", _plain(self.after))

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> Key:
        """What the change is about; a change set has one change of each."""
        return self.subject, self.plan_id, self.feature_id, self.field

    @property
    def adds(self) -> bool:
        """Whether a plan or feature is new."""
        return self.subject != "cell" and self.field is None and self.before is None

    @property
    def removes(self) -> bool:
        """Whether a plan or feature is taken away altogether."""
        return self.subject != "cell" and self.field is None and self.after is None

    @property
    def inverse(self) -> "Change":
        """The change back."""
        return replace(self, before=self.after, after=self.before)

    def to_json(self) -> dict[str, Any]:
        """As versions and proposals keep it."""
        return {
            "subject": self.subject,
            "plan": self.plan_id,
            "feature": self.feature_id,
            "field": self.field,
            "before": self.before,
            "after": self.after,
        }

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> "Change":
        """The change that `to_json` wrote; raises `InvalidRequest` where it is none."""
        try:
            change = cls(
                said["subject"], said["plan"], said["feature"], said["field"], said["before"], said["after"]
            )
        except (KeyError, TypeError):
            raise InvalidRequest("This is no change of plans.") from None
        if change.subject not in get_args(Subject):
            raise InvalidRequest("This is no change of plans.")
        return change


def cell(plan_id: str, feature_id: str, on: bool) -> Change:
    """A feature put on a plan, or taken off it."""
    return Change("cell", plan_id, feature_id, None, not on, on)


def plan_property(plan: PlanView, field: str, after: Any) -> Change:
    """Another value of a plan's property; `retired` is one of them."""
    if field not in PROPERTIES:
        raise InvalidRequest(f"A plan has no property {field[:50]!r}; it has {', '.join(PROPERTIES)}.")
    return Change("plan", plan.id, None, field, plan_values(plan)[field], after)


def feature_property(feature: FeatureView, field: str, after: Any) -> Change:
    """Another value of a feature's property; `retired` is one of them."""
    if field not in FEATURE_PROPERTIES:
        raise InvalidRequest(
            f"A feature has no property {field[:50]!r}; it has {', '.join(FEATURE_PROPERTIES)}."
        )
    return Change("feature", None, feature.id, field, feature_values(feature)[field], after)


def new_plan(plan_id: str, **values: Any) -> Change:
    """A plan to be added, with its properties and `features`; what is not given has its default."""
    return Change("plan", plan_id, None, None, None, values)


def new_feature(feature_id: str, display_name: str, description: str = "") -> Change:
    """A feature to be defined."""
    values = {"display_name": display_name, "description": description}
    return Change("feature", None, feature_id, None, None, values)


def plan_values(plan: PlanView) -> dict[str, Any]:
    """A plan's properties and features as changes know them."""
    return {name: _plain(getattr(plan, name)) for name in (*PROPERTIES, "features")}


def feature_values(feature: FeatureView) -> dict[str, Any]:
    """The same of a feature."""
    return {name: getattr(feature, name) for name in FEATURE_PROPERTIES}


def inverse(changes: Iterable[Change]) -> list[Change]:
    """The change set that undoes one."""
    return ordered(change.inverse for change in changes)


def ordered(changes: Iterable[Change]) -> list[Change]:
    """Additions first and removals last, so that a cell finds its plan and its feature."""
    return sorted(changes, key=_place)


def applied(entitlements: Entitlements, changes: Iterable[Change]) -> Entitlements:
    """What the entitlements become, for "try one user". The changes have been checked.

    Raises:
        InvalidRequest: a plan or feature that is not there.
    """
    state = State(entitlements.plans.values(), entitlements.all_features.values())
    for change in ordered(changes):
        state.put(change)
    return entitlements_of(state.plans.values(), state.features.values(), entitlements.version)


class State:
    """Plans and features while changes are put on them, one after another."""

    def __init__(self, plans: Iterable[PlanView], features: Iterable[FeatureView]) -> None:
        self.plans = {plan.id: plan for plan in plans}
        self.features = {feature.id: feature for feature in features}

    @classmethod
    def of(cls, matrix: Matrix) -> "State":
        """The state that a matrix shows."""
        return cls(matrix.plans, matrix.features)

    def value(self, change: Change) -> Any:
        """What now stands where the change would put something; None where a plan or feature is not there as a whole.

        Raises:
            InvalidRequest: `unknown_plan`, `unknown_feature`.
        """
        if change.subject == "cell":
            plan = self.plan(change.plan_id)
            return self.feature(change.feature_id).id in plan.features
        if change.subject == "plan":
            if change.field is not None:
                return plan_values(self.plan(change.plan_id)).get(change.field)
            found = self.plans.get(change.plan_id or "")
            return plan_values(found) if found else None
        if change.field is not None:
            return feature_values(self.feature(change.feature_id)).get(change.field)
        feature = self.features.get(change.feature_id or "")
        return feature_values(feature) if feature else None

    def put(self, change: Change) -> None:
        """Carries a change out. Raises as `value` does."""
        match change.subject:
            case "cell":
                self._put_cell(change)
            case "plan":
                self._put_plan(change.plan_id or "", change)
            case "feature":
                self._put_feature(change.feature_id or "", change)

    def plan(self, plan_id: str | None) -> PlanView:
        """A plan that must be there."""
        return _found(self.plans, "plan", plan_id)

    def feature(self, feature_id: str | None) -> FeatureView:
        """A feature that must be there; it may be retired."""
        return _found(self.features, "feature", feature_id)

    def _put_cell(self, change: Change) -> None:
        plan, feature = self.plan(change.plan_id), self.feature(change.feature_id)
        features = plan.features | {feature.id} if change.after else plan.features - {feature.id}
        self.plans[plan.id] = replace(plan, features=features)

    def _put_plan(self, plan_id: str, change: Change) -> None:
        if change.removes:
            self.plans.pop(plan_id, None)
        elif change.field is None:
            self.plans[plan_id] = _plan_of(plan_id, change.after)
        else:
            values = plan_values(self.plan(plan_id)) | {change.field: change.after}
            self.plans[plan_id] = _plan_of(plan_id, values)

    def _put_feature(self, feature_id: str, change: Change) -> None:
        if change.removes:
            self.features.pop(feature_id, None)
        elif change.field is None:
            self.features[feature_id] = FeatureView(feature_id, **change.after)
        else:
            values = feature_values(self.feature(feature_id)) | {change.field: change.after}
            self.features[feature_id] = FeatureView(feature_id, **values)


def _place(change: Change) -> int:
    if change.adds:
        return 0 if change.subject == "feature" else 1
    if change.removes:
        return 3 if change.subject == "plan" else 4
    return 2


def _plan_of(plan_id: str, values: Mapping[str, Any]) -> PlanView:
    filled: dict[str, Any] = (
        {name: one.default for name, one in PROPERTIES.items()} | {"features": ()} | dict(values)
    )
    return PlanView(
        id=plan_id,
        **filled
        | {
            "tier": Tier(filled["tier"]),
            "features": frozenset(filled["features"]),
            "modalities": frozenset(filled["modalities"]),
        },
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(sorted(str(inner) for inner in value))
    return str(value) if isinstance(value, str) else value


def _found(known: Mapping[str, Named], what: str, name: str | None) -> Named:
    asked = name or ""
    if asked not in known:
        near = did_you_mean(nearest(asked, list(known)))
        raise InvalidRequest(f"There is no {what} {asked[:50]!r}.{near}", code=f"unknown_{what}")
    return known[asked]
