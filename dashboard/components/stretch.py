"""A dialog that asks for a stretch of time, from … to …: the keyboard's way to what a brush over a chart does."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.components import fields
from dashboard.components.dialog import Dialog


def ask_for_stretch(
    zone: ZoneInfo,
    choose: Callable[[datetime, datetime], Awaitable[Any]],
    *,
    length: timedelta = timedelta(hours=1),
) -> None:
    """Opens it; `choose(begin, end)` gets what was written, in `zone` unless it says another. At first it names the
    last `length`."""
    now = datetime.now(zone).replace(second=0, microsecond=0)

    async def confirm() -> bool:
        begin, end = _local(first.value, zone), _local(last.value, zone)
        if begin is None or end is None:
            dialog.fail("Write both as 2026-11-19 13:25.")
            return False
        if begin >= end:
            dialog.fail("The end must be after the beginning.")
            return False
        await choose(begin, end)
        return True

    dialog = Dialog("Choose a range", verb="Show", on_confirm=confirm, width=400, sub=f"Times in {zone.key}")
    with dialog.body:
        first = fields.text("From", value=f"{now - length:%Y-%m-%d %H:%M}")
        last = fields.text("To", value=f"{now:%Y-%m-%d %H:%M}")
    dialog.frame.on("hide", dialog.frame.delete)
    dialog.open()


def _local(text: str | None, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if not 2000 <= moment.year <= 2200:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
