"""The dialogs that add or edit a plan or a feature. What they say becomes part of the draft; nothing is saved by them."""

import re
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from core.entitlements.changes import plan_values
from core.entitlements.checking import check_changes
from core.entitlements.fields import PROPERTIES
from core.entitlements.rules import FeatureView, PlanView
from core.errors import PurserError
from core.vocabulary import Modality
from dashboard.components import fields
from dashboard.components.html import Node
from dashboard.forms import PageDialog
from dashboard.numbers import whole
from dashboard.plans.desk import Desk
from dashboard.plans.rows import CHOICES, EMPTY

NUMBERS = (
    ("daily_generations", "monthly_credits"),
    ("monthly_ceiling", "daily_credits"),
    ("max_projects", "rank"),
    ("trial_days", "trial_uses"),
)
LATER = "It becomes part of your changes; nothing is saved before the review."


class _DraftForm(PageDialog):
    """A dialog whose verb changes the draft, or says inside itself why it cannot."""

    def __init__(self, desk: Desk, title: str, *, verb: str, width: int = 560) -> None:
        super().__init__(desk.screen, title, sub=LATER, verb=verb, on_confirm=self._take, width=width)
        self._desk = desk

    def put(self) -> None:
        """Changes the draft; raises `PurserError` where that cannot be."""
        raise NotImplementedError

    async def _take(self) -> bool:
        self.fail(None)
        kept = self._desk.draft.copy()
        try:
            self.put()
            if self._desk.draft:
                check_changes(self._desk.draft.saved, self._desk.draft.changes)
        except PurserError as refusal:
            self._desk.draft.restore(kept)
            self.fail(refusal.message)
            return False
        await self._desk.show_draft()
        return True


class PlanForm(_DraftForm):
    """`PlanForm(desk, plan).open()`; without a plan it asks for a new one."""

    def __init__(self, desk: Desk, plan: PlanView | None = None) -> None:
        title, verb = (f"Plan {plan.display_name}", "Take over") if plan else ("Add a plan", "Add plan")
        super().__init__(desk, title, verb=verb)
        self._plan = plan
        values = plan_values(plan) if plan else _beginnings(desk)
        self._id: ui.input | None = None
        self._like: ui.select | None = None
        with self.body:
            if plan is None:
                with Node("div", "", "pu-pair"):
                    self._name = fields.text("Name", on_change=self._suggest_id)
                    self._id = fields.text("Id", help_text="For the API and for good, as in creator-plus.")
                offered = {one.id: one.display_name for one in desk.draft.shown.plans if not one.retired}
                self._like = fields.select(
                    "Begin with the features and limits of",
                    {"": "none", **offered},
                    value="",
                    on_change=self._begin_like,
                )
            else:
                self._name = fields.text("Name", value=plan.display_name)
            self._name.props("maxlength=60 autofocus")
            with Node("div", "", "pu-pair"):
                self._choices = {
                    name: fields.select(
                        PROPERTIES[name].label,
                        {one.value: one.label for one in CHOICES[name]},
                        value=str(values[name]),
                    )
                    for name in ("tier", "routing_strategy")
                }
            self._numbers: dict[str, ui.input] = {}
            for pair in NUMBERS:
                with Node("div", "", "pu-pair"):
                    for name in pair:
                        self._numbers[name] = _number(name, values[name])
            with Node("div", "", "pu-field", role="group") as group:
                label = Node("span", "Modalities", "pu-label")
                with Node("div", "", "pu-ticks"):
                    self._modalities = {
                        one: fields.checkbox(one.capitalize(), value=one in (values["modalities"] or ()))
                        for one in Modality
                    }
            group.set(aria_labelledby=label.html_id)
            self._watermark = fields.switch("Watermark", value=bool(values["watermark"]))

    def put(self) -> None:
        said = self._said()
        draft = self._desk.draft
        if self._plan is None:
            like = draft.shown.plan(self._like.value or None) if self._like else None
            identifier = (self._id.value or "").strip() if self._id else ""
            draft.add_plan(identifier, {**said, "features": like.features if like else ()})
            return
        before = plan_values(self._plan)
        for name, value in said.items():
            if name != "display_name" and value == before[name]:
                continue
            draft.set_plan(self._plan.id, name, value)

    def _said(self) -> Mapping[str, Any]:
        """What the fields say, cleaned; raises `InvalidRequest` naming the field that means nothing."""
        said: dict[str, Any] = {"display_name": self._name.value or ""}
        said |= {name: field.value for name, field in self._choices.items()}
        said |= {name: _whole(name, field) for name, field in self._numbers.items()}
        said["modalities"] = tuple(sorted(str(one) for one, field in self._modalities.items() if field.value))
        said["watermark"] = bool(self._watermark.value)
        for name, value in said.items():
            said[name] = PROPERTIES[name].check(PROPERTIES[name].label, value)
        said["modalities"] = tuple(sorted(said["modalities"]))
        return said

    def _suggest_id(self) -> None:
        if self._id is not None:
            self._id.value = re.sub(r"[^a-z0-9]+", "-", (self._name.value or "").lower()).strip("-")

    def _begin_like(self) -> None:
        plan = self._desk.draft.shown.plan(self._like.value or None) if self._like else None
        if plan is None:
            return
        values = plan_values(plan)
        for name, field in self._choices.items():
            field.value = str(values[name])
        for name, field in self._numbers.items():
            if name != "rank":
                field.value = _text(values[name])
        for modality, box in self._modalities.items():
            box.value = modality in values["modalities"]
        self._watermark.value = plan.watermark


