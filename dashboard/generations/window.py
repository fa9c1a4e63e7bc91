"""The stretch of time that the chart shows, cut into steps that fit it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dashboard.components.time import stretch
from dashboard.generations.address import Address

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STEPS = (
    (2 * HOUR, MINUTE, "minute"),
    (12 * HOUR, 5 * MINUTE, "5 minutes"),
    (8 * DAY, HOUR, "hour"),
    (timedelta.max, DAY, "day"),
)
"""Up to which length a step serves."""
LONGEST = 93 * DAY
MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Window:
    """Steps between `edges`, in the zone of the page."""

    edges: tuple[datetime, ...]
    step: timedelta
    word: str
    zone: ZoneInfo

    @property
    def begin(self) -> datetime:
        return self.edges[0]

    @property
    def title(self) -> str:
        """`13:00–14:00, per minute`."""
        return f"{stretch(self.edges[0], self.edges[-1], self.zone)}, per {self.word}"

    def names(self) -> list[str]:
        """What each bar is called."""
        form = "%Y-%m-%d" if self.step >= DAY else "%m-%d %H:%M" if self.step >= HOUR else "%H:%M"
        return [self._local(edge).strftime(form) for edge in self.edges[:-1]]

    def labels(self) -> list[tuple[float, str]]:
        """Bars that are named below the axis: round ones, and few enough to read."""
        count = len(self.edges) - 1
        days = self.edges[-1] - self.edges[0] > 2 * DAY
        for every in (10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14400, 28800):
            marked = [n for n in range(count) if self._is_round(self._local(self.edges[n]), every)]
            if len(marked) <= MOST_LABELS:
                break
        else:
            marked = []
        kept = [n for n in marked if 0.03 < (n + 0.5) / count < 0.97]
        return [(n, self._local(self.edges[n]).strftime("%m-%d" if days else "%H:%M")) for n in kept]

    def band(self, begin: datetime, end: datetime) -> tuple[int, int] | None:
        """The first and last bar of a stretch inside; None where it lies outside."""
        first = max(0, bisect_right(self.edges, begin) - 1)
        last = min(len(self.edges) - 1, bisect_left(self.edges, end)) - 1
        return (first, last) if begin < self.edges[-1] and end > self.edges[0] and first <= last else None

    def stretch(self, first: int, last: int) -> tuple[datetime, datetime] | None:
        """From the beginning of one bar to the end of another, as a person brushed them."""
        if not 0 <= first <= last < len(self.edges) - 1:
            return None
        return self.edges[first], self.edges[last + 1]

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def _is_round(self, local: datetime, minutes: int) -> bool:
        if minutes > 1440:
            return local.hour == local.minute == 0 and local.toordinal() % (minutes // 1440) == 0
        return (local.hour * 60 + local.minute) % minutes == 0


def window(address: Address, now: datetime, zone: ZoneInfo) -> Window:
    """The chosen range up to now; or, where a stretch was chosen that lies outside of it, that stretch and what is
    around it."""
    begin, end = now - address.length, now
    if address.begin and address.end and not begin - HOUR <= address.begin < address.end <= end + HOUR:
        around = max(address.end - address.begin, 12 * MINUTE)
        end = min(address.end + 2 * around, max(now, address.end))
        begin = max(address.begin - 2 * around, end - LONGEST)
    step, word = next((step, word) for longest, step, word in STEPS if end - begin <= longest)
    return Window(tuple(_edges(begin, end, step, zone)), step, word, zone)


def _edges(begin: datetime, end: datetime, step: timedelta, zone: ZoneInfo) -> Sequence[datetime]:
    local = begin.astimezone(zone).replace(second=0, microsecond=0)
    if step >= DAY:  # a day is from midnight to midnight, even where the clocks change
        day, edges = local.date(), list[datetime]()
        while not edges or edges[-1] < end:
            edges.append(datetime.combine(day, time.min, zone).astimezone(UTC))
            day += DAY
        return edges
    minutes = int(step / MINUTE)
    first = (local - timedelta(minutes=local.minute % min(minutes, 60))).astimezone(UTC)
    count = -((first - end) // step)
    return [first + step * number for number in range(max(1, count) + 1)]
