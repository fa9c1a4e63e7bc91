"""Small drawings beside figures: the sparkline, and uptime as ticks."""

from collections.abc import Sequence
from typing import Self

from dashboard.components.chart import Fill, rect
from dashboard.components.html import Node
from dashboard.components.markup import Drawing, Markup, element, join


class Sparkline(Drawing):
    """A line of 64 × 28 beside a figure; decoration, since the figure says it."""

    def __init__(self, values: Sequence[float], cls: str = "pu-stat-spark") -> None:
        super().__init__("svg", _spark(values), cls, viewBox="0 0 64 28", aria_hidden="true")

    def set_values(self, values: Sequence[float]) -> Self:
        """Draw other values."""
        return self.draw(_spark(values))


def ticks(states: Sequence[Fill], label: str, *, height: int = 12) -> Node:
    """Uptime as bars 3 wide and 2 apart; what was not well stands taller."""
    bars = [
        rect(
            number * 5,
            0 if state != "ok" else height * 0.15,
            3,
            height if state != "ok" else height * 0.85,
            f"pu-fill-{state}",
        )
        for number, state in enumerate(states)
    ]
    width = len(states) * 5 - 2
    return Drawing(
        "svg",
        join(bars),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def _spark(values: Sequence[float]) -> Markup:
    if len(values) < 2:
        return Markup()
    low, high = min(values), max(values)
    reach = (high - low) or 1
    points = [
        (2 + 59 * i / (len(values) - 1), 22 - 18 * (value - low) / reach) for i, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return join(
        [
            element("polygon", points=f"2,28 {path} {x:.1f},28", class_="pu-spark-area"),
            element("polyline", points=path, class_="pu-spark-line"),
            element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2, class_="pu-spark-dot"),
        ]
    )
