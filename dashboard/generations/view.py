"""The page at work: rows, chart and pane follow the address."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.accounts.person import Person
from core.accounts.projects import project_names
from core.database import Database
from core.generation import queries
from core.generation.detail import Detail, detail
from core.generation.queries import Filter
from core.vocabulary import Role, Traffic
from dashboard.components import states
from dashboard.credits.moving import MOVERS
from dashboard.credits.refund import open_refund
from dashboard.discretion import discreet_detail
from dashboard.generations import pane as panes
from dashboard.generations.address import Address, own
from dashboard.generations.filter_row import FilterRow
from dashboard.generations.histogram import Histogram
from dashboard.generations.listing import Listing
from dashboard.generations.pending import Pending
from dashboard.generations.reader import Reader, named
from dashboard.generations.window import Window, window
from dashboard.lists.view import ListView
from dashboard.live import generations_changed
from dashboard.page import Screen

LIVE_CHART_SECONDS = 10


class View(ListView[Address, FilterRow, Listing]):
    """One open page."""

    what = "generations"
    views = "All generations"

    def __init__(self, screen: Screen, address: Address, *, default_traffic: str | None) -> None:
        super().__init__(screen, address)
        self.default_traffic = default_traffic or Traffic.LIVE
        self.nothing_yet = default_traffic is None
        refund = self._refund if screen.person.role in MOVERS else None
        self.reader = Reader(
            screen.zone,
            screen.sees_costs,
            self._provider_name,
            refund,
            people=own(screen.person) is None,
        )
        self._shown: Detail | None = None
        self._chart_at: datetime | None = None
        with screen.frame.actions:
            self.pending = Pending()
        self.histogram = Histogram(self._window(), self._brushed)
        providers = {
            one.slug: self._provider_name(one.slug) for one in screen.purser.snapshots.current.providers
        }
        self.filters = FilterRow(
            address,
            providers=providers,
            traffic=self.default_traffic,
            zone=screen.zone,
            on_change=self.change,
            tools=self.tools,
        )
        self.list = Listing(self.reader, self, on_sort=self._sort)
        self.begin(generations_changed)

    # What people do

    def read_address(self, query: Mapping[str, str]) -> Address:
        return Address.of(query)

    def cleared(self) -> Address:
        """All filters away but the range; where that alone leaves nothing, the longest range."""
        kept = self.address.range if self.address.filtered else "30d"
        return Address(range=kept, sel=self.address.sel)

    async def _sort(self) -> None:
        """The other end first."""
        await self.change(sort=None if self.address.oldest_first else "oldest")

    async def _brushed(self, begin: datetime, end: datetime) -> None:
        await self.change(begin=begin, end=end)

    async def _refund(self, generation_id: UUID) -> None:
        await open_refund(self.screen, lambda: self.guarded(self.load_pane), generation_id=generation_id)

    # What is loaded

    async def load_list(self, person: Person) -> None:
        database, address = self.screen.purser.database, self.address
        count, oldest = await queries.running(database, own(person))
        self.pending.show_pending(count, oldest)
        if self.nothing_yet:
            self.filters.show(False)
            self.list.show_first_use()
            return
        which = self._filter(person)
        page = await queries.listing(
            database, which, after=address.after, before=address.before, oldest_first=address.oldest_first
        )
        self.list.show_page(page, address, self._window())
        if address.project and own(person) is None:
            names = await project_names(database, [address.project])
            self.filters.name_project(names.get(address.project, "gone"))
        await self.told_count(lambda: self._count(which, page))

    async def _count(self, which: Filter, page: queries.Listing) -> None:
        database, address = self.screen.purser.database, self.address
        ahead = 0
        if page.lines and page.previous:
            ahead = await queries.count(
                database, which, ahead_of=page.lines[0].id, oldest_first=address.oldest_first
            )
        total = await queries.count(database, which) if page.lines else 0
        self.list.tell_count(ahead, total)
        self.filters.tell_count(total)

    async def load_more(self, person: Person) -> None:
        """The chart above the list."""
        if self.nothing_yet:
            self.histogram.show(False)
            return
        shown, address = self._window(), self.address
        which = replace(self._filter(person), status=None, begin=None, end=None)
        buckets = await queries.volume_at(self.screen.purser.database, which, shown.edges)
        stretch = (address.begin, address.end) if address.begin and address.end else None
        self.histogram.show(True)
        self.histogram.draw(shown, buckets, stretch)
        self._chart_at = self.screen.now()

    def fail_more(self, words: str) -> None:
        self.histogram.fail(self._window(), words)

    async def load_pane(self, person: Person) -> None:
        chosen, pane = self.address.sel, self.pane
        assert pane is not None, "the page is made with a pane"
        if chosen is None:
            self._shown = None
            pane.close()
            return
        found = await detail(
            self.screen.purser.database,
            chosen,
            content=person.role is Role.SUPERADMIN,
            reader=person.id,
            user_id=own(person),
        )
        if chosen != self.address.sel:
            return  # somebody was quicker
        if found is not None and not self.screen.sees_costs:
            found = discreet_detail(found)
        if found is None:
            with pane.fill("Not found"):
                states.not_found("generation")
        elif self._shown is None or found != self._shown:
            panes.fill(pane, found, self.reader, self.neighbours(chosen))
        self._shown = found

    def forget_pane(self) -> None:
        self._shown = None

    async def refresh(self) -> None:
        """Something began or ended: the visible page is read again, in place."""
        if self.nothing_yet:
            if await default_traffic(self.screen.purser.database, own(self.screen.person)):
                # the first ever: the page as it is for those who have some
                self.client.open(self.address.url)
            return
        await self.guarded(self.load_list, live=True)
        if self._shown and self._shown.row["status"] in ("pending", "processing"):
            await self.guarded(self.load_pane, live=True)
        now = self.screen.now()
        if self._chart_at is None or (now - self._chart_at).total_seconds() >= LIVE_CHART_SECONDS:
            await self.guarded(self.load_more, live=True)

    # What it stands on

    def _window(self) -> Window:
        return window(self.address, self.screen.now(), self.screen.zone)

    def _filter(self, person: Person) -> Filter:
        return self.address.filter(self._window().begin, traffic=self.default_traffic, user_id=own(person))

    def _provider_name(self, slug: str) -> str:
        return named(self.screen.purser.snapshots.current, slug)


async def default_traffic(database: Database, user_id: UUID | None) -> str | None:
    """What a list shows where nobody has chosen: live; before anything is live, what there is; None for nothing."""
    for traffic in (Traffic.LIVE, Traffic.TEST, Traffic.DEMO):
        if await queries.exists(database, traffic, user_id):
            return traffic
    return None
