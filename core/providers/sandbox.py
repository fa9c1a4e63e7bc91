"""A vendor that is built in: no network, the same answer for the same prompt, latency and faults as wished.

The base URL says how it behaves: `sandbox://?latency_ms=300&piece_ms=10&fault=overloaded&fault_after=3&fault_times=2`.

- `latency_ms`: until the first piece (or the plain answer); 150 by default
- `piece_ms`: between two pieces; 10 by default
- `fault`: a class of `ErrorClass`, or `cut` (the stream ends in the middle)
- `fault_after`: pieces delivered before the fault; 0 by default, 3 for `cut`
- `fault_times`: only the first so many calls fail; all by default
- `retry_after`: seconds that the fault asks to wait
"""

import asyncio
import hashlib
import itertools
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from core.errors import ErrorClass, InvalidRequest
from core.providers.base import (
    CONNECT_TIMEOUT,
    Connection,
    FinishReason,
    ProbeResult,
    Provider,
    ProviderError,
    TextChunk,
    TextRequest,
    TextResult,
    Usage,
)
from core.providers.tokens import estimate_messages, estimate_tokens

CUT = "cut"


class Sandbox(Provider):
    """The built-in vendor."""

    kind: ClassVar[str] = "sandbox"
    label: ClassVar[str] = "Sandbox"
    needs_key: ClassVar[bool] = False
    default_base_url: ClassVar[str | None] = "sandbox://"

    def __init__(self, connection: Connection) -> None:
        """Reads the behaviour from the base URL.

        Raises:
            InvalidRequest: a setting that the sandbox does not know, or a value that makes no sense.
        """
        super().__init__(connection)
        self.behaviour = Behaviour.parse(connection.base_url or "sandbox://")
        self._faults_left = self.behaviour.fault_times
        self._calls = itertools.count(1)

    async def generate_text(self, model: str, request: TextRequest, *, timeout: float) -> TextResult:
        fault = self._fault()
        await _wait(self.behaviour.latency, timeout)
        if fault:
            raise self._error(fault)
        pieces, finish = _pieces(model, request)
        text = "".join(pieces)
        return TextResult(text, _usage(request, text), model, finish, self._request_id())

    async def stream_text(
        self, model: str, request: TextRequest, *, timeout: float
    ) -> AsyncGenerator[TextChunk, None]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        fault, request_id = self._fault(), self._request_id()
        await _wait(self.behaviour.latency, timeout)
        pieces, finish = _pieces(model, request)
        for number, piece in enumerate(pieces):
            if fault and number >= self.behaviour.fault_after:
                raise self._error(fault, _usage(request, "".join(pieces[:number])) if number else None)
            if number:
                await _wait(self.behaviour.piece, deadline - loop.time())
            yield TextChunk(piece, request_id=request_id)
        usage = _usage(request, "".join(pieces))
        if fault:  # the answer was shorter than the fault was late
            raise self._error(fault, usage)
        yield TextChunk(usage=usage, finish_reason=finish, request_id=request_id)

    async def probe(self, *, timeout: float = CONNECT_TIMEOUT) -> ProbeResult:
        """Fails with the fault that is set, but for one that comes in the middle of an answer."""
        fault = self.behaviour.fault
        if fault and fault != CUT and self._faults_left != 0:
            raise self._error(fault)
        return ProbeResult(0.0, "The sandbox is ready.")

    async def close(self) -> None:
        """Nothing to end."""

    def _fault(self) -> str | None:
        if self.behaviour.fault is None or self._faults_left == 0:
            return None
        if self._faults_left is not None:
            self._faults_left -= 1
        return self.behaviour.fault

    def _request_id(self) -> str:
        return f"sandbox-{next(self._calls)}"

    def _error(self, fault: str, usage: Usage | None = None) -> ProviderError:
        error_class = ErrorClass.CONNECTION if fault == CUT else ErrorClass(fault)
        return ProviderError(
            error_class,
            f"The sandbox was told to fail: {fault.replace('_', ' ')}.",
            vendor_code=f"sandbox_{fault}",
            retry_after=self.behaviour.retry_after,
            usage=usage,
        )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the sandbox answers; times in seconds."""

    latency: float = 0.15
    piece: float = 0.01
    fault: str | None = None
    fault_after: int = 0
    fault_times: int | None = None
    retry_after: float | None = None

    @classmethod
    def parse(cls, url: str) -> "Behaviour":
        """The behaviour that a `sandbox://` URL asks for.

        Raises:
            InvalidRequest: not such a URL, or an unknown or senseless setting.
        """
        parts = urlsplit(url.strip())
        if parts.scheme != "sandbox":
            raise InvalidRequest("The sandbox's base URL must begin with sandbox://")
        settings = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := settings.keys() - SETTINGS:
            raise InvalidRequest(
                f"The sandbox knows no {sorted(unknown)[0]!r}; it knows {', '.join(sorted(SETTINGS))}."
            )
        fault = settings.get("fault") or None
        if fault and fault != CUT and fault not in set(ErrorClass):
            raise InvalidRequest(
                f"The sandbox knows no fault {fault!r}; it knows {CUT}, {', '.join(ErrorClass)}."
            )
        number = _numbers(settings)
        after, times, retry = number("fault_after"), number("fault_times"), number("retry_after")
        return cls(
            latency=(number("latency_ms", 150.0) or 0.0) / 1000,
            piece=(number("piece_ms", 10.0) or 0.0) / 1000,
            fault=fault,
            fault_after=int(after) if after is not None else (3 if fault == CUT else 0),
            fault_times=int(times) if times is not None else None,
            retry_after=retry,
        )


SETTINGS = frozenset({"latency_ms", "piece_ms", "fault", "fault_after", "fault_times", "retry_after"})


def _numbers(settings: dict[str, str]):
    def number(name: str, default: float | None = None) -> float | None:
        if name not in settings:
            return default
        if not re.fullmatch(r"\d{1,7}(\.\d+)?", settings[name]):
            raise InvalidRequest(f"The sandbox's {name} must be a number that is not negative.")
        return float(settings[name])

    return number


async def _wait(seconds: float, limit: float) -> None:
    if seconds > limit:
        await asyncio.sleep(max(0.0, limit))
        raise ProviderError(ErrorClass.TIMEOUT, "The sandbox was slower than the deadline allows.")
    if seconds:
        await asyncio.sleep(seconds)


def _usage(request: TextRequest, text: str) -> Usage:
    return Usage(
        input_tokens=estimate_messages(request.messages, request.system), output_tokens=estimate_tokens(text)
    )


def _pieces(model: str, request: TextRequest) -> tuple[list[str], FinishReason]:
    """The answer in pieces of a few words, as many as `max_tokens` allows."""
    words = re.findall(r"\S+\s*", _answer(model, request))
    pieces: list[str] = []
    text = ""
    for piece in ("".join(words[start : start + 3]) for start in range(0, len(words), 3)):
        if estimate_tokens(text + piece) > request.max_tokens:
            return pieces or [words[0].strip()], "length"
        text += piece
        pieces.append(piece)
    return pieces, "stop"


def _answer(model: str, request: TextRequest) -> str:
    prompt = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    seed = repr((model, request.system, [(m.role, m.content) for m in request.messages]))
    digest: Iterator[int] = iter(hashlib.sha256(seed.encode("utf-8", "replace")).digest())
    sentences = [choices[next(digest) % len(choices)] for choices in SENTENCES]
    return " ".join(sentences).format(topic=_topic(prompt))


def _topic(prompt: str) -> str:
    topic = " ".join(prompt.split()) or "an empty page"
    if len(topic) > 80:
        topic = topic[:80].rsplit(" ", 1)[0].rstrip(",.;:") + " …"
    return topic.rstrip(".")


# One sentence of each row makes an answer. They say that this is a rehearsal: nobody should take it for advice.
SENTENCES = (
    (
        "You asked about “{topic}”, and here is a rehearsed answer to it.",
        "Let us look at “{topic}” together.",
        "“{topic}” is a good thing to begin with.",
    ),
    (
        "Start with what you already know, and write it down in plain words.",
        "The first step is small: name what you want to be true at the end.",
        "It helps to look at one example before the rule.",
        "Most of the work is deciding what to leave out.",
    ),
    (
        "Then compare two ways of doing it, and keep the one you could explain to a friend.",
        "After that, change one thing at a time and watch what happens.",
        "From there, ask who will use the result and what they need first.",
        "Next, set a limit to the time you give it, and see how far you come.",
    ),
    (
        "What remains is mostly patience.",
        "When in doubt, choose the version that is easier to undo.",
        "A second pair of eyes will find what the first one missed.",
    ),
    (
        "This text comes from the sandbox: no vendor was called, and nothing was spent.",
        "The sandbox wrote this without any vendor, so it cost nothing.",
    ),
)
