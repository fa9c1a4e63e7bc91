"""The list of users at work: rows follow the address; what people do goes back into the address."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from nicegui import ui

from core.accounts import listing as lists
from core.accounts.listing import COUNTED_TO, Filter
from core.accounts.person import Person
from core.entitlements.rules import PlanView
from core.errors import InvalidRequest
from dashboard.access import MANAGERS
from dashboard.components import time
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.lists.view import EVERYBODYS_SECONDS, ListView
from dashboard.live import audit_changed
from dashboard.page import Screen
from dashboard.users.add import AddUser
from dashboard.users.address import Address
from dashboard.users.chosen import Chosen
from dashboard.users.filter_row import FilterRow
from dashboard.users.listing import Listing

REFRESH_SECONDS = 30.0
"""After which figures are read again that are counted by themselves; what people change is seen by the audit."""


class View(ListView[Address, FilterRow, Listing, None]):
    """One open page. A row leads to its user: nothing opens beside the list."""

    what = "the users"
    views = "All users"
    roles = MANAGERS

    def __init__(self, screen: Screen, address: Address) -> None:
        super().__init__(screen, address)
        plans = {key: plan.display_name for key, plan in self._plans().items()}
        self.filters = FilterRow(address, plans=plans, on_change=self.change, tools=self.tools)
        self._place = Node("div")
        self.list = Listing(screen.zone, self, self._plans, self._picked)
        with self._place:
            self.chosen = Chosen(screen, self._tick)
        self.begin(audit_changed, seconds=EVERYBODYS_SECONDS)
        ui.timer(REFRESH_SECONDS, self.refresh, immediate=False)

    def cleared(self) -> Address:
        return Address()

    async def load_list(self, person: Person) -> None:
        address, database = self.address, self.screen.purser.database
        try:
            page = await lists.listing(
                database,
                address.filter,
                sort=address.order,
                descending=address.descending,
                after=address.after,
                before=address.before,
            )
        except InvalidRequest as refusal:
            self._refused(refusal)
            return
        if not self.still_asked(address):
            return
        self.list.show_page(page, address)
        await self.told_count(lambda: self._count(address.filter, page))

    async def open(self, row: UUID, *, again: bool = False) -> None:
        """To the user's page."""
        self.client.open(f"/users/{row}")

    async def sort(self, key: str) -> None:
        """By another column, or the same one turned round."""
        await self.go(self.address.sorted_by(key))

    def add(self) -> None:
        """The dialog that adds somebody."""
        AddUser(self.screen, self.refresh).open()

    async def _count(self, which: Filter, page: lists.Listing) -> None:
        database, lines = self.screen.purser.database, page.lines
        total = await lists.count(database, which)
        now = time.clock(self.screen.now(), self.screen.zone)
        many = format_count(min(total, COUNTED_TO), at_least=total > COUNTED_TO)
        self.screen.frame.note.set_text(f"{many} {'user' if total == 1 else 'users'} · as of {now}")
        if lines:
            ahead = 0
            if page.previous:
                ahead = await lists.count(
                    database, which, ahead_of=lines[0].cursor, descending=self.address.descending
                )
            self.list.tell_count(ahead, total)

    def _refused(self, refusal: InvalidRequest) -> None:
        """A combination that no index carries is said in words; a place that is none is the first page."""
        if refusal.code == "bad_cursor" and (self.address.after or self.address.before):
            self.address = self.address.turned()
            ui.timer(0, self.load_all, once=True)
            return
        self.screen.frame.note.set_text("")
        self.list.refuse(refusal.message)

    def _picked(self, ids: list[str], ticked: bool) -> None:
        emails = {str(line.id): line.email for line in self.list.lines}
        self.chosen.pick({one: emails[one] for one in ids if one in emails}, ticked)

    def _tick(self, ids: Iterable[str]) -> None:
        self.list.table.pick(ids)

    def _plans(self) -> Mapping[str, PlanView]:
        return self.screen.purser.snapshots.current.entitlements.plans
