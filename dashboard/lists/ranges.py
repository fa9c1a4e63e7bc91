"""Ranges of time that lists offer, up to now: how long each is, and what it is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Range:
    """One of them: `label` in the menu, `words` in a sentence behind "the"."""

    length: timedelta
    label: str
    words: str


ALL = "all"
_KNOWN: Mapping[str, Range] = {
    "1h": Range(timedelta(hours=1), "1 h", "last hour"),
    "24h": Range(timedelta(days=1), "24 h", "last 24 hours"),
    "7d": Range(timedelta(days=7), "7 d", "last 7 days"),
    "30d": Range(timedelta(days=30), "30 d", "last 30 days"),
    "90d": Range(timedelta(days=90), "90 d", "last 90 days"),
    "1y": Range(timedelta(days=365), "1 year", "last year"),
    ALL: Range(timedelta.max, "all", "whole time"),
}


def ranges(*keys: str) -> Mapping[str, Range]:
    """Those of a list, in the order of its menu."""
    return {key: _KNOWN[key] for key in keys}
