"""One answer as it comes in, whole or in pieces, and the questions to ask of it at its end."""

from dataclasses import dataclass, field

from core.errors import ErrorClass
from core.providers.base import FinishReason, ProviderError, TextChunk, TextResult, Usage


@dataclass(slots=True)
class Answer:
    """What a vendor has told so far.

    `blocked` holds the vendor's reason where it refused to answer; `told_output` is whether the usage already counts
    the output (Anthropic's first event counts the input only).
    """

    model: str
    pieces: list[str] = field(default_factory=list)
    usage: Usage | None = None
    finish: FinishReason | None = None
    request_id: str | None = None
    blocked: str | None = None
    events: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def whole(self) -> TextResult:
        """The finished answer.

        Raises:
            ProviderError: blocked, or empty though the vendor called it finished.
        """
        text = self.text
        finish = self._checked(bool(text.strip()))
        return TextResult(text, self.usage, self.model, finish, self.request_id)

    def last_chunk(self) -> TextChunk:
        """The chunk that ends a stream, with usage and finish reason.

        Raises:
            ProviderError: cut (no finish reason came), blocked, or empty.
        """
        if self.finish is None and self.blocked is None:
            raise ProviderError(
                ErrorClass.CONNECTION,
                "The vendor's stream ended before the answer was finished."
                if self.events
                else "The vendor's stream ended before it began.",
                usage=self.usage,
                request_id=self.request_id,
            )
        finish = self._checked(any(piece.strip() for piece in self.pieces))
        return TextChunk(usage=self.usage, finish_reason=finish, request_id=self.request_id)

    def _checked(self, has_text: bool) -> FinishReason:
        if self.blocked is not None or (self.finish == "content_blocked" and not has_text):
            raise ProviderError(
                ErrorClass.CONTENT_BLOCKED,
                self.blocked or "The vendor's safety rules blocked the answer.",
                usage=self.usage,
                request_id=self.request_id,
            )
        if not has_text and self.finish in (None, "stop", "other"):
            raise ProviderError(
                ErrorClass.SERVER,
                "The vendor's answer was empty.",
                usage=self.usage,
                request_id=self.request_id,
            )
        return self.finish or "stop"
