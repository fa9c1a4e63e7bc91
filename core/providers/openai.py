"""OpenAI, by chat completions (openai 3.52)."""

from typing import ClassVar

from core.providers.openai_compatible import OpenAICompatible


class OpenAI(OpenAICompatible):
    """A connection to OpenAI with one key."""

    kind: ClassVar[str] = "openai"
    label: ClassVar[str] = "OpenAI"
    needs_key: ClassVar[bool] = True
    default_base_url: ClassVar[str | None] = "https://api.openai.com/v1"
    key_shape: ClassVar[str | None] = "sk-"
    max_tokens_name: ClassVar[str] = "max_completion_tokens"
