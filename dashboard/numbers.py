"""Whole numbers as people write them into a field."""

import re

from core.credits.limits import LARGEST
from core.errors import InvalidRequest

SEPARATORS = re.compile(r"[\s,_'’]")


def whole(said: str | float | None, name: str, *, high: int = LARGEST) -> int | None:
    """What the field `name` says, as a whole number from 0 to `high`; None where it says nothing.

    Raises:
        InvalidRequest: it is none.
    """
    text = SEPARATORS.sub("", "" if said is None else str(said))
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value.is_integer() or not 0 <= value <= high:
        raise InvalidRequest(f"{name}: a whole number from 0 to {high:,}.")
    return int(value)
