"""The list of organisations: one page of rows, and what stands there where there are none."""

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from core.accounts.organisation_lists import Listing as Page
from core.accounts.organisation_lists import OrganisationLine
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.cells import DASH, Bit, Cell, moment, tag
from dashboard.components.table import Column, DataTable, Row
from dashboard.lists.table import PagedTable, Steps
from dashboard.organisations.address import Address

COLUMNS = (
    Column("name", "Organisation", None, link=True, card="title"),
    Column("members", "Members", 110, "end"),
    Column("projects", "Projects", 110, "end"),
    Column("owners", "Owners", 340, card="status"),
    Column("made", "Made", 140, "end", card="meta"),
)
BESIDE = COLUMNS[:3]
COUNTED_TO = 10_000


class OrganisationSteps(Steps, Protocol):
    """What people do with this list besides."""

    def make(self) -> None: ...


class Listing(PagedTable[Address, OrganisationLine]):
    """The table and its states."""

    def __init__(self, zone: ZoneInfo, steps: OrganisationSteps) -> None:
        table = DataTable("Organisations", COLUMNS, skeletons=14)
        super().__init__(table, Address(), steps, counted_to=COUNTED_TO, beside=BESIDE)
        self._zone, self._make = zone, steps.make

    def show_page(self, page: Page, address: Address) -> None:
        """Shows rows, or why there are none."""
        self.show_lines(page.lines, address, before=page.previous, after=page.next)

    def show_none(self) -> None:
        if self.address.filtered:
            states.no_match("organisation", [f"“{self.address.q}”"], self.steps.clear)
        else:
            states.empty(
                "No organisations yet",
                "Users who belong together share projects here: what is generated for a project, and what it costs, is"
                " told by it.",
                icon="domain",
                action=Button("New organisation…", self._make, icon="domain_add", kind="primary"),
            )

    def rows(self) -> list[Row]:
        now = datetime.now(UTC)
        return [self._row(line, now) for line in self.lines]

    def _row(self, line: OrganisationLine, now: datetime) -> Row:
        name = Bit(line.name, "strong", title=line.name)
        owners = ", ".join(line.owners)
        cells: list[Cell] = [
            [[name, tag("archived")]] if line.archived_at else name,
            f"{line.members:,}",
            f"{line.projects:,}",
            Bit(owners, "second", title=owners) if owners else DASH,
            moment(line.created_at, now, self._zone),
        ]
        return Row(str(line.id), cells, href=self.address.opened(line.id).url)
