"""What each class of vendor error leads to: the one table (SPEC 1, "Calling"), and the waits between tries."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import ErrorClass

MAX_TRIES = 3
"""Tries of one model at one provider, the first included."""
BACKOFF_FIRST = 1.0
BACKOFF_CAP = 10.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do after an error.

    `retry`: the same model again, after a wait. `fallback_model`: this provider's fallback model. `next_provider`: go
    on down the order. None of the three: stop, the answer is the caller's. `counts`: towards the breaker's threshold.
    `sets_key_aside`: the key is at fault; the breaker opens at once when it was the last one.
    """

    retry: bool = False
    fallback_model: bool = False
    next_provider: bool = True
    counts: bool = True
    sets_key_aside: bool = False


POLICIES: Mapping[ErrorClass, Policy] = {
    # The key's fault: no second call with it, on to the next key or provider.
    ErrorClass.AUTHENTICATION: Policy(counts=False, sets_key_aside=True),
    ErrorClass.QUOTA: Policy(counts=False, sets_key_aside=True),
    # Trouble that may pass.
    ErrorClass.RATE_LIMIT: Policy(retry=True, fallback_model=True),
    ErrorClass.OVERLOADED: Policy(retry=True, fallback_model=True),
    ErrorClass.SERVER: Policy(retry=True, fallback_model=True),
    # The host does not answer: another of its models would not either.
    ErrorClass.CONNECTION: Policy(retry=True),
    # A second wait of the same length is not worth the caller's time.
    ErrorClass.TIMEOUT: Policy(),
    # The model is gone, the provider is not.
    ErrorClass.MODEL_NOT_FOUND: Policy(fallback_model=True, counts=False),
    # The caller's fault: it never counts, and never travels on.
    ErrorClass.INVALID_REQUEST: Policy(next_provider=False, counts=False),
    ErrorClass.CONTENT_BLOCKED: Policy(next_provider=False, counts=False),
}


def backoff(tries: int, retry_after: float | None, *, jitter: random.Random | None = None) -> float:
    """Seconds to wait after `tries` failed tries: 1, 2, 4 … at most 10, with jitter, or what the vendor asked for.

    The jitter is full on the upper quarter: 0.75 to 1.25 of the step, so that callers that failed together come back
    apart and the wait stays recognisable in a trace.
    """
    if retry_after is not None:
        return retry_after
    step = min(BACKOFF_CAP, BACKOFF_FIRST * 2 ** (tries - 1))
    return min(BACKOFF_CAP, step * (jitter or _random).uniform(0.75, 1.25))


_random = random.Random()  # noqa: S311 - spreads retries, guards nothing
