"""What a cell of the data table holds: one or two lines of bits, each a piece of text with a look.

A cell is data, not elements: the table is one component that writes all rows itself, so a page of fifty rows costs
one element, and a refresh keeps the focus where it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from dashboard.components import time
from dashboard.components.html import Attribute, safe_href
from dashboard.components.status import Status, Tone
from dashboard.components.ticking import Tick

Look = Literal[
    "", "strong", "quiet", "second", "faint", "mono", "ok", "warn", "bad", "info", "neutral", "probe"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bit:
    """A piece of a line.

    Attributes:
        text: shown as it is, escaped.
        look: weight or colour.
        icon: a symbol before the text; with `label` it may stand alone.
        href: makes it a link.
        title: tooltip.
        action: makes it a button; pressing it calls the table's `on_action(row id, action)`.
        shape: "chip", "letter" or "bar" (then `part` is its percentage).
        moment: the moment behind a time, for `<time>`.
        tick: a time that goes on by itself (`ticking`).
    """

    text: str = ""
    look: Look = ""
    icon: str | None = None
    label: str | None = None
    href: str | None = None
    title: str | None = None
    action: str | None = None
    shape: Literal["", "chip", "letter", "bar"] = ""
    part: float = 0
    moment: str | None = None
    pressed: bool | None = None
    tick: Tick | None = None

    def data(self) -> dict[str, Any]:
        """What the component gets: only what is set."""
        look = f"is-{self.look}" if self.look else ""
        shape = (
            f"pu-{self.shape}{' is-bare' if self.shape == 'chip' and not self.icon else ''}"
            if self.shape
            else ""
        )
        said = {
            "t": self.text,
            "c": f"{shape} {look}".strip(),
            "i": self.icon,
            "l": self.label,
            "h": safe_href(self.href) if self.href else None,
            "n": self.title,
            "a": self.action,
            "p": round(self.part, 1) if self.shape == "bar" else None,
            "d": self.moment,
            "s": self.pressed,
            "k": self.tick and _html(self.tick.attributes()),
        }
        return {key: value for key, value in said.items() if value not in (None, "")}


Line = str | Bit | Sequence[str | Bit]
Cell = str | Bit | Sequence[Line]
"""One line, or a sequence of lines; a line is a text, a bit, or a sequence of both."""

DASH = Bit("—", "quiet", label="none")


def chip(status: Status) -> Bit:
    """A status as a chip."""
    return Bit(status.word, status.tone, status.icon, shape="chip")


def tag(text: str, tone: Tone = "neutral") -> Bit:
    """A chip without icon."""
    return Bit(text, tone, shape="chip")


def moment(when: datetime, now: datetime, zone: tzinfo, *, text: str | None = None) -> Bit:
    """A time: relative unless `text` is given; the absolute one in the tooltip."""
    tooltip = f"{time.absolute(when, zone)} {time.zone_name(zone, when)}"
    return Bit(text or time.relative(when, now, zone), title=tooltip, moment=time.iso(when))


def ticking(tick: Tick, now: datetime, look: Look = "") -> Bit:
    """A time that goes on by itself."""
    return Bit(tick.text(now), look, moment=str(tick.attributes()["datetime"]), tick=tick)


def bar(part: float, look: Look = "") -> Bit:
    """A share as a bar, `part` in percent; put the figure beside it."""
    return Bit(shape="bar", part=max(0.0, min(100.0, part)), look=look)


def lines(cell: Cell) -> list[list[dict[str, Any]]]:
    """A cell as the component gets it."""
    if isinstance(cell, (str, Bit)):
        return [[_bit(cell)]]
    return [[_bit(line)] if isinstance(line, (str, Bit)) else [_bit(bit) for bit in line] for line in cell]


def words(cell: Cell) -> str:
    """The cell's text, as a reader sees it."""
    return " ".join(bit.get("l") or bit.get("t", "") for line in lines(cell) for bit in line).strip()


def _html(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name.replace("_", "-"): value for name, value in attributes.items() if value is not None}


def _bit(bit: str | Bit) -> dict[str, Any]:
    return {"t": bit} if isinstance(bit, str) else bit.data()
