"""One page of a list: its rows, its foot, and what stands there where there are none."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from dashboard.components import states, time
from dashboard.components.money import format_count
from dashboard.components.table import Column, DataTable, Row, Sort
from dashboard.lists.address import ListAddress

A = TypeVar("A", bound=ListAddress)
L = TypeVar("L")
Do = Callable[[], Awaitable[None]]


class Steps(Protocol):
    """What people do with a list; the page does it (`dashboard.lists.view.ListView`)."""

    async def open(self, row: UUID, *, again: bool = False) -> None: ...
    async def turn(self, *, after: Any = None, before: Any = None) -> None: ...
    async def clear(self) -> None: ...


class PagedTable(Generic[A, L]):
    """The table and its states. Subclasses say what the rows are, and what stands there where there are none.

    `beside` are the columns that stay beside an open row, where there is less room.
    """

    def __init__(
        self,
        table: DataTable,
        address: A,
        steps: Steps,
        *,
        counted_to: int,
        beside: Sequence[Column] | None = None,
    ) -> None:
        self.table = table.on_open(self._opened).on_page(self._turned)
        self._columns, self._beside = tuple(table.columns), beside
        self.address = address
        self.steps = steps
        self.lines: Sequence[L] = ()
        self.read_at = datetime.now(UTC)
        self._counted_to = counted_to
        self._after: Any = None
        self._before: Any = None
        self._foot = ""

    def rows(self) -> list[Row]:
        """The rows of `lines`."""
        raise NotImplementedError

    def show_none(self) -> None:
        """What stands there where `address` leaves nothing; drawn inside the table's place."""
        raise NotImplementedError

    def sort(self) -> Sort | None:
        """By which column, and which way, where the heads say so."""
        return None

    def identify(self, line: L) -> UUID:
        """A line's id; `id` where it has one."""
        return line.id  # pyright: ignore[reportAttributeAccessIssue] - the lines of most lists have one

    def show_lines(self, lines: Sequence[L], address: A, *, before: Any, after: Any) -> None:
        """Shows a page; `before` and `after` lead to its neighbours, None where there is none."""
        same_list = bool(self.lines) and address.turned() == self.address.turned()
        self.lines, self.address, self.read_at = lines, address, datetime.now(UTC)
        self._before, self._after = before, after
        if not lines:
            with self.table.show_state():
                self.show_none()
            return
        if not (same_list and self._foot):
            self._foot = f"{len(lines)} rows" if before else f"1–{len(lines)}"
        self.draw()

    def show_between(self, lines: Sequence[L], address: A, *, previous: bool, following: bool) -> None:
        """Shows a page of a list that goes by the ids of its lines, and whether there are some before and behind it."""
        self.show_lines(
            lines,
            address,
            before=self.identify(lines[0]) if lines and previous else None,
            after=self.identify(lines[-1]) if lines and following else None,
        )

    def tell_count(self, ahead: int, total: int) -> None:
        """Says which of how many they are; what is beyond the count's end is said as "more"."""
        if not self.lines:
            return
        shown = len(self.lines)
        of = format_count(min(total, self._counted_to), at_least=total > self._counted_to)
        place = f"{ahead + 1:,}–{ahead + shown:,}" if ahead <= self._counted_to else f"{shown} rows"
        self._foot = f"{place} of {of}"
        self.draw()

    def choose(self, address: A) -> None:
        """Marks the row that is open."""
        self.address = address
        if self._beside is not None:
            opened = address.sel is not None
            self.table.show_columns(self._beside if opened else self._columns, beside=opened)
        self.draw()

    def beside(self, row: UUID, step: int) -> UUID | None:
        """The row so many below (or above) one, on this page."""
        ids = [self.identify(line) for line in self.lines]
        place = ids.index(row) + step if row in ids else -1
        return ids[place] if 0 <= place < len(ids) else None

    def fail(self, words: str, request_id: str, retry: Do, *, live: bool) -> None:
        """Says that it could not be read; rows that are there stay, marked with their age."""
        if live and self.lines:
            age = time.span((datetime.now(UTC) - self.read_at).total_seconds())
            self.table.mark_old(f"{age} old. {words}")
            return
        self.lines = ()
        with self.table.show_state():
            states.failed(words, request_id=request_id, on_retry=retry)

    def draw(self) -> None:
        """Shows what was last read, as of now."""
        if not self.lines:
            return
        self.table.show_rows(
            self.rows(),
            sort=self.sort(),
            foot=self._foot,
            previous_page=self.address.turned(before=self._before).url if self._before else None,
            next_page=self.address.turned(after=self._after).url if self._after else None,
        )
        chosen = self.address.sel
        self.table.choose(str(chosen) if chosen else None)

    async def _opened(self, row_id: str) -> None:
        await self.steps.open(UUID(row_id))

    async def _turned(self, way: str) -> None:
        if way == "next" and self._after:
            await self.steps.turn(after=self._after)
        elif way != "next" and self._before:
            await self.steps.turn(before=self._before)
