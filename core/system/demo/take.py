"""One scenario while it is played: attempts and steps in order, the clock running.

What it leaves behind is what routing and the books leave of a live request.
"""

import random
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.catalogue import charging
from core.catalogue.catalogue import Catalogue, Model
from core.catalogue.prices import PriceBook
from core.errors import ErrorClass
from core.money import ZERO_USD
from core.providers.base import Usage
from core.routing.trace import Decision, Reason, Step
from core.system.demo.vendors import DemoVendor

MAX_TOKENS = 2_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A vendor's failure as it is met in the demo: HTTP status, the vendor's words, how long it took (ms)."""

    error_class: ErrorClass
    status: int | None
    code: str | None
    said: str
    latency_ms: tuple[int, int]


OVERLOADED = Trouble(ErrorClass.OVERLOADED, 529, "overloaded_error", "Overloaded", (180, 900))
RATE_LIMIT = Trouble(
    ErrorClass.RATE_LIMIT,
    429,
    "rate_limit_exceeded",
    "Rate limit reached for requests per minute.",
    (90, 400),
)
TIMEOUT = Trouble(ErrorClass.TIMEOUT, None, None, "No answer within 30 s.", (30_000, 30_400))
SERVER = Trouble(
    ErrorClass.SERVER,
    500,
    "server_error",
    "The server had an error while processing your request.",
    (300, 4_000),
)
BLOCKED = Trouble(
    ErrorClass.CONTENT_BLOCKED, 400, "content_policy_violation", "The prompt was refused by the safety system.",
    (250, 900),
)  # fmt: skip

PACE: dict[str, tuple[int, int]] = {
    "openai": (420, 95), "gemini": (310, 160), "anthropic": (520, 80), "deepseek": (900, 55),
}  # fmt: skip
"""Typical time to first token in ms, and output tokens a second."""


@dataclass(slots=True)
class Scenario:
    """The columns of a generation and of its attempts that do not depend on who and when; `prompt` and `answer` too."""

    prompt: dict[str, Any]
    answer: str
    """What would be answered; `delivered` is how much of it was."""
    delivered: str | None = None
    generation: dict[str, Any] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    reserved: bool = True


@dataclass(frozen=True, slots=True)
class Cast:
    """Who and what there is to tell about: vendors, models, prices of now, and chance."""

    catalogue: Catalogue
    book: PriceBook
    vendors: list[DemoVendor]
    now: datetime
    chance: random.Random

    def model(self, vendor: DemoVendor, model_id: str) -> Model:
        """The catalogue's entry."""
        model = self.catalogue.find(vendor.kind, model_id)
        assert model is not None, "the catalogue's defaults are in the catalogue"
        return model

    def cost(self, vendor: DemoVendor, model_id: str, usage: Usage) -> Decimal | None:
        """What the vendor charges for a call now, in USD."""
        return self.book.cost(self.book.resolve(vendor.kind, model_id, self.now), usage, self.now)


