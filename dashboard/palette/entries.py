"""An entry of the palette, as data for the browser."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.components.html import safe_href
from dashboard.components.status import Status


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        title: what it is called; what was typed stands out in it.
        note: beside the title, quieter.
        aside: at the right; `number` right of that, `chip` in its place.
        keys: what to press instead, one after the other.
        href: where it leads.
        data: for what happens in the browser alone, the attributes that purser.js knows (`{"data-keys": "true"}`).
        object: whether it is a thing rather than a place or an action: those are remembered as recent.
        words: further words under which it is found.
        common: whether it is offered before anything is typed.
    """

    icon: str
    title: str
    note: str = ""
    aside: str = ""
    number: str = ""
    keys: tuple[str, ...] = ()
    chip: Status | None = None
    href: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    object: bool = False
    words: str = ""
    common: bool = False

    def said(self) -> dict[str, Any]:
        """What the browser gets."""
        chip = self.chip
        said = {
            "icon": self.icon,
            "title": self.title,
            "note": self.note,
            "aside": self.aside,
            "number": self.number,
            "keys": list(self.keys),
            "chip": {"word": chip.word, "icon": chip.icon, "tone": chip.tone} if chip else None,
            "href": safe_href(self.href) if self.href else None,
            "data": dict(self.data),
            "object": self.object,
        }
        return {key: value for key, value in said.items() if value}

    def fits(self, wanted: Iterable[str]) -> bool:
        """Whether each word that was typed stands in one of its own."""
        own = f"{self.title} {self.note} {self.words}".lower()
        return all(typed in own for typed in wanted)


def fitting(entries: Iterable[Entry], wanted: Sequence[str], most: int) -> list[Entry]:
    """Those that fit, whose very title does first."""
    found = [entry for entry in entries if entry.fits(wanted)]
    return sorted(found, key=lambda one: not all(typed in one.title.lower() for typed in wanted))[:most]


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under a name; `exact` groups stand first."""

    name: str
    entries: list[Entry]
    exact: bool = False
