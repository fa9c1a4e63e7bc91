"""What one person has changed in the matrix and not saved: pure, over the matrix as it is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.entitlements.changes import (
    Change,
    Key,
    State,
    cell,
    feature_property,
    new_feature,
    new_plan,
    ordered,
    plan_property,
)
from core.entitlements.fields import checked
from core.entitlements.matrix import Matrix
from core.errors import Conflict, InvalidRequest


@dataclass(frozen=True, slots=True)
class Rebased:
    """A change set on another version: what still changes something there, and what does not, with why in words."""

    still: list[Change]
    dropped: list[tuple[Change, str]]


class Draft:
    """The change set that grows under a person's hands. What is set back to what is saved is no change any more."""

    def __init__(self, saved: Matrix) -> None:
        self.saved = saved
        self._changes: dict[Key, Change] = {}
        self._shown: Matrix | None = None

    @property
    def changes(self) -> list[Change]:
        """The change set, in the order in which it is carried out."""
        return ordered(self._changes.values())

    def __bool__(self) -> bool:
        return bool(self._changes)

    @property
    def shown(self) -> Matrix:
        """The matrix as it would be."""
        if self._shown is None:
            self._shown = preview(self.saved, self.changes)
        return self._shown

    def set_cell(self, plan_id: str, feature_id: str, on: bool) -> None:
        """Puts a feature on a plan, or takes it off."""
        added = self._changes.get(("plan", plan_id, None, None))
        if added:  # a new plan says itself what it has
            having = (
                set(added.after["features"]) | {feature_id}
                if on
                else set(added.after["features"]) - {feature_id}
            )
            self._put(replace(added, after={**added.after, "features": having}))
        else:
            self._put(cell(plan_id, feature_id, on))

    def set_plan(self, plan_id: str, field: str, value: Any) -> None:
        """Gives a plan's property another value.

        Raises:
            InvalidRequest: it cannot have that value.
        """
        value = checked(field, value)
        added = self._changes.get(("plan", plan_id, None, None))
        if added:
            self._put(replace(added, after={**added.after, field: value}))
        elif plan := self.saved.plan(plan_id):
            self._put(plan_property(plan, field, value))

    def set_feature(self, feature_id: str, field: str, value: Any) -> None:
        """Gives a feature another name or description, retires it, or brings it back."""
        added = self._changes.get(("feature", None, feature_id, None))
        if added:
            self._put(replace(added, after={**added.after, field: value}))
        elif feature := self.saved.feature(feature_id):
            self._put(feature_property(feature, field, value))

    def add_plan(self, plan_id: str, values: Mapping[str, Any]) -> None:
        """A plan that is not there yet.

        Raises:
            Conflict: it is.
        """
        if self.shown.plan(plan_id):
            raise Conflict(f"There is a plan “{plan_id}” already.", code="plan_exists")
        self._put(new_plan(plan_id, **{"features": (), **values}))

    def add_feature(self, feature_id: str, display_name: str, description: str = "") -> None:
        """A feature that is not defined yet.

        Raises:
            Conflict: it is.
        """
        if self.shown.feature(feature_id):
            raise Conflict(f"There is a feature “{feature_id}” already.", code="feature_exists")
        self._put(new_feature(feature_id, display_name, description))

    def leave_out(self, kind: str, identifier: str) -> None:
        """Takes a new plan or feature out again, with all that is said of it."""
        for key, change in list(self._changes.items()):
            if identifier == (change.plan_id if kind == "plan" else change.feature_id):
                del self._changes[key]
            elif kind == "feature" and change.subject == "plan" and change.adds:
                having = set(change.after["features"]) - {identifier}
                self._changes[key] = replace(change, after={**change.after, "features": having})
        self._shown = None

    def take(self, changes: Iterable[Change]) -> None:
        """Takes up changes made elsewhere, over what is changed here."""
        for change in ordered(changes):
            self._put(change)

    def clear(self) -> None:
        """As it is saved."""
        self._changes.clear()
        self._shown = None

    def copy(self) -> Mapping[Key, Change]:
        """What it is now, for `restore`."""
        return dict(self._changes)

    def restore(self, kept: Mapping[Key, Change]) -> None:
        """As it was when `copy` gave that."""
        self._changes = dict(kept)
        self._shown = None

    def rebase(self, saved: Matrix) -> list[tuple[Change, str]]:
        """Goes on over another version; what changes nothing there is given back, with why."""
        found = rebase(self.changes, saved)
        self.saved, self._shown = saved, None
        self._changes = {change.key: change for change in found.still}
        return found.dropped

    def _put(self, change: Change) -> None:
        self._shown = None
        if change.before == change.after or self._stands(change):
            self._changes.pop(change.key, None)
        else:
            self._changes[change.key] = change

    def _stands(self, change: Change) -> bool:
        """Whether it is so as it is saved."""
        try:
            return State.of(self.saved).value(change) == change.after
        except InvalidRequest:
            return change.subject == "cell" and not change.after  # of a feature that this very draft adds


def preview(saved: Matrix, changes: Iterable[Change]) -> Matrix:
    """The matrix as a change set would make it."""
    state = State.of(saved)
    for change in ordered(changes):
        state.put(change)
    return replace(
        saved,
        plans=tuple(sorted(state.plans.values(), key=lambda plan: (plan.rank, plan.id))),
        features=tuple(sorted(state.features.values(), key=lambda feature: feature.id)),
    )


def rebase(changes: Iterable[Change], saved: Matrix) -> Rebased:
    """A change set made on an older version, on this one; values that others changed meanwhile stand as `before`."""
    state, found = State.of(saved), Rebased([], [])
    for change in ordered(changes):
        try:
            stands = state.value(change)
        except InvalidRequest as gone:
            found.dropped.append((change, gone.message))
            continue
        if stands == change.after:
            found.dropped.append((change, "It is so by now."))
        elif change.adds and stands is not None:
            found.dropped.append((change, f"There is such a {change.subject} by now."))
        else:
            one = replace(change, before=stands)
            state.put(one)
            found.still.append(one)
    return found
