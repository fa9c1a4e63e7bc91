"""The page at work: an address comes in, rows, chart and pane follow it; what people do goes back into the address."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from nicegui import background_tasks, ui

from core.accounts.person import Person
from core.database import Database
from core.database.reading import TOO_SLOW
from core.errors import NotSignedIn, PurserError
from core.generation import queries
from core.generation.detail import Detail, detail
from core.generation.queries import Filter
from core.ids import new_id
from core.log import get_logger
from core.vocabulary import Role, Traffic
from dashboard.components import states
from dashboard.components.density import Density
from dashboard.components.pane_actions import Neighbours
from dashboard.discretion import discreet_detail
from dashboard.generations import pane as panes
from dashboard.generations.address import PATH, Address, own
from dashboard.generations.filter_row import FilterRow
from dashboard.generations.histogram import Histogram
from dashboard.generations.listing import Listing
from dashboard.generations.pending import Pending
from dashboard.generations.reader import Reader, named
from dashboard.generations.window import Window, window
from dashboard.history import History
from dashboard.live import generations_changed
from dashboard.page import Screen
from dashboard.saved_views import SavedViews

log = get_logger(__name__)

PATIENCE = 0.5
"""Seconds that the first view may take to be in the page at once; beyond, a skeleton stands for it."""
LIVE_CHART_SECONDS = 10


class View:
    """One open page."""

    def __init__(self, screen: Screen, address: Address, *, default_traffic: str | None) -> None:
        self.screen = screen
        self.address = address
        self.default_traffic = default_traffic or Traffic.LIVE
        self.nothing_yet = default_traffic is None
        self.reader = Reader(screen.zone, screen.sees_costs, self._provider_name)
        self._shown: Detail | None = None
        self._loading = asyncio.Lock()
        self._changed_meanwhile = False
        self._chart_at: datetime | None = None
        self._client = ui.context.client
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
            tools=self._tools,
        )
        self.list = Listing(
            self.reader, on_open=self.open, on_page=self.turn, on_sort=self.sort, on_clear=self.clear
        )
        assert screen.frame.pane is not None, "the page is made with a pane"
        self.pane = screen.frame.pane.on_close(self._closed)
        self._history = History(self._moved_in_history)
        generations_changed.subscribe(self._changed)

    async def start(self) -> None:
        """Loads what the address says: at once where it is quick, else after the skeleton."""
        first = background_tasks.create(self._load_all(), context=self._client)
        self._client.on_delete(first.cancel)
        await asyncio.wait({first}, timeout=PATIENCE)

    # What people do

    async def change(self, **changes: object) -> None:
        """Other filters: page one of another list; searching on is one step in the history, however many letters."""
        goes_on = bool(self.address.q and changes.get("q"))
        await self._go(self.address.changed(**changes), again=goes_on)

    async def clear(self) -> None:
        """All filters away but the range; where that alone leaves nothing, the longest range."""
        kept = self.address.range if self.address.filtered else "30d"
        await self._go(Address(range=kept, sel=self.address.sel))

    async def turn(self, *, after: UUID | None = None, before: UUID | None = None) -> None:
        """Another page of the same list."""
        await self._go(self.address.turned(after=after, before=before))

    async def sort(self) -> None:
        """The other end first."""
        await self.change(sort=None if self.address.oldest_first else "oldest")

    async def open(self, generation_id: UUID, *, again: bool = False) -> None:
        """Another generation in the pane; `again` moves on without a step in the history."""
        self._write(self.address.opened(generation_id), again=again)
        self.list.choose(self.address)
        await self._guarded(self._load_pane)

    async def _closed(self) -> None:
        self._shown = None
        self._write(self.address.opened(None))
        self.list.choose(self.address)

    async def _brushed(self, begin: datetime, end: datetime) -> None:
        await self.change(begin=begin, end=end)

    async def _moved_in_history(self, query: Mapping[str, str]) -> None:
        """Back and forward: the address is already what it says."""
        self.address = Address.of(query)
        self.filters.show_address(self.address)
        await self._load_all()

    async def _go(self, address: Address, *, again: bool = False) -> None:
        self._write(address, again=again)
        self.filters.show_address(address)
        await self._load_all(pane=False)

    def _write(self, address: Address, *, again: bool = False) -> None:
        if address.url != self.address.url:
            self._history.write(address.url, again=again)
        self.address = address

    # What is loaded

    async def _load_all(self, *, pane: bool = True) -> None:
        async with self._loading:
            await self._guarded(self._load_list)
            if pane:
                await self._guarded(self._load_pane)
            await self._guarded(self._load_chart)
        if self._changed_meanwhile:
            await self._changed()

    async def _guarded(self, load: Callable[[Person], Awaitable[None]], *, live: bool = False) -> None:
        """Loads for the person as they are now; a failure is said where the thing would stand."""
        try:
            person = await self.screen.visitor.now()
            await load(person)
        except NotSignedIn:
            self._client.open("/login")
        except Exception as failure:  # noqa: BLE001 - whatever it was, the page says it and stays usable
            self._say_failed(load, failure, live=live)

    def _say_failed(
        self, load: Callable[[Person], Awaitable[None]], failure: Exception, *, live: bool
    ) -> None:
        request_id = str(new_id())
        words = failure.message if isinstance(failure, PurserError) else "Something in Purser went wrong."
        log.error("generations could not be read", request_id=request_id, error=repr(failure), live=live)
        if load == self._load_chart:
            self.histogram.fail(self._window(), words)
        elif load == self._load_list:
            self.list.fail(words, request_id, lambda: self._load_all(pane=False), live=live)
        elif not live:
            with self.pane.fill("Not loaded"):
                states.failed(words, request_id=request_id, on_retry=lambda: self._guarded(self._load_pane))

    async def _load_list(self, person: Person) -> None:
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
        await self._count(which, page)

    async def _count(self, which: Filter, page: queries.Listing) -> None:
        """The count comes after the rows, and is left out where it would take long."""
        database, address = self.screen.purser.database, self.address
        try:
            ahead = 0
            if page.lines and page.previous:
                ahead = await queries.count(
                    database, which, ahead_of=page.lines[0].id, oldest_first=address.oldest_first
                )
            total = await queries.count(database, which) if page.lines else 0
        except PurserError as refusal:
            if refusal.code != TOO_SLOW:
                raise
            return
        self.list.tell_count(ahead, total)
        self.filters.tell_count(total)

    async def _load_chart(self, person: Person) -> None:
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

    async def _load_pane(self, person: Person) -> None:
        chosen = self.address.sel
        if chosen is None:
            self._shown = None
            self.pane.close()
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
            with self.pane.fill("Not found"):
                states.not_found("generation")
        elif self._shown is None or found != self._shown:
            panes.fill(self.pane, found, self.reader, self._neighbours(chosen))
        self._shown = found

    def _neighbours(self, chosen: UUID) -> Neighbours:
        async def go(step: int) -> None:
            if other := self.list.beside(chosen, step):
                await self.open(other, again=True)

        return Neighbours(bool(self.list.beside(chosen, -1)), bool(self.list.beside(chosen, 1)), go)

    # What happens by itself

    async def _changed(self) -> None:
        """Something began or ended: the visible page is read again, in place."""
        self._changed_meanwhile = True
        if self._loading.locked():
            return
        async with self._loading:
            while self._changed_meanwhile:
                self._changed_meanwhile = False
                await self._refresh()

    async def _refresh(self) -> None:
        if self.nothing_yet:
            if await default_traffic(self.screen.purser.database, own(self.screen.person)):
                self._client.open(
                    self.address.url
                )  # the first ever: the page as it is for those who have some
            return
        await self._guarded(self._load_list, live=True)
        if self._shown and self._shown.row["status"] in ("pending", "processing"):
            await self._guarded(self._load_pane, live=True)
        now = self.screen.now()
        if self._chart_at is None or (now - self._chart_at).total_seconds() >= LIVE_CHART_SECONDS:
            await self._guarded(self._load_chart, live=True)

    # What it stands on

    def _tools(self) -> None:
        """At the right of the filters."""
        SavedViews(self.screen, PATH, "All generations", self._kept)
        Density()

    def _kept(self) -> str:
        """What a saved view keeps of the address: not the place in the list, nor the row that is open."""
        return self.address.turned().opened(None).url.removeprefix(PATH).removeprefix("?")

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
