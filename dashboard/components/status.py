"""Status as icon, word and colour, the same everywhere (UX, "Status")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from core.credits.models import EntryType
from core.vocabulary import GenerationStatus
from dashboard.components.html import Icon, Node

Tone = Literal["ok", "warn", "bad", "info", "neutral", "probe"]


@dataclass(frozen=True, slots=True)
class Status:
    """What a chip shows."""

    word: str
    icon: str
    tone: Tone


HEALTHY = Status("Healthy", "check_circle", "ok")
DEGRADED = Status("Degraded", "warning", "warn")
DOWN = Status("Down", "error", "bad")
HALF_OPEN = Status("Half-open, testing", "science", "probe")
DISABLED = Status("Disabled", "block", "neutral")
UNKNOWN = Status("Unknown", "help", "neutral")
REFUNDED = Status("Refunded", "undo", "neutral")
STREAMING = Status("Streaming", "sync", "info")
SKIPPED = Status("Skipped", "redo", "neutral")
ALL_CLEAR = Status("All clear", "check_circle", "ok")

HEALTH: Mapping[str, Status] = {
    "healthy": HEALTHY,
    "degraded": DEGRADED,
    "down": DOWN,
    "half_open": HALF_OPEN,
    "disabled": DISABLED,
    "unknown": UNKNOWN,
}
GENERATION: Mapping[str, Status] = {
    GenerationStatus.PENDING: Status("Pending", "schedule", "neutral"),
    GenerationStatus.PROCESSING: Status("Processing", "sync", "info"),
    GenerationStatus.COMPLETED: Status("Completed", "check_circle", "ok"),
    GenerationStatus.FAILED: Status("Failed", "error", "bad"),
    GenerationStatus.CANCELLED: Status("Cancelled", "block", "neutral"),
}
BREAKER: Mapping[str, Status] = {
    "closed": Status("Closed", "check_circle", "ok"),
    "open": Status("Open", "error", "bad"),
    "half_open": HALF_OPEN,
    "isolated": Status("Isolated", "block", "neutral"),
}
ENTRY: Mapping[str, Status] = {
    EntryType.USAGE: Status("Usage", "bolt", "neutral"),
    EntryType.REFUND: Status("Refund", "undo", "info"),
    EntryType.BONUS: Status("Bonus", "redeem", "ok"),
    EntryType.GRANT: Status("Grant", "add_circle", "ok"),
    EntryType.PURCHASE: Status("Purchase", "shopping_cart", "ok"),
    EntryType.ADJUSTMENT: Status("Adjustment", "tune", "info"),
    EntryType.EXPIRY: Status("Expiry", "event_busy", "neutral"),
}
"""The type of a ledger's entry."""
SEVERITY: Mapping[str, Status] = {
    "critical": Status("Critical", "error", "bad"),
    "warning": Status("Warning", "warning", "warn"),
    "waiting": Status("Waiting", "schedule", "info"),
    "notice": Status("Notice", "info", "info"),
}
ACCOUNT: Mapping[str, Status] = {
    "active": Status("Active", "check_circle", "ok"),
    "suspended": Status("Suspended", "block", "bad"),
    "invited": Status("Invited", "mail", "info"),
    "deleted": Status("Deleted", "delete", "neutral"),
}


def health(state: str) -> Status:
    """The status of a provider; a state nobody knows is Unknown."""
    return HEALTH.get(state, UNKNOWN)


def generation(state: str) -> Status:
    """The status of a generation."""
    return GENERATION.get(state, Status(state.replace("_", " ").capitalize(), "help", "neutral"))


def breaker(state: str) -> Status:
    """The state of a circuit breaker."""
    return BREAKER.get(state, UNKNOWN)


class Chip(Node):
    """A status as a chip: `Chip(health("down"))`; `set_status` changes it in place."""

    def __init__(self, status: Status) -> None:
        super().__init__("span", status.word, f"pu-chip is-{status.tone}")
        self._shown = status
        with self:
            self._icon = Icon(status.icon)

    def set_status(self, status: Status) -> Self:
        """Show another status."""
        if status == self._shown:
            return self
        if status.tone != self._shown.tone:
            self.classes(add=f"is-{status.tone}", remove=f"is-{self._shown.tone}")
        self._shown = status
        self._icon.set_text(status.icon)
        return self.set_text(status.word)


def tag(text: str, tone: Tone = "neutral") -> Node:
    """A chip without an icon, for a word that is no status ("Test run, left out of revenue", "+120 cr")."""
    return Node("span", text, f"pu-chip is-bare is-{tone}")
