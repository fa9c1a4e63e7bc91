"""What the parameters of an address can mean. A value that means nothing is None, never an error."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

T = TypeVar("T")

LONGEST_TEXT = 320
YES = "1"
"""How yes is written; no is not written at all."""


def text(said: str | None) -> str | None:
    """What a person typed: printable, without spaces around it, and no longer than an e-mail address."""
    cleaned = "".join(character for character in said or "" if character.isprintable()).strip()
    return cleaned[:LONGEST_TEXT] or None


def one_of(said: str | None, known: Iterable[str]) -> str | None:
    """One of the words that are known."""
    return said if said is not None and said in list(known) else None


def yes(said: str | None) -> str | None:
    """Yes, or nothing."""
    return one_of(said, (YES,))


def identifier(said: str | None) -> UUID | None:
    """An id."""
    try:
        return UUID(said) if said else None
    except ValueError:
        return None


def moment(said: str | None) -> datetime | None:
    """A moment, in UTC; years outside of what an id can name mean nothing."""
    try:
        meant = datetime.fromisoformat(said) if said else None
        if meant is None or not 2000 <= meant.year <= 2200:
            return None
        return meant.astimezone(UTC) if meant.tzinfo else meant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def stretch(query: Mapping[str, str]) -> tuple[datetime, datetime] | tuple[None, None]:
    """From when to when, as `from` and `to` say it; nothing unless both do, in their order."""
    begin, end = moment(query.get("from")), moment(query.get("to"))
    return (begin, end) if begin and end and begin < end else (None, None)


def place(query: Mapping[str, str], read: Callable[[str | None], T | None]) -> tuple[T | None, T | None]:
    """The place in a list, as `after` or else `before` says it; `read` says what may stand there."""
    after = read(query.get("after"))
    return after, None if after else read(query.get("before"))


def written(value: Any) -> str:
    """A value as it stands in an address."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
