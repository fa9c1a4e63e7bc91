"""The tab Breaker: each modality's breaker with its count, its story so far, and what may be done about it."""

from datetime import datetime, timedelta, tzinfo

from core.routing.breaker import Status
from core.routing.models import BreakerState
from core.system.board import ModalityState, ProviderState
from core.vocabulary import Modality
from dashboard.components import status
from dashboard.components.button import Button
from dashboard.components.facts import Facts
from dashboard.components.html import Icon, Node
from dashboard.components.status import Chip
from dashboard.components.ticking import Tick, Ticking
from dashboard.components.time import absolute, clock_or_day, span
from dashboard.discretion import discreet
from dashboard.providers.actions import Actions
from dashboard.providers.words import MODALITY_ICONS, wait_words


class BreakerTab:
    """`show_state` changes it in place."""

    def __init__(self, actions: Actions | None, *, threshold: int, timeout: timedelta, zone: tzinfo) -> None:
        self._actions = actions
        self._threshold, self._timeout, self._zone = threshold, timeout, zone
        self._blocks: dict[Modality, _Block] = {}
        Node("p", how_it_works(threshold, timeout), "pu-meta")
        self._list = Node("div", "", "pu-part")

    def show_state(self, state: ProviderState, now: datetime) -> None:
        for modality in [known for known in self._blocks if known not in state.by_modality]:
            self._blocks.pop(modality).delete()
        for modality, one in state.by_modality.items():
            if modality not in self._blocks:
                with self._list:
                    self._blocks[modality] = _Block(
                        modality, self._actions, self._threshold, self._timeout, self._zone
                    )
            self._blocks[modality].show_state(one, now)


class _Block(Node):
    """One breaker."""

    def __init__(
        self, modality: Modality, actions: Actions | None, threshold: int, timeout: timedelta, zone: tzinfo
    ) -> None:
        super().__init__("section", "", "pu-block")
        self._threshold, self._timeout, self._zone = threshold, timeout, zone
        self._discreet = actions is None
        self._shown: Status | None = None
        self._buttons: tuple[Button, Button, Button] | None = None
        with self:
            with Node("div", "", "pu-block-head"):
                with Node("h3", modality.capitalize()) as head:
                    Icon(MODALITY_ICONS[modality])
                self._chip = Chip(status.breaker(BreakerState.CLOSED))
            self._facts = Facts({}, name_width=92)
            if actions:
                named = f"the breaker of {modality}"
                with Node("div", "", "pu-row"):
                    self._buttons = (
                        Button("Probe now", lambda: actions.probe_now(modality), small=True),
                        Button("Reset…", lambda: actions.reset(modality), small=True).set(
                            aria_label=f"Reset {named}"
                        ),
                        Button("Isolate…", lambda: actions.isolate(modality), small=True).set(
                            aria_label=f"Isolate {named}"
                        ),
                    )
        self.set(aria_labelledby=head.html_id)

    def show_state(self, one: ModalityState, now: datetime) -> None:
        breaker = one.breaker
        if breaker == self._shown:
            return
        self._shown = breaker
        self._chip.set_status(status.breaker(breaker.state))
        show = discreet if self._discreet else str
        closed = breaker.state is BreakerState.CLOSED
        fact = self._facts.set_fact
        fact("Failures", f"{breaker.failures} of {self._threshold} in a row" if closed else None)
        fact("Since", None)
        self._moment("Since", None if closed else breaker.opened_at, "since", "{} ago", now)
        fact("Openings", None if closed else f"{breaker.openings} since it was last closed")
        fact("Reason", None if closed or not breaker.reason else show(breaker.reason))
        fact(
            "Vendor said",
            None if closed or not breaker.vendor_message else f"“{show(breaker.vendor_message)}”",
        )
        waits = breaker.open_until if breaker.state is BreakerState.OPEN else None
        self._moment("Next probe", waits, "until", "in {}", now)
        fact("Rule", wait_words(breaker, self._timeout) or None if waits else None)
        if self._buttons:
            probe, reset, isolate = self._buttons
            probe.show(breaker.state is BreakerState.OPEN)
            reset.show(not closed)
            isolate.show(breaker.state is not BreakerState.ISOLATED)

    def _moment(self, name: str, moment: datetime | None, kind: str, words: str, now: datetime) -> None:
        node = self._facts.set_fact(name, "" if moment else None)
        node.clear()
        if moment:
            at = clock_or_day(moment, self._zone, now)
            tick = Tick(
                "until" if kind == "until" else "since", moment, f"{at}, {words}", "with the next request"
            )
            with node:
                Ticking(tick, now).set(title=absolute(moment, self._zone))


def how_it_works(threshold: int, timeout: timedelta) -> str:
    """The rule in one sentence."""
    wait = span(timeout.total_seconds())
    return (
        f"It opens after {threshold} failures in a row, or at once when no key is left; after {wait} one request tries"
        " again, and each time that fails the wait doubles, up to an hour."
    )
