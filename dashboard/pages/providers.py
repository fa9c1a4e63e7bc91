"""Providers: which answer, which do not and why; test a connection, add one, switch one, choose its default model."""

from functools import partial
from uuid import UUID

from nicegui import ui

from core.routing.health import Health
from core.vocabulary import Modality, Role
from dashboard.components import cells, status
from dashboard.components.button import Button
from dashboard.components.cells import Bit, Cell
from dashboard.components.money import format_percent
from dashboard.components.table import Column, DataTable, Row
from dashboard.components.time import duration
from dashboard.live import generations_changed
from dashboard.page import Screen, page, parse_uuid
from dashboard.providers.add import AddProvider
from dashboard.providers.pane import ProviderPane
from dashboard.providers.state import State, find, states
from dashboard.providers.table import breaker_cell, columns, key_words, modalities_cell, spend_words

REFRESH_SECONDS = 2.0


@page("/providers", title="Providers", group="Configure", pane=True)
async def providers(screen: Screen) -> None:
    """The table, the pane of the chosen one, and the dialog that adds one."""
    await ProvidersPage(screen).open()


class ProvidersPage:
    """One opened page."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.writes = screen.person.role is Role.SUPERADMIN
        self.chosen: UUID | None = parse_uuid(screen.query("sel"))
        self.known: list[State] = []

    async def open(self) -> None:
        if self.writes:
            with self.screen.frame.actions:
                Button("Add provider", self.add, icon="add")
        self.table = DataTable("Providers in the order of text", self._columns(), row_height=48)
        self.table.on_open(self.choose)
        pane = self.screen.frame.pane
        assert pane is not None, "the page was registered with a pane"
        self.pane = ProviderPane(self.screen, pane, self.refresh)
        pane.on_close(partial(self.choose, None))
        await self.refresh()
        generations_changed.subscribe(self.refresh)
        ui.timer(REFRESH_SECONDS, self.refresh)
        if self.writes and self.screen.query("add"):
            self.add()

    async def refresh(self) -> None:
        """Reads and shows the state of now."""
        now = self.screen.now()
        self.known = await states(self.screen.purser, now)
        self.table.show_rows([self._row(number, one) for number, one in enumerate(self.known, 1)])
        words = [one.health for one in self.known]
        counts = [(words.count(Health.DOWN), "down"), (words.count(Health.DEGRADED), "degraded")]
        said = [f"{count} {word}" for count, word in counts if count] or ["none down"]
        self.screen.frame.note.set_text(
            " · ".join([*said, f"as of {now.astimezone(self.screen.zone):%H:%M:%S}"])
        )
        self._show_pane()

    def choose(self, provider_id: str | None) -> None:
        """Shows a provider in the pane, and in the address."""
        self.chosen = parse_uuid(provider_id) if provider_id else None
        with self.screen.frame.main:
            ui.navigate.history.replace(f"/providers?sel={self.chosen}" if self.chosen else "/providers")
        self._show_pane()

    def add(self) -> None:
        """The dialog for a new provider; its key goes in, and never comes out again."""
        AddProvider(self.screen, self.refresh).open()

    def _show_pane(self) -> None:
        state = find(self.known, self.chosen)
        self.table.show_columns(self._columns()).choose(str(self.chosen) if state else None)
        if state:
            self.pane.show(state)
        else:
            self.pane.close()

    def _columns(self) -> list[Column]:
        return columns(costs=self.screen.sees_costs, beside=self.chosen is not None)

    def _row(self, number: int, state: State) -> Row:
        provider, calls = state.provider, state.calls
        name: Cell = [
            Bit(provider.name, "strong"),
            Bit(key_words(provider) if self.writes else provider.kind, "second"),
        ]
        row: list[Cell] = [
            str(number),
            name,
            cells.chip(status.health(state.health)),
            modalities_cell(provider),
            "No traffic" if calls.success is None else format_percent(calls.success),
            "—" if calls.p95_ms is None else duration(calls.p95_ms / 1000),
            *([spend_words(provider, calls)] if self.screen.sees_costs else []),
            breaker_cell(provider, state.breaker, self.screen.purser.breakers.threshold, self.screen.now()),
            provider.default_models.get(Modality.TEXT) or Bit("none", "quiet"),
        ]
        return Row(str(provider.id), row, href=f"/providers?sel={provider.id}")
