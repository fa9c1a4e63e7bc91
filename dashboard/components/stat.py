"""A figure that matters: label, value, what it means, and how it moved (mock-up 01)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from dashboard.components.html import Node, safe_href
from dashboard.components.spark import Sparkline


class Stat(Node):
    """A card 96 high: `Stat("Success, 24 h", "98.7", "%", sub="103 of 8,154 failed", spark=values)`.

    `meter` (0 to 1) fills the lower edge; `href` makes the whole card lead to its rows. Setters in place.
    """

    def __init__(
        self,
        label: str,
        value: str,
        unit: str = "",
        *,
        sub: str = "",
        spark: Sequence[float] = (),
        meter: float | None = None,
        href: str | None = None,
    ) -> None:
        super().__init__(
            "a" if href else "div", "", "pu-card pu-stat", href=safe_href(href) if href else None
        )
        with self:
            Node("div", label, "pu-stat-label")
            with Node("div", "", "pu-stat-value"):
                self._value = Node("span", value)
                self._unit = Node("small", unit)
            self._sub = Node("div", sub, "pu-stat-sub")
            self._spark = Sparkline(spark) if spark else None
            self._meter = Meter(meter, label, bare=True) if meter is not None else None

    def set_value(self, value: str, unit: str | None = None, *, sub: str | None = None) -> Self:
        """Show another figure."""
        self._value.set_text(value)
        if unit is not None:
            self._unit.set_text(unit)
        if sub is not None:
            self._sub.set_text(sub)
        return self

    def set_spark(self, values: Sequence[float]) -> Self:
        """Draw another course."""
        if self._spark:
            self._spark.set_values(values)
        return self

    def set_meter(self, part: float) -> Self:
        """Fill the edge to another part of one."""
        if self._meter:
            self._meter.set_part(part)
        return self


class Meter(Node):
    """A bar 4 high that is `part` of one full; `bare` when a text beside it says the same."""

    def __init__(self, part: float, label: str, *, bare: bool = False) -> None:
        super().__init__("div", "", "pu-meter")
        self._bare = bare
        self.set(aria_hidden="true") if bare else self.set(
            role="meter", aria_label=label, aria_valuemin=0, aria_valuemax=100
        )
        with self:
            self._bar = Node("span")
        self.set_part(part)

    def set_part(self, part: float) -> Self:
        """Fill it to another part."""
        percent = round(max(0.0, min(1.0, part)) * 100, 1)
        self._bar.style(f"width: {percent}%")
        return self if self._bare else self.set(aria_valuenow=percent)


@contextmanager
def stats() -> Iterator[Node]:
    """A row of figures."""
    with Node("div", "", "pu-stats") as row:
        yield row
