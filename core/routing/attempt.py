"""One attempt: a call to one provider with one key, from its beginning to its record."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from core.ids import new_id
from core.money import ZERO_USD
from core.providers.base import Connection, ProviderError, TextChunk, TextRequest, TextResult, Usage
from core.providers.clients import ClientPool
from core.providers.config import Drill, KeyConfig
from core.routing.breaker import Lease
from core.routing.trace import Decision, Step
from core.snapshot import Offer


class Caller(Protocol):
    """What an attempt calls: a provider, or one under a drill."""

    async def generate_text(self, model: str, request: TextRequest, *, timeout: float) -> TextResult: ...

    def stream_text(
        self, model: str, request: TextRequest, *, timeout: float
    ) -> AsyncGenerator[TextChunk, None]: ...


@dataclass(slots=True, eq=False)
class Attempt:
    """One call to one provider. Times in milliseconds from the walk's start (`offset_ms`) or the call's own start.

    `drill` is the simulated outage that it meets. `asked` says whether the vendor is called at all: under a drill only
    once the simulated wait is over. `probe` is the lease of a breaker's one probe; `opened` says that its failure opened the breaker.
    """

    id: UUID
    number: int
    offer: Offer
    key: KeyConfig | None
    client: Caller
    request: TextRequest
    timeout: float
    step: Step
    probe: Lease | None
    offset_ms: int
    waited_ms: int
    drill: Drill | None = None
    asked: bool = True
    opened: bool = False
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

    def end(self, outcome: str, decision: Decision, usage: Usage | None) -> None:
        """Closes the record; `usage` is what the vendor bills, None where nothing is known of it."""
        self.outcome = outcome
        self.latency_ms = self.elapsed_ms()
        self.usage = usage
        self.cost = self.offer.cost(usage, datetime.now(UTC)) if usage else ZERO_USD
        step = self.step
        step.decision = decision
        step.latency_ms = self.latency_ms
        step.first_token_ms = self.first_token_ms


def begin(
    offer: Offer,
    key: KeyConfig | None,
    request: TextRequest,
    step: Step,
    clients: ClientPool,
    *,
    timeout: float,
    probe: Lease | None,
    waited: float,
) -> Attempt:
    """The attempt that `step` tells of: with the client of its key, and the request as its model takes it.

    Args:
        timeout: seconds for the answer, or for a stream's first piece.
        waited: seconds of backoff before it.
    """
    provider = offer.provider
    assert step.attempt is not None, "the step of an attempt carries its number"
    return Attempt(
        id=new_id(),
        number=step.attempt,
        offer=offer,
        key=key,
        client=clients.get(
            str(key.id if key else provider.id),
            Connection(provider.kind, provider.base_url, key.secret if key else None),
        ),
        request=fitted(request, offer),
        timeout=timeout,
        step=step,
        probe=probe,
        offset_ms=step.at_ms,
        waited_ms=round(waited * 1000),
    )


def fitted(request: TextRequest, offer: Offer) -> TextRequest:
    """The request as a model takes it: no sampling parameters where it has none, no more tokens than it gives."""
    model = offer.model
    temperature = request.temperature if model.takes_sampling else None
    max_tokens = min(request.max_tokens, model.max_output_tokens or request.max_tokens)
    if temperature == request.temperature and max_tokens == request.max_tokens:
        return request
    return replace(request, temperature=temperature, max_tokens=max_tokens)
