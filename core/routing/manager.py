"""The one way to the vendors: a route is walked stop by stop until somebody answers.

`Manager.generate` and `Manager.stream` differ in how they read an answer; who is called next, after which wait, with
which key, and what each failure leads to is the same walk (`core.routing.walk`). For urgent requests a race comes
before it (`core.routing.race`).
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from core.providers.base import FinishReason, ProviderError, TextRequest, Usage
from core.routing.calls import StreamedText, WholeText
from core.routing.gate import Means
from core.routing.race import race
from core.routing.route import Route, Wish
from core.routing.walk import Walk


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

    def __init__(self, means: Means) -> None:
        self.means = means

    def walk(
        self,
        route: Route,
        request: TextRequest,
        *,
        deadline: float,
        test: bool = False,
        urgent: Wish | None = None,
    ) -> Walk:
        """Begins a walk. End it with `finish()`.

        Args:
            deadline: seconds over all its attempts.
            test: whether it is test traffic, which meets drills.
            urgent: the wish whose candidates race; None where they are asked one after another.
        """
        return Walk(self.means, route, request, deadline, test=test, urgent=urgent)

    async def generate(self, walk: Walk) -> Answer:
        """The first plain answer on the way.

        Raises:
            InvalidRequest, ContentBlocked: the caller's own fault, in the vendor's words.
            AllProvidersFailed: with each provider's cause.
        """
        answer: Answer | None = None
        begun = await race(walk, WholeText) if walk.races else None
        async for attempt in walk:
            call = begun or WholeText(attempt)
            try:
                if begun is None:
                    await call.begin()
            except ProviderError as error:
                await walk.failed(attempt, error)
                continue
            assert call.result is not None, "what begins well has its answer"
            usage = call.usage
            await walk.served(attempt, usage)
            answer = Answer(call.result.text, usage, call.result.finish_reason)
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
        begun = await race(walk, StreamedText) if walk.races else None
        async for attempt in walk:
            call = begun or StreamedText(attempt)
            try:
                async for text in call:
                    yield text
            except ProviderError as error:
                if not call.pieces:
                    await walk.failed(attempt, error)
                    continue
                await walk.failed(attempt, error, delivered=call.delivered(error.usage))
                raise StreamBroken(error) from error
            except (GeneratorExit, asyncio.CancelledError):
                if call.pieces:
                    walk.abandoned(attempt, call.delivered())
                raise
            finally:
                await call.close()
            usage = call.usage
            await walk.served(attempt, usage)
            answer = Answer(call.text, usage, call.finish)
        if answer is None:
            raise walk.exhausted()
        yield answer
