"""Ledger and refunds at work: rows and pane follow the address, and what is done is seen in place."""

from collections.abc import Mapping

from core.accounts.person import Person
from core.credits import ledger
from core.credits.detail import EntryDetail, entries_of_generation, entry
from core.credits.ledger import Filter, LedgerLine, Listing
from dashboard.components import states
from dashboard.credits import listing as lists
from dashboard.credits import pane as panes
from dashboard.credits.address import Address
from dashboard.credits.adjust import AdjustTarget, open_adjust
from dashboard.credits.export import EXPORTED_TO
from dashboard.credits.filter_row import FilterRow
from dashboard.credits.meant import meant_by
from dashboard.credits.moving import MOVERS
from dashboard.credits.refund import open_refund
from dashboard.credits.summary import Summary
from dashboard.lists.view import ListView
from dashboard.live import credits_changed
from dashboard.page import Screen


class View(ListView[Address, FilterRow, lists.Listing]):
    """One open page, on the tab Ledger or Refunds."""

    what = "the ledger"
    views = "All entries"
    roles = MOVERS

    def __init__(self, screen: Screen, address: Address, summary: Summary) -> None:
        super().__init__(screen, address)
        self._summary = summary
        self._shown: EntryDetail | None = None
        self._deeds = panes.Deeds(self._refund, self._adjust)
        self.filters = FilterRow(
            address, zone=screen.zone, on_change=self.change, tools=self.tools, exported_to=EXPORTED_TO
        )
        self.list = lists.Listing(screen.zone, self, address)
        self.begin(credits_changed)

    def read_address(self, query: Mapping[str, str]) -> Address:
        return Address.of(query)

    def cleared(self) -> Address:
        """All filters away but the range; where that alone leaves nothing, the whole time."""
        kept = self.address.range if self.address.filtered else "all"
        return Address(tab=self.address.tab, range=kept, sel=self.address.sel)

    async def load_list(self, person: Person) -> None:
        address, database = self.address, self.screen.purser.database
        meant = await meant_by(database, address.q)
        if meant and meant.user_id is None:
            made = meant.generation_id
            found = await entries_of_generation(database, made) if made else ()
            self.list.show_page(Listing(found), address, meant)
            return
        which = address.filter(self.screen.now(), meant)
        page = await ledger.ledger(database, which, after=address.after, before=address.before)
        if address.turned() != self.address.turned():
            return  # another list was asked for meanwhile, and is loaded next
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

    async def load_pane(self, person: Person) -> None:
        chosen, pane = self.address.sel, self.pane
        assert pane is not None, "the page is made with a pane"
        if chosen is None:
            self._shown = None
            pane.close()
            return
        found = await entry(self.screen.purser.database, chosen)
        if chosen != self.address.sel:
            return  # somebody was quicker
        if found is None:
            with pane.fill("Not found"):
                states.not_found("entry")
        elif found != self._shown:
            panes.fill(
                pane, found, zone=self.screen.zone, neighbours=self.neighbours(chosen), deeds=self._deeds
            )
        self._shown = found

    def forget_pane(self) -> None:
        self._shown = None

    async def refresh(self) -> None:
        """Something was booked: the visible page, its pane and the totals are read again, in place."""
        await self.guarded(self.load_list, live=True)
        if self._shown:
            await self.guarded(self.load_pane, live=True)
        if self._summary.due(self.screen.now()):
            await self.guarded(self.load_more, live=True)

    async def _refund(self, line: LedgerLine) -> None:
        await open_refund(self.screen, self.refresh, entry_id=line.id)

    async def _adjust(self, line: LedgerLine) -> None:
        target = AdjustTarget(line.user_id, line.email, traffic=line.traffic)
        await open_adjust(self.screen, target, self.refresh)
