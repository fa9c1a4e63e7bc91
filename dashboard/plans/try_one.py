"""One user through a change set that is not saved: what is decided now, what would be decided after, and why."""

import asyncio
from collections.abc import Sequence
from typing import get_args

from core.accounts.lookup import look_up
from core.accounts.person import Person
from core.entitlements.changes import Change, applied
from core.entitlements.fields import PROPERTIES
from core.entitlements.matrix import Matrix
from core.entitlements.rules import Decision, Entitlements, Limit, Step, check, effective_limit
from core.errors import DatabaseUnavailable
from dashboard.access import MANAGERS
from dashboard.components import fields
from dashboard.components.html import Icon, Node
from dashboard.components.status import Chip, Status
from dashboard.plans.desk import Desk

ALLOWED = Status("Allowed", "check_circle", "ok")
REFUSED = Status("Not allowed", "block", "neutral")
LIMITS: tuple[Limit, ...] = get_args(Limit)
MARK = "="
"""Before a limit's name among features: no feature's id is written so."""


class TryOne:
    """The fields and the answer. Nothing is written, and nobody but the person who asks learns of it."""

    def __init__(self, desk: Desk, saved: Matrix, changes: Sequence[Change]) -> None:
        self._desk = desk
        self._now = saved.entitlements
        self._after = applied(self._now, changes)
        self._asking = asyncio.Lock()
        options = _options(self._after, changes)
        with Node("div", "", "pu-try"):
            self._who = fields.text(
                "E-mail or id of a user",
                placeholder="E-mail or id of a user",
                icon="person",
                silent=True,
                on_change=self._ask,
            )
            self._who.props["debounce"] = 300
            with self._who.add_slot("append"):
                self._plan = Node("span", "", "pu-chip is-bare is-neutral", hidden=True)
            self._what = fields.select(
                "Feature or limit",
                options,
                value=next(iter(options), None),
                silent=True,
                search=len(options) > 12,
                on_change=self._ask,
            )
        self._said = Node("div", "", "pu-tried", role="status", hidden=True)

    async def _ask(self) -> None:
        async with self._asking:
            text, what = (self._who.value or "").strip(), self._what.value
            person = None
            try:
                await self._desk.screen.visitor.now(MANAGERS)
                person = await self._find(text) if text else None
            except DatabaseUnavailable as absence:
                self._say_only(absence.message)
                return
            plan = self._now.plans.get(person.plan_id or "") if person else None
            self._plan.set_text(plan.display_name if plan else "no plan").show(person is not None)
            if not text:
                self._said.show(False)
            elif person is None:
                self._say_only("No such user. Write the whole e-mail address, or an id.")
            elif isinstance(what, str):
                self._show(person, what)

    async def _find(self, text: str) -> Person | None:
        """The user of an address or id, or the only one whose address begins so."""
        identities = self._desk.purser.identities
        if found := await identities.resolve_user(text):
            return found
        near = await look_up(self._desk.purser.database, text, limit=2)
        return await identities.resolve_user(str(near[0].id)) if len(near) == 1 else None

    def _show(self, person: Person, what: str) -> None:
        now = self._desk.screen.now()
        self._said.clear()
        self._said.show(True)
        with self._said:
            Node("p", person.email, "pu-hidden")
            if what.startswith(MARK):
                for label, entitlements in (("Now", self._now), ("After", self._after)):
                    self._limit(label, entitlements, person, what.removeprefix(MARK))
                return
            _decision("Now", check(self._now, person, what, now))
            after = check(self._after, person, what, now)
            _decision("After", after)
            _chain(after)

    def _limit(self, label: str, entitlements: Entitlements, person: Person, name: str) -> None:
        plan = entitlements.plans.get(person.plan_id or "")
        limit: Limit = LIMITS[LIMITS.index(name)]
        if plan is None:
            value, words = "–", "no plan"
        else:
            found = effective_limit(plan, person, limit, self._desk.screen.now())
            value = PROPERTIES[limit].words(found)
            own = getattr(plan, limit)
            words = f"on plan {plan.display_name}" if found == own else f"by override; the plan says {PROPERTIES[limit].words(own)}"  # fmt: skip
        with Node("div"):
            Node("span", label)
            Node("b", value, "is-strong")
            Node("span", words)

    def _say_only(self, words: str) -> None:
        self._said.clear()
        self._said.show(True)
        with self._said:
            Node("p", words)


def _options(after: Entitlements, changes: Sequence[Change]) -> dict[str, str]:
    """What can be tried: what is changed first, then all other features."""
    limits = [one.field for one in changes if one.subject == "plan" and one.field in LIMITS]
    touched = [one.feature_id for one in changes if one.feature_id]
    named = {
        **{one: one for one in touched},
        **{f"{MARK}{one}": PROPERTIES[one].label for one in limits if one},
    }
    return {**named, **{one: one for one in after.features}}


def _decision(label: str, decision: Decision) -> None:
    with Node("div"):
        Node("span", label)
        Chip(ALLOWED if decision.allowed else REFUSED)
        Node("span", decision.message)


def _chain(decision: Decision) -> None:
    with Node("ol", "", "pu-chain", aria_label="How it is decided after"):
        for step in decision.chain:
            words = _step_words(step, decision)
            if words:
                _step(step, words)


def _step(step: Step, words: str) -> None:
    icon, tone, said = {
        "passed": ("check", "is-ok", "passed"),
        "allows": ("check", "is-ok", "passed"),
        "failed": ("close", "is-bad", "failed"),
        "denies": ("close", "is-bad", "failed"),
    }.get(step.outcome, ("", "", ""))
    with Node("li"):
        if icon:
            Icon(icon, tone, label=said)
        Node("span", words, "is-strong" if step.step == "feature on plan" else "")


def _step_words(step: Step, decision: Decision) -> str:
    """A link of the chain in a word or two; one that says nothing by itself is left out."""
    passed = step.outcome == "passed"
    if step.outcome == "not reached" or (step.step == "feature defined" and passed):
        return ""
    if step.step == "plan":
        return f"plan {step.detail}" if passed else "plan"
    if step.step == "feature on plan":
        return f"{decision.feature_id} {'on plan' if passed else 'not on plan'}"
    if step.step == "override":
        until = f" {step.detail}" if step.detail else ""
        return "no override" if step.outcome == "none" else f"override {step.outcome}{until}"
    return step.step
