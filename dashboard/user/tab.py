"""What the tabs of a user's page have in common: made when first opened, loaded, and loaded again when something changed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.accounts.person import Person
from dashboard.components import states, time
from dashboard.components.button import Handler
from dashboard.components.cells import Bit
from dashboard.components.html import Node
from dashboard.components.table import DataTable, Row
from dashboard.user.desk import Desk

PAGE = 25
"""Rows of a list's page."""


class Tab:
    """One tab; it is made inside its panel. `load` reads and shows, in place, whether for the first time or again."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.loaded_at: datetime | None = None
        self._old = Node("p", "", "pu-table-old", role="status").show(False)
        self._failed = Node("div", "", "pu-card").show(False)
        self.body = Node("div", "", "pu-stack")

    async def load(self, person: Person) -> None:
        """Reads for the person as they are now, and shows it."""
        raise NotImplementedError

    def count(self) -> str | None:
        """What stands beside the tab's word once it was loaded."""
        return None

    def succeed(self) -> None:
        """What is shown is of now."""
        self.loaded_at = datetime.now(UTC)
        self._old.show(False)
        self._failed.show(False)
        self.body.show(True)

    def fail(self, words: str, request_id: str, retry: Handler) -> None:
        """It could not be read: what was there stays, marked with its age."""
        if self.loaded_at is not None:
            age = time.span((datetime.now(UTC) - self.loaded_at).total_seconds())
            self._old.set_text(f"{age} old. {words}").show(True)
            return
        self.body.show(False)
        self._failed.clear()
        with self._failed.show(True):
            states.failed(words, request_id=request_id, on_retry=retry)


def at(moment: datetime, zone: ZoneInfo) -> Bit:
    """An absolute time, as ledger, audit and expiry have it."""
    return Bit(time.absolute(moment, zone), moment=time.iso(moment), title=time.zone_name(zone, moment))


def heading(title: str) -> Node:
    """The line over a list; what is added to the list stands at its end."""
    with Node("div", "", "pu-row is-spread") as line:
        Node("h2", title, "pu-h3")
    return line


class PagedTab(Tab):
    """A tab with one table that is turned page by page; the place is in the address."""

    def __init__(self, desk: Desk, table: DataTable) -> None:
        super().__init__(desk)
        self.table = table.on_page(self._turned)
        self.table.move(self.body)
        self._ends: tuple[UUID, UUID] | None = None

    def show_page(
        self,
        rows: Sequence[Row],
        ends: tuple[UUID, UUID] | None,
        *,
        previous: bool,
        following: bool,
        foot: str = "",
    ) -> None:
        """One page; `ends` are the ids of its first and last line."""
        self._ends = ends
        address = self.desk.address
        first, last = ends or (None, None)
        self.table.show_rows(
            rows,
            foot=foot or (f"1–{len(rows)}" if not previous else f"{len(rows)} rows"),
            previous_page=address.turned(before=first).url if previous and first else None,
            next_page=address.turned(after=last).url if following and last else None,
        )

    async def _turned(self, way: str) -> Any:
        if self._ends is None:
            return
        first, last = self._ends
        address = self.desk.address
        await self.desk.go(address.turned(after=last) if way == "next" else address.turned(before=first))
