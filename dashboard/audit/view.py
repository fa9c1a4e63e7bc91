"""The page at work: an address comes in, rows and pane follow it; what people do goes back into the address."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from nicegui import background_tasks, ui

from core.accounts.person import Person
from core.audit import queries
from core.audit.asking import Filter, Sight, sight_of
from core.audit.queries import Entry, Listing
from core.database.reading import TOO_SLOW
from core.errors import NotSignedIn, PurserError
from core.ids import new_id
from core.log import get_logger
from core.vocabulary import Role
from dashboard.audit import listing as lists
from dashboard.audit import pane as panes
from dashboard.audit.address import PATH, Address
from dashboard.audit.filter_row import FilterRow
from dashboard.audit.subjects import name_subjects
from dashboard.components import states
from dashboard.components.density import Density
from dashboard.components.pane_actions import Neighbours
from dashboard.history import History
from dashboard.live import audit_changed
from dashboard.page import Screen
from dashboard.saved_views import SavedViews

log = get_logger(__name__)

PATIENCE = 0.5
"""Seconds that the first view may take to be in the page at once; beyond, a skeleton stands for it."""
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


def sight(person: Person) -> Sight:
    """What of the audit a person may read, as they are now."""
    return sight_of(person.role, person.id)


class View:
    """One open page."""

    def __init__(
        self, screen: Screen, address: Address, *, actions: Sequence[str], kinds: Sequence[str]
    ) -> None:
        self.screen = screen
        self.address = address
        self._shown: Entry | None = None
        self._loading = asyncio.Lock()
        self._changed_meanwhile = False
        self._client = ui.context.client
        screen.frame.note.set_text(SHOWN_TO[screen.person.role])
        self.filters = FilterRow(
            address,
            actions=actions,
            kinds=kinds,
            zone=screen.zone,
            on_change=self.change,
            tools=self._tools,
        )
        self.list = lists.Listing(
            screen.zone,
            nothing=NOTHING[screen.person.role],
            on_open=self.open,
            on_page=self.turn,
            on_clear=self.clear,
        )
        assert screen.frame.pane is not None, "the page is made with a pane"
        self.pane = screen.frame.pane.on_close(self._closed)
        self._history = History(self._moved_in_history)
        audit_changed.subscribe(self._changed)

    async def start(self) -> None:
        """Loads what the address says: at once where it is quick, else after the skeleton."""
        self.list.choose(self.address)
        first = background_tasks.create(self._load_all(), context=self._client)
        self._client.on_delete(first.cancel)
        await asyncio.wait({first}, timeout=PATIENCE)

    # What people do

    async def change(self, **changes: object) -> None:
        """Other filters: page one of another list; searching on is one step in the history, however many letters."""
        goes_on = bool(self.address.q and changes.get("q"))
        await self._go(self.address.changed(**changes), again=goes_on)

    async def clear(self) -> None:
        """All filters away."""
        await self._go(Address(sel=self.address.sel))

    async def turn(self, *, after: UUID | None = None, before: UUID | None = None) -> None:
        """Another page of the same list."""
        await self._go(self.address.turned(after=after, before=before))

    async def open(self, entry_id: UUID, *, again: bool = False) -> None:
        """Another row in the pane; `again` moves on without a step in the history."""
        self._write(self.address.opened(entry_id), again=again)
        self.list.choose(self.address)
        await self._guarded(self._load_pane)

    async def _closed(self) -> None:
        self._shown = None
        self._write(self.address.opened(None))
        self.list.choose(self.address)

    async def _moved_in_history(self, query: Mapping[str, str]) -> None:
        """Back and forward: the address is already what it says."""
        self.address = Address.of(query)
        self.filters.show_address(self.address)
        self.list.choose(self.address)
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
        if self._changed_meanwhile:
            await self._changed()

    async def _guarded(self, load: Callable[[Person], Awaitable[None]], *, live: bool = False) -> None:
        """Loads for the person as they are now; a failure is said where the thing would stand."""
        try:
            await load(await self.screen.visitor.now())
        except NotSignedIn:
            self._client.open("/login")
        except Exception as failure:  # noqa: BLE001 - whatever it was, the page says it and stays usable
            self._say_failed(load, failure, live=live)

    def _say_failed(
        self, load: Callable[[Person], Awaitable[None]], failure: Exception, *, live: bool
    ) -> None:
        request_id = str(new_id())
        words = failure.message if isinstance(failure, PurserError) else "Something in Purser went wrong."
        log.error("the audit could not be read", request_id=request_id, error=repr(failure), live=live)
        if load == self._load_list:
            self.list.fail(words, request_id, lambda: self._load_all(pane=False), live=live)
        elif not live:
            with self.pane.fill("Not loaded"):
                states.failed(words, request_id=request_id, on_retry=lambda: self._guarded(self._load_pane))

    async def _load_list(self, person: Person) -> None:
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
        await self._count(person, which, page)

    async def _count(self, person: Person, which: Filter, page: Listing) -> None:
        """The count comes after the rows, and is left out where it would take long."""
        if not page.lines:
            return
        database = self.screen.purser.database
        try:
            ahead = (
                await queries.count(database, sight(person), which, newer_than=page.lines[0].id)
                if page.previous
                else 0
            )
            self.list.tell_count(ahead, await queries.count(database, sight(person), which))
        except PurserError as refusal:
            if refusal.code != TOO_SLOW:
                raise

    async def _load_pane(self, person: Person) -> None:
        chosen = self.address.sel
        if chosen is None:
            self._shown = None
            self.pane.close()
            return
        purser = self.screen.purser
        found = await queries.entry(purser.database, sight(person), chosen)
        key = (found.subject_kind, found.subject_id) if found else ("", None)
        subject = (await name_subjects(purser, person, [key]))[key]
        if chosen != self.address.sel:
            return  # somebody was quicker
        if found is None:
            with self.pane.fill("Not found"):
                states.not_found("row", "There is none of this id, or your role does not see it.")
        elif found != self._shown:
            panes.fill(self.pane, found, subject, self.screen.zone, self._neighbours(chosen))
        self._shown = found

    def _neighbours(self, chosen: UUID) -> Neighbours:
        async def go(step: int) -> None:
            if other := self.list.beside(chosen, step):
                await self.open(other, again=True)

        return Neighbours(bool(self.list.beside(chosen, -1)), bool(self.list.beside(chosen, 1)), go)

    # What happens by itself

    async def _changed(self) -> None:
        """Something was written or sealed: the visible page is read again, in place."""
        self._changed_meanwhile = True
        if self._loading.locked():
            return
        async with self._loading:
            while self._changed_meanwhile:
                self._changed_meanwhile = False
                await self._guarded(self._load_list, live=True)
                if self._shown and self._shown.hash is None:
                    await self._guarded(self._load_pane, live=True)

    # What it stands on

    def _tools(self) -> None:
        """At the right of the filters."""
        SavedViews(self.screen, PATH, "All of the audit", self._kept)
        Density()

    def _kept(self) -> str:
        """What a saved view keeps of the address: not the place in the list, nor the row that is open."""
        return self.address.turned().opened(None).url.removeprefix(PATH).removeprefix("?")
