"""Charts drawn by the server as SVG: stacked bars and sparklines. They weigh a few hundred bytes, follow the theme by
CSS alone, and carry a label and a table of the same numbers for those who don't see them.

The height is fixed in pixels and the width is free: bars stretch, letters stand beside the drawing in HTML.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from nicegui.events import GenericEventArguments

from dashboard.components.html import Node
from dashboard.components.markup import Drawing, Markup, element, join

Fill = Literal[
    "s1", "s2", "s3", "s4", "s5", "s6", "other", "bad", "warn", "ok", "probe", "accent", "forecast", "band", "unknown"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Series:
    """One layer of the bars, the lowest first."""

    name: str
    fill: Fill
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What stands at the left and below: `(value, text)`, `(bar's number, text)`; the plot ends at `top`."""

    top: float
    left: Sequence[tuple[float, str]]
    below: Sequence[tuple[float, str]]
    width: int = 28


@dataclass(frozen=True, slots=True)
class Band:
    """A marked stretch of bars, both ends included: what is chosen, or when a breaker was open.

    Parts of a bar are allowed; `text` stands beside the band, at the side where there is room.
    """

    first: float
    last: float
    tone: Literal["accent", "bad"] = "accent"
    text: str = ""
    side: Literal["left", "right"] = "right"


@dataclass(frozen=True, slots=True)
class Line:
    """A level across the plot, with what it means: a budget."""

    value: float
    text: str


class Bars(Node):
    """Stacked bars: `Bars("Generations per minute", names, [Series(…)], Axis(…), height=56)`.

    `names` are what each bar is called, in its tooltip and in the table. `update` redraws in place;
    `on_brush(handler)` calls `handler(first, last)` when a stretch is dragged over.
    """

    def __init__(
        self,
        label: str,
        names: Sequence[str],
        series: Sequence[Series],
        axis: Axis,
        *,
        height: int = 136,
        bands: Sequence[Band] = (),
        line: Line | None = None,
        thickness: float = 0.7,
        show: Callable[[float], str] = "{:g}".format,
    ) -> None:
        super().__init__("div", "", "pu-chart-box")
        self.label, self._height, self._thickness, self._show = label, height, thickness, show
        with self:
            self._picture = Drawing("div", Markup(), "pu-chart", role="img", aria_label=label)
            self._table = Drawing("div", Markup(), "pu-hidden")
        self._picture.style(f"--high: {height}px; --axis: {axis.width}px")
        self.update_chart(names, series, axis, bands=bands, line=line)

    def update_chart(
        self,
        names: Sequence[str],
        series: Sequence[Series],
        axis: Axis,
        *,
        bands: Sequence[Band] = (),
        line: Line | None = None,
    ) -> Self:
        """Show other numbers."""
        axis, count = replace(axis, top=axis.top or 1), max(len(names), 1)
        grid = [element("div", class_="pu-chart-grid", style=_at(value, axis)) for value, _ in axis.left]
        left = [
            element("span", text, class_="pu-chart-y", style=_at(value, axis)) for value, text in axis.left
        ]
        below = [
            element("span", text, class_="pu-chart-x", style=f"left: {(index + 0.5) / count:.3%}")
            for index, text in axis.below
        ]
        marks = [mark for band in bands for mark in _band(band, count)]
        level = [] if line is None else _level(line, axis)
        plot = join([*grid, *marks, self._svg(names, series, axis), *level, *left, *below])
        self._picture.draw(element("div", plot, class_="pu-chart-plot"))
        self._table.draw(self._numbers(names, series))
        return self

    def on_brush(self, handler: Callable[[int, int], Any]) -> Self:
        """Call `handler(first, last)` for the stretch of bars that a person drags over."""

        def brushed(event: GenericEventArguments) -> Any:
            said = event.args.get("detail") if isinstance(event.args, dict) else None
            if (
                isinstance(said, list)
                and len(said) == 2
                and all(isinstance(end, int) and end >= 0 for end in said)
            ):
                return handler(min(said), max(said))
            return None

        self._picture.set(data_brush="true")
        self._picture.on("brush", brushed, args=["detail"])
        return self

    def _svg(self, names: Sequence[str], series: Sequence[Series], axis: Axis) -> Markup:
        bars = [self._bar(number, name, series, axis) for number, name in enumerate(names)]
        view = f"0 0 {len(names) * 100} {self._height}"
        return element(
            "svg",
            join(bars),
            viewBox=view,
            preserveAspectRatio="none",
            data_bars=len(names),
            aria_hidden="true",
        )

    def _bar(self, number: int, name: str, series: Sequence[Series], axis: Axis) -> Markup:
        left, wide = number * 100 + 50 * (1 - self._thickness), 100 * self._thickness
        level, parts = float(self._height), list[Markup]()
        for layer in series:
            value = layer.values[number] if number < len(layer.values) else 0
            if value <= 0:
                continue
            high = max(value / axis.top * self._height, 2.0)  # what happened is never invisible
            level -= high
            parts.append(rect(left, level, wide, high, f"pu-fill-{layer.fill}"))
        said = ", ".join(
            f"{layer.name} {self._show(layer.values[number])}"
            for layer in series
            if number < len(layer.values)
        )
        area = element(
            "rect", x=number * 100, y=0, width=100, height=self._height, fill="none", pointer_events="all"
        )
        return element("g", element("title", f"{name}: {said}"), area, *parts)

    def _numbers(self, names: Sequence[str], series: Sequence[Series]) -> Markup:
        head = element("tr", element("td"), *(element("th", layer.name, scope="col") for layer in series))
        rows = [
            element(
                "tr",
                element("th", name, scope="row"),
                *(element("td", self._show(s.values[i])) for s in series if i < len(s.values)),
            )
            for i, name in enumerate(names)
        ]
        return element(
            "table", element("caption", self.label), element("thead", head), element("tbody", *rows)
        )


def legend(*entries: tuple[str, Fill]) -> Node:
    """What the colours mean: `legend(("completed 537", "other"), ("failed 40", "bad"))`."""
    with Node("ul", "", "pu-legend") as made:
        for text, fill in entries:
            square = element("rect", width=8, height=8, rx=1, class_=f"pu-fill-{fill}")
            with Node("li"):
                Drawing("svg", square, viewBox="0 0 8 8", aria_hidden="true")
                Node("span", text)
    return made


def _at(value: float, axis: Axis) -> str:
    return f"bottom: {value / axis.top:.2%}"


def _band(band: Band, count: int) -> list[Markup]:
    left, right = band.first / count, (band.last + 1) / count
    place = f"left: {left:.3%}; width: {right - left:.3%}"
    marks = [element("div", class_=f"pu-chart-band{' is-bad' if band.tone == 'bad' else ''}", style=place)]
    if band.text:
        beside = (
            f"left: calc({right:.3%} + 6px)" if band.side == "right" else f"right: calc({1 - left:.3%} + 6px)"
        )
        marks.append(element("span", band.text, class_="pu-chart-band-text", style=beside))
    return marks


def _level(line: Line, axis: Axis) -> list[Markup]:
    note = f"bottom: calc({line.value / axis.top:.2%} + 6px)"
    return [
        element("div", class_="pu-chart-line", style=_at(line.value, axis)),
        element("span", line.text, class_="pu-chart-note", style=note),
    ]


def rect(x: float, y: float, width: float, height: float, cls: str) -> Markup:
    """A rectangle of a drawing."""
    return element("rect", x=f"{x:g}", y=f"{y:.1f}", width=f"{width:g}", height=f"{height:.1f}", class_=cls)
