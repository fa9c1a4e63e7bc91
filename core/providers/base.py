"""What a vendor is to Purser: one interface for all kinds, and one error for all their failures.

A `Provider` is a connection to one vendor with one key. It makes exactly one call per method call: retries, fallback,
deadlines over several calls and prices belong to `core.routing`.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Literal

from core.errors import ErrorClass
from core.vocabulary import Modality

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection (DATA, Defaults)."""


class ProviderError(Exception):
    """A vendor's failure, sorted into one of the ten classes.

    `message` keeps the vendor's own words (never a key); `retry_after` is in seconds, as the vendor asked;
    `usage` is what the vendor has billed in spite of the failure, where it said so.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        message: str,
        *,
        status: int | None = None,
        vendor_code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        usage: "Usage | None" = None,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.status = status
        self.vendor_code = vendor_code
        self.retry_after = retry_after
        self.request_id = request_id
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a vendor: base URL (None: the vendor's own) and key (None: none needed)."""

    kind: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A text call. `temperature` is None where the model takes no sampling parameters."""

    messages: tuple[Message, ...]
    system: str | None = None
    max_tokens: int = 2000
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, in one meaning for all vendors.

    `input_tokens` is the whole prompt, cached parts included; `output_tokens` includes thinking. `cost` is set only
    where the vendor itself says what it charged (OpenRouter), in USD. `estimated` marks our own count.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    estimated: bool = False


FinishReason = Literal["stop", "length", "content_blocked", "tool", "other"]


@dataclass(frozen=True, slots=True)
class TextResult:
    """A finished text. `usage` is None where the vendor told none."""

    text: str
    usage: Usage | None
    model: str
    finish_reason: FinishReason = "stop"
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A piece of a streamed text.

    Any of the parts may be empty; `usage` is cumulative and the last one told counts. A chunk with a
    `finish_reason` says that the vendor ended the answer itself.
    """

    text: str = ""
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A cost-free probe that succeeded: key and reach are good, of the quota it says nothing."""

    latency_ms: float
    detail: str


class Provider(ABC):
    """A connection to one vendor with one key; safe for concurrent use; `close()` once at the end."""

    kind: ClassVar[str]
    label: ClassVar[str]
    modalities: ClassVar[frozenset[Modality]] = frozenset({Modality.TEXT})
    needs_key: ClassVar[bool] = True
    default_base_url: ClassVar[str | None] = None
    key_shape: ClassVar[str | None] = None
    """What the vendor's keys begin with; another beginning is a warning, never a refusal."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @abstractmethod
    async def generate_text(self, model: str, request: TextRequest, *, timeout: float) -> TextResult:
        """One plain call, at most `timeout` seconds.

        Raises:
            ProviderError: whatever went wrong, classified.
        """

    @abstractmethod
    def stream_text(
        self, model: str, request: TextRequest, *, timeout: float
    ) -> AsyncGenerator[TextChunk, None]:
        """One streamed call. Closing the generator cancels the call at the vendor.

        Raises:
            ProviderError: while iterating; before the first text as well as in the middle.
        """

    @abstractmethod
    async def probe(self, *, timeout: float = CONNECT_TIMEOUT) -> ProbeResult:
        """The vendor's cost-free check of key and reach.

        Raises:
            ProviderError: with the vendor's own words.
        """

    async def warm(self) -> None:  # noqa: B027  # nothing to do is a fair answer
        """Does ahead what the first call would otherwise pay for (imports, client, TLS context)."""

    @abstractmethod
    async def close(self) -> None:
        """Ends connections; the provider is not used afterwards."""
