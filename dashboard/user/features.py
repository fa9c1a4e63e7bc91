"""What a user may use, why, and until when; "why not?" for any feature id; and the limits of the day, the month, the trial."""

from collections.abc import Sequence
from datetime import datetime

from core.accounts.person import Person
from core.entitlements.rules import (
    Decision,
    Entitlements,
    Reason,
    check,
    effective_limit,
    feature_override,
    nearest,
)
from dashboard.components import fields, time
from dashboard.components.button import Button
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.facts import Box
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.status import Chip, Status, Tone
from dashboard.components.table import Column, DataTable, Row
from dashboard.user.desk import Desk
from dashboard.user.overriding import LIMIT_WORDS, add_override
from dashboard.user.reading import Reading
from dashboard.user.tab import Tab

ALLOWED = Status("Allowed", "check_circle", "ok")
DENIED = Status("Not allowed", "block", "neutral")
COLUMNS = (
    Column("feature", "Feature", None, card="title"),
    Column("value", "Value", 140, card="status"),
    Column("source", "Source", 300),
    Column("ends", "Ends", 130, card="meta"),
    Column("why", "Why", 80, "end", silent=True, card="key"),
)
LIMITS = (
    Column("limit", "Limit", None, card="title"),
    Column("used", "Used", 150, "end", card="key"),
    Column("allowed", "Allowed", 150, "end", card="status"),
    Column("source", "Source", 250, card="meta"),
)
WHY = "why"


class FeaturesTab(Tab):
    """The answers that the user's product gets now, and their reasons."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        with self.body:
            self.why = WhyNot(desk)
            self.features = DataTable("Features", COLUMNS).on_action(self._asked)
            Node("h2", "Limits", "pu-h3")
            self.limits = DataTable("Limits", LIMITS)

    async def load(self, person: Person) -> None:
        desk = self.desk
        defined = entitlements(desk)
        self.features.show_rows([self._row(feature) for feature in defined.features])
        self.limits.show_rows(limit_rows(desk.found, desk.screen.now()))
        self.why.show_answer()
        self.succeed()

    def count(self) -> str | None:
        return format_count(len(entitlements(self.desk).features))

    async def _asked(self, feature: str, action: str) -> None:
        if action == WHY:
            await self.why.ask(feature)

    def _row(self, feature: str) -> Row:
        desk = self.desk
        decision = decide(desk, feature)
        name = entitlements(desk).features[feature]
        source, ends = source_of(decision, desk)
        label = f"Why is {name} {'allowed' if decision.allowed else 'not allowed'}?"
        cells: Sequence[Cell] = [
            [Bit(name, "strong"), Bit(feature)],
            chip(ALLOWED if decision.allowed else DENIED),
            source,
            ends,
            Bit("Why?" if decision.allowed else "Why not?", label=label, action=WHY),
        ]
        return Row(feature, cells)


class WhyNot(Node):
    """The question, and the chain of steps that leads to the answer. The feature asked about stands in the address."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("section", "", "pu-card pu-card-body pu-user-why")
        self._desk = desk
        with self:
            with Node("form", "", "pu-user-why-form") as form:
                self._field = fields.text(
                    "Why may this user, or may not, use a feature?",
                    value=desk.address.feature or "",
                    placeholder="Any feature id, such as topic-researcher",
                ).props("maxlength=100 autocomplete=off")
                Button("Explain", icon="help", submit=True)
            self._answer = Node("div", "", "pu-user-why-answer", role="status")
        form.on("submit.prevent", self._submitted, args=[])
        self._shown: tuple[object, ...] = ()

    async def ask(self, feature: str) -> None:
        """Explains a feature."""
        feature = feature.strip()
        self._field.set_value(feature)
        await self._desk.go(self._desk.address.asking(feature or None))

    async def _submitted(self) -> None:
        await self.ask(self._field.value or "")

    def show_answer(self) -> None:
        """Shows the chain of the feature in the address; the same answer stays as it is."""
        feature = self._desk.address.feature
        if feature is None:
            self._shown = ()
            self._answer.clear()
            return
        decision = decide(self._desk, feature)
        shown = (feature, decision.message, decision.chain, self._desk.beyond)
        if shown == self._shown:
            return
        self._shown = shown
        self._answer.clear()
        with self._answer:
            self._draw(feature, decision)

    def _draw(self, feature: str, decision: Decision) -> None:
        with Box("ok" if decision.allowed else None, lined=not decision.allowed):
            with Node("div", "", "pu-row"):
                Chip(ALLOWED if decision.allowed else DENIED)
                Node("span", decision.message, "is-strong")
            with Node("ol", "", "pu-user-chain", aria_label="The decision, step by step"):
                for step in decision.chain:
                    look = STEPS[step.outcome]
                    with Node("li", "", f"is-{look.tone}"):
                        Icon(look.icon)
                        with Node("span"):
                            Node("b", step.step.capitalize())
                            Node("span", f" {look.word}", "pu-hidden")
                            if step.detail and step.detail != decision.message:
                                Node("span", f" {step.detail}", "is-second")
                            elif step.outcome in ("not reached", "none"):
                                Node("span", f" {look.word}", "is-quiet")
            self._next_step(feature, decision)

    def _next_step(self, feature: str, decision: Decision) -> None:
        """What can be done about it."""
        desk = self._desk
        near = (
            nearest(feature, entitlements(desk).features)
            if decision.reason is Reason.FEATURE_UNDEFINED
            else None
        )
        defined = feature in entitlements(desk).features
        with Node("div", "", "pu-row is-wrapping"):
            if near:
                Button(f"Ask about {near}", lambda: self.ask(near), icon="spellcheck", small=True)
            if defined:
                allow = not decision.allowed
                Button(
                    "Allow for this user…" if allow else "Switch off for this user…",
                    lambda: add_override(desk, feature=feature, allowed=allow),
                    icon="add" if allow else "block",
                    small=True,
                ).enable(desk.beyond is None, why=desk.beyond)


