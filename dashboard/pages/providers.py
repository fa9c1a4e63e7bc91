"""Providers: which answer, which do not and why; test a connection, add one, switch one, choose its default model."""

from datetime import datetime
from functools import partial
from uuid import UUID

from nicegui import ui

from core.audit import Actor
from core.errors import PurserError
from core.providers.base import ProviderError
from core.providers.config import ProviderConfig
from core.providers.registry import KINDS
from core.providers.service import probe_provider, set_default_model, switch_provider
from core.routing.breaker import Status
from core.routing.health import NO_CALLS, Calls, Health, calls_by_provider, health
from core.routing.models import BreakerState
from core.vocabulary import Modality, Role
from dashboard.components import cells, fields, status
from dashboard.components.button import Button
from dashboard.components.cells import Bit, Cell
from dashboard.components.dialog import Dialog
from dashboard.components.facts import Box, Facts, Strip
from dashboard.components.html import Node
from dashboard.components.money import format_percent
from dashboard.components.pane import Pane
from dashboard.components.status import Tone
from dashboard.components.table import DataTable, Row
from dashboard.components.time import duration
from dashboard.live import generations_changed
from dashboard.page import Screen, page, parse_uuid
from dashboard.providers.add import AddProvider
from dashboard.providers.table import breaker_cell, columns, key_words, modalities_cell, spend_words


@page("/providers", title="Providers", group="Configure", pane=True)
async def providers(screen: Screen) -> None:
    """The table, the pane of the chosen one, and the dialog that adds one."""
    await ProvidersPage(screen).open()


