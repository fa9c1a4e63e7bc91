"""The pane of one provider: what is wrong with it, how it did lately, and what may be done about it."""

from collections.abc import Awaitable, Callable
from functools import partial

from core.audit import Actor
from core.errors import PurserError
from core.providers.base import ProviderError
from core.providers.config import ProviderConfig
from core.providers.registry import KINDS
from core.providers.service import probe_provider, set_default_model, switch_provider
from core.routing.models import BreakerState
from core.vocabulary import Modality, Role
from dashboard.components import fields, status
from dashboard.components.button import Button
from dashboard.components.dialog import Dialog
from dashboard.components.facts import Box, Facts, Strip
from dashboard.components.html import Node
from dashboard.components.money import format_percent
from dashboard.components.pane import Pane
from dashboard.components.status import Tone
from dashboard.components.time import duration
from dashboard.page import Screen
from dashboard.providers.state import State
from dashboard.providers.table import key_words, spend_words

ADMIN = (Role.SUPERADMIN,)


class ProviderPane:
    """`show(state)` fills it where something has changed; `changed` is called after every write."""

    def __init__(self, screen: Screen, pane: Pane, changed: Callable[[], Awaitable[None]]) -> None:
        self._screen = screen
        self._pane = pane
        self._changed = changed
        self._shown: State | None = None
        self._said: tuple[Tone, str, str] | None = None
        self._writes = screen.person.role is Role.SUPERADMIN

    def close(self) -> None:
        self._shown = self._said = None
        self._pane.close()

    def show(self, state: State) -> None:
        """Fills the pane; what has not changed stays, and with it the focus."""
        if state == self._shown:
            return
        if self._shown is None or self._shown.provider.id != state.provider.id:
            self._said = None
        self._shown = state
        provider = state.provider
        with self._pane.fill(provider.name) as pane:
            with pane.actions:
                if self._writes and provider.kind != "sandbox":
                    Button(
                        "Test connection", partial(self._test, provider), icon="network_check", kind="primary"
                    )
            with pane.sub:
                status.Chip(status.health(state.health))
                known = f" · {key_words(provider)}" if self._writes else ""
                Node("span", f"{provider.kind}{known} · rank {provider.rank(Modality.TEXT)}, text")
            self._saying = Node("div", "", "pu-pane-said", role="status")
            self._say()
            self._trouble(state)
            with pane.section("Last hour"):
                Strip(self._figures(state))
            with pane.section("Configuration"), Node("div", "", "pu-stack"):
                self._configuration(provider)

    def _figures(self, state: State) -> list[tuple[str, str, str]]:
        calls = state.calls
        success = "—" if calls.success is None else format_percent(calls.success)
        p95 = "—" if calls.p95_ms is None else duration(calls.p95_ms / 1000)
        figures = [
            ("Success 1 h", success, f"{calls.hour_good} of {calls.hour}"),
            ("p95, 1 h", p95, "answered calls"),
        ]
        if self._screen.sees_costs:
            priced = f"{calls.unpriced} unpriced" if calls.unpriced else "all priced"
            figures.append(("Spend 24 h", spend_words(state.provider, calls), priced))
        return figures

    def _trouble(self, state: State) -> None:
        """Why it is not called, in the vendor's words, and when it will be tried again."""
        breaker, zone = state.breaker, self._screen.zone
        if breaker.state is BreakerState.CLOSED:
            if state.without_key:
                with Node("div", "", "pu-pane-said"), Box("bad"):
                    Node("p", "No usable key", "is-strong")
                    Node(
                        "p",
                        self._screen.purser.keys.why_none(state.provider)
                        if self._writes
                        else "A superadmin can look into it.",
                    )
            return
        tone: Tone = "probe" if breaker.state is BreakerState.HALF_OPEN else "bad"
        since = f" since {breaker.opened_at.astimezone(zone):%H:%M:%S}" if breaker.opened_at else ""
        with Node("div", "", "pu-pane-said"), Box(tone):
            Node("p", f"Breaker {breaker.state.replace('_', '-')}{since}", "is-strong")
            Node("p", (breaker.reason or "").capitalize())
            if breaker.vendor_message:
                Node("p", f"The vendor said “{breaker.vendor_message}”.")
            if state.probe_due:
                Node("p", "The next request is the probe.")
            elif breaker.open_until:
                Node(
                    "p",
                    f"Next probe at {breaker.open_until.astimezone(zone):%H:%M:%S}, with the next request after it.",
                )

    def _configuration(self, provider: ProviderConfig) -> None:
        offers = self._screen.purser.snapshots.current.offers_of(provider.id)
        models = {
            offer.model.id: offer.model.display_name
            for offer in offers
            if offer.model.modality is Modality.TEXT and offer.model.available(self._screen.now())
        }
        default = provider.default_models.get(Modality.TEXT)
        if self._writes and models:
            fields.select(
                "Default model for text",
                models,
                value=default if default in models else None,
                help_text="Used from the next request on, where a request names no model.",
                on_change=lambda event: self._set_default(provider, event.value),
            )
        facts = Facts(
            {
                "Fallback model": provider.fallback_models.get(Modality.TEXT) or "none",
                "Address": provider.base_url or KINDS[provider.kind].default_base_url or "built in",
                "Good at": ", ".join(sorted(provider.specialisations)) or "nothing in particular",
            },
            name_width=104,
        )
        if not self._writes:
            facts.set_fact("Default model", default or "none")
            return
        with Node("div", "", "pu-row"):
            if provider.enabled:
                Button("Switch off…", partial(self._ask_to_switch_off, provider), icon="block")
            else:
                on = partial(self._switch, provider, True, "switched on in the page")
                Button("Switch on", on, icon="check_circle")

    async def _test(self, provider: ProviderConfig) -> None:
        """The vendor's cost-free probe; its own words when it fails."""
        try:
            await self._screen.visitor.actor(ADMIN)
            result = await probe_provider(self._screen.purser.clients, provider)
        except ProviderError as failure:
            title = f"Failed: {failure.error_class.replace('_', ' ')}"
            self._said = "bad", title, f"The vendor said “{failure.message}”."
        except PurserError as refusal:
            self._said = "bad", "Not tested", refusal.message
        else:
            words = f"{result.detail} This proves key and reach, not quota."
            self._said = "ok", f"Connected in {result.latency_ms:.0f} ms", words
        self._say()

    def _say(self) -> None:
        """What the last test said, for as long as its provider is shown."""
        if self._saying.is_deleted:
            return
        self._saying.clear()
        if self._said:
            tone, title, words = self._said
            with self._saying, Box(tone):
                Node("p", title, "is-strong")
                Node("p", words)

    async def _set_default(self, provider: ProviderConfig, model_id: str | None) -> None:
        offered = model_id and self._screen.purser.snapshots.current.offer(provider.id, model_id)
        if not model_id or not offered or model_id == provider.default_models.get(Modality.TEXT):
            return

        async def change(actor: Actor) -> None:
            async with self._screen.purser.database.transaction() as session:
                await set_default_model(session, provider.slug, model_id, Modality.TEXT, actor=actor)

        await self._write(change, f"{provider.name} now runs {model_id} by default")

    async def _ask_to_switch_off(self, provider: ProviderConfig) -> None:
        """Says what switching off means, and asks why."""
        others = [
            one.name
            for one in self._screen.purser.snapshots.current.providers
            if one.enabled and one.id != provider.id
        ]
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

        with self._screen.frame.main:  # outlives the pane, which is filled anew meanwhile
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
            async with self._screen.purser.database.transaction() as session:
                await switch_provider(session, provider.id, enabled, actor=actor, reason=reason)

        return await self._write(change, f"{provider.name} is switched {'on' if enabled else 'off'}")

    async def _write(self, change: Callable[[Actor], Awaitable[None]], done: str) -> bool:
        changed = await self._screen.act(change, roles=ADMIN, done=done)
        if changed:
            await self._screen.purser.changes.refresh()
            await self._changed()
        return changed
