"""What a check answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """One part and how it is; `fix` says what to do about a warning or fault. `latency_ms` where something answered."""

    name: str
    state: State
    detail: str
    fix: str | None = None
    latency_ms: float | None = None

    def __str__(self) -> str:
        """As `check` prints it: state, part, what was found, and below it what to do."""
        latency = "" if self.latency_ms is None else f" ({self.latency_ms:,.1f} ms)"
        line = f"{self.state.value:8} {self.name}: {self.detail}{latency}"
        return f"{line}\n{'':8} → {self.fix}" if self.fix else line


def worst(checks: Iterable[Check]) -> State:
    """The state of the whole."""
    order = list(State)
    return max((check.state for check in checks), key=order.index, default=State.OK)
