"""Ledger and refunds at work: rows and pane follow the address, and what is done is seen in place."""

from uuid import UUID

from core.accounts.person import Person
from core.credits import ledger
from core.credits.detail import EntryDetail, entries_of_generation, entry
from core.credits.ledger import Filter, LedgerLine, Listing
from dashboard.access import MANAGERS
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours
from dashboard.credits import listing as lists
from dashboard.credits import pane as panes
from dashboard.credits.address import Address
from dashboard.credits.adjust import AdjustTarget, open_adjust
from dashboard.credits.export import EXPORTED_TO
from dashboard.credits.filter_row import FilterRow
from dashboard.credits.meant import meant_by
from dashboard.credits.refund import open_refund
from dashboard.credits.summary import Summary
from dashboard.lists.ranges import ALL
from dashboard.lists.view import ListView
from dashboard.live import credits_changed
from dashboard.page import Screen


class View(ListView[Address, FilterRow, lists.Listing, EntryDetail]):
    """One open page, on the tab Ledger or Refunds."""

    what = "the ledger"
    row = "entry"
    views = "All entries"
    roles = MANAGERS

    def __init__(self, screen: Screen, address: Address, summary: Summary) -> None:
        super().__init__(screen, address)
        self._summary = summary
        self._deeds = panes.Deeds(screen.person, self._refund, self._adjust)
        self.filters = FilterRow(
            address, zone=screen.zone, on_change=self.change, tools=self.tools, exported_to=EXPORTED_TO
        )
        self.list = lists.Listing(screen.zone, self, address)
        self.begin(credits_changed)

    def cleared(self) -> Address:
        """All filters away but the range; where that alone leaves nothing, the whole time."""
        kept = self.address.range if self.address.filtered else ALL
        return Address(tab=self.address.tab, range=kept, sel=self.address.sel)

    async def load_list(self, person: Person) -> None:
        address, database = self.address, self.screen.purser.database
        meant = await meant_by(database, address.q)
        if meant and meant.user_id is None:
            made = meant.generation_id
            found = await entries_of_generation(database, made) if made else ()
            if self.still_asked(address):
                self.list.show_page(Listing(found), self.address, meant)
            return
        which = address.filter(self.screen.now(), meant)
        page = await ledger.ledger(database, which, after=address.after, before=address.before)
        if not self.still_asked(address):
            return
        self.list.show_page(page, self.address, meant)
        if page.lines and address.actor:
            self.filters.name_actor(page.lines[0].actor or "")
        if page.lines:
            await self.told_count(lambda: self._count(which, page))

    async def _count(self, which: Filter, page: Listing) -> None:
        database = self.screen.purser.database
        ahead = await ledger.count(database, which, ahead_of=page.lines[0].id) if page.previous else 0
        self.list.tell_count(ahead, await ledger.count(database, which))

    async def load_more(self, person: Person) -> None:
        """The totals of the same range and books."""
        await self._summary.show(self.address)

    def fail_more(self, words: str) -> None:
        self._summary.say_failed(words)

    async def read_row(self, person: Person, row: UUID) -> EntryDetail | None:
        return await entry(self.screen.purser.database, row)

    def show_row(self, pane: Pane, found: EntryDetail, neighbours: Neighbours) -> None:
        panes.fill(pane, found, zone=self.screen.zone, neighbours=neighbours, deeds=self._deeds)

    async def refresh(self) -> None:
        """Something was booked: the visible page, its pane and the totals are read again, in place."""
        await self.guarded(self.load_list, live=True)
        if self.shown:
            await self.guarded(self.load_pane, live=True)
        if self._summary.due(self.screen.now()):
            await self.guarded(self.load_more, live=True)

    async def _refund(self, line: LedgerLine) -> None:
        await open_refund(self.screen, self.refresh, entry_id=line.id)

    async def _adjust(self, line: LedgerLine) -> None:
        target = AdjustTarget(line.user_id, line.email, traffic=line.traffic)
        await open_adjust(self.screen, target, self.refresh)
