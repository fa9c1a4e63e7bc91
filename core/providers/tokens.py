"""An estimate of tokens, for holding credits and for answers whose vendor told no usage.

Bills go by the vendor's own count. The rule: Latin 4.2 characters a token, Cyrillic (and other alphabets) 2.5, Chinese,
Japanese, Korean and symbols beyond the first plane 1.1; times 1.2, rounded up.
"""

import math
import re
from collections.abc import Iterable

from core.providers.base import Message

PER_MESSAGE = 4
"""Tokens of a message's frame: role and separators."""


def estimate_tokens(text: str) -> int:
    """Tokens that a text will probably take, rather too many than too few; 0 for the empty text."""
    if text.isascii():
        return math.ceil(len(text) / LATIN_CHARACTERS * MARGIN)
    dense = _count(DENSE, text)
    other = _count(OTHER_ALPHABETS, text)
    latin = len(text) - dense - other
    return math.ceil(
        (latin / LATIN_CHARACTERS + other / OTHER_CHARACTERS + dense / DENSE_CHARACTERS) * MARGIN
    )


def estimate_messages(messages: Iterable[Message], system: str | None = None) -> int:
    """Tokens that a prompt will probably take, with the frames of its messages."""
    tokens = estimate_tokens(system) + PER_MESSAGE if system else 0
    return tokens + sum(estimate_tokens(message.content) + PER_MESSAGE for message in messages)


def _count(runs: re.Pattern[str], text: str) -> int:
    return sum(map(len, runs.findall(text)))


LATIN_CHARACTERS, OTHER_CHARACTERS, DENSE_CHARACTERS = 4.2, 2.5, 1.1
MARGIN = 1.2

DENSE = re.compile(
    "["
    "\u1100-\u11ff\u2e80-\u2fdf\u3000-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U00010000-\U0010ffff"
    "]+"
)
# What is neither Latin with its accents (up to U+024F, and U+1E00…) nor punctuation, arrows, signs (U+2000…) nor dense.
OTHER_ALPHABETS = re.compile(
    "[\u0250-\u10ff\u1200-\u1dff\u1f00-\u1fff\ua000-\ua95f\ua980-\uabff\ufb00-\ufe2f]+"
)
