"""Whether a change set may be saved: everything that can be said without asking how many people it touches."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.entitlements import fields
from core.entitlements.change_words import described
from core.entitlements.changes import Change, Key, State, ordered
from core.entitlements.matrix import Matrix
from core.entitlements.rules import NEEDED_PLANS, FeatureView, PlanView
from core.entitlements.seed import FEATURES, PLANS
from core.errors import Conflict, InvalidRequest

MOST_CHANGES = 2_000
MOST_PLANS = 100
MOST_FEATURES = 500
PLAN_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FEATURE_ID = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
LONGEST_PLAN_ID, LONGEST_FEATURE_ID = 40, 60

SEEDED = frozenset(str(row["id"]) for row in (*PLANS, *FEATURES))


def check_changes(matrix: Matrix, changes: Iterable[Change]) -> list[Change]:
    """The change set, cleaned and in the order in which it is carried out.

    Raises:
        InvalidRequest: nothing or too much is changed, an id that is none, a value out of its range, two plans of one
            name, a plan retired that Purser itself needs.
        Conflict: `changed_meanwhile`, something is not any more what the change says it was.
    """
    wanted = ordered(changes)
    if not wanted:
        raise InvalidRequest("Nothing is changed.", code="nothing_changed")
    if len(wanted) > MOST_CHANGES:
        raise InvalidRequest(f"A change set has at most {MOST_CHANGES:,} changes.")
    _require_once([change.key for change in wanted])
    state = State.of(matrix)
    cleaned: list[Change] = []
    for change in wanted:
        one = _cleaned(state, change)
        _require_as_it_was(state, one, matrix)
        state.put(one)
        cleaned.append(one)
    _check_names("plan", state.plans.values())
    _check_names("feature", state.features.values())
    if len(state.plans) > MOST_PLANS or len(state.features) > MOST_FEATURES:
        raise InvalidRequest(f"There are at most {MOST_PLANS} plans and {MOST_FEATURES} features.")
    return cleaned


def _require_once(keys: Sequence[Key]) -> None:
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        raise InvalidRequest(
            f"{' · '.join(part for part in twice[0] if part)} is changed twice in one change set."
        )


def _require_as_it_was(state: State, change: Change, matrix: Matrix) -> None:
    if change.before == change.after:
        raise InvalidRequest(f"{_named(change, matrix)} stays as it is.", code="nothing_changed")
    stands = state.value(change)
    if stands == change.before:
        return
    if change.adds:
        name = change.plan_id or change.feature_id or ""
        raise Conflict(f"There is a {change.subject} “{name}” already.", code=f"{change.subject}_exists")
    now = described([replace(change, before=change.before, after=stands)], matrix)[0]
    raise Conflict(
        f"{now.where}, {now.what} was changed meanwhile: it is “{now.after}” by now, not “{now.before}”.",
        code="changed_meanwhile",
    )


def _cleaned(state: State, change: Change) -> Change:
    match change.subject:
        case "cell":
            state.value(change)  # both must be there
            if change.field is not None or not isinstance(change.after, bool):
                raise InvalidRequest("A feature is on a plan or not.")
            return change
        case "plan":
            return _cleaned_plan(state, change)
        case "feature":
            return _cleaned_feature(state, change)


def _cleaned_plan(state: State, change: Change) -> Change:
    if change.removes:
        _require_removable("plan", change.plan_id)
        return change
    if change.field is None:
        _require_id("plan", change.plan_id, PLAN_ID, LONGEST_PLAN_ID)
        return replace(change, after=_new_plan(state, change.after))
    plan = state.plan(change.plan_id)
    after = fields.checked(change.field, change.after)
    if change.field == "retired" and after and plan.id in NEEDED_PLANS:
        raise InvalidRequest(
            f"{plan.display_name} cannot be retired: {NEEDED_PLANS[plan.id]}.", code="plan_needed"
        )
    return replace(change, after=after)


def _new_plan(state: State, values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise InvalidRequest("A plan has a name and properties.")
    given: dict[str, Any] = {str(name): value for name, value in values.items()}
    features = given.pop("features", ())
    whole = {name: one.default for name, one in fields.PROPERTIES.items()} | given
    cleaned = {name: fields.checked(name, value) for name, value in whole.items()}
    cleaned["features"] = tuple(sorted({state.feature(str(one)).id for one in features}))
    return cleaned


def _cleaned_feature(state: State, change: Change) -> Change:
    if change.removes:
        _require_removable("feature", change.feature_id)
        having = [plan.display_name for plan in state.plans.values() if change.feature_id in plan.features]
        if having:
            raise Conflict(
                f"{change.feature_id} is on {', '.join(having)} by now; take it off there, or retire it.",
                code="feature_in_use",
            )
        return change
    if change.field is None:
        _require_id("feature", change.feature_id, FEATURE_ID, LONGEST_FEATURE_ID)
        return replace(change, after=_new_feature(change.after))
    state.feature(change.feature_id)
    return replace(change, after=_feature_value(change.field, change.after))


def _new_feature(values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise InvalidRequest("A feature has a name and a description.")
    given: dict[str, Any] = {str(name): value for name, value in values.items()}
    whole = {name: one.default for name, one in fields.FEATURE_PROPERTIES.items()} | given
    return {name: _feature_value(name, value) for name, value in whole.items()}


def _feature_value(name: str, value: Any) -> Any:
    found = fields.FEATURE_PROPERTIES.get(name)
    if found is None:
        raise InvalidRequest(
            f"A feature has no property {name[:50]!r}; it has {', '.join(fields.FEATURE_PROPERTIES)}."
        )
    return found.check(found.label, value)


def _require_id(what: str, identifier: str | None, shape: re.Pattern[str], longest: int) -> None:
    if not identifier or len(identifier) > longest or not shape.fullmatch(identifier):
        raise InvalidRequest(
            f"{(identifier or '')[:50]!r} cannot be the id of a {what}: lower-case letters and digits in words joined by"
            f" hyphens, as in voice-over, {longest} characters at most.",
            code="invalid_id",
        )


def _require_removable(what: str, identifier: str | None) -> None:
    # It would be back with the next seeding; retired, it stays retired.
    if identifier in SEEDED:
        raise InvalidRequest(f"{identifier} comes with Purser: it can be retired, not removed.")


def _check_names(what: str, things: Iterable[PlanView] | Iterable[FeatureView]) -> None:
    seen: dict[str, str] = {}
    for thing in things:
        name = thing.display_name.casefold()
        if not thing.retired and seen.setdefault(name, thing.id) != thing.id:
            raise InvalidRequest(
                f"Two {what}s would be named “{thing.display_name}”: {seen[name]} and {thing.id}.",
                code="name_taken",
            )


def _named(change: Change, matrix: Matrix) -> str:
    found = described([change], matrix)[0]
    return f"{found.where}, {found.what}"
