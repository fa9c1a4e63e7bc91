"""The tab at work: rows and pane follow the address."""

from collections.abc import Sequence
from uuid import UUID

from core.accounts import organisation_lists as lists
from core.accounts.organisation_lists import Detail
from core.accounts.person import Person
from core.accounts.project_lists import ProjectLine, projects_in
from dashboard.access import MANAGERS
from dashboard.components.button import Button
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours
from dashboard.forms import Desk
from dashboard.lists.view import EVERYBODYS_SECONDS, ListView
from dashboard.live import audit_changed
from dashboard.organisations import actions
from dashboard.organisations import pane as panes
from dashboard.organisations.address import Address
from dashboard.organisations.filter_row import FilterRow
from dashboard.organisations.listing import Listing
from dashboard.page import Screen

Shown = tuple[Detail, Sequence[ProjectLine]]


class View(ListView[Address, FilterRow, Listing, Shown]):
    """One open tab."""

    what = "the organisations"
    row = "organisation"
    views = "All organisations"
    roles = MANAGERS

    def __init__(self, screen: Screen, address: Address) -> None:
        super().__init__(screen, address)
        self.desk = Desk(screen, self.load_all, roles=MANAGERS)
        with screen.frame.actions:
            Button("New organisation…", self.make, icon="domain_add", kind="primary")
        self.filters = FilterRow(address, on_change=self.change, tools=self.tools)
        self.list = Listing(screen.zone, self)
        self.begin(audit_changed, seconds=EVERYBODYS_SECONDS)

    def cleared(self) -> Address:
        return Address(sel=self.address.sel)

    def make(self) -> None:
        """The dialog that makes an organisation, which is opened then."""

        async def made(organisation_id: UUID) -> None:
            self.write(Address(sel=organisation_id))
            self.filters.show_address(self.address)
            self.list.choose(self.address)
            await self.load_all()

        actions.make(self.desk, made)

    async def load_list(self, person: Person) -> None:
        address = self.address
        page = await lists.organisations(
            self.screen.purser.database,
            address.q,
            after=address.after,
            before=address.before,
            archived=bool(address.archived),
        )
        if self.still_asked(address):
            self.list.show_page(page, self.address)

    async def read_row(self, person: Person, row: UUID) -> Shown | None:
        database = self.screen.purser.database
        found = await lists.organisation(database, row)
        return (found, await projects_in(database, row)) if found else None

    def show_row(self, pane: Pane, found: Shown, neighbours: Neighbours) -> None:
        panes.fill(pane, *found, self.desk, neighbours)

    async def refresh(self) -> None:
        """Something was written: what is shown is read again, in place."""
        await self.guarded(self.load_list, live=True)
        await self.guarded(self.load_pane, live=True)
