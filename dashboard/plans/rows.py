"""What the cells of the matrix say: pure functions from plans and features, as saved and as they would be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from core.entitlements.fields import PROPERTIES
from core.entitlements.matrix import Matrix
from core.entitlements.models import Tier
from core.entitlements.rules import NEEDED_PLANS, FeatureView, PlanView
from core.vocabulary import STRATEGIES, Modality
from dashboard.components.money import format_count
from dashboard.plans.grid import Cell, Head, Item, Line, Option, Sign
from dashboard.providers.words import MODALITY_ICONS

ON, OFF = "on plan", "not on plan"
DASH = "–"
NO_LIMIT = "No limit"
GENERATIONS = "generations"
"""The row that tells generations a day, and of a trial those in all: each plan is limited by one of them."""
LIMITS: Mapping[str, str] = {
    "tier": "Tier",
    GENERATIONS: "Generations a day",
    "monthly_credits": "Credits a month",
    "monthly_ceiling": "Ceiling a month, credits",
    "daily_credits": "Free credits a day",
    "trial_days": "Trial",
    "max_projects": "Projects",
    "modalities": "Modalities",
    "watermark": "Watermark",
    "routing_strategy": "Routing strategy",
}
"""The rows of limits in order, with their names."""
LIMIT_MARK = "="
"""Before a limit's row: no feature's id is written so."""
CHOICES: Mapping[str, Sequence[Option]] = {
    "tier": [Option(one, one.capitalize()) for one in Tier],
    "routing_strategy": [Option(one, one.capitalize()) for one in STRATEGIES],
    "modalities": [Option(one, one.capitalize(), icon) for one, icon in MODALITY_ICONS.items()],
}
EMPTY: Mapping[str, str] = {
    "daily_generations": NO_LIMIT,
    "monthly_ceiling": NO_LIMIT,
    "max_projects": NO_LIMIT,
    "trial_days": "None",
    "trial_uses": "None",
}
"""What no number at all is called, where it may be left out."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The matrix as it is saved, as it would be, and who is on which plan."""

    saved: Matrix
    draft: Matrix
    users: Mapping[str | None, int]
    editable: bool = True


def field_of(row: str, plan: PlanView) -> str | None:
    """The plan's property that a row of limits tells; None for a feature's row."""
    if not row.startswith(LIMIT_MARK):
        return None
    name = row.removeprefix(LIMIT_MARK)
    if name != GENERATIONS:
        return name
    return (
        "trial_uses"
        if plan.daily_generations is None and plan.trial_uses is not None
        else "daily_generations"
    )


def heads(sheet: Sheet, *, retired: bool = False) -> list[Head]:
    """A column per plan that is in use; `retired` shows all."""
    return [_head(sheet, plan) for plan in _plans(sheet, retired=retired)]


def lines(sheet: Sheet, rows: str | None, *, retired: bool = False) -> list[Line]:
    """The rows, in their groups; `rows` leaves only those where plans differ, or those that are changed."""
    plans = _plans(sheet, retired=retired)
    limits = [_limit(sheet, name, label, plans) for name, label in LIMITS.items()]
    features = [_feature(sheet, feature, plans) for feature in _features(sheet, retired=retired)]
    groups = (("=limits", "Limits", limits), ("=features", "Features", features))
    found: list[Line] = []
    for key, label, members in groups:
        kept = [line for line in members if _kept(line, rows)]
        if kept:
            found += [Line(key, label, group=True), *kept]
    return found


def _kept(line: Line, rows: str | None) -> bool:
    """Whether a row is shown; one that is changed always is, so that none goes from under a hand."""
    changed = bool(line.look) or any("is-changed" in cell.look for cell in line.cells)
    if rows == "differ":
        return changed or len({(cell.text, tuple(cell.icons)) for cell in line.cells}) > 1
    return changed or rows != "changed"


# Columns and rows


def _plans(sheet: Sheet, *, retired: bool) -> list[PlanView]:
    """Those in use, those that people are on, and those that are being retired."""
    kept: list[PlanView] = []
    for plan in sheet.draft.plans:
        before = sheet.saved.plan(plan.id)
        gone = plan.retired and (before is None or before.retired)
        if retired or not gone or sheet.users.get(plan.id):
            kept.append(plan)
    return kept


def _features(sheet: Sheet, *, retired: bool) -> list[FeatureView]:
    """In the order of how many plans have them as saved, so that no row moves while it is changed; new ones last."""
    plans = [plan for plan in sheet.saved.plans if not plan.retired]
    known = {one.id: one for one in sheet.saved.features}

    def order(one: FeatureView) -> tuple[bool, int, str]:
        return one.id not in known, -sum(one.id in plan.features for plan in plans), one.id

    shown = [
        one
        for one in sheet.draft.features
        if retired or not one.retired or not (one.id in known and known[one.id].retired)
    ]
    return sorted(shown, key=order)


def _head(sheet: Sheet, plan: PlanView) -> Head:
    before = sheet.saved.plan(plan.id)
    users = sheet.users.get(plan.id, 0)
    sub = f"{format_count(users)} {'user' if users == 1 else 'users'}" if before else "new plan"
    told = [plan.id]
    if before and before.display_name != plan.display_name:
        told.append(f"was {before.display_name}")
    changed = before is None or _about(before) != _about(plan)
    menu = [Item("Edit plan…", "edit", "edit")] if sheet.editable else []
    if before is None:
        menu.append(Item("Leave it out", "close", "drop"))
    else:
        menu.append(Item("See its users", "group", "users", f"/users?plan={quote(plan.id)}"))
        if sheet.editable and plan.retired:
            menu.append(Item("Bring back", "undo", "restore"))
        elif sheet.editable and plan.id not in NEEDED_PLANS:
            menu.append(Item("Retire", "archive", "retire"))
    look = " ".join(["is-changed"] * changed + ["is-retired"] * plan.retired)
    sub = f"{sub}, retired" if plan.retired else sub
    return Head(plan.id, plan.display_name, sub, ", ".join(told), look, tuple(menu))