class FeatureForm(_DraftForm):
    """`FeatureForm(desk, feature).open()`; without a feature it asks for a new one, `suggested` being its id."""

    def __init__(self, desk: Desk, feature: FeatureView | None = None, *, suggested: str = "") -> None:
        title, verb = (f"Feature {feature.id}", "Take over") if feature else ("Add a feature", "Add feature")
        super().__init__(desk, title, verb=verb, width=520)
        self._feature = feature
        name = feature.display_name if feature else suggested.replace("-", " ").replace("_", " ").capitalize()
        with self.body:
            if feature is None:
                self._id = fields.text(
                    "Id",
                    value=suggested,
                    placeholder="topic-researcher",
                    help_text="What products ask for, for good.",
                )
                self._id.props("maxlength=60 autofocus")
            self._name = fields.text("Name", value=name, placeholder="Topic researcher")
            self._name.props("maxlength=60" + (" autofocus" if feature else ""))
            self._description = fields.area(
                "Description",
                value=feature.description if feature else "",
                rows=2,
                limit=300,
                note="optional",
            )
            if feature is None:
                self._plans = _plan_boxes(desk)

    def put(self) -> None:
        draft, name, description = (
            self._desk.draft,
            (self._name.value or "").strip(),
            (self._description.value or "").strip(),
        )
        if self._feature is None:
            identifier = (self._id.value or "").strip()
            draft.add_feature(identifier, name, description)
            for plan_id, box in self._plans.items():
                if box.value:
                    draft.set_cell(plan_id, identifier, True)
            return
        draft.set_feature(self._feature.id, "display_name", name)
        draft.set_feature(self._feature.id, "description", description)


def _beginnings(desk: Desk) -> Mapping[str, Any]:
    """What a new plan begins with: the defaults, at the end of the row."""
    last = max((one.rank for one in desk.draft.shown.plans), default=0)
    return {name: one.default for name, one in PROPERTIES.items()} | {"rank": last + 10}


def _plan_boxes(desk: Desk) -> Mapping[str, ui.checkbox]:
    """On which plans it is from the beginning."""
    with Node("div", "", "pu-field", role="group") as group:
        label = Node("span", "On the plans", "pu-label")
        with Node("div", "", "pu-ticks"):
            found = {
                one.id: fields.checkbox(one.display_name) for one in desk.draft.shown.plans if not one.retired
            }
    group.set(aria_labelledby=label.html_id)
    return found


def _number(name: str, value: int | None) -> ui.input:
    field = fields.text(
        PROPERTIES[name].label, value=_text(value), placeholder=EMPTY.get(name, "0"), note=_note(name)
    )
    field.props("inputmode=numeric")
    return field


def _note(name: str) -> str:
    return {"rank": "order of the columns"}.get(name, "")


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _whole(name: str, field: ui.input) -> int | None:
    """A number; where none is written, what an empty field of that name means."""
    value = whole(field.value, PROPERTIES[name].label)
    return 0 if value is None and name not in EMPTY else value
