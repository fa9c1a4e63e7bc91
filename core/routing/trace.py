"""The decision trace: for every candidate, chosen, tried and failed, or skipped, and why.

Steps are in the order of events and are stored with the generation as they are sent: plain JSON.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Decision(StrEnum):
    CHOSEN = "chosen"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    NOT_NEEDED = "not_needed"


class Reason(StrEnum):
    """Why a candidate was tried or skipped; the page's words stand in `detail`."""

    NAMED_MODEL = "named_model"
    NAMED_PROVIDER = "named_provider"
    PREFERRED = "preferred"
    FIRST_IN_ORDER = "first_in_order"
    NEXT_IN_ORDER = "next_in_order"
    FALLBACK_MODEL = "fallback_model"
    RETRY = "retry"
    NEXT_KEY = "next_key"
    PROBE = "probe"
    RACE = "race"
    DISABLED = "disabled"
    NO_KEY = "no_key"
    BREAKER_OPEN = "breaker_open"
    ISOLATED = "isolated"
    TESTING = "testing"
    LIMIT = "limit"
    NO_MODEL = "no_model"
    NO_STREAMING = "no_streaming"
    TASK_TYPE = "task_type"
    MAX_COST = "max_cost"
    PLAN = "plan"
    CREDITS = "credits"
    NO_FALLBACK = "no_fallback"
    DEADLINE = "deadline"
    ANSWERED = "answered"
    STOPPED = "stopped"


@dataclass(slots=True)
class Step:
    """One decision. `at_ms` counts from the start of routing; `attempt` numbers the call it led to.

    `note` goes with `detail` whatever becomes of the step. `simulated`: the call met a drill.
    """

    provider: str
    model: str | None
    decision: Decision
    reason: Reason
    detail: str
    at_ms: int = 0
    attempt: int | None = None
    error_class: str | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    note: str = ""
    simulated: bool = False

    def as_json(self) -> dict[str, Any]:
        """The step as stored and sent, without what does not apply."""
        fields: dict[str, Any] = {
            "provider": self.provider,
            "model": self.model,
            "decision": self.decision.value,
            "reason": self.reason.value,
            "detail": f"{self.detail}; {self.note}" if self.note else self.detail,
            "atMs": self.at_ms,
            "attempt": self.attempt,
            "errorClass": self.error_class,
            "latencyMs": self.latency_ms,
            "firstTokenMs": self.first_token_ms,
            "simulated": self.simulated or None,
        }
        return {name: value for name, value in fields.items() if value is not None}
