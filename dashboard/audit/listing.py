"""The list: one page of rows, its foot, and what stands there where there are none."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.audit.queries import COUNTED_TO
from core.audit.queries import Listing as Page
from dashboard.audit import words
from dashboard.audit.address import ACTOR_KINDS, RANGE_WORDS, Address
from dashboard.audit.rows import BESIDE, COLUMNS, rows
from dashboard.audit.subjects import Key, Subject
from dashboard.components import states, time
from dashboard.components.money import format_count
from dashboard.components.table import DataTable
from dashboard.generations.window import span

Open = Callable[[UUID], Awaitable[None]]
Turn = Callable[..., Awaitable[None]]
Do = Callable[[], Awaitable[None]]


class Listing:
    """The table and its states."""

    def __init__(self, zone: ZoneInfo, *, nothing: str, on_open: Open, on_page: Turn, on_clear: Do) -> None:
        self._zone, self._nothing = zone, nothing
        self._on_open, self._on_page, self._on_clear = on_open, on_page, on_clear
        self._page: Page | None = None
        self._subjects: Mapping[Key, Subject] = {}
        self._address = Address()
        self._foot = ""
        self._read_at = datetime.now(UTC)
        self._table = DataTable("Audit", COLUMNS, row_height=48, skeletons=11).classes("pu-audit")
        self._table.on_open(self._opened).on_page(self._turned)

    def show_page(self, page: Page, subjects: Mapping[Key, Subject], address: Address) -> None:
        """Shows rows, or why there are none."""
        same_list = self._page is not None and address.turned() == self._address.turned()
        self._page, self._subjects, self._address = page, subjects, address
        self._read_at = datetime.now(UTC)
        if not page.lines:
            self._show_none(address)
            return
        if not (same_list and self._foot):
            self._foot = f"{len(page.lines)} rows" if page.previous else f"1–{len(page.lines)}"
        self._draw()

    def tell_count(self, ahead: int, total: int) -> None:
        """Says which of how many they are."""
        if self._page is None or not self._page.lines:
            return
        shown, many = len(self._page.lines), total > COUNTED_TO
        of = format_count(min(total, COUNTED_TO), at_least=many)
        place = f"{ahead + 1:,}–{ahead + shown:,}" if ahead <= COUNTED_TO else f"{shown} rows"
        self._foot = f"{place} of {of}"
        self._draw()

    def choose(self, address: Address) -> None:
        """Marks the row that is open; beside its pane there is less room."""
        self._address = address
        beside = address.sel is not None
        self._table.show_columns(BESIDE if beside else COLUMNS, beside=beside)
        self._draw()

    def beside(self, entry_id: UUID, step: int) -> UUID | None:
        """The row so many below (or above) one, on this page."""
        ids = [line.id for line in self._page.lines] if self._page else []
        place = ids.index(entry_id) + step if entry_id in ids else -1
        return ids[place] if 0 <= place < len(ids) else None

    def fail(self, said: str, request_id: str, retry: Do, *, live: bool) -> None:
        """Says that it could not be read; rows that are there stay, marked with their age."""
        if live and self._page and self._page.lines:
            age = time.span((datetime.now(UTC) - self._read_at).total_seconds())
            self._table.mark_old(f"{age} old. {said}")
            return
        self._page = None
        with self._table.show_state():
            states.failed(said, request_id=request_id, on_retry=retry)

    def _show_none(self, address: Address) -> None:
        with self._table.show_state():
            if address.filtered:
                states.no_match("row", chosen_words(address, self._zone), self._on_clear)
            else:
                states.empty("Nothing yet", self._nothing, icon="history")

    def _draw(self) -> None:
        page, address = self._page, self._address
        if page is None or not page.lines:
            return
        self._table.show_rows(
            rows(page.lines, self._subjects, address, self._zone),
            foot=self._foot,
            previous_page=address.turned(before=page.lines[0].id).url if page.previous else None,
            next_page=address.turned(after=page.lines[-1].id).url if page.next else None,
        )
        self._table.choose(str(address.sel) if address.sel else None)

    async def _opened(self, row_id: str) -> None:
        await self._on_open(UUID(row_id))

    async def _turned(self, way: str) -> None:
        if self._page and self._page.lines:
            if way == "next":
                await self._on_page(after=self._page.lines[-1].id)
            else:
                await self._on_page(before=self._page.lines[0].id)


def chosen_words(address: Address, zone: ZoneInfo) -> list[str]:
    """The filters in words."""
    stretch = span(address.begin, address.end, zone) if address.begin and address.end else None
    actor = ACTOR_KINDS.get(address.actor) if isinstance(address.actor, str) else address.actor
    chosen = {
        "": f"“{address.q}”" if address.q else None,
        "actor ": actor,
        "action ": f"“{words.deed(address.action).words}”" if address.action else None,
        "subject ": words.kind(address.subject) if address.subject else None,
        "range ": stretch or (RANGE_WORDS[address.range] if address.range else None),
    }
    return [f"{name}{word}" for name, word in chosen.items() if word]
