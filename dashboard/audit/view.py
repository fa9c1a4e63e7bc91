"""The page at work: rows and pane follow the address."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.accounts.person import Person
from core.audit import queries
from core.audit.asking import Filter, Sight, sight_of
from core.audit.queries import Entry, Listing
from core.vocabulary import Role
from dashboard.audit import listing as lists
from dashboard.audit import pane as panes
from dashboard.audit.address import Address
from dashboard.audit.filter_row import FilterRow
from dashboard.audit.subjects import Subject, name_subjects
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours
from dashboard.lists.view import ListView
from dashboard.live import audit_changed
from dashboard.page import Screen

SHOWN_TO: Mapping[Role, str] = {
    Role.SUPERADMIN: "",
    Role.SUPPORT: "what you did, and what was done to users",
    Role.TESTER: "what you did",
}
"""What of the audit a role sees, where it is not all."""
NOTHING: Mapping[Role, str] = {
    Role.SUPERADMIN: "Every change by a person or a key stands here: who, what, when, from where and why.",
    Role.SUPPORT: "What you change, and what is done to users, stands here: who, what, when, from where and why.",
    Role.TESTER: "What you change stands here: what, when, from where and why.",
}
Shown = tuple[Entry, Subject]


class View(ListView[Address, FilterRow, lists.Listing, Shown]):
    """One open page."""

    what = "the audit"
    row = "row"
    row_absent = "There is none of this id, or your role does not see it."
    views = "All of the audit"

    def __init__(
        self, screen: Screen, address: Address, *, actions: Sequence[str], kinds: Sequence[str]
    ) -> None:
        super().__init__(screen, address)
        screen.frame.note.set_text(SHOWN_TO[screen.person.role])
        self.filters = FilterRow(
            address,
            actions=actions,
            kinds=kinds,
            zone=screen.zone,
            on_change=self.change,
            tools=self.tools,
        )
        self.list = lists.Listing(screen.zone, self, nothing=NOTHING[screen.person.role])
        self.begin(audit_changed)

    def cleared(self) -> Address:
        return Address(sel=self.address.sel)

    async def load_list(self, person: Person) -> None:
        address, database = self.address, self.screen.purser.database
        which = address.filter(self.screen.now())
        page = await queries.listing(
            database, sight(person), which, after=address.after, before=address.before
        )
        subjects = await name_subjects(
            self.screen.purser, person, [(line.subject_kind, line.subject_id) for line in page.lines]
        )
        if not self.still_asked(address):
            return
        self.list.show_page(page, subjects, self.address)
        if page.lines and isinstance(address.actor, UUID):
            self.filters.name_actor(page.lines[0].actor_label)
        if page.lines:
            await self.told_count(lambda: self._count(person, which, page))

    async def _count(self, person: Person, which: Filter, page: Listing) -> None:
        database = self.screen.purser.database
        ahead = 0
        if page.previous:
            ahead = await queries.count(database, sight(person), which, newer_than=page.lines[0].id)
        self.list.tell_count(ahead, await queries.count(database, sight(person), which))

    async def read_row(self, person: Person, row: UUID) -> Shown | None:
        purser = self.screen.purser
        found = await queries.entry(purser.database, sight(person), row)
        if found is None:
            return None
        key = (found.subject_kind, found.subject_id)
        return found, (await name_subjects(purser, person, [key]))[key]

    def show_row(self, pane: Pane, found: Shown, neighbours: Neighbours) -> None:
        panes.fill(pane, *found, self.screen.zone, neighbours)

    async def refresh(self) -> None:
        """Something was written or sealed: the visible page is read again, in place."""
        await self.guarded(self.load_list, live=True)
        if self.shown and self.shown[0].hash is None:
            await self.guarded(self.load_pane, live=True)


def sight(person: Person) -> Sight:
    """What of the audit a person may read, as they are now."""
    return sight_of(person.role, person.id)
