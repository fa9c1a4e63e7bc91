"""Reading an answer, whole or in pieces: the two ways in which an attempt is made.

Both begin with `begin()`, which returns at the first good answer, and say at any time what the vendor will bill as far
as is known (`known()`). That is all a race needs of them.
"""

import asyncio
from typing import Protocol

from core.errors import ErrorClass
from core.providers.base import FinishReason, ProviderError, TextRequest, TextResult, Usage
from core.providers.tokens import estimate_messages, estimate_tokens
from core.routing.attempt import Attempt

STREAM_IDLE_SECONDS = 60.0
"""The longest silence in the middle of a stream."""
LONGEST_STREAM_SECONDS = 900.0
"""For a stream that keeps bringing text. Until its first piece the attempt's own time holds."""


class Call(Protocol):
    attempt: Attempt

    async def begin(self) -> None:
        """Makes the call, and returns at the first good answer: the whole of it, or the first piece of a stream.

        Raises:
            ProviderError: the vendor failed before it.
        """

    def known(self) -> Usage | None:
        """What the vendor bills for the call so far; None where it was not asked."""

    async def close(self) -> None:
        """Ends the call at the vendor, however far it is."""


class WholeText:
    """A plain call. `result` is there once it has begun well."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.result: TextResult | None = None

    async def begin(self) -> None:
        attempt = self.attempt
        try:
            async with asyncio.timeout(attempt.timeout):
                self.result = await attempt.client.generate_text(
                    attempt.offer.model.id, attempt.request, timeout=attempt.timeout
                )
        except TimeoutError as slow:
            raise _too_slow(attempt) from slow
        attempt.vendor_request_id = self.result.request_id

    @property
    def usage(self) -> Usage:
        """The vendor's count of a finished answer, else our own."""
        assert self.result is not None, "only an answer is counted"
        return self.result.usage or _estimated(self.attempt.request, self.result.text)

    def known(self) -> Usage | None:
        if not self.attempt.asked:
            return None
        return self.usage if self.result else _estimated(self.attempt.request, "")

    async def close(self) -> None:
        """A plain call ends with the task that makes it."""


class StreamedText:
    """A streamed call: iterating brings its pieces of text.

    Raises:
        ProviderError: while iterating; `pieces` says whether anything had come before.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.pieces: list[str] = []
        self.finish: FinishReason = "stop"
        self._told: Usage | None = None
        self._begun: str | None = None
        self._chunks = attempt.client.stream_text(
            attempt.offer.model.id, attempt.request, timeout=LONGEST_STREAM_SECONDS
        )

    async def begin(self) -> None:
        self._begun = await anext(self, None)

    def __aiter__(self) -> "StreamedText":
        return self

    async def __anext__(self) -> str:
        if self._begun is not None:
            text, self._begun = self._begun, None
            return text
        attempt = self.attempt
        try:
            while True:
                async with asyncio.timeout(STREAM_IDLE_SECONDS if self.pieces else attempt.timeout):
                    chunk = await anext(self._chunks, None)
                if chunk is None:
                    raise StopAsyncIteration
                if chunk.usage:
                    self._told = chunk.usage
                self.finish = chunk.finish_reason or self.finish
                attempt.vendor_request_id = chunk.request_id or attempt.vendor_request_id
                if chunk.text:
                    if not self.pieces:
                        attempt.first_token_ms = attempt.elapsed_ms()
                    self.pieces.append(chunk.text)
                    return chunk.text
        except TimeoutError as slow:
            raise _too_slow(attempt) from slow

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def usage(self) -> Usage:
        """The vendor's count of a finished stream, else our own."""
        return self._told or _estimated(self.attempt.request, self.text)

    def delivered(self, told: Usage | None = None) -> Usage:
        """The usage of a cut stream: the vendor's count as far as it goes, else our estimate of what was delivered."""
        told = told or self._told
        estimate = _estimated(self.attempt.request, self.text)
        if told is None:
            return estimate
        return Usage(
            input_tokens=told.input_tokens or estimate.input_tokens,
            cached_tokens=told.cached_tokens,
            cache_write_tokens=told.cache_write_tokens,
            output_tokens=max(told.output_tokens, estimate.output_tokens),
            estimated=True,
        )

    def known(self) -> Usage | None:
        return self.delivered() if self.attempt.asked else None

    async def close(self) -> None:
        await self._chunks.aclose()


def _too_slow(attempt: Attempt) -> ProviderError:
    seconds = f"within {attempt.timeout:.0f} s"
    if attempt.drill is None:
        return ProviderError(ErrorClass.TIMEOUT, f"No answer {seconds}.")
    return ProviderError(ErrorClass.TIMEOUT, f"Simulated: no answer {seconds}")


def _estimated(request: TextRequest, text: str) -> Usage:
    """Our own count, where the vendor told none."""
    return Usage(
        input_tokens=estimate_messages(request.messages, request.system),
        output_tokens=estimate_tokens(text),
        estimated=True,
    )
