"""What may happen to a request, drawn once: some thousand scenarios that the load then deals out to users and moments.

Each is built as routing and the books would build it: the steps of its trace are `core.routing.trace.Step`, its
credits and USD come from the catalogue's own rules, so that demo rows cannot tell another story than live ones.
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
from core.generation.templates import TEMPLATES
from core.money import ZERO_USD
from core.providers.base import Usage
from core.routing.trace import Decision, Reason, Step
from core.system.demo.texts import ANSWERS, PROMPTS
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
    ErrorClass.RATE_LIMIT, 429, "rate_limit_exceeded", "Rate limit reached for requests per minute.", (90, 400)
)
TIMEOUT = Trouble(ErrorClass.TIMEOUT, None, None, "No answer within 30 s.", (30_000, 30_400))
SERVER = Trouble(
    ErrorClass.SERVER, 500, "server_error", "The server had an error while processing your request.", (300, 4_000)
)
BLOCKED = Trouble(
    ErrorClass.CONTENT_BLOCKED, 400, "content_policy_violation", "The prompt was refused by the safety system.",
    (250, 900),
)  # fmt: skip

# How it went, and how often out of a thousand.
STORIES: tuple[tuple[str, int], ...] = (
    ("answered", 850),
    ("named", 78),
    ("retried", 18),
    ("fallback_model", 10),
    ("next_provider", 16),
    ("breaker_open", 6),
    ("reader_left", 6),
    ("blocked", 6),
    ("out_of_credits", 3),
    ("all_failed", 7),
)

PACE: dict[str, tuple[int, int]] = {
    "openai": (420, 95), "gemini": (310, 160), "anthropic": (520, 80), "deepseek": (900, 55),
}  # fmt: skip
"""Typical time to first token in ms, and output tokens a second."""


@dataclass(slots=True)
class Scenario:
    """The columns of a generation and of its attempts that do not depend on who and when; `prompt` and `answer` too."""

    prompt: dict[str, Any]
    answer: str | None = None
    generation: dict[str, Any] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    reserved: bool = True


class Stage:
    """Draws scenarios; the same seed draws the same."""

    def __init__(self, catalogue: Catalogue, vendors: list[DemoVendor], now: datetime, seed: int = 7) -> None:
        self._catalogue = catalogue
        self._book = PriceBook(catalogue.prices, free_kinds=catalogue.free_kinds)
        self._vendors = vendors
        self._now = now
        self._random = random.Random(seed)

    def draw(self, count: int) -> list[Scenario]:
        """So many scenarios, each story in its share."""
        total = sum(weight for _, weight in STORIES)
        stories = [story for story, weight in STORIES for _ in range(max(1, round(weight * count / total)))]
        self._random.shuffle(stories)
        return [self._scenario(story) for story in stories]

    def _scenario(self, story: str) -> Scenario:
        chance = self._random
        prompt = chance.choice(PROMPTS)
        template = chance.choice([None, None, *TEMPLATES])
        scenario = Scenario({
            "system": TEMPLATES[template].system if template else None,
            "messages": [{"role": "user", "content": prompt}],
        })  # fmt: skip
        first = self._vendors[0]
        scenario.generation = {
            "type": template, "status": "completed", "streamed": chance.random() < 0.6, "requested_provider": None,
            "requested_model": None, "allow_fallback": True, "parameters": {"maxTokens": MAX_TOKENS},
            "provider_id": None, "provider": None, "model": None, "held": 0, "credits": 0, "cost": None,
            "unpriced": False, "input_tokens": None, "cached_tokens": None, "output_tokens": None, "usage_estimated": False,
            "attempts": 0, "latency_ms": 0, "first_token_ms": None, "finish_reason": None, "error_class": None,
            "error_code": None, "error_message": None, "cut": None,
        }  # fmt: skip
        take = _Take(self, scenario)
        match story:
            case "named":
                vendor = chance.choice(self._vendors)
                scenario.generation["requested_model"] = vendor.default
                take.answers(vendor, vendor.default, Reason.NAMED_MODEL, "the model that was asked for")
            case "retried":
                take.fails(first, first.default, chance.choice((RATE_LIMIT, OVERLOADED, SERVER)))
                waited = chance.uniform(0.8, 1.2)
                take.answers(first, first.default, Reason.RETRY, f"again after {waited:.1f} s", round(waited * 1000))
            case "fallback_model":
                take.fails(first, first.default, OVERLOADED)
                for waited in (1_000, 2_000):
                    take.fails(first, first.default, OVERLOADED, Reason.RETRY, f"again after {waited / 1000:.1f} s", waited)
                take.answers(first, first.fallback, Reason.FALLBACK_MODEL, "the provider's fallback model")
            case "next_provider":
                take.fails(first, first.default, TIMEOUT)
                second = self._vendors[1]
                take.answers(second, second.default, Reason.NEXT_IN_ORDER, "next in order")
            case "breaker_open":
                tripped = self._vendors[2]
                scenario.generation["requested_model"] = tripped.default
                wait = chance.randint(5, 60)
                take.skips(
                    tripped, Reason.BREAKER_OPEN,
                    f"breaker open (5 of 5 consecutive failures, the last: overloaded), next probe in {wait} s",
                )  # fmt: skip
                take.answers(first, first.default, Reason.NEXT_IN_ORDER, "next in order")
            case "reader_left":
                take.is_left(first)
            case "blocked":
                take.is_blocked(first)
            case "out_of_credits":
                take.is_refused(required=chance.randint(5, 9), available=chance.randint(0, 4))
            case "all_failed":
                for place, vendor in enumerate(self._vendors):
                    reason = Reason.NEXT_IN_ORDER if place else Reason.FIRST_IN_ORDER
                    take.fails(vendor, vendor.default, chance.choice((OVERLOADED, RATE_LIMIT, TIMEOUT)), reason)
                take.has_failed()
            case _:
                vendor = self._usual()
                reason = Reason.FIRST_IN_ORDER if vendor is first else Reason.PREFERRED
                detail = "first in order" if vendor is first else "the user's preferred provider"
                take.answers(vendor, vendor.default, reason, detail)
        return take.ended()

    def _usual(self) -> DemoVendor:
        return self._random.choices(self._vendors, (48, 27, 18, 7))[0]

    def model(self, vendor: DemoVendor, model_id: str) -> Model:
        """The catalogue's entry."""
        model = self._catalogue.find(vendor.kind, model_id)
        assert model is not None, "the catalogue's defaults are in the catalogue"
        return model

    def cost(self, vendor: DemoVendor, model_id: str, usage: Usage) -> Decimal | None:
        """What the vendor charges for a call now, in USD."""
        return self._book.cost(self._book.resolve(vendor.kind, model_id, self._now), usage, self._now)

    @property
    def chance(self) -> random.Random:
        return self._random

    @property
    def vendors(self) -> list[DemoVendor]:
        return self._vendors


