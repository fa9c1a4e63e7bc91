"""What is under way, at the head of the page: `12 pending · oldest 41 s`, ticking."""

from datetime import UTC, datetime

from nicegui import ui

from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.time import duration, span


class Pending(Node):
    """The line; it counts the seconds itself while there is something to count."""

    def __init__(self) -> None:
        super().__init__("p", "", "is-second")
        self.style("font-size: 13px")
        self._oldest: datetime | None = None
        with self:
            self._count = Node("span", "0", "is-strong")
            Node("span", " pending")
            self._since = Node("span", "").show(False)
            with self._since:
                Node("span", " · oldest ")
                self._age = Node("span", "", "is-strong")
        self._clock = ui.timer(1.0, self._tick, active=False)

    def show_pending(self, count: int, oldest: datetime | None) -> None:
        """Shows how many are under way, and since when the oldest of them is."""
        self._oldest = oldest if count else None
        self._count.set_text(format_count(count))
        self._since.show(self._oldest is not None)
        self._clock.active = self._oldest is not None
        self._tick()

    def _tick(self) -> None:
        if self._oldest is not None:
            seconds = max(0.0, (datetime.now(UTC) - self._oldest).total_seconds())
            self._age.set_text(span(seconds) if seconds < 60 else duration(seconds))
