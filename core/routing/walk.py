"""One walk along a route: the loop of attempts that plain calls, streams and races share.

Iterating yields the next attempt to make. Whoever makes it reports `served`, `failed` or `abandoned`; the walk then
decides by the policy table whether to wait and try again, to turn to the fallback model or to go on. What happened is
its record (`core.routing.record`); whom it may call now is asked at the gate (`core.routing.gate`). Urgent requests
race before the loop begins (`core.routing.race`).
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from core.errors import ContentBlocked, ErrorClass, InvalidRequest, PurserError
from core.money import ZERO_USD
from core.providers.base import ProviderError, TextRequest, Usage
from core.providers.config import KeyConfig
from core.routing.attempt import Attempt, begin
from core.routing.gate import Admitted, Gate, Means
from core.routing.policy import MAX_TRIES, POLICIES, Policy, backoff
from core.routing.record import Record
from core.routing.route import Route, Wish
from core.routing.trace import Decision, Reason, Step
from core.snapshot import Offer

LEAST_USEFUL_SECONDS = 0.5
"""With less than this left, no further attempt is begun."""
MOST_RACERS = 3


class Walk(Record):
    """See the module's docstring. Not shared between tasks.

    `test` traffic meets drills. `urgent` is the wish whose candidates race, None where they wait for their turn.
    """

    def __init__(
        self,
        means: Means,
        route: Route,
        request: TextRequest,
        deadline: float,
        *,
        test: bool = False,
        urgent: Wish | None = None,
    ) -> None:
        super().__init__(route)
        self._clients = means.clients
        self._gate = Gate(means, self, test=test)
        self._stops = route.stops
        self._request = request
        self._deadline = deadline
        self._urgent = urgent
        self._next = 0
        self._admitted: Admitted | None = None
        self._winner: Attempt | None = None
        self._loop = self._walk()

    def __aiter__(self) -> AsyncGenerator[Attempt, None]:
        return self._loop

    @property
    def races(self) -> bool:
        """Whether candidates are to be asked at once."""
        return self._urgent is not None and len(self._stops) > 1

    def left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - self.elapsed()

    # What became of an attempt

    async def served(self, attempt: Attempt, usage: Usage) -> None:
        """The vendor has answered."""
        attempt.serving = True
        self._end(attempt, "completed", Decision.CHOSEN, usage)
        await self._gate.answered(attempt)

    async def failed(self, attempt: Attempt, error: ProviderError, *, delivered: Usage | None = None) -> None:
        """The vendor has failed; `delivered` is what a stream had brought before it broke."""
        attempt.error = error
        attempt.serving = delivered is not None
        attempt.vendor_request_id = error.request_id or attempt.vendor_request_id
        self._end(attempt, "failed", Decision.FAILED, delivered or error.usage)
        attempt.step.error_class = error.error_class.value
        attempt.step.detail = error.message if attempt.drill and not attempt.asked else _failure_detail(error)
        await self._gate.failed(attempt, error)

    def abandoned(self, attempt: Attempt, delivered: Usage | None) -> None:
        """The reader has gone, or the work was cancelled."""
        if attempt.outcome is None:
            attempt.serving = delivered is not None
            self._end(attempt, "cancelled", Decision.CANCELLED, delivered)
            attempt.step.detail = "the reader went away" if delivered else "cancelled"

    def won(self, attempt: Attempt) -> None:
        """A racer has answered first: its attempt is the one that the walk yields next."""
        self._winner = attempt
        attempt.step.detail = f"the first to answer of {len(self.attempts)} asked at once"

    def outrun(self, attempt: Attempt, usage: Usage | None) -> None:
        """A racer is cancelled: another one has won, or the caller has gone. `usage` is what its vendor bills."""
        if attempt.outcome is None:
            self._end(attempt, "cancelled", Decision.CANCELLED, usage)
            other = self._winner if self._winner is not attempt else None
            attempt.step.detail = f"{other.offer.provider.slug} answered first" if other else "cancelled"

    async def finish(self) -> None:
        """Ends the walk, however it went: nothing stays counted as running, and no probe stays out."""
        await self._loop.aclose()
        for attempt in self.attempts:
            self.abandoned(attempt, None)
        await self._gate.close()

    # Who comes next

    async def racers(self) -> list[Attempt]:
        """The attempts of a race, begun: the first candidates that may be called now, at most three.

        Where the request has a `max_cost`, only as many as it covers together. Fewer than two are no race: the walk
        asks them as usual.
        """
        wish, now = self._urgent, datetime.now(UTC)
        assert wish is not None, "only an urgent request races"
        entrants: list[tuple[Admitted, KeyConfig | None]] = []
        may_cost = ZERO_USD
        while len(entrants) < MOST_RACERS and self._next < len(self._stops):
            stop = self._stops[self._next]
            cost = ZERO_USD
            if wish.max_cost is not None:
                cost = stop.offers[0].estimated_cost(wish.input_tokens, wish.max_tokens, now) or ZERO_USD
                if entrants and may_cost + cost > wish.max_cost:
                    break
            self._next += 1
            admitted = await self._gate.admit(stop)
            if admitted is None:
                continue
            key = self._gate.key(stop.provider, probe=admitted.probe is not None)
            if key is None and stop.provider.needs_key:
                self.skip(stop, Reason.NO_KEY, self._gate.why_no_key(stop.provider))
            else:
                entrants.append((admitted, key))
                may_cost += cost
        if len(entrants) < 2:
            self._admitted = entrants[0][0] if entrants else None
            return []
        return [
            self._begin(admitted, admitted.stop.offers[0], key, Reason.RACE) for admitted, key in entrants
        ]

    async def _walk(self) -> AsyncGenerator[Attempt, None]:
        if self._winner is not None:
            yield self._winner
        while True:
            attempt = self.current
            if attempt is not None and attempt.outcome == "completed":
                self._rest_not_needed(Reason.ANSWERED, "answered before its turn")
                return
            refusal = next((one.error for one in self.attempts if _is_callers_fault(one.error)), None)
            if refusal is not None:
                self._rest_not_needed(Reason.STOPPED, "the request itself was refused")
                raise _callers_fault(refusal)
            admitted = await self._next_stop()
            if admitted is None:
                return
            async for attempt in self._at(admitted):
                yield attempt

    async def _next_stop(self) -> Admitted | None:
        """The next stop that may be called now."""
        admitted, self._admitted = self._admitted, None
        while admitted is None and self._next < len(self._stops):
            stop = self._stops[self._next]
            self._next += 1
            admitted = await self._gate.admit(stop)
        return admitted

    async def _at(self, admitted: Admitted) -> AsyncGenerator[Attempt, None]:
        """The attempts at one provider: tries of its model, then its fallback model."""
        gate, stop, is_probe = self._gate, admitted.stop, admitted.probe is not None
        refused: set[UUID] = set()
        for position, offer in enumerate(stop.offers):
            tries, waited, reason = 0, 0.0, Reason.FALLBACK_MODEL if position else stop.reason
            while True:
                key = gate.key(stop.provider, probe=is_probe, refused=refused)
                if key is None and stop.provider.needs_key:
                    self.skip(stop, Reason.NO_KEY, gate.why_no_key(stop.provider), offer)
                    return
                if self.left() < LEAST_USEFUL_SECONDS:
                    self.skip(stop, Reason.DEADLINE, f"no time left of {self._deadline:.0f} s", offer)
                    return
                attempt = self._begin(admitted, offer, key, reason, waited)
                yield attempt
                error = attempt.error
                if error is None or attempt.opened:
                    return
                tries += 1
                policy = POLICIES[error.error_class]
                if policy.sets_key_aside:
                    if key is not None and attempt.drill is not None:
                        refused.add(key.id)
                    if gate.has_key(stop.provider, refused):
                        waited, reason = 0.0, Reason.NEXT_KEY
                        continue
                wait = self._wait_before_retry(policy, error, tries, fallback=bool(position))
                if wait is None:
                    break
                waited, reason = wait, Reason.RETRY
                await asyncio.sleep(wait)
                if not gate.is_closed(stop.provider):
                    return  # opened meanwhile, by other requests
            if not policy.fallback_model:
                return

    def _wait_before_retry(
        self, policy: Policy, error: ProviderError, tries: int, *, fallback: bool
    ) -> float | None:
        """Seconds to wait before the same model is tried again; None: it is not. A fallback model gets one try."""
        if not policy.retry or fallback or tries >= MAX_TRIES:
            return None
        wait = backoff(tries, error.retry_after)
        return wait if wait + LEAST_USEFUL_SECONDS < self.left() else None

    def _begin(
        self, admitted: Admitted, offer: Offer, key: KeyConfig | None, reason: Reason, waited: float = 0.0
    ) -> Attempt:
        reason = reason if admitted.probe is None else Reason.PROBE
        step = Step(
            offer.provider.slug, offer.model.id, Decision.CHOSEN, reason, _why(reason, waited),
            self.elapsed_ms(), attempt=len(self.attempts) + 1,
            note="; ".join(filter(None, (admitted.stop.note, offer.price_words))),
        )  # fmt: skip
        # Somebody may still come after: half of the time that is left is for them.
        left, last = self.left(), self._next == len(self._stops)
        timeout = left if last else max(left / 2, LEAST_USEFUL_SECONDS)
        attempt = begin(
            offer,
            key,
            self._request,
            step,
            self._clients,
            timeout=timeout,
            probe=admitted.probe,
            waited=waited,
        )
        self.attempts.append(attempt)
        self.steps.append(step)
        self._gate.began(attempt)
        return attempt

    def _end(self, attempt: Attempt, outcome: str, decision: Decision, usage: Usage | None) -> None:
        attempt.end(outcome, decision, usage)
        self._gate.ended(attempt)

    def _rest_not_needed(self, reason: Reason, detail: str) -> None:
        for stop in self._stops[self._next :]:
            self.not_needed(stop, reason, detail)


def _is_callers_fault(error: ProviderError | None) -> bool:
    return error is not None and not POLICIES[error.error_class].next_provider


def _callers_fault(error: ProviderError) -> PurserError:
    kind = ContentBlocked if error.error_class is ErrorClass.CONTENT_BLOCKED else InvalidRequest
    return kind(error.message, code=error.error_class.value)


def _failure_detail(error: ProviderError) -> str:
    status = f"HTTP {error.status} " if error.status else ""
    said = f": {error.message}" if error.message else ""
    return f"{status}{error.error_class.value}{said}"


def _why(reason: Reason, waited: float) -> str:
    return f"again after {waited:.1f} s" if reason is Reason.RETRY else WHY[reason]


WHY: Mapping[Reason, str] = {
    Reason.NAMED_MODEL: "the model that was asked for",
    Reason.NAMED_PROVIDER: "the provider that was asked for",
    Reason.PREFERRED: "what the user prefers",
    Reason.FIRST_IN_ORDER: "first in order",
    Reason.NEXT_IN_ORDER: "next in order",
    Reason.FALLBACK_MODEL: "the provider's fallback model",
    Reason.NEXT_KEY: "the provider's next key",
    Reason.PROBE: "the one probe of a half-open breaker",
    Reason.RACE: "asked at once with others",
}
