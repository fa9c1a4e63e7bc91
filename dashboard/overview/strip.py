"""The providers in one line each: how they are, and their last 24 hours as ticks."""

from collections.abc import Mapping, Sequence

from core.routing.health import Health
from core.system.board import ProviderState
from dashboard.components import status
from dashboard.components.card import Card
from dashboard.components.chart import Fill
from dashboard.components.html import Node, link
from dashboard.components.money import format_percent
from dashboard.components.spark import ticks
from dashboard.components.time import duration

FILLS: Mapping[Health, Fill] = {
    Health.HEALTHY: "ok",
    Health.DEGRADED: "warn",
    Health.DOWN: "bad",
    Health.HALF_OPEN: "probe",
}


class Strip(Card):
    """`draw` fills it; a provider that has not changed stays untouched, and keeps the focus."""

    def __init__(self) -> None:
        super().__init__(flush=True)
        self.set(role="region", aria_label="Providers")
        self._shown: Sequence[ProviderState] = ()
        self._lines: list[Node] = []
        with self.body, Node("ul", "", "pu-strips") as self._list, Node("li", "", "is-head"):
            Node("h2", "Providers")
            for word in ("success 1 h", "p95", "last 24 h"):
                Node("span", word, "is-end")

    def draw(self, states: Sequence[ProviderState]) -> None:
        """Shows the providers that are switched on."""
        shown = [one for one in states if one.provider.enabled]
        if [one.provider.id for one in shown] != [one.provider.id for one in self._shown]:
            for line in self._lines:
                line.delete()
            with self._list:
                self._lines = [Node("li") for _ in shown]
            self._shown = ()
        for line, one, before in zip(self._lines, shown, self._shown or [None] * len(shown), strict=True):
            if one != before:
                line.clear()
                with line:
                    _fill(one)
        self._shown = shown


def _fill(one: ProviderState) -> None:
    hour = one.performance.hour
    link(one.provider.name, f"/providers?sel={one.provider.id}", "pu-strip-name")
    with Node("span"):
        status.Chip(status.health(one.health))
    Node("span", "No traffic" if hour.success is None else format_percent(hour.success), "is-end")
    Node("span", "—" if hour.p95_ms is None else duration(hour.p95_ms / 1000), "is-end")
    if one.ticks:
        bad = sum(tick.state in (Health.DOWN, Health.DEGRADED) for tick in one.ticks)
        ticks([FILLS.get(tick.state, "other") for tick in one.ticks], f"{bad} of 24 hours with trouble")
    else:
        Node("span", "nothing known", "is-end pu-meta")
