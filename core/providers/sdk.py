"""What all kinds that stand on a vendor's SDK share: building it lazily, deadlines, streams, closing, failures."""

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator
from typing import Any, Generic, Protocol, TypeVar

from core.errors import ErrorClass
from core.log import get_logger
from core.providers import failures
from core.providers.answer import Answer
from core.providers.base import (
    CONNECT_TIMEOUT,
    Connection,
    ProbeResult,
    Provider,
    ProviderError,
    TextChunk,
    TextRequest,
    TextResult,
    Usage,
)

log = get_logger(__name__)

Client = TypeVar("Client")


class EventStream(Protocol):
    """A vendor's stream of events; `close()` ends the HTTP response as well."""

    def __anext__(self) -> Any: ...

    async def close(self) -> None: ...


class SdkProvider(Provider, Generic[Client]):
    """A kind over an SDK. Subclasses say how to build, call and read; this class says when.

    The SDK is imported and its client built in a thread at `warm()` or the first call: that takes up to 1.3 seconds,
    which the event loop must not wait for.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._client: Client | None = None
        self._building = asyncio.Lock()

    async def generate_text(self, model: str, request: TextRequest, *, timeout: float) -> TextResult:
        answer = Answer(model)
        try:
            async with asyncio.timeout(timeout):
                reply = await self._complete(self._client or await self._built(), model, request, timeout)
            self._read_whole(reply, answer)
            return answer.whole()
        except ProviderError:
            raise
        except Exception as failure:
            raise self._explain(failure, answer, timeout) from failure

    async def stream_text(
        self, model: str, request: TextRequest, *, timeout: float
    ) -> AsyncGenerator[TextChunk, None]:
        answer = Answer(model)
        deadline = asyncio.get_running_loop().time() + timeout
        stream: EventStream | None = None
        try:
            async with asyncio.timeout_at(deadline):
                client = self._client or await self._built()
                stream = await self._open_stream(client, model, request, timeout, answer)
            while True:
                # Not one timeout around all: it would cancel whatever the reader does between two pieces.
                async with asyncio.timeout_at(deadline):
                    try:
                        event = await stream.__anext__()
                    except StopAsyncIteration:
                        break
                answer.events += 1
                told = answer.usage
                if text := self._read_event(event, answer):
                    answer.pieces.append(text)
                if text or answer.usage is not told:
                    yield TextChunk(
                        text, None if answer.usage is told else answer.usage, request_id=answer.request_id
                    )
            yield answer.last_chunk()
        except ProviderError:
            raise
        except Exception as failure:
            error = self._explain(failure, answer, timeout)
            if answer.finish is None or error.error_class is not ErrorClass.CONNECTION:
                raise error from failure
            # The answer was complete; only what follows it (usage, the end mark) got lost with the connection.
            yield answer.last_chunk()
        finally:
            if stream is not None:
                await stream.close()

    async def probe(self, *, timeout: float = CONNECT_TIMEOUT) -> ProbeResult:
        try:
            async with asyncio.timeout(timeout):
                client = self._client or await self._built()
                started = time.perf_counter()
                detail = await self._ask(client, timeout)
            return ProbeResult((time.perf_counter() - started) * 1000, detail)
        except ProviderError:
            raise
        except Exception as failure:
            raise self._explain(failure, Answer(""), timeout) from failure

    async def warm(self) -> None:
        await self._built()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await self._shut(client)

    async def _built(self) -> Client:
        async with self._building:
            if self._client is None:
                self._client = await self._build()
            return self._client

    # What a kind fills in

    @abstractmethod
    async def _build(self) -> Client:
        """Imports the SDK and makes its client, in a thread where that takes long."""

    @abstractmethod
    async def _shut(self, client: Client) -> None:
        """Ends the client's connections."""

    @abstractmethod
    async def _complete(self, client: Client, model: str, request: TextRequest, limit: float) -> Any:
        """Makes a plain call and returns the SDK's reply."""

    @abstractmethod
    def _read_whole(self, reply: Any, answer: Answer) -> None:
        """Reads a plain reply into `answer`."""

    @abstractmethod
    async def _open_stream(
        self, client: Client, model: str, request: TextRequest, limit: float, answer: Answer
    ) -> EventStream:
        """Makes a streamed call."""

    @abstractmethod
    def _read_event(self, event: Any, answer: Answer) -> str:
        """Reads one event into `answer` and returns the text in it."""

    @abstractmethod
    async def _ask(self, client: Client, limit: float) -> str:
        """Asks what costs nothing; returns what came of it, for a person."""

    @abstractmethod
    def _vendor_error(self, failure: Exception) -> ProviderError | None:
        """What the SDK's own exceptions with a status or a body mean; None for all others."""

    def _usage_at_failure(self, answer: Answer) -> Usage | None:
        """What the vendor has billed for an answer that broke off, as far as it is known."""
        return answer.usage

    def _explain(self, failure: Exception, answer: Answer, timeout: float) -> ProviderError:
        """The failure, classified, as an error to raise from it."""
        error = self._vendor_error(failure)
        if error is None:
            error_class = failures.class_of_exception(failure)
            if error_class is None:
                # A mistake of ours or of the SDK's: kept apart by its code, and said in the log with its trace.
                log.error("provider.unclassified", kind=self.kind, exc_info=failure)
                return ProviderError(
                    ErrorClass.SERVER,
                    f"The call failed in an unforeseen way ({type(failure).__name__}).",
                    vendor_code=UNCLASSIFIED,
                    usage=self._usage_at_failure(answer),
                )
            error = ProviderError(error_class, _below_http(error_class, answer, timeout))
        error.usage = self._usage_at_failure(answer)
        error.request_id = error.request_id or answer.request_id
        return error

    def _from_body(
        self,
        status: int | None,
        body: object,
        codes: tuple[object, ...],
        headers: Any = None,
        request_id: str | None = None,
        words: str | None = None,
    ) -> ProviderError:
        """An error from what a vendor wrote: status, decoded body, its codes with the most precise first."""
        words = words or failures.words_of(body)
        code = next((str(code) for code in codes if code), None)
        return ProviderError(
            failures.classify(status, codes, words or ""),
            failures.sentence(words, status, key=self.connection.api_key),
            status=status,
            vendor_code=code,
            retry_after=failures.retry_after(headers),
            request_id=request_id,
        )


UNCLASSIFIED = "unclassified"
"""`vendor_code` of what no table knows."""


def _below_http(error_class: ErrorClass, answer: Answer, timeout: float) -> str:
    match error_class:
        case ErrorClass.TIMEOUT:
            return f"The vendor did not answer within {timeout:g} seconds."
        case ErrorClass.CONNECTION if answer.events:
            return "The connection to the vendor broke off in the middle of the answer."
        case ErrorClass.CONNECTION:
            return "The vendor could not be reached, or dropped the connection."
        case ErrorClass.INVALID_REQUEST:
            return "The request holds characters that cannot be sent."
        case ErrorClass.AUTHENTICATION:
            return "The key cannot be used for calls."
        case _:
            return "The vendor's answer could not be understood."
