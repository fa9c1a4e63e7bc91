"""Providers: which answer, which do not and why, who carries the load; and what to do about it (mock-up 03)."""

import asyncio
from uuid import UUID

from nicegui import ui

from core.system.board import BoardState
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.table import DataTable
from dashboard.components.ticking import Tick, Ticking, server_clock
from dashboard.components.time import clock
from dashboard.live import providers_changed
from dashboard.page import Screen, page, parse_uuid
from dashboard.providers import table
from dashboard.providers.actions import Actions
from dashboard.providers.add import AddProvider
from dashboard.providers.desk import Desk
from dashboard.providers.order import FallbackOrder
from dashboard.providers.pane import ProviderPane
from dashboard.providers.words import head_words


@page("/providers", title="Providers", group="Configure", pane="Provider")
async def providers(screen: Screen) -> None:
    """The table, the fallback order, the pane of the chosen one, and the dialog that adds one."""
    await ProvidersPage(screen).open()


class ProvidersPage:
    """One opened page. It reads the board that all pages share, and only when that has changed."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.desk = Desk(screen, self.refresh)
        self.chosen: UUID | None = parse_uuid(screen.query("sel"))
        self.tab = screen.query("tab") or "health"
        self._showing = asyncio.Lock()
        self._nothing = False
        self._clock: Ticking | None = None

    async def open(self) -> None:
        admin = self.desk.admin
        if admin:
            with self.screen.frame.actions:
                Button("Add provider", self.add, icon="add")
        server_clock(self.screen.now())
        with Node("div", "", "pu-providers"):
            self.table = DataTable(
                "Providers in the order of text",
                table.columns(admin=admin, beside=False),
                row_height=48,
                skeletons=4,
            )
            self.table.on_open(self.choose)
            self.order = FallbackOrder(self.desk)
        pane = self.screen.frame.pane
        assert pane is not None, "the page was registered with a pane"
        self.pane = ProviderPane(self.desk, pane.on_close(self._closed), self._turned)
        await self.refresh()
        providers_changed.subscribe(self.refresh)
        ui.on(ADDRESS_EVENT, self._moved_in_history)
        ui.run_javascript(TELL_HISTORY)
        if admin and self.screen.query("add"):
            self.add()
            self._write_address(again=True)  # opened anew, the page does not ask again
        elif admin and self.screen.query("drill"):
            self._simulate()
            self._write_address(again=True)

    async def refresh(self) -> None:
        """Shows the state of now, in place."""
        async with self._showing:
            board = self.desk.board = await self.screen.purser.board.read()
            self._show_note(board)
            self._show_table(board)
            self.order.show(board)
            await self._show_pane(board)

    async def choose(self, provider_id: str) -> None:
        """Another provider in the pane, and in the address."""
        self.chosen = parse_uuid(provider_id)
        self._write_address()
        await self._show_chosen()

    def add(self) -> None:
        """The dialog for a new provider; its key goes in, and never comes out again."""
        AddProvider(self.desk).open()

    def _simulate(self) -> None:
        """The dialog of a drill for the provider of the address, as the palette asks for it."""
        if self.chosen and self.desk.board and self.desk.board.find(self.chosen):
            Actions(self.desk, self.chosen).simulate()

    async def _closed(self) -> None:
        self.chosen, self.tab = None, "health"
        self._write_address()
        await self._show_chosen()

    def _turned(self, tab: str) -> None:
        self.tab = tab
        self._write_address(again=True)

    async def _moved_in_history(self, event: object) -> None:
        """Back and forward: the address is already what it says."""
        said = getattr(event, "args", None)
        if isinstance(said, dict):
            self.chosen = parse_uuid(str(said.get("sel", "")))
            self.tab = str(said.get("tab", "health"))
            await self._show_chosen()

    def _write_address(self, *, again: bool = False) -> None:
        """A provider is a step in the history; another tab of it is none."""
        tab = f"&tab={self.tab}" if self.tab != "health" else ""
        address = f"/providers?sel={self.chosen}{tab}" if self.chosen else "/providers"
        with self.screen.frame.main:  # the button that was pressed may be gone with the pane
            (ui.navigate.history.replace if again else ui.navigate.history.push)(address)

    async def _show_chosen(self) -> None:
        async with self._showing:
            if self.desk.board:
                self._show_table(self.desk.board)
                await self._show_pane(self.desk.board)

    def _show_note(self, board: BoardState) -> None:
        """How many are in trouble, and as of when: now, for as long as every change comes by itself."""
        words, zone = f"{head_words(board)} · as of {{}}", self.screen.zone
        if self._clock is None:
            with self.screen.frame.note:
                self._clock = Ticking(Tick("clock", board.taken_at, words, zone=zone), board.taken_at)
                self._stopped = Node("span")
        stopped = (
            words.replace("{}", clock(board.figures_at, zone)) if board.late and board.figures_at else ""
        )
        self._stopped.set_text(stopped)
        self._clock.set_tick(
            Tick("clock", board.taken_at, "" if stopped else words, zone=zone), board.taken_at
        )

    def _show_table(self, board: BoardState) -> None:
        beside = board.find(self.chosen) is not None
        threshold = self.screen.purser.breakers.threshold
        rows = [
            table.row(
                number, one, admin=self.desk.admin, beside=beside, threshold=threshold, now=board.taken_at
            )
            for number, one in enumerate(board.providers, 1)
        ]
        self.table.show_columns(table.columns(admin=self.desk.admin, beside=beside), beside=beside)
        if rows:
            self.table.show_rows(rows).choose(str(self.chosen) if beside else None)
            self.table.mark_old(OLD if board.late else None)
        elif self.table.rows or not self._nothing:
            with self.table.show_state():
                self._first_use()
        self._nothing = not rows

    def _first_use(self) -> None:
        add = Button("Add provider", self.add, icon="add", kind="primary") if self.desk.admin else None
        states.empty(
            "No provider yet",
            "A provider is an account at a vendor, or a server of your own, that answers requests.",
            icon="dns",
            action=add,
        )

    async def _show_pane(self, board: BoardState) -> None:
        """One that this process does not know (yet) is shown as soon as it does."""
        if self.chosen is None:
            self.pane.close()
        else:
            await self.pane.show(board, self.chosen, self.tab)


OLD = (
    "The database does not answer: figures are as of the time above, breakers as this process last knew them."
)
ADDRESS_EVENT = "providers-address"
TELL_HISTORY = f"""
addEventListener("popstate", () =>
    emitEvent("{ADDRESS_EVENT}", Object.fromEntries(new URLSearchParams(location.search))));
"""
