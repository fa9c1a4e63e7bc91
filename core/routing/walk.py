"""One walk along a route: the loop of attempts that plain calls and streams share.

Iterating yields the next attempt to make. Whoever makes it reports `served`, `failed` or `abandoned`; the walk then
decides by the policy table whether to wait and try again, to turn to the fallback model or to go on, and keeps the
trace and the record of every attempt.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from core.errors import AllProvidersFailed, ContentBlocked, ErrorClass, InvalidRequest, PurserError
from core.ids import new_id
from core.money import ZERO_USD
from core.providers.base import Connection, Provider, ProviderError, TextRequest, Usage
from core.providers.clients import ClientPool
from core.providers.config import KeyConfig, ProviderConfig
from core.routing.breaker import Breakers
from core.routing.candidates import Route, Stop
from core.routing.keys import Keys
from core.routing.meter import Meter
from core.routing.models import BreakerState
from core.routing.policy import MAX_TRIES, POLICIES, Policy, backoff
from core.routing.trace import Decision, Reason, Step
from core.snapshot import Offer
from core.vocabulary import Modality

LEAST_USEFUL_SECONDS = 0.5
"""With less than this left, no further attempt is begun."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One call to one provider. Times in milliseconds from the walk's start (`offset_ms`) or the call's own start."""

    id: UUID
    number: int
    offer: Offer
    key: KeyConfig | None
    client: Provider
    request: TextRequest
    timeout: float
    step: Step
    probe: bool
    offset_ms: int
    waited_ms: int
    began: float = field(default_factory=time.perf_counter)
    outcome: str | None = None
    serving: bool = False
    latency_ms: int = 0
    first_token_ms: int | None = None
    error: ProviderError | None = None
    usage: Usage | None = None
    cost: Decimal | None = ZERO_USD
    vendor_request_id: str | None = None

    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.began) * 1000)


