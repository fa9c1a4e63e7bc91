"""The list: one page of rows, its foot, and what stands there where there are none."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from nicegui import ui

from core.generation.queries import COUNTED_TO
from core.generation.queries import Listing as Page
from dashboard.components import states, time
from dashboard.components.button import Button
from dashboard.components.money import format_count
from dashboard.components.status import GENERATION
from dashboard.components.table import DataTable, Sort
from dashboard.generations.address import RANGE_WORDS, TRAFFIC_WORDS, Address
from dashboard.generations.reader import Reader
from dashboard.generations.rows import COLUMNS, UNDER_WAY, rows
from dashboard.generations.window import Window, span

Open = Callable[[UUID], Awaitable[None]]
Turn = Callable[..., Awaitable[None]]
Do = Callable[[], Awaitable[None]]


class Listing:
    """The table and its states."""

    def __init__(self, reader: Reader, *, on_open: Open, on_page: Turn, on_sort: Do, on_clear: Do) -> None:
        self._reader, self._on_open, self._on_page, self._on_clear = reader, on_open, on_page, on_clear
        self._page: Page | None = None
        self._address = Address()
        self._foot = ""
        self._read_at = datetime.now(UTC)
        self._table = DataTable("Generations", COLUMNS, row_height=48, beside=True, skeletons=11)
        self._table.on_open(self._opened).on_page(self._turned).on_sort(lambda _key: on_sort())
        self._clock = ui.timer(1.0, self._tick, active=False)

    def show_page(self, page: Page, address: Address, window: Window) -> None:
        """Shows rows, or why there are none."""
        same_list = self._page is not None and address.turned() == self._address.turned()
        self._page, self._address, self._read_at = page, address, datetime.now(UTC)
        if not page.lines:
            self._clock.active = False
            self._show_none(address, window)
            return
        if not (same_list and self._foot):
            self._foot = f"1–{len(page.lines)}" if not page.previous else f"{len(page.lines)} rows"
        self._draw()
        self._clock.active = any(line.status in UNDER_WAY for line in page.lines)

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
        """Marks the row that is open."""
        self._address = address
        self._draw()

    def beside(self, generation_id: UUID, step: int) -> UUID | None:
        """The row so many below (or above) one, on this page."""
        ids = [line.id for line in self._page.lines] if self._page else []
        place = ids.index(generation_id) + step if generation_id in ids else -1
        return ids[place] if 0 <= place < len(ids) else None

    def fail(self, words: str, request_id: str, retry: Do, *, live: bool) -> None:
        """Says that it could not be read; rows that are there stay, marked with their age."""
        if live and self._page and self._page.lines:
            age = time.span((datetime.now(UTC) - self._read_at).total_seconds())
            self._clock.active = False  # what is drawn anew would no longer say that it is old
            self._table.mark_old(f"{age} old. {words}")
            return
        self._page = None
        with self._table.show_state():
            states.failed(words, request_id=request_id, on_retry=retry)

    def show_first_use(self) -> None:
        """Nobody has ever generated anything."""
        with self._table.show_state():
            states.empty(
                "No generations yet",
                "Every request for text, image, video or audio stands here: who asked, who served it, what it cost,"
                " and when it failed, why.",
                icon="auto_awesome",
                action=Button("Run a sample", icon="science", kind="primary", href="/playground"),
            )

    def _show_none(self, address: Address, window: Window) -> None:
        with self._table.show_state():
            if address.filtered:
                states.no_match("generation", _chosen(address, window), self._on_clear)
            else:
                states.empty(
                    "Nothing in this range",
                    f"No generation began in the {RANGE_WORDS[address.range or '24h']}.",
                    icon="schedule",
                    action=None
                    if address.range == "30d"
                    else Button("Show the last 30 days", self._on_clear, icon="date_range"),
                )

    def _draw(self) -> None:
        page, address = self._page, self._address
        if page is None or not page.lines:
            return
        self._table.show_rows(
            rows(page.lines, address, now=datetime.now(UTC), reader=self._reader),
            sort=Sort("created", down=not address.oldest_first),
            foot=self._foot,
            previous_page=address.turned(before=page.lines[0].id).url if page.previous else None,
            next_page=address.turned(after=page.lines[-1].id).url if page.next else None,
        )
        self._table.choose(str(address.sel) if address.sel else None)

    def _tick(self) -> None:
        """What runs gets older."""
        self._draw()

    async def _opened(self, row_id: str) -> None:
        await self._on_open(UUID(row_id))

    async def _turned(self, way: str) -> None:
        if self._page and self._page.lines:
            if way == "next":
                await self._on_page(after=self._page.lines[-1].id)
            else:
                await self._on_page(before=self._page.lines[0].id)


def _chosen(address: Address, window: Window) -> list[str]:
    """The filters in words."""
    stretch = span(address.begin, address.end, window.zone) if address.begin and address.end else None
    chosen = {
        "": f"“{address.q}”" if address.q else None,
        "status ": GENERATION[address.status].word if address.status else None,
        "provider ": address.provider,
        "cause ": address.cause,
        "traffic ": TRAFFIC_WORDS[address.traffic] if address.traffic else None,
        "range ": stretch or RANGE_WORDS[address.range or "24h"],
    }
    return [f"{name}{word}" for name, word in chosen.items() if word]
