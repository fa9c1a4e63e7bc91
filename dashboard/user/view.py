"""A user's page at work: the head, the figures and the picture of the day; tabs that load when they are opened."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nicegui import background_tasks, ui

from core.errors import DatabaseUnavailable, NotSignedIn, PurserError
from core.generation.timeline import pulse
from dashboard.access import MANAGERS
from dashboard.components import time
from dashboard.components.choice import Choice, Tabs
from dashboard.history import History
from dashboard.lists.pace import OneAtATime
from dashboard.lists.reading import read_now
from dashboard.live import audit_changed, generations_changed, plans_changed
from dashboard.page import Screen
from dashboard.user.activity import ActivityTab
from dashboard.user.address import TABS, Address
from dashboard.user.api_view import ApiTab
from dashboard.user.audit import AuditTab
from dashboard.user.desk import Desk
from dashboard.user.features import FeaturesTab
from dashboard.user.generations import GenerationsTab
from dashboard.user.head import Head
from dashboard.user.keys import KeysTab
from dashboard.user.ledger import LedgerTab
from dashboard.user.overrides import OverridesTab
from dashboard.user.picture import DayPicture
from dashboard.user.projects import ProjectsTab
from dashboard.user.reading import Reading, read
from dashboard.user.strip import UserStrip
from dashboard.user.tab import Tab

REFRESH_SECONDS = 30.0
"""After which what is relative to now is shown anew; what changes is shown at once."""
PATIENCE = 0.5
"""Seconds that the first view of a tab may take to be in the page at once."""
MADE: Mapping[str, Callable[[Desk], Tab]] = {
    "activity": ActivityTab,
    "ledger": LedgerTab,
    "generations": GenerationsTab,
    "features": FeaturesTab,
    "overrides": OverridesTab,
    "keys": KeysTab,
    "projects": ProjectsTab,
    "audit": AuditTab,
    "api": ApiTab,
}


class UserView:
    """One open page."""

    def __init__(self, screen: Screen, address: Address, found: Reading) -> None:
        self.screen = screen
        self.desk = Desk(screen, found, address, refresh=self.refresh, go=self.go)
        self._client = ui.context.client
        self._reading = OneAtATime(self._read_all)
        self._pulse: tuple[Any, ...] | None = None
        self.head = Head(self.desk)
        now = screen.now()
        self.strip = UserStrip(found, now, screen.zone)
        self.picture = DayPicture(screen.zone)
        words = {key: Choice(word, count="") for key, word in TABS.items()}
        self.tabs = Tabs(
            "User", words, address.tab, self._chosen, address=lambda key: self.desk.address.at(key).url
        ).classes("pu-user-tabs")  # fmt: skip
        self._panels = {key: self.tabs.panel(key) for key in TABS}
        self._made: dict[str, Tab] = {}
        self._history = History(self._moved_in_history)
        self._show(found)
        generations_changed.subscribe(self._beat)
        audit_changed.subscribe(self._beat)
        plans_changed.subscribe(self.refresh)
        ui.timer(REFRESH_SECONDS, self.refresh, immediate=False)

    async def start(self, deed: str) -> None:
        """Loads the tab of the address, at once where it is quick, else after the skeleton; opens the dialog `deed`."""
        first = background_tasks.create(self._load_tab(), context=self._client)
        self._client.on_delete(first.cancel)
        await asyncio.wait({first}, timeout=PATIENCE)
        if dialog := self.head.dialogs().get(deed):
            outcome = dialog()
            if outcome is not None:
                await outcome

    async def go(self, address: Address) -> None:
        """To another tab, or another page of one; a step in the history."""
        if address.url != self.desk.address.url:
            self._history.write(address.url)
        await self._arrive(address)

    async def refresh(self) -> None:
        """Reads all that is shown again, in place; news that come meanwhile are taken in behind it."""
        await self._reading.again()

    async def _arrive(self, address: Address) -> None:
        other_books = address.traffic != self.desk.address.traffic
        self.desk.address = address
        self.tabs.set_value(address.tab)
        if other_books:
            await self.refresh()
        else:
            await self._load_tab()

    async def _chosen(self, tab: str) -> None:
        await self.go(self.desk.address.at(tab))

    async def _moved_in_history(self, query: Mapping[str, str]) -> None:
        await self._arrive(Address.of(self.desk.user_id, query))

    async def _beat(self) -> None:
        """Something happened to somebody; whether it was this user costs one small question."""
        try:
            felt = await pulse(self.screen.purser.database, self.desk.user_id)
        except DatabaseUnavailable:
            return
        if felt != self._pulse:
            self._pulse = felt
            await self.refresh()

    async def _read_all(self) -> None:
        await self._read()
        await self._load_tab()

    async def _read(self) -> None:
        now = self.screen.now()
        try:
            await self.screen.visitor.now(MANAGERS)
            found = await read(self.screen.purser, self.desk.user_id, now, traffic=self.desk.address.traffic)
        except NotSignedIn:
            self._client.open("/login")
            return
        except PurserError as absence:
            self.screen.frame.note.set_text(f"{self._as_of}, old. {absence.message}")
            return
        if found is not None:
            self._show(found)

    def _show(self, found: Reading) -> None:
        now = self.screen.now()
        self.desk.found = found
        self._as_of = f"as of {time.clock(now, self.screen.zone)}"
        self.screen.frame.note.set_text(self._as_of)
        self.head.show_reading(found)
        self.strip.show_reading(found, now)
        self.picture.show_timeline(found.timeline)

    async def _load_tab(self) -> None:
        """The open tab, for the person as they are now; a failure is said where its rows would stand."""
        name = self.desk.address.tab
        tab = self._made.get(name)
        if tab is None:
            with self._panels[name]:
                tab = self._made[name] = MADE[name](self.desk)
        await read_now(
            self.screen, self._client, tab.load, partial(self._fail, tab), roles=MANAGERS, what="a user's tab"
        )
        if (count := tab.count()) is not None:
            self.tabs.set_count(name, count)

    def _fail(self, tab: Tab, words: str, request_id: str) -> None:
        tab.fail(words, request_id, self._load_tab)
