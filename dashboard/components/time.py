"""Time as text (UX, "Time"): pure functions, and the `<time>` element that carries both forms.

Relative while it is near, the absolute moment in the tooltip; always in a stated zone.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from datetime import time as day_time
from typing import Self

from dashboard.components.html import Node

MINUTE, HOUR, DAY = 60, 3600, 86400
MONTH = 30 * DAY


def absolute(moment: datetime, zone: tzinfo) -> str:
    """`2026-11-19 13:30:57` in `zone`."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def day(moment: datetime, zone: tzinfo) -> str:
    """`2026-11-19` in `zone`."""
    return moment.astimezone(zone).strftime("%Y-%m-%d")


def clock(moment: datetime, zone: tzinfo, *, seconds: bool = True) -> str:
    """`13:30:57`, or `13:30`, in `zone`."""
    return moment.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def clock_or_day(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """What a dense column shows: the clock today, else day and clock without seconds (`11-18 13:30`)."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return clock(moment, zone)
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d")


def relative(moment: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """`now`, `20 s ago`, `9 min ago`, `2 h ago`, `3 d ago`, `in 38 s`; from a month on the date."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) >= MONTH:
        return day(moment, zone)
    if -1 < seconds < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def span(seconds: float) -> str:
    """A distance in its largest unit: `41 s`, `30 min`, `5 h`, `3 d`."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def stretch(begin: datetime, end: datetime, zone: tzinfo) -> str:
    """From when to when: `13:25–13:32` of today, `11-18 14:00 – 11-19 14:00`, `2026-10-20 – 2026-11-19` of whole days."""
    first, last = begin.astimezone(zone), end.astimezone(zone)
    final = last - timedelta(seconds=1)
    if first.time() == last.time() == day_time.min:
        return f"{first.date()}" if final.date() == first.date() else f"{first.date()} – {final.date()}"
    if first.date() == final.date() == datetime.now(zone).date():
        return f"{first:%H:%M}–{last:%H:%M}"
    return f"{first:%m-%d %H:%M} – {last:%m-%d %H:%M}"


def duration(length: float | timedelta, places: int = 1) -> str:
    """How long it took or has run: `12.4 s`, `2m 24s`, `1h 12m`, `2d 3h`; under a tenth of a second `84 ms`."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if 0 < seconds < 0.1:
        milliseconds = seconds * 1000
        return f"{milliseconds:.0f} ms" if milliseconds >= 1 else f"{milliseconds:.1g} ms"
    if round(seconds, places) < MINUTE:
        return f"{seconds:.{places}f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE}m {whole % MINUTE:02d}s"
    if whole < DAY:
        return f"{whole // HOUR}h {whole % HOUR // MINUTE:02d}m"
    return f"{whole // DAY}d {whole % DAY // HOUR}h"


def iso(moment: datetime) -> str:
    """The moment for machines, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Moment(Node):
    """A moment as `<time>`: relative text by default, `text` for another form; the absolute one in the tooltip."""

    def __init__(
        self, moment: datetime, now: datetime, zone: tzinfo, *, text: str | None = None, cls: str = ""
    ) -> None:
        super().__init__("time", "", cls)
        self._zone = zone
        self.set_moment(moment, now, text=text)

    def set_moment(self, moment: datetime, now: datetime, *, text: str | None = None) -> Self:
        """Show another moment, or the same one later."""
        self.set(
            datetime=iso(moment), title=f"{absolute(moment, self._zone)} {zone_name(self._zone, moment)}"
        )
        return self.set_text(text or relative(moment, now, self._zone))


def zone_name(zone: tzinfo, moment: datetime | None = None) -> str:
    """`Europe/Berlin`, or the zone's own abbreviation where it has no key."""
    return getattr(zone, "key", None) or zone.tzname(moment) or "UTC"
