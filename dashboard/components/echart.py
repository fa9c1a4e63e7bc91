"""ECharts for what bars and sparklines cannot say. It weighs 370 KB on first use: prefer `chart.py`.

Drawn as SVG with our tokens as CSS variables, so it follows the theme without being built again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from dashboard.components.html import Node
from dashboard.components.markup import Drawing, Markup, element

SERIES = tuple(f"var(--s{number})" for number in range(1, 7))


class EChart(Node):
    """A chart with a label, and the same numbers as a table: `EChart("Margin by day", options, head, rows)`."""

    def __init__(
        self,
        label: str,
        options: Mapping[str, Any],
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        height: int = 200,
    ) -> None:
        super().__init__("div", "", "pu-chart-box")
        self._label = label
        with self:
            self.chart = (
                ui.echart(themed(options), renderer="svg").classes("pu-echart").style(f"--high: {height}px")
            )
            self.chart.props["role"] = "img"
            self.chart.props["aria-label"] = label
            self._table = Drawing("div", Markup(), "pu-hidden")
        self._write(head, rows)

    def set_data(
        self, options: Mapping[str, Any], head: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        """Show other numbers."""
        self.chart.options.clear()
        self.chart.options.update(themed(options))
        self.chart.update()
        self._write(head, rows)

    def _write(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        cells = [element("tr", *(element("td", text) for text in row)) for row in rows]
        top = element("tr", *(element("th", text, scope="col") for text in head))
        self._table.draw(
            element("table", element("caption", self._label), element("thead", top), element("tbody", *cells))
        )


def themed(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` with our colours, type and grid under what they say themselves."""
    small = {"color": "var(--t3)", "fontFamily": "Roboto", "fontSize": 12}
    axis = {
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "axisLabel": small,
        "splitLine": {"lineStyle": {"color": "var(--divider)"}},
    }
    base: dict[str, Any] = {
        "color": list(SERIES),
        "animation": False,
        "aria": {"enabled": False},  # the figure has a label and a table of its own
        "textStyle": {"fontFamily": "Roboto"},
        "grid": {"left": 8, "right": 8, "top": 12, "bottom": 4, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": "var(--surface)",
            "borderColor": "var(--divider)",
            "textStyle": small | {"color": "var(--t1)"},
        },
    }
    mixed = base | dict(options)
    if isinstance(mixed.get("series"), Sequence):
        mixed["series"] = [{"symbol": "circle", "symbolSize": 5} | dict(series) for series in mixed["series"]]
    for name in ("xAxis", "yAxis"):
        if isinstance(mixed.get(name), Mapping):
            mixed[name] = axis | dict(mixed[name])
    return mixed
