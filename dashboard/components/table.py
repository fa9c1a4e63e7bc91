"""The data table: paged and sorted by the server, one real `<table>`, cards on a phone.

    table = DataTable("Generations", [Column("status", "Status", 114, card="status"), …], row_height=48)
    table.on_open(select).on_sort(sort).on_page(turn)
    table.show_rows([Row(id, cells, href="?sel=…"), …], foot="1–50 of 10,000+", next_page="?after=…")

The setters change it in place: rows keep their identity by id, the focus stays. States fill the place of the rows:
`show_loading`, and `show_state()` for empty, no match and error.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from dashboard.components import cells
from dashboard.components.cells import Cell
from dashboard.components.html import safe_href

Told = Callable[..., Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        key: its name, also in `?sort=`.
        label: its head; with `silent` only for assistive technology.
        width: pixels, or None to take what is left.
        align: numbers stand at the end.
        sort: whether its head is a button.
        link: whether its cell carries the row's link; one column a table.
        card: where it stands in a phone's card: title, key, status, meta; not at all without.
        title: what the head means, as a tooltip.
    """

    key: str
    label: str
    width: int | None = None
    align: Literal["start", "center", "end"] = "start"
    sort: bool = False
    link: bool = False
    card: Literal["title", "key", "status", "meta"] | None = None
    silent: bool = False
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its id, a cell for each column in order, where it leads, and whether it is a total or a group's head.

    `name` is what a checkbox in front of it calls it.
    """

    id: str
    cells: Sequence[Cell]
    href: str | None = None
    look: Literal["", "total", "group"] = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """The order shown: a column's key, and whether the largest comes first."""

    key: str
    down: bool = True


