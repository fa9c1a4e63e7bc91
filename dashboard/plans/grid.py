"""The grid of plans: features and limits down, plans across; changed by mouse or keyboard, cell by cell.

One component draws it (`matrix.js`): a refresh changes cells in place, and the focus stays. It knows no plans: it gets
rows and cells as data, and says what a person asked for.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from dashboard.components.html import safe_href

Value = bool | int | str | Sequence[str] | None
OnSet = Callable[[str, str, Value], Awaitable[Any] | Any]
OnAction = Callable[[str, str, str], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a head's menu: an action, or with `href` a link."""

    label: str
    icon: str
    action: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values of a cell."""

    value: str
    label: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """A symbol in a cell."""

    icon: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell.

    Attributes:
        name: its accessible name, whole: "voice-over on Premium: not on plan".
        kind: how it is changed; empty where it cannot be.
        value: what is edited, as JSON.
        text, icons: what is seen.
        was: the value before, where it is changed and can be told as text.
        asks: the accessible name of its editor.
        empty: of a number, what none at all is called; where it is empty, there is always a number.
    """

    name: str
    kind: Literal["", "toggle", "number", "choice", "many"] = ""
    value: Value = None
    text: str = ""
    icons: Sequence[Sign] = ()
    was: str = ""
    look: str = ""
    asks: str = ""
    empty: str = ""
    options: Sequence[Option] = ()

    def data(self) -> dict[str, Any]:
        """What the component gets."""
        return {
            "name": self.name,
            "kind": self.kind,
            "value": list(self.value) if isinstance(self.value, (list, tuple)) else self.value,
            "text": self.text,
            "icons": [{"icon": one.icon, "look": one.look} for one in self.icons],
            "was": self.was,
            "look": self.look,
            "asks": self.asks,
            "empty": self.empty,
            "options": [{"value": o.value, "label": o.label, "icon": o.icon} for o in self.options],
        }


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a plan's column: its name, and what stands below it."""

    id: str
    name: str
    sub: str
    title: str = ""
    look: str = ""
    menu: Sequence[Item] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A row: a group's name alone, or what is told of every plan, one cell each."""

    id: str
    label: str
    cells: Sequence[Cell] = ()
    note: str = ""
    title: str = ""
    look: str = ""
    group: bool = False
    menu: Sequence[Item] = field(default=())


class Grid(Element, component="matrix.js", default_classes="pu-card pu-matrix"):
    """`Grid("Plans", on_set, on_action)`; `show` shows another state in place.

    `on_set(row, plan, value)` gets only rows, plans and kinds of values that it shows; `on_action(kind, id, action)`
    only entries of its menus. Whether a person may is for the page to ask.
    """

    def __init__(self, caption: str, on_set: OnSet, on_action: OnAction) -> None:
        super().__init__()
        self._on_set, self._on_action = on_set, on_action
        self._heads: Sequence[Head] = ()
        self._lines: Sequence[Line] = ()
        self.props.update(caption=caption, plans=[], rows=[], readonly=False, nothing="")
        self.on("set", self._set)
        self.on("act", self._act)

    def show(self, heads: Sequence[Head], lines: Sequence[Line], *, nothing: str = "") -> Self:
        """Shows these columns and rows; `nothing` is said below them, where a filter leaves no row."""
        self.props["nothing"] = nothing
        if (heads, lines) != (self._heads, self._lines):
            self._heads, self._lines = heads, lines
            self.props.update(plans=[_head(one) for one in heads], rows=[_line(one) for one in lines])
        return self

    def cell(self, row: str, plan: str) -> Cell | None:
        """A cell that is shown."""
        place = next((at for at, head in enumerate(self._heads) if head.id == plan), None)
        line = next((one for one in self._lines if one.id == row and not one.group), None)
        return line.cells[place] if line and place is not None else None

    async def _set(self, event: GenericEventArguments) -> None:
        """The browser can send anything: only cells that are shown, and values of their kind, count."""
        said = event.args
        if not isinstance(said, list) or len(said) != 3 or not all(isinstance(one, str) for one in said[:2]):
            return
        row, plan, value = said
        cell = self.cell(row, plan)
        if cell and _fits(cell, value):
            await _run(self._on_set(row, plan, value))

    async def _act(self, event: GenericEventArguments) -> None:
        said = event.args
        if not isinstance(said, list) or len(said) != 3 or not all(isinstance(one, str) for one in said):
            return
        kind, identifier, action = said
        found = self._heads if kind == "plan" else self._lines
        one = next((one for one in found if one.id == identifier), None)
        if one and any(item.action == action and not item.href for item in one.menu):
            await _run(self._on_action(kind, identifier, action))

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        heads = [word for head in self._heads for word in (head.name, head.sub)]
        rows = [line.label for line in self._lines]
        return [*heads, *rows, *(cell.name for line in self._lines for cell in line.cells)]


def _fits(cell: Cell, value: Any) -> bool:
    match cell.kind:
        case "toggle":
            return isinstance(value, bool)
        case "number":
            none = value is None and bool(cell.empty)
            return none or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
        case "choice":
            return isinstance(value, str) and value in {one.value for one in cell.options}
        case "many":
            known = {one.value for one in cell.options}
            return isinstance(value, list) and all(isinstance(one, str) and one in known for one in value)
        case _:
            return False


async def _run(outcome: Awaitable[Any] | Any) -> None:
    if inspect.isawaitable(outcome):
        await outcome


def _menu(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label,
            "icon": one.icon,
            "action": one.action,
            "href": safe_href(one.href) if one.href else None,
        }
        for one in items
    ]


def _head(head: Head) -> dict[str, Any]:
    return {
        "id": head.id,
        "name": head.name,
        "sub": head.sub,
        "title": head.title,
        "look": head.look,
        "menu": _menu(head.menu),
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "label": line.label,
        "note": line.note,
        "title": line.title,
        "look": line.look,
        "group": line.group,
        "menu": _menu(line.menu),
        "cells": [cell.data() for cell in line.cells],
    }
