"""A list at work: an address comes in, rows and pane follow it; what people do goes back into the address."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from nicegui import Event, background_tasks, ui

from core.accounts.person import Person
from core.database.reading import TOO_SLOW
from core.errors import PurserError
from core.vocabulary import STAFF, Role
from dashboard.components import states
from dashboard.components.density import Density
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours
from dashboard.history import History
from dashboard.lists.address import ListAddress
from dashboard.lists.filter_row import ListFilters
from dashboard.lists.pace import OneAtATime, Pace
from dashboard.lists.reading import Load, read_now
from dashboard.lists.table import PagedTable
from dashboard.page import Screen
from dashboard.saved_views import SavedViews

PATIENCE = 0.5
"""Seconds that the first view may take to be in the page at once; beyond, a skeleton stands for it."""

EVERYBODYS_SECONDS = 5.0
"""For lists that move by the audit: it tells of everybody's deeds, and most concern no row in sight."""

A = TypeVar("A", bound=ListAddress)
F = TypeVar("F", bound=ListFilters[Any])
T = TypeVar("T", bound=PagedTable[Any, Any])
R = TypeVar("R")


class ListView(Generic[A, F, T, R]):
    """One open page. A subclass makes `filters` and `list`, calls `begin`, and says what is loaded; `R` is what the pane
    shows of a row.

    Only one load of the list runs at a time; news that come meanwhile are taken in behind it.
    """

    what: ClassVar[str]
    """What cannot be read when it fails, for the log."""
    row: ClassVar[str]
    """What a row is called where an address names none."""
    row_absent: ClassVar[str] = ""
    """Why it may name none, where there is more to say."""
    views: ClassVar[str]
    """What a saved view without any filter is called."""
    roles: ClassVar[Iterable[Role]] = STAFF
    """Who may see it: the page's roles, asked for again at every read."""

    filters: F
    list: T

    def __init__(self, screen: Screen, address: A) -> None:
        self.screen = screen
        self.address = address
        self.client = ui.context.client
        self.pane: Pane | None = None
        self.shown: R | None = None
        self._refreshing = OneAtATime(self.refresh)

    # What a subclass says

    def cleared(self) -> A:
        """The address without its filters."""
        raise NotImplementedError

    async def load_list(self, person: Person) -> None:
        """Reads and shows the page of the list that the address says."""
        raise NotImplementedError

    async def read_row(self, person: Person, row: UUID) -> R | None:
        """What the pane shows of a row; None where there is none of this id."""
        raise NotImplementedError

    def show_row(self, pane: Pane, found: R, neighbours: Neighbours) -> None:
        """Fills the pane with it."""
        raise NotImplementedError

    async def load_more(self, person: Person) -> None:
        """Reads and shows what stands beside the list."""

    async def refresh(self) -> None:
        """News have come: what is shown is read again, in place."""
        await self.guarded(self.load_list, live=True)

    def fail_more(self, words: str) -> None:
        """Says that what stands beside the list could not be read."""

    # From the first view on

    def begin(self, *news: Event[[]], seconds: float = 0.0) -> None:
        """Listens: to the pane, to steps back and on, and to `news`, which move the list at most once in so many
        `seconds`."""
        self.pane = self.screen.frame.pane
        if self.pane is not None:
            self.pane.on_close(self._closed)
        self._history = History(self._moved_in_history)
        pace = Pace(self._refreshing.again, seconds)
        self.client.on_delete(pace.stop)
        for event in news:
            event.subscribe(pace.beat)

    async def start(self) -> None:
        """Loads what the address says: at once where it is quick, else after the skeleton."""
        self.list.choose(self.address)
        first = background_tasks.create(self.load_all(), context=self.client)
        self.client.on_delete(first.cancel)
        await asyncio.wait({first}, timeout=PATIENCE)

    # What people do

    async def change(self, **changes: object) -> None:
        """Other filters: page one of another list; searching on is one step in the history, however many letters."""
        goes_on = bool(self.address.q and changes.get("q"))
        await self.go(self.address.changed(**changes), again=goes_on)

    async def clear(self) -> None:
        """All filters away."""
        await self.go(self.cleared())

    async def turn(self, *, after: Any = None, before: Any = None) -> None:
        """Another page of the same list."""
        await self.go(self.address.turned(after=after, before=before))

    async def open(self, row: UUID, *, again: bool = False) -> None:
        """Another row in the pane; `again` moves on without a step in the history."""
        self.write(self.address.opened(row), again=again)
        self.list.choose(self.address)
        await self.guarded(self.load_pane)

    async def go(self, address: A, *, again: bool = False) -> None:
        """To another list, or another page of it."""
        self.write(address, again=again)
        self.filters.show_address(address)
        await self.load_all(pane=False)

    def write(self, address: A, *, again: bool = False) -> None:
        """A step to another address, without loading anything."""
        if address.url != self.address.url:
            self._history.write(address.url, again=again)
        self.address = address

    def neighbours(self, chosen: UUID) -> Neighbours:
        """From one open row to the next."""

        async def go(step: int) -> None:
            if other := self.list.beside(chosen, step):
                await self.open(other, again=True)

        return Neighbours(bool(self.list.beside(chosen, -1)), bool(self.list.beside(chosen, 1)), go)

    def tools(self) -> None:
        """At the right of the filters."""
        SavedViews(self.screen, self.address.path, self.views, lambda: self.address.kept)
        Density()

    # What is loaded

    async def load_all(self, *, pane: bool = True) -> None:
        """The list, the pane, and what stands beside; a failure of one leaves the others."""
        async with self._refreshing.alone():
            await self.guarded(self.load_list)
            if pane:
                await self.guarded(self.load_pane)
            await self.guarded(self.load_more)

    async def load_pane(self, person: Person) -> None:
        """Reads and shows what is open, drawn anew only where it differs; closes the pane where nothing is."""
        chosen, pane = self.address.sel, self.pane
        assert pane is not None, "the page is made with a pane"
        if chosen is None:
            self.shown = None
            pane.close()
            return
        found = await self.read_row(person, chosen)
        if chosen != self.address.sel:
            return  # somebody was quicker
        if found is None:
            with pane.fill("Not found"):
                states.not_found(self.row, self.row_absent)
        elif found != self.shown:
            self.show_row(pane, found, self.neighbours(chosen))
        self.shown = found

    def still_asked(self, address: A) -> bool:
        """Whether what was read of an address is still to be shown, whatever row was opened meanwhile; another list, or
        another page, is loaded next."""
        return address.opened(None) == self.address.opened(None)

    async def guarded(self, load: Load, *, live: bool = False) -> None:
        """Loads for the person as they are now; a failure is said where the thing would stand."""
        fail = partial(self._say_failed, load, live)
        await read_now(self.screen, self.client, load, fail, roles=self.roles, what=self.what)

    async def told_count(self, count: Callable[[], Awaitable[None]]) -> None:
        """Counts after the rows are there; a count that would take long is left out."""
        try:
            await count()
        except PurserError as refusal:
            if refusal.code != TOO_SLOW:
                raise

    def _say_failed(self, load: Load, live: bool, words: str, request_id: str) -> None:
        if load == self.load_list:
            self.list.fail(words, request_id, lambda: self.load_all(pane=False), live=live)
        elif load == self.load_more:
            self.fail_more(words)
        elif not live and self.pane is not None:
            self.shown = None
            with self.pane.fill("Not loaded"):
                states.failed(words, request_id=request_id, on_retry=lambda: self.guarded(self.load_pane))

    async def _closed(self) -> None:
        self.shown = None
        self.write(self.address.opened(None))
        self.list.choose(self.address)

    async def _moved_in_history(self, query: Mapping[str, str]) -> None:
        """Back and forward: the address is already what it says."""
        self.address = type(self.address).of(query)
        self.filters.show_address(self.address)
        self.list.choose(self.address)
        await self.load_all()
