"""What needs somebody now, or that nothing does."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.routing.health import Health
from core.snapshot import Snapshot
from core.system.parts import Report
from dashboard.components import status
from dashboard.components.html import Icon, Node, link


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs attention, and where it is dealt with."""

    severity: str
    title: str
    text: str
    action: str
    href: str


def needs(report: Report, snapshot: Snapshot) -> list[Need]:
    """What is wrong now, the worst first."""
    found: list[Need] = []
    for slug, part in report.providers.items():
        provider = snapshot.provider(slug)
        if provider is None or part.state not in (Health.DOWN, Health.DEGRADED):
            continue
        severity, word = ("critical", "is down") if part.state is Health.DOWN else ("warning", "is degraded")
        found.append(
            Need(
                severity,
                f"{provider.name} {word}",
                f"{part.detail.capitalize()}.",
                "Open provider",
                f"/providers?sel={provider.id}",
            )
        )
    if report.queue.state is Health.DEGRADED:
        found.append(Need("warning", "The queue is late", f"{report.queue.detail.capitalize()}.", "", ""))
    if report.schedules.state is Health.DEGRADED:
        found.append(
            Need("warning", "The schedules stand still", f"{report.schedules.detail.capitalize()}.", "", "")
        )
    return sorted(found, key=lambda need: need.severity != "critical")


class Attention(Node):
    """The card at the top of the overview."""

    def __init__(self) -> None:
        super().__init__("section", "", "pu-card", aria_label="Needs attention")
        self._shown: tuple[list[Need], str] | None = None

    def show_needs(self, found: list[Need], now: datetime, zone: ZoneInfo, note: str) -> None:
        """Shows what was found; the same again changes the time alone, and keeps the focus."""
        checked = f"checked at {now.astimezone(zone):%H:%M:%S}"
        if self._shown == (found, note):
            if not found:
                self._checked.set_text(checked)
            return
        self._shown = found, note
        self.clear()
        with self:
            if found:
                with Node("div", "", "pu-attention"):
                    for need in found[:5]:
                        with Node("div"):
                            status.Chip(status.SEVERITY[need.severity])
                            with Node("span"):
                                Node("b", f"{need.title}. ", "is-strong")
                                Node("span", need.text, "is-second")
                            if need.href:
                                link(need.action, need.href, "pu-link")
            else:
                with Node("div", "", "pu-clear"):
                    Icon("check_circle")
                    Node("b", "All clear", "is-strong")
                    self._checked = Node("span", checked, "is-second")
                    Node("span", note, "is-second")
