"""The list: one page of rows, and what stands there where there are none."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nicegui import ui

from core.generation.queries import COUNTED_TO, Line
from core.generation.queries import Listing as Page
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.status import GENERATION
from dashboard.components.table import DataTable, Row, Sort
from dashboard.generations.address import TRAFFIC_WORDS, Address
from dashboard.generations.reader import Reader
from dashboard.generations.rows import COLUMNS, UNDER_WAY, rows
from dashboard.lists.table import Do, PagedTable, Steps


class Listing(PagedTable[Address, Line]):
    """The table and its states."""

    def __init__(self, reader: Reader, steps: Steps, *, on_sort: Do) -> None:
        table = DataTable("Generations", COLUMNS, row_height=48, beside=True, skeletons=11)
        super().__init__(table.on_sort(lambda _key: on_sort()), Address(), steps, counted_to=COUNTED_TO)
        self._reader = reader
        self._clock = ui.timer(1.0, self._tick, active=False)

    def show_page(self, page: Page, address: Address) -> None:
        """Shows rows, or why there are none."""
        self._clock.active = any(line.status in UNDER_WAY for line in page.lines)
        self.show_between(page.lines, address, previous=page.previous, following=page.next)

    def fail(self, words: str, request_id: str, retry: Do, *, live: bool) -> None:
        """Says that it could not be read; rows that are there stay, marked with their age."""
        self._clock.active = False  # what is drawn anew would no longer say that it is old
        super().fail(words, request_id, retry, live=live)

    def show_first_use(self) -> None:
        """Nobody has ever generated anything."""
        with self.table.show_state():
            states.empty(
                "No generations yet",
                "Every request for text, image, video or audio stands here: who asked, who served it, what it cost,"
                " and when it failed, why.",
                icon="auto_awesome",
                action=Button("Run a sample", icon="science", kind="primary", href="/playground"),
            )

    def show_none(self) -> None:
        address, zone = self.address, self._reader.zone
        if address.filtered:
            states.no_match("generation", _chosen(address, zone), self.steps.clear)
        else:
            states.empty(
                "Nothing in this range",
                f"No generation began in the {address.time_words(zone)}.",
                icon="schedule",
                action=None
                if address.range == "30d"
                else Button("Show the last 30 days", self.steps.clear, icon="date_range"),
            )

    def rows(self) -> list[Row]:
        return rows(self.lines, self.address, now=datetime.now(UTC), reader=self._reader)

    def sort(self) -> Sort:
        return Sort("created", down=not self.address.oldest_first)

    def _tick(self) -> None:
        """What runs gets older."""
        self.draw()


def _chosen(address: Address, zone: ZoneInfo) -> list[str]:
    """The filters in words."""
    chosen = {
        "": f"“{address.q}”" if address.q else None,
        "status ": GENERATION[address.status].word if address.status else None,
        "provider ": address.provider,
        "cause ": address.cause,
        "traffic ": TRAFFIC_WORDS[address.traffic] if address.traffic else None,
        "range ": address.time_words(zone),
    }
    return [f"{name}{word}" for name, word in chosen.items() if word]