class Walk:
    """See the module's docstring. Not shared between tasks."""

    def __init__(
        self,
        clients: ClientPool,
        breakers: Breakers,
        meter: Meter,
        keys: Keys,
        route: Route,
        request: TextRequest,
        deadline: float,
    ) -> None:
        self._clients = clients
        self._breakers = breakers
        self._meter = meter
        self._keys = keys
        self._route = route
        self._request = request
        self._deadline = deadline
        self._began = time.perf_counter()
        self._opened = False
        self.attempts: list[Attempt] = []
        self.steps: list[Step] = list(route.skipped)
        self._attempts_loop = self._walk()

    def __aiter__(self) -> AsyncGenerator[Attempt, None]:
        return self._attempts_loop

    @property
    def modality(self) -> Modality:
        return self._route.modality

    @property
    def current(self) -> Attempt | None:
        """The attempt that serves, or the last one made."""
        return self.attempts[-1] if self.attempts else None

    def delivered(self) -> Usage:
        """What a stream that was cut had brought: known, or estimated and marked so."""
        attempt = self.current
        return attempt.usage if attempt and attempt.usage else Usage()

    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._began) * 1000)

    def left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - (time.perf_counter() - self._began)

    async def served(self, attempt: Attempt, usage: Usage) -> None:
        """The vendor has answered."""
        attempt.serving = True
        self._end(attempt, "completed", usage)
        attempt.step.decision = Decision.CHOSEN
        await self._breakers.succeeded(attempt.offer.provider.id, self._route.modality, probe=attempt.probe)
        if attempt.key is not None:
            await self._keys.served(attempt.key)

    async def failed(self, attempt: Attempt, error: ProviderError, *, delivered: Usage | None = None) -> None:
        """The vendor has failed; `delivered` is what a stream had brought before it broke."""
        attempt.error = error
        attempt.serving = delivered is not None
        attempt.vendor_request_id = error.request_id or attempt.vendor_request_id
        self._end(attempt, "failed", delivered or error.usage)
        attempt.step.decision = Decision.FAILED
        attempt.step.error_class = error.error_class.value
        attempt.step.detail = _failure_detail(error)
        await self._draw_consequences(attempt, error)

    def abandoned(self, attempt: Attempt, delivered: Usage | None) -> None:
        """The reader has gone, or the work was cancelled."""
        if attempt.outcome is None:
            attempt.serving = delivered is not None
            self._end(attempt, "cancelled", delivered)
            attempt.step.decision = Decision.CANCELLED
            attempt.step.detail = "the reader went away" if delivered else "cancelled"

    async def finish(self) -> None:
        """Ends the walk, however it went: nothing stays counted as running, and no probe stays out."""
        await self._attempts_loop.aclose()
        attempt = self.current
        if attempt is not None:
            self.abandoned(attempt, None)
            inconclusive = attempt.outcome == "cancelled" or (
                attempt.error is not None and not POLICIES[attempt.error.error_class].next_provider
            )
            if attempt.probe and inconclusive:
                await self._breakers.give_probe_back(attempt.offer.provider.id, self._route.modality)

    def exhausted(self) -> AllProvidersFailed:
        """The error that lists each provider with its cause."""
        causes: dict[str, Step] = {
            step.provider: step for step in self.steps if step.reason is not Reason.NO_FALLBACK
        }
        sentences = [f"{step.provider}: {step.detail}" for step in causes.values()]
        return AllProvidersFailed(
            "No provider could answer. " + "; ".join(sentences) + ".",
            details={
                "causes": [
                    {
                        "provider": s.provider,
                        "model": s.model,
                        "class": s.error_class or s.reason.value,
                        "message": s.detail,
                    }
                    for s in causes.values()
                ]
            },
        )

    async def _walk(self) -> AsyncGenerator[Attempt, None]:
        for place, stop in enumerate(self._route.stops):
            last = place == len(self._route.stops) - 1
            probe = await self._admit(stop)
            if probe is None:
                continue
            async for attempt in self._at(stop, last=last, probe=probe):
                yield attempt
            attempt = self.current
            if attempt is None:
                continue
            if attempt.outcome == "completed":
                self._note_not_needed(place + 1, Reason.ANSWERED, "answered before its turn")
                return
            if attempt.error and not POLICIES[attempt.error.error_class].next_provider:
                self._note_not_needed(place + 1, Reason.STOPPED, "the request itself was refused")
                raise _callers_fault(attempt.error)

    async def _at(self, stop: Stop, *, last: bool, probe: bool) -> AsyncGenerator[Attempt, None]:
        """The attempts at one provider: tries of its model, then its fallback model."""
        for position, offer in enumerate(stop.offers):
            tries, waited, reason = 0, 0.0, Reason.FALLBACK_MODEL if position else stop.reason
            while True:
                key = (
                    self._keys.choose_for_probe(stop.provider) if probe else self._keys.choose(stop.provider)
                )
                if key is None and stop.provider.needs_key:
                    self._skip(
                        stop.provider, offer.model.id, Reason.NO_KEY, self._keys.why_none(stop.provider)
                    )
                    return
                if self.left() < LEAST_USEFUL_SECONDS:
                    self._skip(
                        stop.provider,
                        offer.model.id,
                        Reason.DEADLINE,
                        f"no time left of {self._deadline:.0f} s",
                    )
                    return
                attempt = self._begin(
                    offer, key, Reason.PROBE if probe else reason, waited, last=last, probe=probe
                )
                yield attempt
                error = attempt.error
                if error is None or self._opened:
                    return
                tries += 1
                policy = POLICIES[error.error_class]
                if policy.sets_key_aside and self._keys.usable(stop.provider):
                    waited, reason = 0.0, Reason.NEXT_KEY
                    continue
                wait = self._wait_before_retry(policy, error, tries, fallback=bool(position))
                if wait is None:
                    break
                waited, reason = wait, Reason.RETRY
                await asyncio.sleep(wait)
                if (
                    self._breakers.status(stop.provider.id, self._route.modality).state
                    is not BreakerState.CLOSED
                ):
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

    async def _admit(self, stop: Stop) -> bool | None:
        """Whether the stop may be called now: False for an ordinary call, True for a probe, None for not at all."""
        self._opened = False
        provider, modality = stop.provider, self._route.modality
        model = stop.offers[0].model.id
        now = datetime.now(UTC)
        status = self._breakers.status(provider.id, modality)
        if status.state is BreakerState.ISOLATED:
            self._skip(provider, model, Reason.ISOLATED, f"isolated: {status.reason or 'by a person'}")
            return None
        if status.refuses(now):
            if status.state is BreakerState.HALF_OPEN:
                self._skip(provider, model, Reason.TESTING, "half-open: one probe is out")
            else:
                wait = max(0, round((status.open_until - now).total_seconds())) if status.open_until else 0
                self._skip(
                    provider,
                    model,
                    Reason.BREAKER_OPEN,
                    f"breaker open ({status.reason}), next probe in {wait} s",
                )
            return None
        refusal = self._meter.refusal(provider.id, provider.limits)
        if refusal:
            self._skip(provider, model, Reason.LIMIT, refusal)
            return None
        if status.state is BreakerState.CLOSED:
            return False
        if await self._breakers.take_probe(provider.id, modality):
            return True
        self._skip(provider, model, Reason.TESTING, "half-open: one probe is out")
        return None

    def _begin(
        self, offer: Offer, key: KeyConfig | None, reason: Reason, waited: float, *, last: bool, probe: bool
    ) -> Attempt:
        provider = offer.provider
        offset_ms = self.elapsed_ms()
        step = Step(
            provider.slug, offer.model.id, Decision.CHOSEN, reason, _why(reason, waited),
            at_ms=offset_ms, attempt=len(self.attempts) + 1,
        )  # fmt: skip
        # Somebody may still come after: half of the time that is left is for them.
        left = self.left()
        attempt = Attempt(
            id=new_id(),
            number=len(self.attempts) + 1,
            offer=offer,
            key=key,
            client=self._clients.get(
                str(key.id if key else provider.id),
                Connection(provider.kind, provider.base_url, key.secret if key else None),
            ),
            request=self._fitted(offer),
            timeout=left if last else max(left / 2, LEAST_USEFUL_SECONDS),
            step=step,
            probe=probe,
            offset_ms=offset_ms,
            waited_ms=round(waited * 1000),
        )
        self.attempts.append(attempt)
        self.steps.append(step)
        self._meter.began(provider.id)
        return attempt

    def _fitted(self, offer: Offer) -> TextRequest:
        """The request as this model takes it: no sampling parameters where it has none, no more tokens than it gives."""
        request, model = self._request, offer.model
        temperature = request.temperature if model.takes_sampling else None
        max_tokens = min(request.max_tokens, model.max_output_tokens or request.max_tokens)
        if temperature == request.temperature and max_tokens == request.max_tokens:
            return request
        return replace(request, temperature=temperature, max_tokens=max_tokens)

    def _end(self, attempt: Attempt, outcome: str, usage: Usage | None) -> None:
        attempt.outcome = outcome
        attempt.latency_ms = attempt.elapsed_ms()
        attempt.usage = usage
        attempt.cost = attempt.offer.cost(usage, datetime.now(UTC)) if usage else ZERO_USD
        attempt.step.latency_ms = attempt.latency_ms
        attempt.step.first_token_ms = attempt.first_token_ms
        tokens = usage.input_tokens + usage.output_tokens if usage else 0
        self._meter.ended(attempt.offer.provider.id, tokens, attempt.cost)

    async def _draw_consequences(self, attempt: Attempt, error: ProviderError) -> None:
        """What the failure means for the key and the breaker."""
        provider, policy = attempt.offer.provider, POLICIES[error.error_class]
        at_once = False
        if policy.sets_key_aside:
            if attempt.key is not None:
                await self._keys.failed(
                    provider, attempt.key, error.error_class, error.message, error.retry_after
                )
            at_once = not self._keys.usable(provider)
        if policy.counts or at_once or (attempt.probe and policy.next_provider):
            self._opened = await self._breakers.failed(
                provider.id,
                self._route.modality,
                error.error_class,
                error.message,
                probe=attempt.probe,
                retry_after=error.retry_after,
                at_once=at_once,
            )

    def _skip(self, provider: ProviderConfig, model: str | None, reason: Reason, detail: str) -> None:
        self.steps.append(
            Step(provider.slug, model, Decision.SKIPPED, reason, detail, at_ms=self.elapsed_ms())
        )

    def _note_not_needed(self, place: int, reason: Reason, detail: str) -> None:
        for stop in self._route.stops[place:]:
            self.steps.append(
                Step(
                    stop.provider.slug,
                    stop.offers[0].model.id,
                    Decision.NOT_NEEDED,
                    reason,
                    detail,
                    at_ms=self.elapsed_ms(),
                )
            )


def _callers_fault(error: ProviderError) -> PurserError:
    kind = ContentBlocked if error.error_class is ErrorClass.CONTENT_BLOCKED else InvalidRequest
    return kind(error.message, code=error.error_class.value)


def _failure_detail(error: ProviderError) -> str:
    status = f"HTTP {error.status} " if error.status else ""
    said = f": {error.message}" if error.message else ""
    return f"{status}{error.error_class.value}{said}"


def _why(reason: Reason, waited: float) -> str:
    words = {
        Reason.NAMED_MODEL: "the model that was asked for",
        Reason.NAMED_PROVIDER: "the provider that was asked for",
        Reason.PREFERRED: "the user's preferred provider",
        Reason.FIRST_IN_ORDER: "first in order",
        Reason.NEXT_IN_ORDER: "next in order",
        Reason.FALLBACK_MODEL: "the provider's fallback model",
        Reason.RETRY: f"again after {waited:.1f} s",
        Reason.NEXT_KEY: "the provider's next key",
        Reason.PROBE: "the one probe of a half-open breaker",
    }
    return words[reason]
