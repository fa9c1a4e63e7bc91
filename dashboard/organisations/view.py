"""The tab at work: rows and pane follow the address."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.accounts import organisation_lists as lists
from core.accounts.organisation_lists import Detail
from core.accounts.person import Person
from core.accounts.projects import ProjectLine, projects_in
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.lists.pace import Pace
from dashboard.lists.view import ListView
from dashboard.live import audit_changed
from dashboard.organisations import actions, pane
from dashboard.organisations.address import Address
from dashboard.organisations.asking import MAY
from dashboard.organisations.filter_row import FilterRow
from dashboard.organisations.listing import Listing
from dashboard.page import Screen

AUDIT_SECONDS = 5.0
"""Between two looks at what was changed: the audit tells of everybody's deeds, and most concern no row in sight."""


class View(ListView[Address, FilterRow, Listing]):
    """One open tab."""

    what = "the organisations"
    views = "All organisations"
    roles = MAY

    def __init__(self, screen: Screen, address: Address) -> None:
        super().__init__(screen, address)
        self._shown: tuple[Detail, Sequence[ProjectLine]] | None = None
        with screen.frame.actions:
            Button("New organisation…", self.make, icon="domain_add", kind="primary")
        self.filters = FilterRow(address, on_change=self.change, tools=self.tools)
        self.list = Listing(screen.zone, self)
        self.begin()
        pace = Pace(self._changed, AUDIT_SECONDS)
        self.client.on_delete(pace.stop)
        audit_changed.subscribe(pace.beat)

    def read_address(self, query: Mapping[str, str]) -> Address:
        return Address.of(query)

    def cleared(self) -> Address:
        return Address(sel=self.address.sel)

    def make(self) -> None:
        """The dialog that makes an organisation, which is opened then."""

        async def made(organisation_id: UUID) -> None:
            self.write(Address(sel=organisation_id))
            self.filters.show_address(self.address)
            self.list.choose(self.address)
            await self.load_all()

        actions.make(self.screen, made)

    async def load_list(self, person: Person) -> None:
        address = self.address
        page = await lists.organisations(
            self.screen.purser.database,
            address.q,
            after=address.after,
            before=address.before,
            archived=bool(address.archived),
        )
        if address.turned() == self.address.turned():
            self.list.show_page(page, self.address)

    async def load_pane(self, person: Person) -> None:
        chosen, place = self.address.sel, self.pane
        assert place is not None, "the page is made with a pane"
        if chosen is None:
            self._shown = None
            place.close()
            return
        database = self.screen.purser.database
        found = await lists.organisation(database, chosen)
        projects = await projects_in(database, chosen) if found else []
        if chosen != self.address.sel:
            return  # somebody was quicker
        if found is None:
            self._shown = None
            with place.fill("Not found"):
                states.not_found("organisation")
        elif (found, projects) != self._shown:
            pane.fill(place, found, projects, self.screen, self.neighbours(chosen), self.load_all)
            self._shown = (found, projects)

    def forget_pane(self) -> None:
        self._shown = None

    async def refresh(self) -> None:
        """Something was written: what is shown is read again, in place."""
        await self.guarded(self.load_list, live=True)
        await self.guarded(self.load_pane, live=True)