class ProvidersPage:
    """One opened page."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.writes = screen.person.role is Role.SUPERADMIN
        self.chosen = parse_uuid(screen.query("sel"))
        self.calls: dict[UUID, Calls] = {}
        self.tested_words: tuple[Tone, str, str] | None = None

    async def open(self) -> None:
        if self.writes:
            with self.screen.frame.actions:
                Button("Add provider", self.add, icon="add")
        self.table = DataTable(
            "Providers in the order of text", columns(costs=self.screen.sees_costs), row_height=48
        )
        self.table.on_open(self.choose)
        assert self.screen.frame.pane is not None, "the page was registered with a pane"
        self.pane: Pane = self.screen.frame.pane
        self.pane.on_close(partial(self.choose, None))
        self._fit()
        await self.refresh()
        generations_changed.subscribe(self.refresh)
        ui.timer(2.0, self.refresh)
        if self.writes and self.screen.query("add"):
            self.add()

    async def refresh(self) -> None:
        """Reads and shows the state of now; the pane stays as it is while its provider does."""
        self.calls = dict(await calls_by_provider(self.screen.purser.database))
        now = self.screen.now()
        rows = [self._row(number, one, now) for number, one in enumerate(self._providers(), 1)]
        self.table.show_rows(rows, foot=None)
        words = [self._health(one, now) for one in self._providers()]
        down, degraded = words.count(Health.DOWN), words.count(Health.DEGRADED)
        said = [f"{down} down"] * bool(down) + [f"{degraded} degraded"] * bool(degraded)
        self.screen.frame.note.set_text(
            " · ".join([*(said or ["none down"]), f"as of {now.astimezone(self.screen.zone):%H:%M:%S}"])
        )
        signature = self._signature(now)
        if self.chosen and signature != getattr(self, "_shown", None):
            self._shown = signature
            self._fill_pane()

    def choose(self, provider_id: str | None) -> None:
        """Shows a provider in the pane, and in the address."""
        self.chosen = parse_uuid(provider_id) if provider_id else None
        self.tested_words = None
        address = f"/providers?sel={self.chosen}" if self.chosen else "/providers"
        with self.screen.frame.main:  # the button that called may be gone with the pane
            ui.navigate.history.replace(address)
        self._fit()
        self.table.choose(str(self.chosen) if self.chosen else None)
        if self.chosen:
            self._shown = self._signature(self.screen.now())
            self._fill_pane()
        else:
            self.pane.close()

    def add(self) -> None:
        """The dialog for a new provider; its key goes in, and never comes out again."""
        AddProvider(self.screen, self.refresh).open()

    def _fit(self) -> None:
        """Beside the pane there is room for fewer columns."""
        self.table.show_columns(columns(costs=self.screen.sees_costs, beside=self.chosen is not None))

    def _providers(self) -> tuple[ProviderConfig, ...]:
        return self.screen.purser.snapshots.current.providers

    def _provider(self) -> ProviderConfig | None:
        return next((one for one in self._providers() if one.id == self.chosen), None)

    def _breaker(self, provider: ProviderConfig) -> Status:
        return self.screen.purser.breakers.status(provider.id, Modality.TEXT)

    def _health(self, provider: ProviderConfig, now: datetime) -> Health:
        usable = len(self.screen.purser.keys.usable(provider))
        return health(
            provider, self._breaker(provider), self.calls.get(provider.id, NO_CALLS), now, usable_keys=usable
        )

    def _signature(self, now: datetime) -> tuple[object, ...]:
        """What the pane shows changes with this."""
        provider = self._provider()
        if provider is None:
            return (None,)
        return provider, self._breaker(provider), self._health(provider, now), self.calls.get(provider.id)

    def _row(self, number: int, provider: ProviderConfig, now: datetime) -> Row:
        calls, breaker = self.calls.get(provider.id, NO_CALLS), self._breaker(provider)
        row: list[Cell] = [
            str(number),
            [Bit(provider.name, "strong"), Bit(key_words(provider), "second")],
            cells.chip(status.health(self._health(provider, now))),
            modalities_cell(provider),
            "No traffic" if calls.success is None else format_percent(calls.success),
            "—" if calls.p95_ms is None else duration(calls.p95_ms / 1000),
        ]
        if self.screen.sees_costs:
            row.append(spend_words(provider, calls))
        row += [
            breaker_cell(provider, breaker, self.screen.purser.breakers.threshold, now),
            provider.default_models.get(Modality.TEXT) or Bit("none", "quiet"),
        ]
        return Row(str(provider.id), row, href=f"/providers?sel={provider.id}")

    def _fill_pane(self) -> None:
        provider = self._provider()
        if provider is None:
            self.pane.close()
            return
        now, calls, breaker = (
            self.screen.now(),
            self.calls.get(provider.id, NO_CALLS),
            self._breaker(provider),
        )
        with self.pane.fill(provider.name) as pane:
            with pane.actions:
                if self.writes and provider.kind != "sandbox":
                    Button("Test connection", self.test, icon="network_check", kind="primary")
            with pane.sub:
                status.Chip(status.health(self._health(provider, now)))
                Node(
                    "span",
                    f"{provider.kind} · {key_words(provider)} · rank {provider.rank(Modality.TEXT)}, text",
                )
            self.tested = Node("div", "", "pu-pane-said", role="status")
            self._show_test()
            self._reason(provider, breaker, now)
            figures = [
                (
                    "Success 1 h",
                    "—" if calls.success is None else format_percent(calls.success),
                    f"{calls.hour_good} of {calls.hour}",
                ),
                (
                    "p95, 1 h",
                    "—" if calls.p95_ms is None else duration(calls.p95_ms / 1000),
                    "answered calls",
                ),
            ]
            if self.screen.sees_costs:
                figures.append(
                    (
                        "Spend 24 h",
                        spend_words(provider, calls),
                        f"{calls.unpriced} unpriced" if calls.unpriced else "all priced",
                    )
                )
            with pane.section("Last hour"):
                Strip(figures)
            self._configuration(pane, provider)

    def _reason(self, provider: ProviderConfig, breaker: Status, now: datetime) -> None:
        """Why it is not called, in the vendor's words, and when it will be tried again."""
        if breaker.state is BreakerState.CLOSED and not (
            provider.needs_key and not self.screen.purser.keys.usable(provider)
        ):
            return
        with (
            Node("div", "", "pu-pane-said"),
            Box("probe" if breaker.state is BreakerState.HALF_OPEN else "bad"),
        ):
            if breaker.state is BreakerState.CLOSED:
                Node("p", "No usable key", "is-strong")
                Node("p", self.screen.purser.keys.why_none(provider))
                return
            since = (
                f" since {breaker.opened_at.astimezone(self.screen.zone):%H:%M:%S}"
                if breaker.opened_at
                else ""
            )
            Node("p", f"Breaker {breaker.state.replace('_', '-')}{since}", "is-strong")
            Node("p", (breaker.reason or "").capitalize())
            if breaker.vendor_message:
                Node("p", f"The vendor said “{breaker.vendor_message}”.")
            if breaker.probe_due(now):
                Node("p", "The next request is the probe.")
            elif breaker.open_until:
                Node(
                    "p",
                    f"Next probe at {breaker.open_until.astimezone(self.screen.zone):%H:%M:%S}, with the next request after it.",
                )

    def _configuration(self, pane: Pane, provider: ProviderConfig) -> None:
        snapshot = self.screen.purser.snapshots.current
        models = {
            offer.model.id: offer.model.display_name
            for offer in snapshot.offers_of(provider.id)
            if offer.model.modality is Modality.TEXT and offer.model.available(self.screen.now())
        }
        default = provider.default_models.get(Modality.TEXT)
        with pane.section("Configuration"), Node("div", "", "pu-stack"):
            if self.writes and models:
                fields.select(
                    "Default model for text",
                    models,
                    value=default if default in models else None,
                    help_text="Used from the next request on, where a request names no model.",
                    on_change=lambda event: self.set_default(provider, event.value),
                )
            facts = Facts(
                name_width=104,
                facts={
                    "Fallback model": provider.fallback_models.get(Modality.TEXT) or "none",
                    "Address": provider.base_url or KINDS[provider.kind].default_base_url or "built in",
                    "Good at": ", ".join(sorted(provider.specialisations)) or "nothing in particular",
                },
            )
            if not self.writes:
                facts.set_fact("Default model", default or "none")
            if self.writes:
                with Node("div", "", "pu-row"):
                    word = "Switch off…" if provider.enabled else "Switch on"
                    Button(
                        word,
                        partial(self.switch, provider),
                        icon="block" if provider.enabled else "check_circle",
                    )

    async def test(self) -> None:
        """The vendor's cost-free probe; its own words when it fails."""
        provider = self._provider()
        if provider is None:
            return
        try:
            await self.screen.visitor.actor([Role.SUPERADMIN])
            result = await probe_provider(self.screen.purser.clients, provider)
        except ProviderError as failure:
            title = f"Failed: {failure.error_class.replace('_', ' ')}"
            self.tested_words = "bad", title, f"The vendor said “{failure.message}”."
        except PurserError as refusal:
            self.tested_words = "bad", "Not tested", refusal.message
        else:
            words = f"{result.detail} This proves key and reach, not quota."
            self.tested_words = "ok", f"Connected in {result.latency_ms:.0f} ms", words
        self._show_test()

    def _show_test(self) -> None:
        """What the last test said, for as long as its provider is chosen."""
        if self.tested.is_deleted:
            return
        self.tested.clear()
        if self.tested_words:
            tone, title, words = self.tested_words
            with self.tested, Box(tone):
                Node("p", title, "is-strong")
                Node("p", words)

    async def set_default(self, provider: ProviderConfig, model_id: str | None) -> None:
        if not model_id or model_id == provider.default_models.get(Modality.TEXT):
            return
        if self.screen.purser.snapshots.current.offer(provider.id, model_id) is None:
            return

        async def change(actor: Actor) -> None:
            async with self.screen.purser.database.transaction() as session:
                await set_default_model(session, provider.slug, model_id, Modality.TEXT, actor=actor)

        if await self.screen.act(
            change, roles=[Role.SUPERADMIN], done=f"{provider.name} now runs {model_id} by default"
        ):
            await self.screen.purser.changes.refresh()
            await self.refresh()

    async def switch(self, provider: ProviderConfig) -> None:
        """On at once; off after saying what that means, with a reason."""
        if not provider.enabled:
            await self._switch(provider, True, "switched on in the page")
            return
        others = [one.name for one in self._providers() if one.enabled and one.id != provider.id]
        after = (
            f"{', '.join(others)} answer instead."
            if others
            else "Nobody else is switched on: requests will fail."
        )

        async def off() -> bool:
            reason = (field.value or "").strip()
            if not reason:
                dialog.fail("Say why, for those who wonder tomorrow.")
                return False
            return await self._switch(provider, False, reason)

        dialog = Dialog(
            f"Switch off {provider.name}?",
            sub=after,
            verb=f"Switch off {provider.name}",
            kind="danger",
            on_confirm=off,
        )
        with dialog.body:
            field = fields.text("Reason", placeholder="For the audit")
        dialog.open()

    async def _switch(self, provider: ProviderConfig, enabled: bool, reason: str) -> bool:
        async def change(actor: Actor) -> None:
            async with self.screen.purser.database.transaction() as session:
                await switch_provider(session, provider.id, enabled, actor=actor, reason=reason)

        done = f"{provider.name} is switched {'on' if enabled else 'off'}"
        changed = await self.screen.act(change, roles=[Role.SUPERADMIN], done=done)
        if changed:
            await self.screen.purser.changes.refresh()
            await self.refresh()
        return changed