class Take:
    """One scenario while it is played: attempts and steps in order, the clock running (ms)."""

    def __init__(self, cast: Cast, scenario: Scenario) -> None:
        self._cast = cast
        self._scenario = scenario
        self._clock = 0

    def skips(self, vendor: DemoVendor, reason: Reason, detail: str) -> None:
        step = Step(vendor.slug, vendor.default, Decision.SKIPPED, reason, detail, at_ms=self._clock)
        self._scenario.steps.append(step)

    def fails(
        self,
        vendor: DemoVendor,
        model: str,
        trouble: Trouble,
        reason: Reason = Reason.FIRST_IN_ORDER,
        waited_ms: int = 0,
    ) -> None:
        latency = self._cast.chance.randint(*trouble.latency_ms)
        status = f"HTTP {trouble.status} " if trouble.status else ""
        said = f"{status}{trouble.error_class.value}: {trouble.said}"
        self._attempt(
            vendor, model, "failed", latency, waited_ms, error_class=trouble.error_class.value,
            http_status=trouble.status, vendor_code=trouble.code, vendor_message=trouble.said, cost=ZERO_USD,
        )  # fmt: skip
        self._step(
            vendor, model, Decision.FAILED, reason, said, latency, error_class=trouble.error_class.value
        )
        self._clock += latency

    def answers(
        self, vendor: DemoVendor, model: str, reason: Reason, detail: str, waited_ms: int = 0
    ) -> None:
        usage = self._usage()
        first = self._serve(vendor, model, "completed", usage, waited_ms)
        self._step(
            vendor,
            model,
            Decision.CHOSEN,
            reason,
            detail,
            self._scenario.attempts[-1]["latency_ms"],
            first=first,
        )
        self._clock += self._scenario.attempts[-1]["latency_ms"]
        self._rest(Reason.ANSWERED, "answered before its turn")
        self._scenario.delivered = self._scenario.answer
        self._scenario.generation["finish_reason"] = "length" if usage.output_tokens >= MAX_TOKENS else "stop"

    def is_left(self, vendor: DemoVendor) -> None:
        """The reader goes away in the middle of a stream: what was delivered is charged."""
        usage = self._usage(share=0.3, estimated=True)
        self._scenario.generation |= {"status": "cancelled", "cut": "reader", "streamed": True}
        first = self._serve(vendor, vendor.default, "cancelled", usage, 0)
        latency = self._scenario.attempts[-1]["latency_ms"]
        self._step(
            vendor,
            vendor.default,
            Decision.CANCELLED,
            Reason.FIRST_IN_ORDER,
            "the reader went away",
            latency,
            first=first,
        )
        self._clock += latency
        self._scenario.delivered = self._scenario.answer[: len(self._scenario.answer) // 3]

    def is_blocked(self, vendor: DemoVendor) -> None:
        self.fails(vendor, vendor.default, BLOCKED)
        self._rest(Reason.STOPPED, "the request itself was refused")
        self._failed(ErrorClass.CONTENT_BLOCKED.value, BLOCKED.said)

    def is_refused(self, required: int, available: int) -> None:
        self._scenario.reserved = False
        said = f"Insufficient credits: {required:,} required, {available:,} available."
        self._failed("insufficient_credits", said)

    def has_failed(self) -> None:
        causes = "; ".join(f"{step.provider}: {step.detail}" for step in self._scenario.steps)
        self._failed("all_providers_failed", f"No provider could answer. {causes}.")

    def ended(self) -> Scenario:
        row, attempts = self._scenario.generation, self._scenario.attempts
        row["latency_ms"], row["attempts"] = self._clock, len(attempts)
        if attempts:
            last = attempts[-1]
            row |= {name: last[name] for name in ("provider_id", "provider", "model")}
            row["cost"] = sum((one["cost"] for one in attempts if one["cost"] is not None), ZERO_USD)
            row["unpriced"] = any(one["unpriced"] for one in attempts)
        row["trace"] = [step.as_json() for step in self._scenario.steps]
        return self._scenario

    def _serve(self, vendor: DemoVendor, model_id: str, outcome: str, usage: Usage, waited_ms: int) -> int:
        first_token, pace = PACE[vendor.kind]
        first = round(first_token * self._cast.chance.lognormvariate(0, 0.35))
        latency = first + round(usage.output_tokens / pace * 1000 * self._cast.chance.uniform(0.8, 1.3))
        model, cost = self._cast.model(vendor, model_id), self._cast.cost(vendor, model_id, usage)
        counts = {name: asdict(usage)[name] for name in ("input_tokens", "cached_tokens", "output_tokens")}
        counts["usage_estimated"] = usage.estimated
        streamed = self._scenario.generation["streamed"]
        self._attempt(
            vendor, model_id, outcome, latency, waited_ms, serving=True, first_token_ms=first if streamed else None,
            cost=cost, unpriced=cost is None, **counts,
        )  # fmt: skip
        held = charging.hold(model, usage.input_tokens, MAX_TOKENS)
        row = self._scenario.generation
        row |= counts | {"held": held, "credits": min(held, charging.charge(model, usage))}
        row["first_token_ms"] = self._clock + first if streamed else None
        return first

    def _attempt(
        self, vendor: DemoVendor, model: str, outcome: str, latency: int, waited: int, **more: Any
    ) -> None:
        self._clock += waited
        self._scenario.attempts.append({
            "number": len(self._scenario.attempts) + 1, "provider_id": vendor.id, "provider": vendor.slug, "model": model,
            "outcome": outcome, "serving": False, "offset_ms": self._clock, "waited_ms": waited, "latency_ms": latency,
            "first_token_ms": None, "error_class": None, "http_status": None, "vendor_code": None,
            "vendor_message": None, "input_tokens": None, "cached_tokens": None, "output_tokens": None,
            "usage_estimated": False, "cost": None, "unpriced": False,
        } | more)  # fmt: skip

    def _step(
        self, vendor: DemoVendor, model: str, decision: Decision, reason: Reason, detail: str, latency: int,
        *, error_class: str | None = None, first: int | None = None,
    ) -> None:  # fmt: skip
        self._scenario.steps.append(
            Step(
                vendor.slug, model, decision, reason, detail, at_ms=self._clock,
                attempt=len(self._scenario.attempts), error_class=error_class, latency_ms=latency,
                first_token_ms=first if self._scenario.generation["streamed"] else None,
            )
        )  # fmt: skip

    def _rest(self, reason: Reason, detail: str) -> None:
        """The vendors whose turn never came."""
        met = {step.provider for step in self._scenario.steps}
        for other in self._cast.vendors:
            if other.slug not in met:
                self._scenario.steps.append(
                    Step(other.slug, other.default, Decision.NOT_NEEDED, reason, detail, at_ms=self._clock)
                )

    def _failed(self, code: str, said: str) -> None:
        row = self._scenario.generation
        errors = [one["error_class"] for one in self._scenario.attempts if one["error_class"]]
        row |= {
            "status": "failed", "error_code": code, "error_message": said[:2000],
            "error_class": errors[-1] if errors else None, "held": 3 if self._scenario.reserved else 0,
        }  # fmt: skip

    def _usage(self, share: float = 1.0, *, estimated: bool = False) -> Usage:
        chance = self._cast.chance
        read = min(12_000, max(12, round(chance.lognormvariate(5.4, 0.9))))
        cached = round(read * 0.6) if chance.random() < 0.15 and read > 1_024 else 0
        written = min(MAX_TOKENS, max(8, round(chance.lognormvariate(5.9, 0.8) * share)))
        return Usage(read, cached, 0, written, estimated=estimated)
