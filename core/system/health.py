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


def worst(checks: Iterable[Check]) -> State:
    """The state of the whole."""
    order = list(State)
    return max((check.state for check in checks), key=order.index, default=State.OK)
