"""What of a change may be kept in the audit, and in which form: no secrets, nothing that the database would refuse.

A field under a telling name is struck out, however deep it lies; so is a key inside of any text.
"""

import re
from collections.abc import Mapping
from typing import Any

from core.log import PLAIN_NAMES, SECRET_NAME, STRUCK

# An e-mail address is personal, but "whose e-mail changed to what" is what an audit is for.
SHOWN_HERE = frozenset({"email"}) | PLAIN_NAMES

KEY_SHAPE = re.compile(
    r"sk-[A-Za-z0-9_\-]{8,}|AIza[A-Za-z0-9_\-]{10,}|r8_[A-Za-z0-9]{10,}|psr_[A-Za-z0-9_\-]{20,}"
    r"|Bearer\s+[A-Za-z0-9._\-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----.*|\$argon2\w*\$\S+|gAAAA[A-Za-z0-9_\-=]{20,}",
    re.DOTALL,
)
"""Keys as vendors and we write them, and how passwords and keys are stored. Our own prefixes (`psr_u_ab12`), by which a
key is named, are shorter."""

LARGEST = 2**63
"""Whole numbers beyond this are kept as text: JSON writers do not take them."""


def shown(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields as they are kept."""
    return None if fields is None else _mapping(fields)


def plain_text(text: str) -> str:
    """A text without keys, and without what PostgreSQL cannot hold (NUL, halves of surrogate pairs)."""
    text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return KEY_SHAPE.sub(STRUCK, text)


def _mapping(fields: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        plain_text(str(name)): STRUCK if _secret(str(name)) and value is not None else _plain(value)
        for name, value in fields.items()
    }


def _secret(name: str) -> bool:
    return name not in SHOWN_HERE and bool(SECRET_NAME.search(name))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -LARGEST <= value < LARGEST else str(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(inner) for inner in value), key=str)
    return plain_text(str(value))
