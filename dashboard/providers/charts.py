"""Two drawings of a provider's past: errors of 24 hours with the breaker's bands, and the uptime of 90 days."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.routing.history import QUARTER, Band, Day, Quarter
from core.routing.models import BreakerState
from core.system.board import ProviderState
from dashboard.components import chart
from dashboard.components.chart import Axis, Bars, Fill, Series
from dashboard.components.html import Node
from dashboard.components.money import format_percent
from dashboard.components.spark import ticks
from dashboard.components.time import span
from dashboard.providers.past import Past

LEFT = ((0, "0"), (50, "50 %"), (100, "100 %"))
COUNT = 96
TEXT_BARS = 20
"""So many bars wide is the word beside a band."""
LEAST_SAID = timedelta(minutes=1)
DOWN_BELOW, WELL_FROM = 0.98, 0.9995
"""Shares of a day: below the first it was down for half an hour, from the second on it was up."""


class ErrorChart(Node):
    """Errors in percent of each quarter of an hour; a band for each time in which a breaker was not closed."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__("div", "", "pu-errors")
        self._zone = zone
        self._shown: object = None
        with self:
            self._bars = Bars(
                "Errors in percent, by quarter of an hour", [], [], Axis(100, LEFT, [], 40), height=106, show="{:.0f} %".format
            )  # fmt: skip

    def show_past(self, past: Past, state: ProviderState, now: datetime) -> None:
        """Draws what has changed; a band that lasts grows by the minute."""
        bands = _with_now(past.bands, state)
        shown = (past.quarters, bands, now.replace(second=0, microsecond=0))
        if shown == self._shown or not past.quarters:
            return
        self._shown = shown
        quarters = past.quarters
        values = [100 * (1 - one.good / one.calls) if one.calls else 0 for one in quarters]
        self._bars.update_chart(
            [f"{one.at.astimezone(self._zone):%H:%M}, {one.calls:,} calls" for one in quarters],
            [Series("errors", "bad", values)],
            Axis(100, LEFT, _hours(quarters, self._zone), 40),
            bands=placed(bands, quarters[0].at, now),
        )


class Uptime(Node):
    """Ninety bars of 3 px, 2 apart: 448 px; those of bad days stand taller."""

    def __init__(self) -> None:
        super().__init__("div", "", "pu-uptime")
        self._shown: Sequence[Day] | None = None

    def show_days(self, days: Sequence[Day]) -> None:
        if days == self._shown:
            return
        self._shown = days
        self.clear()
        with self:
            if not days:
                Node(
                    "p", "Nothing is known yet; the first day begins with the first call or probe.", "pu-meta"
                )
                return
            known = [day for day in days if day.share is not None]
            bad = [day for day in known if day.share is not None and day.share < WELL_FROM]
            said = (
                ", ".join(f"{day.date:%-d %b} {format_percent(day.share or 0)}" for day in bad[-10:])
                or "none"
            )
            ticks(
                [_fill(day) for day in days],
                f"Uptime of {len(known)} days; less than whole: {said}",
                height=28,
            )
            with Node("div", "", "pu-ends"):
                Node("span", f"{days[0].date:%-d %b}")
                today = days[-1].share
                Node("span", "today" if today is None else f"today {format_percent(today)}")


def _fill(day: Day) -> Fill:
    if day.share is None:
        return "unknown"
    return "ok" if day.share >= WELL_FROM else "bad" if day.share < DOWN_BELOW else "warn"


def _hours(quarters: Sequence[Quarter], zone: ZoneInfo) -> list[tuple[float, str]]:
    """Every fourth whole hour, and now at the end; none so near the end that the words would touch."""
    found: list[tuple[float, str]] = []
    for number, one in enumerate(quarters):
        local = one.at.astimezone(zone)
        if local.minute == 0 and local.hour % 4 == 2 and 3 < number < len(quarters) - 8:
            found.append((number - 0.5, f"{local:%H:%M}"))
    return [*found, (len(quarters) - 1, "now")]


def _with_now(bands: Sequence[Band], state: ProviderState) -> list[Band]:
    """The bands as they are this second: what has opened since they were read is there, what was closed has ended."""
    found = [band for band in bands if band.end or not _closed(state, band)]
    lasting = {band.modality for band in found if band.end is None}
    for modality, one in state.by_modality.items():
        breaker = one.breaker
        if breaker.state is not BreakerState.CLOSED and modality not in lasting and breaker.opened_at:
            found.append(Band(modality, breaker.opened_at, None, breaker.state, breaker.reason or ""))
    return found


def _closed(state: ProviderState, band: Band) -> bool:
    one = state.by_modality.get(band.modality)
    return one is not None and one.breaker.state is BreakerState.CLOSED


def placed(bands: Sequence[Band], begin: datetime, now: datetime) -> list[chart.Band]:
    """Where the bands stand among the bars, the longest with their length in words where there is room for it."""
    whole = COUNT * QUARTER
    last = min(begin + whole, now)
    placed: list[chart.Band] = []
    taken: list[tuple[float, float]] = []
    stretches = [(max(band.start, begin), min(band.end or last, last), band) for band in bands]
    for start, stop, band in sorted(stretches, key=lambda one: one[0] - one[1]):
        if stop < start:
            continue
        first, end = (start - begin) / QUARTER, (COUNT if band.end is None else (stop - begin) / QUARTER)
        real = (band.end or now) - band.start
        word = "isolated" if band.state is BreakerState.ISOLATED else "open"
        text = f"{word} {span(real.total_seconds())}" if real >= LEAST_SAID else ""
        side = _room(first, end, taken) if text else None
        placed.append(chart.Band(first, end - 1, "bad", text if side else "", side or "right"))
        taken.append((first, end))
        if side:
            taken.append((end, end + TEXT_BARS) if side == "right" else (first - TEXT_BARS, first))
    return placed


def _room(first: float, end: float, taken: Sequence[tuple[float, float]]) -> Literal["left", "right"] | None:
    """The side of a band on which a word has room."""
    for side, (left, right) in (("right", (end, end + TEXT_BARS)), ("left", (first - TEXT_BARS, first))):
        inside = left >= 0 and right <= COUNT
        if inside and all(right <= begin or left >= stop for begin, stop in taken):
            return "left" if side == "left" else "right"
    return None