def _about(plan: PlanView) -> tuple[str, int, bool]:
    """What of a plan no row tells."""
    return plan.display_name, plan.rank, plan.retired


def _limit(sheet: Sheet, name: str, label: str, plans: Sequence[PlanView]) -> Line:
    row = f"{LIMIT_MARK}{name}"
    return Line(row, label, tuple(_limit_cell(sheet, row, label, plan) for plan in plans))


def _feature(sheet: Sheet, feature: FeatureView, plans: Sequence[PlanView]) -> Line:
    before = sheet.saved.feature(feature.id)
    menu: list[Item] = []
    if sheet.editable:
        menu.append(Item("Edit feature…", "edit", "edit"))
    if before is None:
        menu.append(Item("Leave it out", "close", "drop"))
    else:
        menu.append(Item("Exceptions of users", "rule", "overrides", f"/plans?tab=overrides&feature={quote(feature.id)}"))  # fmt: skip
        if sheet.editable:
            verb = (
                Item("Bring back", "undo", "restore")
                if feature.retired
                else Item("Retire", "archive", "retire")
            )
            menu.append(verb)
    changed = before is None or before != feature
    return Line(
        feature.id,
        feature.id,
        tuple(_feature_cell(sheet, feature, plan) for plan in plans),
        note="new" if before is None else "retired" if feature.retired else "",
        title=". ".join(filter(None, (feature.display_name, feature.description))),
        look=" ".join(["is-changed"] * changed + ["is-retired"] * feature.retired),
        menu=tuple(menu),
    )


# Cells


def _feature_cell(sheet: Sheet, feature: FeatureView, plan: PlanView) -> Cell:
    before = sheet.saved.plan(plan.id)
    on = feature.id in plan.features
    was = before is not None and feature.id in before.features
    changed = on != was and before is not None
    name = f"{feature.id} on {plan.display_name}: {ON if on else OFF}"
    if changed:
        name = f"{name}, was {OFF if on else ON}"
    icons: list[Sign] = [Sign("check")] if on else []
    if changed and not on:
        icons = [Sign("check", "is-gone"), Sign("arrow_forward", "is-to")]
    return Cell(
        name,
        "toggle" if sheet.editable and not feature.retired and not plan.retired else "",
        on,
        text="" if on else DASH,
        icons=tuple(icons),
        was=DASH if changed and on else "",
        look="is-changed" if changed else "" if on else "is-none",
    )


def _limit_cell(sheet: Sheet, row: str, label: str, plan: PlanView) -> Cell:
    field = field_of(row, plan)
    assert field, "a row of limits"
    before = sheet.saved.plan(plan.id)
    value, old = getattr(plan, field), getattr(before, field) if before else None
    changed = before is not None and value != old
    words = _words(field, value)
    asks = f"{label} of {plan.display_name}"
    name = f"{asks}: {_said(field, value)}{f', was {_said(field, old)}' if changed else ''}"
    kind = _kind(field)
    icons = _modalities(value, old or () if changed else value) if kind == "many" else ()
    quiet = "is-none" if words == DASH else "is-off" if field == "watermark" and not value else ""
    return Cell(
        name,
        kind if sheet.editable and not plan.retired else "",
        tuple(_in_order(value)) if kind == "many" else value,
        text="" if kind == "many" else words,
        icons=icons,
        was=_words(field, old) if changed and kind != "many" else "",
        look=" ".join(
            filter(None, ("is-changed" if changed else quiet, "is-many" if kind == "many" else ""))
        ),
        asks=asks,
        empty=EMPTY.get(field, ""),
        options=CHOICES.get(field, ()),
    )


def _kind(field: str) -> Literal["toggle", "number", "choice", "many"]:
    if field == "watermark":
        return "toggle"
    if field == "modalities":
        return "many"
    return "choice" if field in CHOICES else "number"


def _words(field: str, value: object) -> str:
    """A value in a cell: short, since its row names it."""
    if field == "trial_uses":
        return DASH if value is None else f"{value:,} in all"
    if field == "daily_credits" and not value:
        return DASH
    return PROPERTIES[field].words(value)


def _said(field: str, value: object) -> str:
    """A value in a sentence."""
    words = PROPERTIES[field].words(_in_order(value) if isinstance(value, frozenset) else value)
    return "none" if words in (DASH, "", "0") else words.lower()


def _in_order(chosen: Iterable[str]) -> list[str]:
    return [str(one) for one in Modality if one in chosen]


def _modalities(value: Iterable[str], old: Iterable[str]) -> tuple[Sign, ...]:
    """Those of the plan; where they are changed, the new ones marked and those that go faint."""
    now, before = set(value), set(old)
    signs: list[Sign] = []
    for one in _in_order(now | before):
        look = "is-gone" if one not in now else "is-new" if one not in before else ""
        signs.append(Sign(MODALITY_ICONS[Modality(one)], look))
    return tuple(signs)
