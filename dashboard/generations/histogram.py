"""How many generations began when, and how they ended: the card above the list (mock-up 09)."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from core.generation.queries import Bucket
from dashboard.components.card import Card
from dashboard.components.chart import Axis, Band, Bars, Fill, Series, legend
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.generations.window import Window

OnBrush = Callable[[datetime, datetime], Any]
HEIGHT = 59


class Histogram(Card):
    """Bars by step; dragging over them calls `on_brush(begin, end)`."""

    def __init__(self, window: Window, on_brush: OnBrush) -> None:
        super().__init__(window.title, note=window.zone.key, cls="pu-volume")
        self._window, self._on_brush = window, on_brush
        with self.body:
            self._bars = Bars(
                "Generations by the time they began; drag to choose a range", [""], [], Axis(1, [(0, "0")], []),
                height=HEIGHT,
            ).on_brush(self._brushed)  # fmt: skip
            self._sorry = Node("p", "", "pu-meta").style(f"height: {HEIGHT + 20}px").show(False)

    def draw(
        self, window: Window, buckets: Sequence[Bucket], chosen: tuple[datetime, datetime] | None
    ) -> None:
        """Shows other numbers; `chosen` is the stretch that the list is limited to."""
        self._window = window
        self._say(None)
        series = [
            Series("completed", "other", [bucket.completed for bucket in buckets]),
            Series("unfinished", "forecast", [bucket.other for bucket in buckets]),
            Series("failed", "bad", [bucket.failed for bucket in buckets]),
        ]
        totals = {one.name: int(sum(one.values)) for one in series}
        series = [one for one in series if totals[one.name] or one.name != "unfinished"]
        self.end.clear()
        with self.end:
            entries: list[tuple[str, Fill]] = [
                (f"{one.name} {format_count(totals[one.name])}", one.fill) for one in series
            ]
            legend(*entries)
        most = max((bucket.completed + bucket.failed + bucket.other for bucket in buckets), default=0)
        band = window.band(*chosen) if chosen else None
        self._bars.update_chart(
            window.names(), series, _axis(most, window), bands=[Band(*band)] if band else []
        )

    def fail(self, window: Window, why: str) -> None:
        """Says in the place of the bars why there are none."""
        self._window = window
        self.end.clear()
        self._say(why)

    def _say(self, why: str | None) -> None:
        self.title.set_text(self._window.title)
        self._sorry.set_text(why or "").show(bool(why))
        self._bars.show(not why)

    def _brushed(self, first: int, last: int) -> Any:
        stretch = self._window.stretch(first, last)
        return self._on_brush(*stretch) if stretch else None


def _axis(most: int, window: Window) -> Axis:
    tick = max((size for size in _round_numbers(most) if size <= max(most, 1)), default=1)
    text = f"{tick:,}" if tick < 10_000 else f"{tick / 1000:g}k"
    return Axis(max(most, 1) * 1.2, [(0, "0"), (tick, text)], window.labels())


def _round_numbers(most: int) -> list[int]:
    power = 10 ** int(math.log10(max(most, 1)))
    return [power, 2 * power, 5 * power]
