"""The last 24 hours of a user on four lanes: generations, charges, refunds, errors (mock-up 07).

Drawn by the server as one piece of markup. The picture has a label, and the same as a table for those who do not see
it; what a mark stands for is in its tooltip.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.generation.timeline import Mark, Timeline
from dashboard.components import time
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.markup import Drawing, Markup, element, join
from dashboard.components.money import MINUS, format_count, format_credits

TALLEST, SHORTEST = 20, 4
"""Pixels of a bar: the largest movement of the day, and any other at least."""
WIDE, NARROW = 960, 740
"""Pixels of the plot for which labels are placed; what has room only in the wide one is not shown in the narrow."""
LETTER = 6.6
"""Pixels of a letter of a label, about."""
EVERY = timedelta(hours=2)
NOTED = 0.35
"""Movements of at least this part of the largest are worth their figure."""


class DayPicture(Card):
    """The card; `show_timeline` draws in place."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__("Last 24 h", note=time.zone_name(zone), cls="pu-day")
        self._zone = zone
        self._shown: Timeline | None = None
        with self.end:
            self._sums = Node("span")
        with self.body:
            self._picture = Drawing("div", Markup(), "pu-day-picture", role="img")
            self._table = Drawing("div", Markup(), "pu-hidden")
            self._none = Node("p", "", "is-quiet").show(False)

    def show_timeline(self, timeline: Timeline | None) -> None:
        """Draws; None is what could not be read in time."""
        self._none.set_text("This takes too long to draw: too much happened.").show(timeline is None)
        self._picture.show(timeline is not None)
        self._sums.set_text(sums(timeline) if timeline else "")
        if timeline is None:
            self._table.draw(Markup())
            return
        self._picture.set(aria_label=f"The last 24 hours: {sums(timeline)}")
        self._picture.draw(_lanes(timeline, self._zone))
        self._table.draw(_numbers(timeline, self._zone))


def sums(timeline: Timeline) -> str:
    """`10 generations · 7 charged, 163 cr · 1 refund, 20 cr · 3 failed`."""
    generations = _count(timeline.done) + _count(timeline.failed)
    charges, refunds = _count(timeline.charges), _count(timeline.refunds)
    parts = [
        f"{format_count(generations)} generation{'' if generations == 1 else 's'}",
        f"{format_count(charges)} charged, {format_credits(_credits(timeline.charges))}" if charges else "",
        f"{format_count(refunds)} refund{'' if refunds == 1 else 's'}, {format_credits(_credits(timeline.refunds))}" if refunds else "",
        f"{format_count(_count(timeline.failed))} failed" if timeline.failed else "",
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)


def _lanes(timeline: Timeline, zone: ZoneInfo) -> Markup:
    place = _Places(timeline)
    dots = sorted([*timeline.done, *timeline.failed], key=lambda mark: mark.at)
    failed = set(timeline.failed)
    lanes = {
        "Generations": [_dot(mark, place, zone, failed=mark in failed) for mark in dots],
        "Charges": _bars(timeline.charges, place, zone, MINUS, "is-charge"),
        "Refunds": _bars(timeline.refunds, place, zone, "+", "is-refund"),
        "Errors": _errors(timeline.failed, place, zone),
    }
    grid = [
        element("i", class_=f"pu-day-grid{'' if number % 3 == 0 else ' is-fine'}", style=place.left(at))
        for number, at in enumerate(_hours(timeline, zone))
    ]
    rows = [
        element(
            "div",
            element("span", name, class_="pu-day-name"),
            element("div", *marks, class_="pu-day-lane"),
            class_="pu-day-row",
        )
        for name, marks in lanes.items()
    ]
    return join([*rows, element("div", *grid, class_="pu-day-grids"), _axis(timeline, place, zone)])


def _axis(timeline: Timeline, place: "_Places", zone: ZoneInfo) -> Markup:
    marks = [
        element(
            "span",
            time.clock(at, zone, seconds=False),
            class_=f"pu-day-hour{'' if number % 3 == 0 else ' is-fine'}",
            style=place.left(at),
        )
        for number, at in enumerate(_hours(timeline, zone))
        if place.part(at) < 0.955  # the end's own label stands there
    ]
    end = element("b", time.clock(timeline.end, zone, seconds=False), class_="pu-day-hour is-end")
    return element("div", *marks, end, class_="pu-day-axis")


def _hours(timeline: Timeline, zone: ZoneInfo) -> list[datetime]:
    """Even hours of the zone inside the picture."""
    local = timeline.begin.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    first = local - timedelta(hours=local.hour % 2)
    moments = [first + EVERY * number for number in range(14)]
    return [at for at in moments if timeline.begin <= at <= timeline.end]


