"""Server-sent events: a generation on its way to a reader who may leave.

The whole of the stream runs in one task, begun before the answer is: a failure before the first piece is an ordinary
error with its own status, and a reader who leaves, then or later, ends the vendor's call at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.errors import PurserError
from core.generation.outcome import Result
from core.log import get_logger
from dashboard.api.answers import to_json
from dashboard.api.errors import error_body, unexpected

log = get_logger(__name__)

KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": keep-alive\n\n"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
READER_LEFT = 499
"""What nobody receives any more; for the log of a proxy."""

Stream = AsyncGenerator[str | Result, None]


def event(name: str, data: Any) -> bytes:
    """One event of the stream."""
    return b"event: " + name.encode() + b"\ndata: " + to_json(data) + b"\n\n"


class EventStream(Response):
    """The answer `text/event-stream` of one generation: `token` events, then `done` or `error`.

    Args:
        stream: the pieces of text and the result; closed whatever happens.
        told: the body of `done` for a result.
        blame: fits an error to this caller.
    """

    def __init__(
        self,
        stream: Stream,
        told: Callable[[Result], dict[str, Any]],
        blame: Callable[[PurserError], None],
        request_id: str | None,
    ) -> None:
        super().__init__(None, headers=HEADERS)
        del self.headers["content-length"]
        self._stream = stream
        self._told = told
        self._blame = blame
        self._request_id = request_id
        self._first: asyncio.Future[str | Result] = asyncio.get_running_loop().create_future()
        self._opened = asyncio.Event()
        self._send: Send | None = None
        self._pump = asyncio.create_task(self._run())
        self._gone: asyncio.Task[None] | None = None

    async def begin(self, request: Request) -> Response:
        """Waits for the first piece.

        Returns:
            Itself, ready to be sent; or an empty answer where the reader has left meanwhile.

        Raises:
            PurserError: the generation failed before its first piece.
        """
        self._gone = asyncio.create_task(_disconnected(request.receive))
        try:
            await asyncio.wait({self._first, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            if not self._first.done():
                await self._end()
                return Response(status_code=READER_LEFT)
            self._first.result()
        except BaseException:
            await self._end()
            raise
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._gone is not None, "begin() was awaited"
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            self._send = send
            self._opened.set()
            while not self._pump.done() and not self._gone.done():
                await asyncio.wait(
                    {self._pump, self._gone},
                    timeout=KEEP_ALIVE_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not self._pump.done() and not self._gone.done():
                    await _write(send, KEEP_ALIVE)
            if self._pump.done() and not self._pump.cancelled():
                self._pump.result()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._end()

    async def _run(self) -> None:
        """Reads the stream from its first piece to its last, and writes once there is somebody to write to."""
        try:
            first = await anext(self._stream)
        except Exception as failure:  # noqa: BLE001 - raised again by begin(), which waits for it
            self._first.set_exception(failure)
            return
        try:
            self._first.set_result(first)
            await self._opened.wait()
            assert self._send is not None, "set together with the event"
            await self._write_all(first, self._send)
        finally:
            await self._stream.aclose()

    async def _write_all(self, first: str | Result, send: Send) -> None:
        try:
            await _write(send, self._event(first))
            async for piece in self._stream:
                await _write(send, self._event(piece))
        except PurserError as error:
            self._blame(error)
            await _write(send, event("error", error_body(error)))
        except Exception:
            log.exception("unexpected error in a stream")
            await _write(send, event("error", error_body(unexpected(self._request_id))))

    def _event(self, piece: str | Result) -> bytes:
        return (
            event("done", self._told(piece)) if isinstance(piece, Result) else event("token", {"text": piece})
        )

    async def _end(self) -> None:
        """Nobody reads any more: the pump lets go of the generation, which charges for what was delivered."""
        for task in (self._gone, self._pump):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task})
        if self._first.done() and not self._first.cancelled():
            self._first.exception()  # told to whoever waited, or to nobody


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
