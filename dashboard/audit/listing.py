"""The list: one page of rows, and what stands there where there are none."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from core.audit.queries import COUNTED_TO, Line
from core.audit.queries import Listing as Page
from dashboard.audit import words
from dashboard.audit.address import ACTOR_KINDS, Address
from dashboard.audit.rows import BESIDE, COLUMNS, rows
from dashboard.audit.subjects import Key, Subject
from dashboard.components import states
from dashboard.components.table import DataTable, Row
from dashboard.lists.table import PagedTable, Steps


class Listing(PagedTable[Address, Line]):
    """The table and its states."""

    def __init__(self, zone: ZoneInfo, steps: Steps, *, nothing: str) -> None:
        table = DataTable("Audit", COLUMNS, row_height=48, skeletons=11).classes("pu-audit")
        super().__init__(table, Address(), steps, counted_to=COUNTED_TO, beside=BESIDE)
        self._zone, self._nothing = zone, nothing
        self._subjects: Mapping[Key, Subject] = {}

    def show_page(self, page: Page, subjects: Mapping[Key, Subject], address: Address) -> None:
        """Shows rows, or why there are none."""
        self._subjects = subjects
        self.show_between(page.lines, address, previous=page.previous, following=page.next)

    def show_none(self) -> None:
        if self.address.filtered:
            states.no_match("row", chosen_words(self.address, self._zone), self.steps.clear)
        else:
            states.empty("Nothing yet", self._nothing, icon="history")

    def rows(self) -> list[Row]:
        return rows(self.lines, self._subjects, self.address, self._zone)


def chosen_words(address: Address, zone: ZoneInfo) -> list[str]:
    """The filters in words."""
    actor = ACTOR_KINDS.get(address.actor) if isinstance(address.actor, str) else address.actor
    chosen = {
        "": f"“{address.q}”" if address.q else None,
        "actor ": actor,
        "action ": f"“{words.deed(address.action).words}”" if address.action else None,
        "subject ": words.kind(address.subject) if address.subject else None,
        "range ": address.time_words(zone),
    }
    return [f"{name}{word}" for name, word in chosen.items() if word]