class _Take:
    """One scenario while it is played: attempts and steps in order, the clock running (ms)."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self._stage = stage
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
        detail: str = "",
        waited_ms: int = 0,
    ) -> None:
        latency = self._stage.chance.randint(*trouble.latency_ms)
        status = f"HTTP {trouble.status} " if trouble.status else ""
        said = f"{status}{trouble.error_class.value}: {trouble.said}"
        self._attempt(
            vendor, model, "failed", latency, waited_ms, error_class=trouble.error_class.value,
            http_status=trouble.status, vendor_code=trouble.code, vendor_message=trouble.said, cost=ZERO_USD,
        )  # fmt: skip
        self._step(vendor, model, Decision.FAILED, reason, said, latency, error_class=trouble.error_class.value)
        self._clock += latency

    def answers(
        self, vendor: DemoVendor, model: str, reason: Reason, detail: str, waited_ms: int = 0
    ) -> None:
        usage = self._usage()
        first = self._serve(vendor, model, "completed", usage, waited_ms)
        self._step(vendor, model, Decision.CHOSEN, reason, detail, self._scenario.attempts[-1]["latency_ms"], first=first)
        self._clock += self._scenario.attempts[-1]["latency_ms"]
        self._rest(vendor, Reason.ANSWERED, "answered before its turn")
        self._scenario.answer = self._stage.chance.choice(ANSWERS)
        self._scenario.generation["finish_reason"] = "length" if usage.output_tokens >= MAX_TOKENS else "stop"

    def is_left(self, vendor: DemoVendor) -> None:
        """The reader goes away in the middle of a stream: what was delivered is charged."""
        usage = self._usage(share=0.3, estimated=True)
        self._scenario.generation |= {"status": "cancelled", "cut": "reader", "streamed": True}
        first = self._serve(vendor, vendor.default, "cancelled", usage, 0)
        latency = self._scenario.attempts[-1]["latency_ms"]
        self._step(vendor, vendor.default, Decision.CANCELLED, Reason.FIRST_IN_ORDER, "the reader went away", latency, first=first)
        self._clock += latency
        answer = self._stage.chance.choice(ANSWERS)
        self._scenario.answer = answer[: len(answer) // 3]

    def is_blocked(self, vendor: DemoVendor) -> None:
        self.fails(vendor, vendor.default, BLOCKED)
        self._rest(vendor, Reason.STOPPED, "the request itself was refused")
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
        first = round(first_token * self._stage.chance.lognormvariate(0, 0.35))
        latency = first + round(usage.output_tokens / pace * 1000 * self._stage.chance.uniform(0.8, 1.3))
        model, cost = self._stage.model(vendor, model_id), self._stage.cost(vendor, model_id, usage)
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

    def _attempt(self, vendor: DemoVendor, model: str, outcome: str, latency: int, waited: int, **more: Any) -> None:
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

    def _rest(self, vendor: DemoVendor, reason: Reason, detail: str) -> None:
        """The vendors whose turn never came."""
        met = {step.provider for step in self._scenario.steps}
        for other in self._stage.vendors:
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
        chance = self._stage.chance
        read = min(12_000, max(12, round(chance.lognormvariate(5.4, 0.9))))
        cached = round(read * 0.6) if chance.random() < 0.15 and read > 1_024 else 0
        written = min(MAX_TOKENS, max(8, round(chance.lognormvariate(5.9, 0.8) * share)))
        return Usage(read, cached, 0, written, estimated=estimated)
