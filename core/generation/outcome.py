"""What a generation came to: the answer for the caller, and the fields of its row and attempts."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.errors import Fault, PurserError
from core.generation.running import Running
from core.providers.base import ProviderError, Usage
from core.routing.attempt import Attempt

NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Result:
    """A finished text. `cost` in USD, None where unpriced; times in milliseconds."""

    id: UUID
    text: str
    provider: str
    model: str
    usage: Usage
    credits: int
    balance: int
    cost: Decimal | None
    latency_ms: int
    first_token_ms: int | None
    finish_reason: str
    trace: list[dict[str, Any]] = field(default_factory=list)
    vendor_ms: int = 0


class StreamCut(Fault):
    """The vendor failed in the middle of a stream; details say what was charged for what was delivered."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(
            f"The answer was cut short: {error.message}",
            code=error.error_class.value,
            status=502,
            retryable=True,
        )


def outcome_fields(
    running: Running,
    status: str,
    *,
    excess: int = 0,
    usage: Usage | None = None,
    error: PurserError | None = None,
    finish_reason: str | None = None,
    cut: str | None = None,
) -> dict[str, Any]:
    """The columns of the row, as `generation_end` unpacks them, and those that its attempts have of it.

    `excess`: the credits that the answer was worth above what was held.
    """
    walk = running.walk
    attempt = walk.current
    known = [one.cost for one in walk.attempts if one.cost is not None]
    unpriced = len(known) < len(walk.attempts)
    failed = _cause(walk.attempts, error) if error else None
    counted = usage or NO_USAGE
    return {
        "status": status,
        "user_id": running.asked.person.user_id,
        "traffic": running.asked.traffic.value,
        "modality": walk.modality.value,
        "provider_id": attempt.offer.provider.id if attempt else None,
        "provider": attempt.offer.provider.slug if attempt else None,
        "model": attempt.offer.model.id if attempt else None,
        "excess_credits": excess,
        "cost": sum(known, Decimal(0)) if known or not unpriced else None,
        "unpriced": unpriced,
        "input_tokens": counted.input_tokens if usage else None,
        "cached_tokens": counted.cached_tokens if usage else None,
        "output_tokens": counted.output_tokens if usage else None,
        "usage_estimated": counted.estimated,
        "latency_ms": walk.elapsed_ms(),
        "first_token_ms": attempt.offset_ms + attempt.first_token_ms if attempt and attempt.first_token_ms is not None else None,
        "finish_reason": finish_reason,
        "error_class": failed.error_class.value if failed else None,
        "error_code": error.code if error else None,
        "error_message": error.message[:2000] if error else None,
        "cut": cut,
        "trace": [step.as_json() for step in walk.steps],
    }  # fmt: skip


def _cause(attempts: list[Attempt], error: PurserError) -> ProviderError | None:
    """The vendor's failure that a generation ended with: the one that the error speaks of, else the last."""
    failures = [one.error for one in reversed(attempts) if one.error]
    return next(
        (one for one in failures if one.error_class.value == error.code), failures[0] if failures else None
    )


def attempt_fields(one: Attempt) -> dict[str, Any]:
    """The columns of one attempt, as `generation_end` unpacks them."""
    error, usage = one.error, one.usage
    return {
        "id": one.id,
        "number": one.number,
        "provider_id": one.offer.provider.id,
        "provider": one.offer.provider.slug,
        "model": one.offer.model.id,
        "key_id": one.key.id if one.key else None,
        "outcome": one.outcome or "cancelled",
        "serving": one.serving,
        "offset_ms": one.offset_ms,
        "waited_ms": one.waited_ms,
        "latency_ms": one.latency_ms,
        "first_token_ms": one.first_token_ms,
        "error_class": error.error_class.value if error else None,
        "http_status": error.status if error else None,
        "vendor_code": error.vendor_code if error else None,
        "vendor_message": error.message[:500] if error else None,
        "vendor_request_id": one.vendor_request_id,
        "retry_after_ms": round(error.retry_after * 1000) if error and error.retry_after else None,
        "input_tokens": usage.input_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "usage_estimated": bool(usage and usage.estimated),
        "cost": one.cost,
        "unpriced": one.cost is None,
        "simulated": one.drill is not None,
    }
