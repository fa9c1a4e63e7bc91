"""What needs somebody now, the worst first, or that nothing does (mock-ups 01, 14 and 16)."""

from collections.abc import Sequence
from datetime import datetime

from core.system.attention import Need
from dashboard.components import status
from dashboard.components.html import Icon, Node, link
from dashboard.components.ticking import Tick, Ticking
from dashboard.components.time import span

MOST = 5
"""How many are listed here; the bell has them all."""


class Attention(Node):
    """The card at the top of the overview."""

    def __init__(self) -> None:
        super().__init__("section", "", "pu-card", aria_label="Needs attention")
        self._shown: tuple[Sequence[Need], str] | None = None
        self._ages: list[Node] = []

    def show_needs(self, found: Sequence[Need], checked: datetime, now: datetime, note: str) -> None:
        """Shows what was found; the same again changes the times alone, and keeps the focus."""
        tick = Tick("since", checked, "checked {} ago")
        if self._shown == (found, note):
            self._checked.set_tick(tick, now)
            for need, age in zip(found, self._ages, strict=False):
                age.set_text(_age(need, now))
            return
        self._shown = found, note
        self.clear()
        with self:
            self._checked = self._list(found, tick, now) if found else self._all_clear(tick, now, note)

    def _list(self, found: Sequence[Need], tick: Tick, now: datetime) -> Ticking:
        with Node("div", "", "pu-card-head is-ruled"):
            Node("h2", "Needs attention")
            Node("span", str(len(found)), "pu-count")
            checked = Ticking(tick, now, "pu-meta pu-end")
        self._ages = []
        with Node("ul", "", "pu-attention"):
            for need in found[:MOST]:
                with Node("li"):
                    self._ages.append(_line(need, now))
        if len(found) > MOST:
            Node("p", f"and {len(found) - MOST} more, in the bell above", "pu-attention-more pu-meta")
        return checked

    def _all_clear(self, tick: Tick, now: datetime, note: str) -> Ticking:
        self._ages = []
        with Node("div", "", "pu-clear"):
            Icon("check_circle")
            Node("b", "All clear", "is-strong")
            checked = Ticking(tick, now, "is-second")
            Node("span", note, "is-second")
        return checked


def _line(need: Need, now: datetime) -> Node:
    """One need; gives the place of its age."""
    status.Chip(status.SEVERITY[need.severity])
    with Node("p"):
        Node("b", f"{need.title} ")
        Node("span", need.text, "is-second")
    age = Node("span", _age(need, now), "pu-meta")
    if need.href:
        with link("", need.href, "pu-link"):
            Node("span", need.action)
            Icon("chevron_right")
    return age


def _age(need: Need, now: datetime) -> str:
    return span(max(0.0, (now - need.since).total_seconds())) if need.since else ""
