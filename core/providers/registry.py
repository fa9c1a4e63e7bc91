"""Every kind of provider, by name. Importing it imports no vendor's SDK."""

from core.errors import InvalidRequest
from core.providers.anthropic import Anthropic
from core.providers.base import Connection, Provider
from core.providers.deepseek import DeepSeek
from core.providers.gemini import Gemini
from core.providers.openai import OpenAI
from core.providers.openai_compatible import OpenAICompatible
from core.providers.sandbox import Sandbox

KINDS: dict[str, type[Provider]] = {
    kind.kind: kind for kind in (OpenAI, Gemini, Anthropic, DeepSeek, OpenAICompatible, Sandbox)
}


def build(connection: Connection) -> Provider:
    """A provider for the connection; it connects at `warm()` or its first call.

    Raises:
        InvalidRequest: no such kind, or (sandbox) settings that make no sense.
    """
    kind = KINDS.get(connection.kind)
    if kind is None:
        raise InvalidRequest(f"There is no provider kind {connection.kind!r}; there are {', '.join(KINDS)}.")
    return kind(connection)
