"""What differs between two states of the plans, and for how many users: counted by plan, each user once.

All on a plan are touched alike, but for those with exceptions in force for something that changes: each of these is
decided on as they are and as they would be.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.entitlements.changes import Change, plan_values
from core.entitlements.fields import PROPERTIES
from core.entitlements.rules import Entitlements, Limit, PlanView, effective_limit, feature_override

RAISABLE: tuple[Limit, ...] = ("daily_generations", "monthly_ceiling", "max_projects")
"""Limits of those who are on a plan that exceptions raise. A trial's uses are the user's own from the day it begins."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes for those on one plan who have no exception: a feature, or a property of the plan."""

    name: str
    feature: bool
    before: Any
    after: Any
    gains: bool = False
    loses: bool = False
    touches: bool = True
    """Whether those who are on the plan notice."""


@dataclass(slots=True)
class Part:
    """How many users a difference means something to. `kept` are those whom an exception leaves with what they had,
    `without` those whom one leaves without."""

    gain: int = 0
    lose: int = 0
    kept: int = 0
    without: int = 0


@dataclass(frozen=True, slots=True)
class Exceptional:
    """An exception in force, as decisions want to see it."""

    feature_id: str | None
    limit_name: str | None
    allowed: bool | None
    value: int | None
    expires_at: datetime | None = None


@dataclass(slots=True)
class Somebody:
    """A user with exceptions in force for something that changes."""

    plan_id: str
    overrides: list[Exceptional] = field(default_factory=list[Exceptional])
    status: str = "active"
    plan_expires_at: datetime | None = None
    trial_ends_at: datetime | None = None


def differences(before: Entitlements, after: Entitlements) -> dict[str, list[Difference]]:
    """What differs, by plan; plans where nothing does are missing, and those that come or go: nobody is on them."""
    found: dict[str, list[Difference]] = {}
    for plan_id, old in before.plans.items():
        new = after.plans.get(plan_id)
        if new is None:
            continue
        had, has = old.features & before.features.keys(), new.features & after.features.keys()
        values, others = plan_values(old), plan_values(new)
        parts = [
            Difference(name, True, name in had, name in has, gains=name in has, loses=name in had)
            for name in sorted(had ^ has)
        ]
        parts += [
            _difference(name, values[name], others[name])
            for name in PROPERTIES
            if values[name] != others[name] and name not in UNFELT
        ]
        if parts:
            found[plan_id] = parts
    return found


class Tally:
    """The count: in all (`users`, `gain`, `lose`), and by plan and what differs there (`parts`)."""

    def __init__(
        self,
        before: Entitlements,
        after: Entitlements,
        on_plan: Mapping[str | None, int],
        people: Iterable[Somebody],
        now: datetime,
    ) -> None:
        """`on_plan` counts all users; `people` are those with exceptions in force about something that changes."""
        self.before, self.after, self.on_plan = before, after, on_plan
        self.differences = differences(before, after)
        self.users = self.gain = self.lose = 0
        self.parts: defaultdict[tuple[str, str], Part] = defaultdict(Part)
        self._now = now
        self._features = changed_features(before, after)
        by_plan: defaultdict[str, list[Somebody]] = defaultdict(list)
        for person in people:
            by_plan[person.plan_id].append(person)
        for plan_id, parts in self.differences.items():
            self._count_alike(plan_id, max(0, on_plan.get(plan_id, 0) - len(by_plan[plan_id])), parts)
        for plan_id, those in by_plan.items():
            old, new = before.plans.get(plan_id), after.plans.get(plan_id)
            if old and new:
                for person in those:
                    self._count_one(person, old, new)

    def of_change(self, change: Change) -> Part:
        """What one change does. Changes of one effect (a feature put on a plan, and its return) count it each."""
        total = Part()
        for (plan_id, name), part in self.parts.items():
            about = change.feature_id if change.subject != "plan" else change.field
            if name == about and change.plan_id in (None, plan_id):
                total.gain += part.gain
                total.lose += part.lose
        return total

    def _count_alike(self, plan_id: str, users: int, parts: Sequence[Difference]) -> None:
        self.gain += users * any(part.gains for part in parts)
        self.lose += users * any(part.loses for part in parts)
        self.users += users * any(part.touches for part in parts)
        for part in parts:
            self.parts[plan_id, part.name].gain += users * part.gains
            self.parts[plan_id, part.name].lose += users * part.loses

    def _count_one(self, person: Somebody, old: PlanView, new: PlanView) -> None:
        gains = loses = touched = False
        for name in self._features:
            part = self.parts[old.id, name]
            had = self._allowed(self.before, old, person, name)
            has = self._allowed(self.after, new, person, name)
            part.gain, part.lose = part.gain + (has and not had), part.lose + (had and not has)
            part.kept, part.without = part.kept + (had and has), part.without + (not had and not has)
            gains, loses = gains or (has and not had), loses or (had and not has)
        for difference in self.differences.get(old.id, ()):
            if difference.feature:
                continue
            part = self.parts[old.id, difference.name]
            if difference.name in RAISABLE:
                was = _or_infinite(effective_limit(old, person, difference.name, self._now))
                will_be = _or_infinite(effective_limit(new, person, difference.name, self._now))
                gain, lose = will_be > was, will_be < was
                part.kept += will_be == was
            else:
                gain, lose = difference.gains, difference.loses
                touched = touched or difference.touches
            part.gain, part.lose = part.gain + gain, part.lose + lose
            gains, loses = gains or gain, loses or lose
        self.gain, self.lose = self.gain + gains, self.lose + loses
        self.users += gains or loses or touched

    def _allowed(self, entitlements: Entitlements, plan: PlanView, person: Somebody, feature_id: str) -> bool:
        if feature_id not in entitlements.features:
            return False
        exception = feature_override(person, feature_id, self._now)
        return bool(exception.allowed) if exception else feature_id in plan.features


def changed_features(before: Entitlements, after: Entitlements) -> set[str]:
    """Features that somebody may gain or lose: on a plan, or for all who have them by exception."""
    found = set(before.features.keys() ^ after.features.keys())
    for parts in differences(before, after).values():
        found |= {part.name for part in parts if part.feature}
    return found


UNFELT = frozenset({"display_name", "rank"})


def _difference(name: str, before: Any, after: Any) -> Difference:
    gains = loses = False
    touches = True
    match name:
        case "daily_generations" | "monthly_ceiling" | "max_projects" | "monthly_credits" | "daily_credits":
            gains = _or_infinite(after) > _or_infinite(before)
            loses = not gains
        case "watermark":
            gains, loses = before, after
        case "modalities":
            gains, loses = bool(set(after) - set(before)), bool(set(before) - set(after))
        case "trial_uses":
            gains, loses = after is None, before is None
            touches = gains or loses
        case "trial_days" | "retired":
            touches = False
        case _:  # tier and strategy: other, neither more nor less
            pass
    return Difference(name, False, before, after, gains, loses, touches)


def _or_infinite(limit: int | None) -> float:
    return math.inf if limit is None else limit