class _Places:
    """Where moments stand between the two ends."""

    def __init__(self, timeline: Timeline) -> None:
        self._begin, self._length = timeline.begin, timeline.end - timeline.begin

    def part(self, at: datetime) -> float:
        return min(1.0, max(0.0, (at - self._begin) / self._length))

    def left(self, at: datetime) -> str:
        return f"left: {self.part(at):.2%}"

    def labels(self, marks: Sequence[Mark], text: Callable[[Mark], str]) -> dict[Mark, str]:
        """Which marks have room for their label, and how it is placed."""
        wide, narrow = self._sides(marks, text, WIDE), self._sides(marks, text, NARROW)
        return {
            mark: f"is-{side}{'' if narrow.get(mark) == side else ' is-wide'}" for mark, side in wide.items()
        }

    def _sides(self, marks: Sequence[Mark], text: Callable[[Mark], str], plot: int) -> dict[Mark, str]:
        """Right of the mark, else left of it."""
        taken: list[tuple[float, float]] = [
            (x - 7, x + 7) for x in (self.part(mark.at) * plot for mark in marks)
        ]
        sides: dict[Mark, str] = {}
        for mark in sorted(marks, key=lambda one: (-one.credits, -one.at.timestamp())):
            x, wide = self.part(mark.at) * plot, len(text(mark)) * LETTER + 6
            for side, (low, high) in (("right", (x + 7, x + 7 + wide)), ("left", (x - 7 - wide, x - 7))):
                inside = low >= 0 and high <= plot
                if inside and all(high <= begin or low >= end for begin, end in taken):
                    sides[mark] = side
                    taken.append((low, high))
                    break
        return sides


def _dot(mark: Mark, place: _Places, zone: ZoneInfo, *, failed: bool) -> Markup:
    look = "pu-day-dot is-failed" if failed else "pu-day-dot"
    return element("i", class_=look, style=place.left(mark.at), title=_said(mark, zone, failed=failed))


def _bars(marks: Sequence[Mark], place: _Places, zone: ZoneInfo, sign: str, look: str) -> list[Markup]:
    largest = max((mark.credits for mark in marks), default=0) or 1

    def figure(mark: Mark) -> str:
        return f"{sign}{format_credits(mark.credits)}"

    labels = place.labels(
        [mark for mark in marks if mark.credits >= largest * NOTED and mark.credits > 0], figure
    )
    drawn: list[Markup] = []
    for mark in marks:
        high = max(SHORTEST, round(TALLEST * mark.credits / largest))
        said = f"{time.clock(mark.at, zone)} {figure(mark)}{_times(mark)}"
        drawn.append(
            element(
                "i", class_=f"pu-day-bar {look}", style=f"{place.left(mark.at)}; height: {high}px", title=said
            )
        )
        if side := labels.get(mark):
            drawn.append(_label(mark, place, figure(mark), side, look))
    return drawn


def _errors(marks: Sequence[Mark], place: _Places, zone: ZoneInfo) -> list[Markup]:
    def cause(mark: Mark) -> str:
        return f"{mark.cause or 'failed'}{f' ×{mark.count}' if mark.count > 1 else ''}"

    labels = place.labels(marks, cause)
    drawn: list[Markup] = []
    for mark in marks:
        drawn.append(
            element(
                "i",
                "close",
                class_="pu-icon pu-day-cross",
                style=place.left(mark.at),
                title=_said(mark, zone, failed=True),
            )
        )
        if side := labels.get(mark):
            drawn.append(_label(mark, place, cause(mark), side, "is-bad"))
    return drawn


def _label(mark: Mark, place: _Places, text: str, side: str, look: str) -> Markup:
    return element("span", text, class_=f"pu-day-label {side} {look}", style=place.left(mark.at))


def _said(mark: Mark, zone: ZoneInfo, *, failed: bool) -> str:
    what = f"failed: {mark.cause or 'no cause noted'}" if failed else "generated"
    return f"{time.clock(mark.at, zone)} {what}{_times(mark)}"


def _times(mark: Mark) -> str:
    return f", {mark.count:,} within five minutes" if mark.count > 1 else ""


def _numbers(timeline: Timeline, zone: ZoneInfo) -> Markup:
    """The same as a table."""
    lanes = (
        ("generated", timeline.done),
        ("failed", timeline.failed),
        ("charged", timeline.charges),
        ("refunded", timeline.refunds),
    )
    found = sorted(
        ((mark.at, name, mark) for name, marks in lanes for mark in marks), key=lambda one: (one[0], one[1])
    )
    rows = [
        element(
            "tr",
            element("th", time.absolute(at, zone), scope="row"),
            element("td", name),
            element("td", f"{mark.count:,}"),
            element("td", format_credits(mark.credits) if mark.credits else mark.cause or ""),
        )
        for at, name, mark in found
    ]
    heads = ("Time", "What", "How many", "Credits or cause")
    return element(
        "table",
        element("caption", "What happened in the last 24 hours"),
        element("thead", element("tr", *(element("th", head, scope="col") for head in heads))),
        element("tbody", *rows),
    )


def _count(marks: Iterable[Mark]) -> int:
    return sum(mark.count for mark in marks)


def _credits(marks: Iterable[Mark]) -> int:
    return sum(mark.credits for mark in marks)