class DataTable(Element, component="table.js", default_classes="pu-table"):
    """See the module. `beside` tightens the cells, for a table beside a pane; `cards=False` keeps rows on a phone."""

    def __init__(
        self,
        caption: str,
        columns: Sequence[Column],
        *,
        row_height: Literal[32, 36, 40, 48] = 40,
        beside: bool = False,
        framed: bool = True,
        cards: bool = True,
        least_width: int = 0,
        skeletons: int = 8,
    ) -> None:
        super().__init__()
        self._handlers: dict[str, Told] = {}
        self._rows: list[Row] = []
        self.shown_at: datetime | None = None
        self.columns = list(columns)
        self.classes(" ".join(["pu-card"] * framed + ["is-beside"] * beside + ["has-cards"] * cards))
        self.style(f"--row: {row_height}px" + (f"; --least: {least_width}px" if least_width else ""))
        self.props.update(
            columns=[_column(column) for column in columns],
            rows=[],
            caption=caption,
            state="loading",
            skeletons=skeletons,
            told=[],
        )
        for name in ("open", "sort", "page", "act", "pick"):
            self.on(name, self._tell(name))

    def on_open(self, handler: Callable[[str], Any]) -> Self:
        """Call `handler(row id)` when a row is chosen; without it the row's link is followed."""
        return self._told("open", handler)

    def on_sort(self, handler: Callable[[str], Any]) -> Self:
        """Call `handler(column key)` when a head is pressed; keys are only those of sortable columns."""
        return self._told("sort", handler)

    def on_page(self, handler: Callable[[str], Any]) -> Self:
        """Call `handler("prev" | "next")`; without it the links are followed."""
        return self._told("page", handler)

    def on_action(self, handler: Callable[[str, str], Any]) -> Self:
        """Call `handler(row id, action)` when a cell's button is pressed."""
        return self._told("act", handler)

    def on_pick(self, handler: Callable[[list[str], bool], Any]) -> Self:
        """Put a checkbox in front of each row, and call `handler(row ids, whether ticked)` when one is pressed, or all
        of the page at once; `pick` shows the ticks."""
        return self._told("pick", handler)

    def pick(self, row_ids: Iterable[str]) -> Self:
        """Tick these rows, and no others."""
        self.props["picked"] = sorted(row_ids)
        return self

    def show_rows(
        self,
        rows: Sequence[Row],
        *,
        sort: Sort | None = None,
        foot: str | None = None,
        previous_page: str | None = None,
        next_page: str | None = None,
    ) -> Self:
        """Show one page of rows. `foot` is text like `1–50 of 10,000+`; the pages are addresses, None where none is."""
        self._rows = list(rows)
        self.shown_at = datetime.now(UTC)
        self.props.update(
            rows=[_row(row) for row in rows],
            sort=None if sort is None else {"key": sort.key, "down": sort.down},
            foot=foot,
            prev=previous_page and safe_href(previous_page),
            next=next_page and safe_href(next_page),
            state="ready",
            old=None,
        )
        return self

    def show_columns(self, columns: Sequence[Column], *, beside: bool | None = None) -> Self:
        """Show other columns, such as fewer `beside` a pane; rows keep their cells, of which the first ones are shown."""
        if beside is not None:
            self.classes(add="is-beside" if beside else None, remove=None if beside else "is-beside")
        self.columns = list(columns)
        self.props["columns"] = [_column(column) for column in columns]
        return self

    def show_loading(self) -> Self:
        """Skeleton rows of the final geometry."""
        self.props.update(state="loading", old=None)
        return self

    @contextmanager
    def show_state(self) -> Iterator[None]:
        """Put a state in the place of the rows: `with table.show_state(): states.no_match(…)`."""
        self._rows = []
        self.props.update(rows=[], state="said", foot=None, prev=None, next=None, old=None)
        self.clear()
        with self:
            yield

    def mark_old(self, text: str | None) -> Self:
        """Keep the rows and say that they are old ("2 min old: the database did not answer"), or no longer."""
        self.props.set_optional("old", text)
        return self

    def choose(self, row_id: str | None) -> Self:
        """Mark the row that the pane shows."""
        self.props.set_optional("chosen", row_id)
        return self

    @property
    def rows(self) -> Sequence[Row]:
        """The rows shown."""
        return tuple(self._rows)

    @property
    def chosen(self) -> str | None:
        return self.props.get("chosen")

    def _told(self, name: str, handler: Told) -> Self:
        self._handlers[name] = handler
        self.props["told"] = list(self._handlers)
        return self

    def _tell(self, name: str) -> Callable[[GenericEventArguments], Awaitable[None]]:
        async def tell(event: GenericEventArguments) -> None:
            said = event.args if isinstance(event.args, list) else [event.args]
            if (handler := self._handlers.get(name)) and self._honest(name, said):
                outcome = handler(*said)
                if inspect.isawaitable(outcome):
                    await outcome

        return tell

    def _honest(self, name: str, said: list[Any]) -> bool:
        """Whether the browser asks for what this table offers; it can send anything."""
        if name == "sort":
            return said[:1] in [[column.key] for column in self.columns if column.sort]
        if name == "page":
            return said in (["prev"], ["next"])
        if name == "pick":
            return self._picks(said)
        return (
            bool(said)
            and said[0] in {row.id for row in self._rows}
            and all(isinstance(word, str) for word in said)
        )

    def _picks(self, said: list[Any]) -> bool:
        """Rows that are shown, and whether they are ticked."""
        if len(said) != 2 or not isinstance(said[0], list) or not isinstance(said[1], bool):
            return False
        return all(isinstance(one, str) for one in said[0]) and set(said[0]) <= {row.id for row in self._rows}

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        heads = [column.label for column in self.columns]
        return [
            *heads,
            *(cells.words(cell) for row in self._rows for cell in row.cells),
            self.props.get("foot"),
        ]


def _column(column: Column) -> dict[str, Any]:
    return {
        "key": column.key,
        "label": column.label,
        "width": f"{column.width}px" if column.width else None,
        "place": "" if column.align == "start" else f"is-{column.align}",
        "sort": column.sort,
        "link": column.link,
        "card": f"in-{column.card}" if column.card else "",
        "silent": column.silent,
        "title": column.title,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "cells": [cells.lines(cell) for cell in row.cells],
        "href": safe_href(row.href) if row.href else None,
        "look": f"is-{row.look}" if row.look else "",
        "name": row.name,
    }
