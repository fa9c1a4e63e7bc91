"""What stands around every request, outermost first: proxies, request id, headers, CORS, faults, body limit, state.

Plain ASGI: nothing buffers a stream, nothing costs a task. Only pages are held back for a moment, to be given the
nonce that lets their own scripts run and nobody else's.
"""

import gzip
import re
import secrets
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from core.config import Settings
from core.ids import new_id
from core.log import get_logger
from dashboard.api.errors import error_answer, unexpected
from dashboard.api.paths import is_api

log = get_logger(__name__)

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of a JSON body."""
REQUEST_ID = re.compile(rb"[A-Za-z0-9-]{8,64}")
EXPOSED = ("X-Request-ID", "Server-Timing", "Retry-After")
"""Headers that scripts on a listed origin may read."""


def install(app: FastAPI, settings: Settings) -> None:
    """Adds all of it to the application, in the right order."""
    # What is added last stands outermost.
    app.add_middleware(State)
    app.add_middleware(BodyLimit)
    app.add_middleware(Faults)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "X-Client-IP",
                "X-Request-ID",
                "X-User",
            ),
            expose_headers=EXPOSED,
        )
    app.add_middleware(Headers)
    app.add_middleware(RequestId)
    if settings.trusted_proxies:
        trusted: Any = ProxyHeadersMiddleware  # typed by uvicorn's own ASGI types
        app.add_middleware(trusted, trusted_hosts=list(settings.trusted_proxies))


class RequestId:
    """Every request has an id: its own where it is well-formed, else a new one; in the answer and in every log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        kept = given if REQUEST_ID.fullmatch(given) else str(new_id()).encode()
        request_id = kept.decode()
        scope.setdefault("state", {})["request_id"] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", kept)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, answer)


class Headers:
    """The headers that keep browsers from doing more with an answer than it is for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = OF_API if is_api(scope["path"]) else OF_ALL
        page: _Page | None = None

        async def answer(message: Message) -> None:
            nonlocal page
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name, value in added:
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
                if headers.get("x-nicegui-content") == "page":
                    page = _Page(message, headers)
                    return
            if page is None:
                await send(message)
            elif page.take(message):
                for part in page.parts():
                    await send(part)

        await self.app(scope, receive, answer)


OF_ALL = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
)
OF_API = (
    *OF_ALL,
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)

PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'; object-src 'none'"
)
SCRIPT = re.compile(rb"<script\b(.*?</script>)", re.DOTALL | re.IGNORECASE)
"""A script element as a whole, so that nothing inside of one is taken for another."""


class _Page:
    """A page on its way out: gathered, given its nonce, sent on."""

    def __init__(self, start: Message, headers: MutableHeaders) -> None:
        self._start = start
        self._headers = headers
        self._pieces: list[bytes] = []

    def take(self, message: Message) -> bool:
        """Adds a piece of the body; whether it was the last."""
        self._pieces.append(message.get("body", b""))
        return not message.get("more_body", False)

    def parts(self) -> tuple[Message, Message]:
        """The two messages to send."""
        nonce = secrets.token_urlsafe(16)
        self._headers["Content-Security-Policy"] = PAGE_POLICY.format(nonce=nonce)
        body = b"".join(self._pieces)
        if self._headers.get("content-type", "").startswith("text/html"):
            packed = self._headers.get("content-encoding") == "gzip"
            html = gzip.decompress(body) if packed else body
            html = SCRIPT.sub(rb'<script nonce="%s"\1' % nonce.encode(), html)
            body = gzip.compress(html, compresslevel=5) if packed else html
            self._headers["Content-Length"] = str(len(body))
        self._start["headers"] = self._headers.raw
        return self._start, {"type": "http.response.body", "body": body}


class Faults:
    """An exception that nobody foresaw is logged with the request's id, and answered without a word of its inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"]):
            await self.app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception:
            log.exception("unexpected error", method=scope["method"], path=scope["path"])
            if started:
                raise  # the server then cuts the connection: half an answer must not look whole
            await error_answer(unexpected(scope["state"].get("request_id")))(scope, receive, send)


class BodyLimit:
    """Bodies for the API end at `BODY_LIMIT`, whether their length was announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"]):
            await self.app(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_LIMIT or announced > BODY_LIMIT:
                raise HTTPException(
                    413, f"The body is larger than the {BODY_LIMIT // 2**20} MB that Purser takes."
                )
            return message

        announced = _length(scope)
        await self.app(scope, limited, send)


def _length(scope: Scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() else 0


class State:
    """Puts the running process's parts where requests find them, in the pages' mounted application as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope.setdefault("state", {})["purser"] = scope["app"].state.purser
        await self.app(scope, receive, send)
