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
from dashboard.audit.subjects import name_subjects
from dashboard.components import states
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


class View(ListView[Address, FilterRow, lists.Listing]):
    """One open page."""

    what = "the audit"
    views = "All of the audit"

    def __init__(
        self, screen: Screen, address: Address, *, actions: Sequence[str], kinds: Sequence[str]
    ) -> None:
        super().__init__(screen, address)
        self._shown: Entry | None = None
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

    def read_address(self, query: Mapping[str, str]) -> Address:
        return Address.of(query)

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
        if address.turned() != self.address.turned():
            return  # another list was asked for meanwhile, and is loaded next
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

    async def load_pane(self, person: Person) -> None:
        chosen, pane = self.address.sel, self.pane
        assert pane is not None, "the page is made with a pane"
        if chosen is None:
            self._shown = None
            pane.close()
            return
        purser = self.screen.purser
        found = await queries.entry(purser.database, sight(person), chosen)
        key = (found.subject_kind, found.subject_id) if found else ("", None)
        subject = (await name_subjects(purser, person, [key]))[key]
        if chosen != self.address.sel:
            return  # somebody was quicker
        if found is None:
            with pane.fill("Not found"):
                states.not_found("row", "There is none of this id, or your role does not see it.")
        elif found != self._shown:
            panes.fill(pane, found, subject, self.screen.zone, self.neighbours(chosen))
        self._shown = found

    def forget_pane(self) -> None:
        self._shown = None

    async def refresh(self) -> None:
        """Something was written or sealed: the visible page is read again, in place."""
        await self.guarded(self.load_list, live=True)
        if self._shown and self._shown.hash is None:
            await self.guarded(self.load_pane, live=True)


def sight(person: Person) -> Sight:
    """What of the audit a person may read, as they are now."""
    return sight_of(person.role, person.id)
