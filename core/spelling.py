"""The name that somebody meant who wrote one that nothing has."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], likeness: float = 0.5) -> str | None:
    """The known name that looks most like `name`; None where none is alike enough (0 to 1)."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=likeness)), None)


def did_you_mean(near: str | None) -> str:
    """What stands behind "There is no …"; empty where nothing is near."""
    return f" Did you mean {near!r}?" if near else ""
