"""One fake vendor: what it answers, how it fails, and what it has seen."""

import asyncio
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, ClassVar, Protocol

import orjson
from aiohttp import web

ANSWER = "The quick brown fox jumps over the lazy dog, and then it sits down in the shade to think about it."


@dataclass(frozen=True, slots=True)
class FakeUsage:
    """What a vendor claims to have used. `input` is the whole prompt, `output` includes `thoughts`."""

    input: int = 20
    cached: int = 0
    cache_write: int = 0
    output: int = 24
    thoughts: int = 0
    cost: float | None = None


@dataclass(frozen=True)
class Call:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @cached_property
    def json(self) -> Any:
        return orjson.loads(self.body) if self.body else None


@dataclass(slots=True)
class Fault:
    name: str
    times: int | None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Wire(Protocol):
    """A vendor's wire format. `$MODEL` in the bytes stands for the model asked for."""

    faults: ClassVar[frozenset[str]]
    """The names that `reply` knows, besides those that are the same for every vendor (`COMMON_FAULTS`)."""

    def whole(self, text: str, usage: FakeUsage | None, finish: str) -> bytes: ...

    def frames(self, text: str, usage: FakeUsage | None, finish: str) -> list[bytes]: ...

    def broken_frame(self) -> bytes: ...

    def error_frame(self, options: dict[str, Any]) -> bytes: ...

    def reply(self, name: str, options: dict[str, Any], key: str) -> Reply: ...

    def key(self, headers: Mapping[str, str]) -> str: ...

    def probe(self, path: str) -> bytes | None: ...

    def model(self, path: str, body: Any) -> str: ...

    def streams(self, path: str, body: Any) -> bool: ...


COMMON_FAULTS = frozenset(
    {
        *("html", "hang", "reset", "redirect", "malformed", "blocked", "empty", "no_usage"),
        *("cut", "ended_early", "error_mid_stream", "raw"),
    }
)


