"""Times that go on by themselves: `probe in 38 s`, `for 30m 22s`, `as of 14:01:32`.

The browser counts from an absolute moment by the server's clock (purser.js, `data-tick`); while only time passes, the
server sends nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal, Self

from dashboard.components import time
from dashboard.components.html import Attribute, Node


@dataclass(frozen=True, slots=True)
class Tick:
    """A text with a time in it.

    Attributes:
        kind: `until` counts down to `moment`, `since` counts up from it, `clock` is the time of day.
        moment: what is counted to or from; of a clock, what it says where no script runs.
        words: the text, with `{}` for the time.
        over: what stands once `moment` has passed; empty for a countdown that stays at nought.
        zone: of a clock.
    """

    kind: Literal["until", "since", "clock"]
    moment: datetime
    words: str = "{}"
    over: str = ""
    zone: tzinfo = UTC

    def text(self, now: datetime) -> str:
        """What it says at `now`."""
        if self.kind == "clock":
            return self.words.replace("{}", time.clock(self.moment, self.zone))
        left = (self.moment - now).total_seconds() * (1 if self.kind == "until" else -1)
        if self.kind == "until" and left <= 0 and self.over:
            return self.over
        return self.words.replace("{}", time.duration(max(0, int(left)), 0))

    def attributes(self) -> dict[str, Attribute]:
        """What purser.js reads."""
        return {
            "datetime": self.moment.astimezone(UTC).isoformat(timespec="milliseconds"),
            "data_tick": self.kind,
            "data_words": self.words,
            "data_over": self.over or None,
            "data_zone": time.zone_name(self.zone) if self.kind == "clock" else None,
        }


class Ticking(Node):
    """A tick as `<time>`: `Ticking(Tick("until", probe_at, "Next probe in {}"), now)`; `set_tick` changes it in place."""

    def __init__(self, tick: Tick, now: datetime, cls: str = "") -> None:
        super().__init__("time", tick.text(now), cls, **tick.attributes())
        self._tick = tick

    def set_tick(self, tick: Tick, now: datetime) -> Self:
        """Count to or from another moment, or say it in other words."""
        if tick != self._tick:
            self._tick = tick
            self.set(**tick.attributes()).set_text(tick.text(now))
        return self


class Elapsed(Node):
    """A bar 4 high for the part of the time between two moments that has passed."""

    def __init__(self, begin: datetime, end: datetime, now: datetime, tone: str = "") -> None:
        super().__init__("div", "", f"pu-elapsed {tone}".strip(), aria_hidden="true")
        with self:
            self._bar = Node("span")
        self.set_span(begin, end, now)

    def set_span(self, begin: datetime, end: datetime, now: datetime) -> Self:
        """Between two other moments."""
        ends = [moment.astimezone(UTC).isoformat(timespec="milliseconds") for moment in (begin, end)]
        if self._bar.props.get("data-until") == ends[1] and self._bar.props.get("data-since") == ends[0]:
            return self
        whole = (end - begin).total_seconds() or 1
        part = min(1.0, max(0.0, (now - begin).total_seconds() / whole))
        self._bar.set(data_tick="part", data_since=ends[0], data_until=ends[1])
        self._bar.style(f"width: {part:.2%}")
        return self


def server_clock(now: datetime) -> Node:
    """Tells the page what the server's clock says, for browsers whose own goes wrong; made once, while a page is built."""
    return Node("span", "", hidden=True, data_now=now.astimezone(UTC).isoformat(timespec="milliseconds"))
