"""Two courses side by side: what was spent on each day of the month, and how the generations of each hour ended."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.generation.figures import Hour
from dashboard.components.card import Card
from dashboard.components.chart import Axis, Bars, legend
from dashboard.components.chart import Series as Layer
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_usd

HEIGHT = 108
STEPS = (1, 2, 2.5, 4, 5, 8, 10)


class SpendChart(Card):
    """USD of each day since the month began; the days to come stay empty."""

    def __init__(self) -> None:
        super().__init__("Spend per day")
        self._shown: tuple[Sequence[tuple[date, Decimal]], Decimal, date] | None = None
        with self.end:
            self._total = Node("span", "", "pu-meta")
        with self.body:
            self._bars = Bars(
                "Spend per day of this month, in USD", [""], [], Axis(1, [], []), height=HEIGHT, thickness=0.76,
                show=lambda value: format_usd(Decimal(str(value)), zero="nothing"),
            )  # fmt: skip

    def draw(self, spend: Sequence[tuple[date, Decimal]], total: Decimal, today: date) -> None:
        """Shows the month; `spend` has every day of it, those to come at 0. The same again changes nothing."""
        if self._shown == (spend, total, today):
            return
        self._shown = spend, total, today
        self._total.set_text(f"{format_usd(total, zero='Nothing')} in {today:%B}")
        values = [float(amount) for _, amount in spend]
        top, ticks = scale(max(values, default=0.0))
        left = [(tick, format_usd(Decimal(str(tick)), zero="$0").removesuffix(".00")) for tick in ticks]
        below = [
            (index, "today" if day == today else str(day.day))
            for index, (day, _) in enumerate(spend)
            if day == today or (day.day % 7 == 1 and abs((day - today).days) > 2)
        ]
        self._bars.update_chart(
            [f"{day:%d %B}" for day, _ in spend],
            [Layer("spent", "s1", values)],
            Axis(top, left, below, width=44),
        )


class HoursChart(Card):
    """Generations of the last 24 hours by how they ended."""

    def __init__(self) -> None:
        super().__init__("Generations per hour")
        self._shown: tuple[Sequence[Hour], ZoneInfo] | None = None
        with self.body:
            self._bars = Bars(
                "Generations of each hour by how they ended", [""], [], Axis(1, [], []), height=HEIGHT, thickness=0.7
            )  # fmt: skip

    def draw(self, hours: Sequence[Hour], zone: ZoneInfo) -> None:
        """Shows the hours, the newest last; the same again changes nothing."""
        if self._shown == (hours, zone):
            return
        self._shown = hours, zone
        completed, failed = [hour.completed for hour in hours], [hour.failed for hour in hours]
        self.end.clear()
        with self.end:
            legend(
                (f"completed {format_count(sum(completed))}", "other"),
                (f"failed {format_count(sum(failed))}", "bad"),
            )
        top, ticks = scale(max((hour.completed + hour.failed for hour in hours), default=0), whole=True)
        self._bars.update_chart(
            [_hour(hour.at, zone) for hour in hours],
            [Layer("completed", "other", completed), Layer("failed", "bad", failed)],
            Axis(
                top,
                [(tick, f"{tick:,.0f}") for tick in ticks],
                [(index, _hour(hour.at, zone)) for index, hour in enumerate(hours) if index % 4 == 0],
            ),
        )


def scale(most: float, *, whole: bool = False) -> tuple[float, list[float]]:
    """The top of an axis and its marks: at most four round steps that hold `most`."""
    if most <= 0:
        return 1.0, [0.0]
    power = 10.0 ** math.floor(math.log10(most / 3))
    step = next(size * power for size in STEPS if size * power * 3.5 >= most)
    if whole:
        step = max(1.0, math.ceil(step))
    count = math.ceil(most / step)
    return step * count, [step * number for number in range(count + 1)]


def _hour(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def empty_note(text: str) -> Node:
    """What stands in a card in which nothing is yet."""
    return Node("p", text, "pu-card-none is-second")
