"""The pane of one provider: what is wrong and why, then health, breaker, keys and events, each in its tab."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.errors import DatabaseUnavailable, PurserError
from core.log import get_logger
from core.providers.service import probe_keys
from core.routing.events import events
from core.system.board import BoardState, ProviderState
from core.vocabulary import Modality
from dashboard.access import SUPERADMINS
from dashboard.components import status
from dashboard.components.button import Button
from dashboard.components.choice import Choice, Tabs
from dashboard.components.html import Node
from dashboard.components.menu import Menu
from dashboard.components.pane import Pane
from dashboard.components.status import Chip
from dashboard.providers.actions import Actions
from dashboard.providers.breaker_tab import BreakerTab
from dashboard.providers.desk import Desk
from dashboard.providers.drill import DrillBanner
from dashboard.providers.edit import EditProvider
from dashboard.providers.events_tab import PAGE, EventsTab
from dashboard.providers.health_tab import HealthTab
from dashboard.providers.keys_tab import KeysTab
from dashboard.providers.past import archive_of
from dashboard.providers.said import Said
from dashboard.providers.trouble import Trouble
from dashboard.providers.words import ending, key_words

log = get_logger(__name__)

TABS = {"health": "Health", "breaker": "Breaker", "keys": "Keys", "events": "Events"}
FOR_ADMINS = ("keys", "events")
PATIENCE = 2.0
"""Seconds for which the page waits for a tab: breakers are in memory, and must not wait behind it."""
OLD = "Some of this could not be read just now; what you see may be old."


class ProviderPane:
    """`show(board, provider_id, tab)` fills it or changes it in place; `on_tab(key)` is told of another tab."""

    def __init__(self, desk: Desk, pane: Pane, on_tab: Callable[[str], Any]) -> None:
        self._desk = desk
        self._pane = pane
        self._on_tab = on_tab
        self._content: _Content | None = None

    def close(self) -> None:
        self._content = None
        self._pane.close()

    async def show(self, board: BoardState, provider_id: UUID, tab: str) -> None:
        """Shows a provider; closes where there is none of that id."""
        state = board.find(provider_id)
        if state is None:
            self.close()
            return
        if self._content is None or self._content.id != provider_id:
            with self._pane.fill(state.provider.name) as pane:
                self._content = _Content(self._desk, pane, state, tab, self._on_tab)
        await self._content.show(state, board, tab)


class _Content:
    """What stands in the pane for one provider, for as long as it is shown."""

    def __init__(
        self, desk: Desk, pane: Pane, state: ProviderState, tab: str, on_tab: Callable[[str], Any]
    ) -> None:
        self.id = state.provider.id
        self._desk, self._pane = desk, pane
        self._archive = archive_of(desk.purser.database)
        self._actions = Actions(desk, self.id) if desk.admin else None
        self._head(state)
        self._on_tab = on_tab
        self._troubles: dict[Modality, Trouble] = {}
        self._built: dict[str, Any] = {}
        self._old: dict[str, Node] = {}
        with Node("div", "", "pu-prov"):
            self._fill(state, tab)

    def _fill(self, state: ProviderState, tab: str) -> None:
        desk = self._desk
        self._said = Said()
        self._drill = DrillBanner(self._actions, desk.screen.zone)
        self._trouble_place = Node("div")
        words = {
            key: Choice(word, count="") for key, word in TABS.items() if desk.admin or key not in FOR_ADMINS
        }
        self._tabs = Tabs(
            f"About {state.provider.name}", words, tab if tab in words else "health", self._turned
        )
        self._panels = {key: self._tabs.panel(key) for key in words}

    @property
    def _threshold(self) -> int:
        return self._desk.purser.breakers.threshold

    @property
    def _timeout(self) -> timedelta:
        return timedelta(milliseconds=self._desk.purser.settings.circuit_breaker_timeout)

    async def show(self, state: ProviderState, board: BoardState, tab: str) -> None:
        now = self._desk.screen.now()
        self._show_head(state)
        self._drill.show_drill(state.provider, now)
        self._show_troubles(state, now)
        if tab in self._panels and tab != self._tabs.value:
            self._tabs.set_value(tab)
        if "keys" in self._panels:
            self._tabs.set_count("keys", str(len(state.provider.keys) or ""))
        await self._show_tab(state, board, now)

    # The head

    def _head(self, state: ProviderState) -> None:
        with self._pane.actions:
            if self._actions:
                if state.provider.kind != "sandbox":
                    Button("Test connection", self._test, icon="network_check", kind="primary")
                self._menu(self._actions, state.provider.name)
        with self._pane.sub:
            self._chip = Chip(status.health(state.health))
            self._line = Node("span")

    def _menu(self, actions: Actions, name: str) -> None:
        menu = Menu(f"More about {name}")
        menu.item("Edit…", "edit", lambda: EditProvider(self._desk, self.id).open())
        menu.item("Simulate outage…", "theater_comedy", actions.simulate)
        menu.item("Isolate…", "front_hand", lambda: actions.isolate())
        self._switch = menu.item("Switch off…", "block", actions.switch)

    def _show_head(self, state: ProviderState) -> None:
        provider = state.provider
        self._pane.title.set_text(provider.name)
        self._chip.set_status(status.health(state.health))
        first = next(iter(state.by_modality), Modality.TEXT)
        rank = f"rank {provider.ranks[first]}, {first}" if first in provider.ranks else ""
        words = [provider.kind, key_words(provider) if self._desk.admin else "", rank]
        self._line.set_text(" · ".join(dict.fromkeys(word for word in words if word)))
        if self._actions:
            self._switch.set_text("Switch off…" if provider.enabled else "Switch on…")

    def _show_troubles(self, state: ProviderState, now: datetime) -> None:
        for modality, one in state.by_modality.items():
            if modality not in self._troubles:
                with self._trouble_place:
                    self._troubles[modality] = Trouble(
                        modality, self._actions, timeout=self._timeout, zone=self._desk.screen.zone
                    )
            self._troubles[modality].show_state(one, state, now)
        for modality in self._troubles.keys() - state.by_modality.keys():
            self._troubles.pop(modality).delete()

    async def _test(self) -> None:
        """The vendor's cost-free probe with each key; its own words when one fails."""
        assert self._actions is not None, "the button is made for those who have them"
        try:
            await self._desk.screen.visitor.actor(SUPERADMINS)
            found = await probe_keys(self._desk.purser.clients, self._actions.provider)
        except PurserError as refusal:
            self._said.say("bad", "Not tested", [refusal.message])
            return
        self._said.say_tests(found, ending)

    # The tabs

    async def _turned(self, tab: str) -> None:
        self._on_tab(tab)
        state = self._desk.board.find(self.id) if self._desk.board else None
        if state and self._desk.board:
            await self._show_tab(state, self._desk.board, self._desk.screen.now())

    async def _show_tab(self, state: ProviderState, board: BoardState, now: datetime) -> None:
        """Only the tab that is seen is kept up to date. What cannot be read stays as it was, and is said to be old."""
        tab, since = self._tabs.value, board.taken_at
        if tab not in self._built:
            with self._panels[tab]:
                self._old[tab] = Node("p", OLD, "pu-alert", role="status", hidden=True)
                self._built[tab] = self._build(tab)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._fill_tab(self._built[tab], state, board, now)
                if "events" in self._panels:
                    self._tabs.set_count("events", await self._archive.event_count(self.id, since=since))
        except (DatabaseUnavailable, TimeoutError):
            self._old[tab].show(True)
        except Exception:
            log.exception("a provider's tab could not be filled", tab=tab)
            self._old[tab].show(True)
        else:
            self._old[tab].show(False)

    async def _fill_tab(self, part: Any, state: ProviderState, board: BoardState, now: datetime) -> None:
        if isinstance(part, HealthTab):
            part.show_state(state, board, now)
            part.show_past(await self._archive.past(self.id), state, now)
        elif isinstance(part, BreakerTab):
            part.show_state(state, now)
        elif isinstance(part, KeysTab):
            part.show_state(state, await self._archive.last_used(self.id), now)
        elif isinstance(part, EventsTab):
            part.show_events(await self._archive.events(self.id, since=board.taken_at), now)

    def _build(self, tab: str) -> Any:
        desk, zone = self._desk, self._desk.screen.zone
        match tab:
            case "breaker":
                return BreakerTab(self._actions, threshold=self._threshold, timeout=self._timeout, zone=zone)
            case "keys":
                return KeysTab(desk, self.id)
            case "events":
                return EventsTab(
                    zone, lambda before: events(desk.purser.database, self.id, limit=PAGE, before=before)
                )
            case _:
                return HealthTab(desk, self.id)