STEPS: dict[str, Status] = {
    "passed": Status("passed", "check_circle", "ok"),
    "failed": Status("failed", "cancel", "bad"),
    "not reached": Status("not reached", "more_horiz", "neutral"),
    "none": Status("none", "remove", "neutral"),
    "allows": Status("allows", "check_circle", "ok"),
    "denies": Status("denies", "block", "bad"),
}


def entitlements(desk: Desk) -> Entitlements:
    """The plans and features of now."""
    return desk.purser.snapshots.current.entitlements


def decide(desk: Desk, feature: str) -> Decision:
    """What the user's product would be told; asking here is not counted."""
    return check(entitlements(desk), desk.found.user, feature, desk.screen.now())


def source_of(decision: Decision, desk: Desk) -> tuple[Cell, Cell]:
    """Where an answer comes from, and until when it holds."""
    plan = decision.plan.display_name if decision.plan else "no plan"
    person = desk.found.user
    ends: datetime | None = person.plan_expires_at
    match decision.reason:
        case Reason.OK:
            source: Cell = f"plan {plan}"
        case Reason.OVERRIDE_ALLOWS | Reason.OVERRIDE_DENIES:
            override = feature_override(person, decision.feature_id, desk.screen.now())
            ends = override.expires_at if override else None
            source = Bit("override", "info", "person_edit", shape="chip")
        case Reason.FEATURE_NOT_IN_PLAN:
            source, ends = f"not in plan {plan}", None
        case _:
            source, ends = Bit(decision.message, title=decision.message), None
    return source, Bit(time.day(ends, desk.screen.zone), moment=time.iso(ends)) if ends else DASH


def limit_rows(found: Reading, now: datetime) -> list[Row]:
    """What is limited for this user, by plan or override, and how much of it is used."""
    plan, usage = found.usage.plan, found.usage
    if plan is None:
        return []
    trial = usage.trial
    rows: list[Row] = []
    for name, words in LIMIT_WORDS.items():
        if name == "trial_uses" and not plan.is_trial:
            continue
        of_plan: int | None = getattr(plan, name)
        now_allowed = effective_limit(plan, found.user, name, now)
        money = name == "monthly_ceiling"
        used: Cell = DASH
        if name == "daily_generations":
            used = format_count(usage.today)
        elif money:
            used = format_credits(usage.monthly_used)
        elif (
            name == "trial_uses" and trial is not None and trial.uses is not None and now_allowed is not None
        ):
            used = format_count(now_allowed - trial.uses)
        over = now_allowed != of_plan
        tone: Tone = "info"
        source: Cell = (
            Bit(f"override, plan says {_amount(of_plan, money=money)}", tone)
            if over
            else f"plan {plan.display_name}"
        )
        rows.append(Row(name, [words, used, _amount(now_allowed, money=money), source]))
    return rows


def _amount(value: int | None, *, money: bool) -> str:
    return "no limit" if value is None else format_credits(value) if money else format_count(value)
