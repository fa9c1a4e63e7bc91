"""The page at work: rows, chart and pane follow the address."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.accounts.person import Person
from core.accounts.project_lists import project_names
from core.database import Database
from core.generation import queries
from core.generation.detail import Detail, detail
from core.generation.queries import Filter
from core.vocabulary import Role, Traffic
from dashboard.access import MANAGERS
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours
from dashboard.credits.refund import open_refund
from dashboard.discretion import discreet_detail
from dashboard.generations import pane as panes
from dashboard.generations.address import Address, own
from dashboard.generations.filter_row import FilterRow
from dashboard.generations.histogram import Histogram
from dashboard.generations.listing import Listing
from dashboard.generations.pending import Pending
from dashboard.generations.reader import Reader, named
from dashboard.generations.rows import UNDER_WAY
from dashboard.generations.window import Window, window
from dashboard.lists.view import ListView
from dashboard.live import generations_changed
from dashboard.page import Screen
from dashboard.reach import beyond_refund

LIVE_CHART_SECONDS = 10


class View(ListView[Address, FilterRow, Listing, Detail]):
    """One open page."""

    what = "generations"
    row = "generation"
    views = "All generations"

    def __init__(self, screen: Screen, address: Address, *, default_traffic: str | None) -> None:
        super().__init__(screen, address)
        self.default_traffic = default_traffic or Traffic.LIVE
        self.nothing_yet = default_traffic is None
        refund = self._refund if screen.person.role in MANAGERS else None
        self.reader = Reader(
            screen.zone,
            screen.sees_costs,
            self._provider_name,
            refund,
            self._beyond_refund,
            people=own(screen.person) is None,
        )
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
        if self.nothing_yet:  # known beforehand: nothing is drawn that would go again
            self.histogram.show(False)
            self.filters.show(False)
            self.list.show_first_use()
        self.begin(generations_changed)

    # What people do

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

    def _beyond_refund(self, found: Detail) -> str | None:
        if found.user_role is None:
            return None
        row = found.row
        return beyond_refund(
            self.screen.person, UUID(row["user_id"]), found.user_role, Traffic(row["traffic"])
        )

    # What is loaded

    async def load_list(self, person: Person) -> None:
        database, address = self.screen.purser.database, self.address
        count, oldest = await queries.running(database, own(person))
        self.pending.show_pending(count, oldest)
        if self.nothing_yet:
            return
        which = self._filter(person)
        page = await queries.listing(
            database, which, after=address.after, before=address.before, oldest_first=address.oldest_first
        )
        if not self.still_asked(address):
            return
        self.list.show_page(page, self.address)
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

    async def read_row(self, person: Person, row: UUID) -> Detail | None:
        found = await detail(
            self.screen.purser.database,
            row,
            content=person.role is Role.SUPERADMIN,
            reader=person.id,
            user_id=own(person),
        )
        return discreet_detail(found) if found and not self.screen.sees_costs else found

    def show_row(self, pane: Pane, found: Detail, neighbours: Neighbours) -> None:
        panes.fill(pane, found, self.reader, neighbours)

    async def refresh(self) -> None:
        """Something began or ended: the visible page is read again, in place."""
        if self.nothing_yet:
            if await default_traffic(self.screen.purser.database, own(self.screen.person)):
                # the first ever: the page as it is for those who have some
                self.client.open(self.address.url)
            return
        await self.guarded(self.load_list, live=True)
        if self.shown and self.shown.row["status"] in UNDER_WAY:
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
