"""Changes of plans in words, for the review, the history and the audit."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from core.entitlements.changes import Change, Subject
from core.entitlements.fields import FEATURE_PROPERTIES, PROPERTIES
from core.entitlements.matrix import Matrix


class Words(NamedTuple):
    """A change as people read it: `Premium`, `voice-over`, `Not on plan`, `On plan`."""

    where: str
    what: str
    before: str
    after: str


def words(change: Change, matrix: Matrix) -> Words:
    """A change in words; a plan is named as the matrix names it, one that is not in it by its id."""
    return _words(change, {plan.id: plan.display_name for plan in matrix.plans})


def described(changes: Iterable[Change], matrix: Matrix) -> list[Words]:
    """A change set in words; plans that it adds are named as it names them."""
    changes = list(changes)
    wholes = [(one.plan_id or "", one.after or one.before) for one in changes if one.adds or one.removes]
    names = {plan_id: str(values.get("display_name", plan_id)) for plan_id, values in wholes if plan_id}
    names |= {plan.id: plan.display_name for plan in matrix.plans}
    return [_words(change, names) for change in changes]


def _words(change: Change, names: Mapping[str, str]) -> Words:
    where = names.get(change.plan_id or "") or change.plan_id or change.feature_id or ""
    if change.subject == "cell":
        return Words(where, change.feature_id or "", *map(_on_plan, (change.before, change.after)))
    what = "Plan" if change.subject == "plan" else "Feature"
    if change.field is None:
        return Words(where, what, _whole(change.subject, change.before), _whole(change.subject, change.after))
    if change.field == "retired":
        there = "Offered" if change.subject == "plan" else "Defined"
        return Words(where, what, *("Retired" if one else there for one in (change.before, change.after)))
    known = PROPERTIES if change.subject == "plan" else FEATURE_PROPERTIES
    found = known.get(change.field)
    if found is None:  # a version of long ago, with a property that is no more
        return Words(where, change.field, str(change.before), str(change.after))
    return Words(where, found.label, found.words(change.before), found.words(change.after))


def _on_plan(on: Any) -> str:
    return "On plan" if on else "Not on plan"


def _whole(subject: Subject, values: Mapping[str, Any] | None) -> str:
    if values is None:
        return "–"
    name = str(values.get("display_name", ""))
    if subject == "feature":
        return f"“{name}”"
    features = len(values.get("features") or ())
    credits = values.get("monthly_credits") or 0
    return f"“{name}”: {credits:,} credits a month, {features} feature{'' if features == 1 else 's'}"
