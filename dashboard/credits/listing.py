"""The list of entries: one page of rows, and what stands there where there are none."""

from zoneinfo import ZoneInfo

from core.credits.ledger import COUNTED_TO, LedgerLine
from core.credits.ledger import Listing as Page
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.html import Node, link
from dashboard.components.status import ENTRY
from dashboard.components.table import DataTable, Row
from dashboard.credits.address import DEFAULT_RANGE, REFUNDS, TRAFFIC_WORDS, Address
from dashboard.credits.meant import Meant
from dashboard.credits.rows import BESIDE, COLUMNS, rows
from dashboard.lists.ranges import ALL
from dashboard.lists.table import PagedTable, Steps


class Listing(PagedTable[Address, LedgerLine]):
    """The table and its states."""

    def __init__(self, zone: ZoneInfo, steps: Steps, address: Address) -> None:
        what = "Refunds" if address.shown == REFUNDS else "Ledger"
        table = DataTable(what, COLUMNS, row_height=40, skeletons=12).classes("pu-credits")
        super().__init__(table, address, steps, counted_to=COUNTED_TO, beside=BESIDE)
        self._zone = zone
        self._meant: Meant | None = None

    def show_page(self, page: Page, address: Address, meant: Meant | None) -> None:
        """Shows rows, or why there are none."""
        self._meant = meant
        self.show_between(page.lines, address, previous=page.previous, following=page.next)

    def rows(self) -> list[Row]:
        return rows(self.lines, self.address, self._zone, BESIDE if self.address.sel else COLUMNS)

    def show_none(self) -> None:
        address = self.address
        if self._meant and self._meant.several:
            self._ask_which(self._meant)
        elif address.filtered:
            states.no_match(self._word(), chosen_words(address, self._zone), self.steps.clear)
        elif (address.range or DEFAULT_RANGE) != ALL:
            states.empty(
                "Nothing in this range",
                f"No {self._word()} was booked in the {address.time_words(self._zone)}.",
                icon="schedule",
                action=Button("Show the whole time", self.steps.clear, icon="date_range"),
            )
        elif address.shown == REFUNDS:
            states.empty(
                "No refunds yet", "What is given back of a charge stands here, linked to it.", icon="undo"
            )
        else:
            states.empty(
                "No entries yet",
                "Every movement of credits stands here: what was granted, bought, used, refunded, and by whom.",
                icon="toll",
            )

    def _word(self) -> str:
        return "refund" if self.address.shown == REFUNDS else "entry"

    def _ask_which(self, meant: Meant) -> None:
        """Several users begin like that: each leads to their own entries."""
        question = states.empty("Whom do you mean?", "Several users begin like that.", icon="group")
        with question, Node("ul", "", "pu-which"):
            for one in meant.several:
                with Node("li"):
                    link(one.email, self.address.changed(q=one.email).url)


def chosen_words(address: Address, zone: ZoneInfo) -> list[str]:
    """The filters in words."""
    chosen = {
        "": f"“{address.q}”" if address.q else None,
        "type ": ENTRY[address.type].word if address.type else None,
        "by ": "people" if address.by else None,
        "actor ": str(address.actor)[-8:] if address.actor else None,
        "traffic ": TRAFFIC_WORDS[address.books] if address.traffic else None,
        "range ": address.time_words(zone),
    }
    return [f"{name}{word}" for name, word in chosen.items() if word]
