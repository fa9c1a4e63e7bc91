"""What a caller asks for, checked before anything is held or called."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from core.errors import InvalidRequest, TooLarge
from core.generation.templates import TEMPLATES, system_prompt
from core.providers.base import Message, TextRequest
from core.vocabulary import STRATEGIES

URGENCIES = ("normal", "immediate")
"""Immediate races candidates: the first good answer wins."""
LONGEST_PROMPT = 400_000
"""Characters of all messages and the system prompt together."""
MOST_MESSAGES = 500
MOST_TOKENS = 128_000
DEFAULT_MAX_TOKENS = 2_000


@dataclass(frozen=True, slots=True)
class TextOrder:
    """One request for text. `allow_fallback` None: yes, unless a provider is named. `max_cost` in USD."""

    messages: tuple[Message, ...]
    system: str | None = None
    type: str | None = None
    model: str | None = None
    provider: str | None = None
    allow_fallback: bool | None = None
    strategy: str | None = None
    task_type: str | None = None
    max_cost: Decimal | None = None
    urgency: str = "normal"
    temperature: float | None = None
    max_tokens: int = DEFAULT_MAX_TOKENS
    project_id: UUID | None = None
    streamed: bool = False

    @classmethod
    def of_prompt(cls, prompt: str, **others: object) -> "TextOrder":
        """An order with a single user message."""
        return cls(messages=(Message("user", prompt),), **others)  # pyright: ignore[reportArgumentType] - fields of this class

    @property
    def urgent(self) -> bool:
        """Whether candidates race."""
        return self.urgency == "immediate"

    @property
    def fallback(self) -> bool:
        """Whether other providers than the named one may answer."""
        return self.provider is None if self.allow_fallback is None else self.allow_fallback

    def request(self) -> TextRequest:
        """The order as a vendor call, after the checks.

        Raises:
            InvalidRequest: nothing asked, an unknown template, strategy or urgency, a figure out of range.
            TooLarge: more text than Purser takes.
        """
        _check_messages(self.messages, self.system)
        if self.type is not None and self.type not in TEMPLATES:
            system_prompt(self.type, None)
        if self.strategy is not None and self.strategy not in STRATEGIES:
            raise InvalidRequest(
                f"There is no strategy {self.strategy!r}; there are {', '.join(STRATEGIES)}."
            )
        if self.urgency not in URGENCIES:
            raise InvalidRequest(f"There is no urgency {self.urgency!r}; there are {', '.join(URGENCIES)}.")
        if not 1 <= self.max_tokens <= MOST_TOKENS:
            raise InvalidRequest(f"maxTokens must be between 1 and {MOST_TOKENS:,}, not {self.max_tokens:,}.")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise InvalidRequest(f"temperature must be between 0 and 2, not {self.temperature:g}.")
        if self.max_cost is not None and not (self.max_cost.is_finite() and self.max_cost > 0):
            raise InvalidRequest("maxCost must be an amount of USD above 0.")
        return TextRequest(
            messages=self.messages,
            system=system_prompt(self.type, self.system),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
        )


def _check_messages(messages: Sequence[Message], system: str | None) -> None:
    if not messages:
        raise InvalidRequest("Give a prompt, or messages.")
    if len(messages) > MOST_MESSAGES:
        raise InvalidRequest(f"At most {MOST_MESSAGES} messages, not {len(messages):,}.")
    if messages[-1].role != "user":
        raise InvalidRequest("The last message must be the user's.")
    if not messages[-1].content.strip():
        raise InvalidRequest("The prompt is empty.")
    length = sum(len(message.content) for message in messages) + len(system or "")
    if length > LONGEST_PROMPT:
        raise TooLarge(
            f"The prompt has {length:,} characters; Purser takes {LONGEST_PROMPT:,}.",
            code="prompt_too_long",
            details={"length": length, "limit": LONGEST_PROMPT},
        )
    for text in (system or "", *(message.content for message in messages)):
        if "\x00" in text:
            raise InvalidRequest("The prompt contains a NUL character.")
        if not is_unicode(text):
            raise InvalidRequest("The prompt contains half of a character (a lone surrogate).")


def is_unicode(text: str) -> bool:
    """Whether every character is a whole one: JSON can carry halves, which neither vendors nor databases take."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
