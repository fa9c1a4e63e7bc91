"""Every way in which Purser says no, as one tree.

PurserError                     code, HTTP status, a sentence for the person, retryable or not, details
├── Refusal                     the answer is no, and nothing is wrong with Purser
│   ├── InvalidRequest          400  the request is wrong
│   ├── UserRequired            400  a service key must name its user
│   ├── NotSignedIn             401
│   ├── InsufficientCredits     402  details: required, available
│   ├── TrialOver               402  trial_expired, trial_used; details: contact
│   ├── BudgetBlocked           402
│   ├── NotAllowed              403  and its reasons: role, plan, feature, suspension
│   ├── NotFound                404
│   ├── Conflict                409  idempotency_conflict among them
│   ├── TooLarge                413
│   ├── ContentBlocked          422  the vendor's safety rules
│   └── LimitReached            429  daily_limit, monthly_ceiling, rate_limited
└── Fault                       the answer could not be had
    ├── NoProvider              503  nothing is configured or capable
    ├── AllProvidersFailed      503  details: causes, one per provider
    └── DatabaseUnavailable     503

A vendor's failure is one of the ten `ErrorClass` values; `core.routing.policy` says what each leads to.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class ErrorClass(StrEnum):
    """The ten classes into which every vendor error falls (SPEC 1)."""

    AUTHENTICATION = "authentication"
    QUOTA = "quota"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    INVALID_REQUEST = "invalid_request"
    CONTENT_BLOCKED = "content_blocked"
    MODEL_NOT_FOUND = "model_not_found"
    SERVER = "server"


class PurserError(Exception):
    """Base of all errors that a person or client may see: no internals in `message`."""

    code = "internal_error"
    status = 500
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.retryable = self.retryable if retryable is None else retryable
        self.retry_after = retry_after
        self.details = dict(details or {})


class Refusal(PurserError):
    """The answer is no, with a reason; nothing needs mending in Purser."""

    status = 400


class Fault(PurserError):
    """The answer could not be had; trying again later may help."""

    status = 503
    retryable = True


class InvalidRequest(Refusal):
    code = "invalid_request"
    status = 400


class UserRequired(Refusal):
    code = "user_required"
    status = 400


class NotSignedIn(Refusal):
    code = "not_signed_in"
    status = 401


class InsufficientCredits(Refusal):
    code = "insufficient_credits"
    status = 402

    def __init__(self, required: int, available: int) -> None:
        super().__init__(
            f"Insufficient credits: {required:,} required, {available:,} available.",
            details={"required": required, "available": available},
        )


class TrialOver(Refusal):
    code = "trial_expired"
    status = 402


class BudgetBlocked(Refusal):
    code = "budget_blocked"
    status = 402


class NotAllowed(Refusal):
    code = "not_allowed"
    status = 403


class NotFound(Refusal):
    code = "not_found"
    status = 404


class Conflict(Refusal):
    code = "conflict"
    status = 409


class TooLarge(Refusal):
    code = "too_large"
    status = 413


class ContentBlocked(Refusal):
    code = "content_blocked"
    status = 422


class LimitReached(Refusal):
    code = "rate_limited"
    status = 429
    retryable = True


class NoProvider(Fault):
    code = "no_provider"


class AllProvidersFailed(Fault):
    code = "all_providers_failed"


class DatabaseUnavailable(Fault):
    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The database does not answer. Nothing was lost; try again in a moment.", retry_after=2
        )
