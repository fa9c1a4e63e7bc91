"""The one way to the vendors: a route is walked stop by stop until somebody answers.

`Manager.generate` and `Manager.stream` differ in how they read an answer; who is called next, after which wait, with
which key, and what each failure leads to is the same walk (`core.routing.walk`).
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from core.errors import ErrorClass
from core.providers.base import FinishReason, ProviderError, TextRequest, Usage
from core.providers.clients import ClientPool
from core.providers.tokens import estimate_messages, estimate_tokens
from core.routing.breaker import Breakers
from core.routing.candidates import Route
from core.routing.keys import Keys
from core.routing.meter import Meter
from core.routing.walk import Attempt, Walk

STREAM_IDLE_SECONDS = 60.0
"""The longest silence in the middle of a stream."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer and how it was counted."""

    text: str
    usage: Usage
    finish_reason: FinishReason


class StreamBroken(Exception):
    """A stream failed after its first byte: what was delivered stands, the failure is said."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.message)
        self.error = error


class Manager:
    """Shared by all requests of a process."""

    def __init__(self, clients: ClientPool, breakers: Breakers, meter: Meter, keys: Keys) -> None:
        self.clients = clients
        self.breakers = breakers
        self.meter = meter
        self.keys = keys

    def walk(self, route: Route, request: TextRequest, *, deadline: float) -> Walk:
        """Begins a walk; `deadline` in seconds over all its attempts. End it with `finish()`."""
        return Walk(self.clients, self.breakers, self.meter, self.keys, route, request, deadline)

    async def generate(self, walk: Walk) -> Answer:
        """The first plain answer on the way.

        Raises:
            InvalidRequest, ContentBlocked: the caller's own fault, in the vendor's words.
            AllProvidersFailed: with each provider's cause.
        """
        answer: Answer | None = None
        async for attempt in walk:
            try:
                async with asyncio.timeout(attempt.timeout):
                    result = await attempt.client.generate_text(
                        attempt.offer.model.id, attempt.request, timeout=attempt.timeout
                    )
            except (ProviderError, TimeoutError) as error:
                await walk.failed(attempt, _as_provider_error(error, attempt))
                continue
            usage = result.usage or _estimated(attempt.request, result.text)
            attempt.vendor_request_id = result.request_id
            await walk.served(attempt, usage)
            answer = Answer(result.text, usage, result.finish_reason)
        if answer is None:
            raise walk.exhausted()
        return answer

    async def stream(self, walk: Walk) -> AsyncGenerator[str | Answer, None]:
        """Pieces of text as they come, then the `Answer`.

        Until its first byte, a failed stream is answered by the next candidate. A reader that leaves closes this
        generator: the vendor's call is cancelled, and the attempt keeps what was delivered.

        Raises:
            InvalidRequest, ContentBlocked, AllProvidersFailed: as for `generate`, before the first byte.
            StreamBroken: after it.
        """
        answer: Answer | None = None
        async for attempt in walk:
            pieces: list[str] = []
            usage: Usage | None = None
            finish: FinishReason = "stop"
            chunks = attempt.client.stream_text(
                attempt.offer.model.id, attempt.request, timeout=attempt.timeout
            )
            try:
                while True:
                    async with asyncio.timeout(STREAM_IDLE_SECONDS if pieces else attempt.timeout):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    if chunk.usage:
                        usage = chunk.usage
                    finish = chunk.finish_reason or finish
                    attempt.vendor_request_id = chunk.request_id or attempt.vendor_request_id
                    if chunk.text:
                        if not pieces:
                            attempt.first_token_ms = attempt.elapsed_ms()
                        pieces.append(chunk.text)
                        yield chunk.text
            except (ProviderError, TimeoutError) as error:
                failure = _as_provider_error(error, attempt)
                if not pieces:
                    await walk.failed(attempt, failure)
                    continue
                delivered = _delivered(attempt.request, "".join(pieces), failure.usage or usage)
                await walk.failed(attempt, failure, delivered=delivered)
                raise StreamBroken(failure) from error
            except (GeneratorExit, asyncio.CancelledError):
                if pieces:
                    walk.abandoned(attempt, _delivered(attempt.request, "".join(pieces), usage))
                raise
            finally:
                await chunks.aclose()
            text = "".join(pieces)
            final = usage or _estimated(attempt.request, text)
            await walk.served(attempt, final)
            answer = Answer(text, final, finish)
        if answer is None:
            raise walk.exhausted()
        yield answer


def _as_provider_error(error: ProviderError | TimeoutError, attempt: Attempt) -> ProviderError:
    if isinstance(error, ProviderError):
        return error
    return ProviderError(ErrorClass.TIMEOUT, f"No answer within {attempt.timeout:.0f} s.")


def _estimated(request: TextRequest, text: str) -> Usage:
    """Our own count, where the vendor told none."""
    return Usage(
        input_tokens=estimate_messages(request.messages, request.system),
        output_tokens=estimate_tokens(text),
        estimated=True,
    )


def _delivered(request: TextRequest, text: str, told: Usage | None) -> Usage:
    """The usage of a cut stream: the vendor's count as far as it goes, else our estimate of what was delivered."""
    estimate = _estimated(request, text)
    if told is None:
        return estimate
    return Usage(
        input_tokens=told.input_tokens or estimate.input_tokens,
        cached_tokens=told.cached_tokens,
        cache_write_tokens=told.cache_write_tokens,
        output_tokens=max(told.output_tokens, estimate.output_tokens),
        estimated=True,
    )