class FakeVendor:
    """A vendor that answers every generation with the same text, until told otherwise.

    `calls`, `streamed_calls`, `probes`, `input_tokens`, `output_tokens` count; `requests` holds the last thousand;
    `disconnects` counts clients that left before the answer was out. `latency` (before the answer) and `chunk_delay`
    (between two pieces of a stream) are in seconds. Safe to use from another thread than the server's.
    """

    def __init__(self, name: str, wire: Wire, path: str = "") -> None:
        self.name = name
        self.wire = wire
        self.path = path
        self.base = ""
        self.reset()

    @property
    def url(self) -> str:
        """The base URL to configure in a provider."""
        return f"{self.base}/{self.name}{self.path}"

    def reset(self) -> None:
        """As new: no faults, no counts, the first answer."""
        self.faults: deque[Fault] = deque()
        self.requests: deque[Call] = deque(maxlen=1000)
        self.calls = self.streamed_calls = self.probes = self.disconnects = 0
        self.input_tokens = self.output_tokens = 0
        self.latency = self.chunk_delay = 0.0
        self._gone = threading.Semaphore(0)
        self.answer_with(ANSWER)

    def answer_with(self, text: str, usage: FakeUsage | None = None, finish: str = "stop") -> None:
        """What to answer from now on; `finish` is stop, length, blocked or tool."""
        self.text, self.usage = text, usage or FakeUsage()
        self._whole = self.wire.whole(text, self.usage, finish)
        self._frames = self.wire.frames(text, self.usage, finish)

    def fail(self, name: str, times: int | None = None, **options: Any) -> None:
        """Fails the next `times` generations (None: until `clear`). Faults set one after another take turns in order.

        Names: unauthorized, forbidden, rate_limit (retry_after=, retry_after_ms=), quota (shape=), server_error, html,
        overloaded, timeout, hang, reset, cut (after=), ended_early (after=), error_mid_stream (after=, code=),
        malformed, blocked, empty, model_not_found, invalid_request, too_large, no_usage, redirect (to=), raw (body=,
        answered with status 200 to plain calls).
        Set `probes=True` to have probes fail, too.
        """
        if name not in self.wire.faults | COMMON_FAULTS:
            raise ValueError(f"{self.name} knows no fault {name!r}")
        self.faults.append(Fault(name, times, options))

    def clear(self) -> None:
        """Ends all faults."""
        self.faults.clear()

    async def disconnected(self, seconds: float = 2.0) -> bool:
        """Whether a client left in the middle, now or within so many seconds; each one counts once."""
        return await asyncio.to_thread(self._gone.acquire, timeout=seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        path = request.path.removeprefix(f"/{self.name}")
        call = Call(request.method, path, request.headers, body, time.monotonic())
        self.requests.append(call)
        fault = self._next_fault(probe=request.method == "GET")
        if request.method == "GET":
            return await self._probe(request, call, fault)
        self.calls += 1
        if self.latency and not await self._pause(request, self.latency):
            return web.Response(status=499)
        try:
            streams = self.wire.streams(path, call.json)
        except orjson.JSONDecodeError:
            return _respond(self.wire.reply("invalid_request", {"message": "The body is not JSON."}, ""))
        self.streamed_calls += streams
        if fault is not None and (ended := await self._fail(request, call, fault, streams)) is not None:
            return ended
        whole, frames, usage = self._material(fault)
        model = self._model(call)
        if usage is not None:
            self.input_tokens += usage.input
            self.output_tokens += usage.output
        if not streams:
            return web.Response(
                body=whole.replace(b"$MODEL", model), content_type="application/json", headers=REQUEST_ID
            )
        return await self._stream(request, [frame.replace(b"$MODEL", model) for frame in frames], fault)

    def _next_fault(self, probe: bool) -> Fault | None:
        while self.faults:
            fault = self.faults[0]
            if probe and not fault.options.get("probes"):
                return None
            if fault.times is None:
                return fault
            if fault.times > 0:
                fault.times -= 1
                return fault
            self.faults.popleft()
        return None

    async def _probe(self, request: web.Request, call: Call, fault: Fault | None) -> web.StreamResponse:
        self.probes += 1
        if fault is not None and (ended := await self._fail(request, call, fault, False)) is not None:
            return ended
        listed = self.wire.probe(call.path)
        return web.Response(status=404) if listed is None else _respond(Reply(200, listed))

    async def _fail(
        self, request: web.Request, call: Call, fault: Fault, streams: bool
    ) -> web.StreamResponse | None:
        """The answer that a fault leads to, or None where it only changes the ordinary one."""
        options = fault.options
        match fault.name:
            case "html":
                return _respond(Reply(options.get("status", 502), HTML_502, content_type="text/html"))
            case "redirect":
                return _respond(Reply(307, b"", {"Location": options.get("to", self.base + "/elsewhere")}))
            case "hang":
                await self._pause(request, options.get("seconds", 60.0))
                return web.Response(status=499)
            case "raw":
                return _respond(Reply(200, orjson.dumps(options["body"])))
            case "reset":
                _reset(request)
                return web.Response(status=499)
            case "malformed" if not streams:
                return _respond(Reply(200, self._whole[: len(self._whole) // 2]))
            case "cut" if not streams:
                response = web.StreamResponse(headers={"Content-Type": "application/json"})
                response.content_length = len(self._whole)
                await response.prepare(request)
                await response.write(self._whole[: len(self._whole) // 2])
                _reset(request)
                return response
            case "error_mid_stream" if not streams:
                return _respond(self.wire.reply("server_error", options, ""))
            case name if name in self.wire.faults:
                reply = self.wire.reply(name, options, self.wire.key(call.headers))
                return _respond(replace(reply, body=reply.body.replace(b"$MODEL", self._model(call))))
            case _:
                return None

    def _material(self, fault: Fault | None) -> tuple[bytes, list[bytes], FakeUsage | None]:
        match fault.name if fault else None:
            case "blocked":
                usage = FakeUsage(output=0)
                return self.wire.whole("", usage, "blocked"), self.wire.frames("", usage, "blocked"), usage
            case "empty":
                usage = FakeUsage(output=0)
                return self.wire.whole("", usage, "stop"), self.wire.frames("", usage, "stop"), usage
            case "no_usage":
                return (
                    self.wire.whole(self.text, None, "stop"),
                    self.wire.frames(self.text, None, "stop"),
                    None,
                )
            case _:
                return self._whole, self._frames, self.usage

    async def _stream(
        self, request: web.Request, frames: list[bytes], fault: Fault | None
    ) -> web.StreamResponse:
        name = fault.name if fault else None
        if name in ("cut", "ended_early", "error_mid_stream", "malformed") and fault:
            frames = frames[: fault.options.get("after", 3)]
            if name == "error_mid_stream":
                frames.append(self.wire.error_frame(fault.options))
            elif name == "malformed":
                frames.append(self.wire.broken_frame())
        response = web.StreamResponse(headers=STREAM_HEADERS)
        try:
            await response.prepare(request)
            if self.chunk_delay:
                for frame in frames:
                    await response.write(frame)
                    if not await self._pause(request, self.chunk_delay):
                        return response
            else:
                await response.write(b"".join(frames))
            if name == "cut":
                await asyncio.sleep(0.02)  # let what was written arrive
                _reset(request)
            else:
                await response.write_eof()
        except ConnectionResetError:
            self._left()
        return response

    async def _pause(self, request: web.Request, seconds: float) -> bool:
        """Waits; False as soon as the client is seen to have left."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.01))
            if request.transport is None or request.transport.is_closing():
                self._left()
                return False
        return True

    def _model(self, call: Call) -> bytes:
        return self.wire.model(call.path, call.json).encode() if call.method == "POST" else b""

    def _left(self) -> None:
        self.disconnects += 1
        self._gone.release()


def _respond(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status,
        body=reply.body,
        content_type=reply.content_type,
        headers={**REQUEST_ID, **reply.headers},
    )


def _reset(request: web.Request) -> None:
    """Ends the connection with a reset instead of an orderly close."""
    transport = request.transport
    if transport is None:
        return
    if (sock := transport.get_extra_info("socket")) is not None:
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


REQUEST_ID = {"x-request-id": "req_fake", "request-id": "req_fake"}
STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **REQUEST_ID}
HTML_502 = b"""<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"""
