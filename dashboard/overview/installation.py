"""The card "This installation": what Purser stands on, and how each part is."""

from core.routing.health import Health
from core.system.checks import check_disk
from core.system.health import State
from core.system.parts import Part, Report
from dashboard.components import status
from dashboard.components.card import Card
from dashboard.components.html import Icon, Node
from dashboard.page import Screen

LOOKS = {
    Health.HEALTHY: ("ok", "check_circle"),
    Health.UNKNOWN: ("", "help"),
    Health.DEGRADED: ("warn", "warning"),
    Health.HALF_OPEN: ("warn", "science"),
    Health.DOWN: ("bad", "error"),
    Health.DISABLED: ("", "block"),
}
DISK = {State.OK: Health.HEALTHY, State.WARNING: Health.DEGRADED, State.FAULT: Health.DOWN}


class Installation(Card):
    """`show_report` fills it, and again whenever something has changed."""

    def __init__(self) -> None:
        super().__init__("This installation", ruled=False, flush=True)
        with self.body:
            self._list = Node("ul", "", "pu-parts")

    def show_report(self, screen: Screen, report: Report) -> None:
        disk = check_disk(screen.purser.settings.data_dir)
        embedded = "embedded PostgreSQL" if screen.purser.server else "PostgreSQL"
        self._list.clear()
        with self._list:
            _part("database", "Database", embedded, report.database)
            for provider in screen.purser.snapshots.current.providers:
                part = report.providers.get(provider.slug)
                if part and provider.enabled:
                    served = ", ".join(sorted(provider.ranks))
                    _part("dns", provider.name, served, Part(part.state, status.health(part.state).word))
            _part("work_history", "Queue and schedules", report.queue.detail, report.schedules)
            _part("folder", "Disk", "", Part(DISK[disk.state], disk.detail))


def _part(icon: str, name: str, what: str, part: Part) -> None:
    tone, mark = LOOKS[part.state]
    with Node("li"):
        Icon(icon)
        Node("b", name)
        Node("span", what, "is-second", title=what)
        Node("span", part.detail)
        Icon(mark, f"is-{tone}" if tone else "", label=status.health(part.state).word)
