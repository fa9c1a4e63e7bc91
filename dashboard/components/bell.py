"""The bell in the header: what needs somebody now, as on the overview, with the whole list."""

from collections.abc import Sequence
from datetime import datetime

from core.system.attention import Need
from dashboard.components.drop import Drop
from dashboard.components.html import Node, safe_href
from dashboard.components.status import SEVERITY, Chip
from dashboard.components.time import span

COUNTED = ("critical", "warning")
"""What the bell counts; what merely waits or is to be known stands in the list alone."""


class Bell(Drop):
    """`show_needs` again and again: what has not changed stays untouched."""

    def __init__(self) -> None:
        super().__init__("notifications", "Alerts", cls="pu-bell", width=440)
        self._shown: Sequence[Need] = ()
        self._ages: list[Node] = []
        with self.panel:
            self._none = Node("p", "All clear. Nothing needs you now.", "pu-drop-none")
            self._list = Node("ul")

    def show_needs(self, needs: Sequence[Need], now: datetime, checked_at: datetime | None) -> None:
        """Shows what needs somebody, the worst first."""
        if self._shown != needs:
            self._shown = list(needs)
            self._write(needs)
        for need, age in zip(needs, self._ages, strict=True):
            age.set_text(_age(need, now))
        self.note.set_text(
            f"checked {span(max(0.0, (now - checked_at).total_seconds()))} ago" if checked_at else ""
        )

    def _write(self, needs: Sequence[Need]) -> None:
        pressing = [need for need in needs if need.severity in COUNTED]
        critical = any(need.severity == "critical" for need in pressing)
        said = f"{len(pressing)} need attention" if len(pressing) != 1 else "1 needs attention"
        self.set_count(len(pressing), said if pressing else "", "bad" if critical else "warn")
        self._none.show(not needs)
        self._list.clear()
        self._ages = []
        with self._list:
            for need in needs:
                with Node("li"), Node("a" if need.href else "div", "", "pu-alert-row") as row:
                    if need.href:
                        row.set(href=safe_href(need.href))
                    Chip(SEVERITY[need.severity])
                    self._ages.append(Node("span", "", "pu-meta"))
                    with Node("p"):
                        Node("b", f"{need.title} ", "is-strong")
                        Node("span", need.text, "is-second")


def _age(need: Need, now: datetime) -> str:
    return span(max(0.0, (now - need.since).total_seconds())) if need.since else ""
