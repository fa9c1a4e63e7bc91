"""When something ends: the field that asks for it, and what it says."""

from datetime import datetime, time, timedelta

from nicegui import ui

from core.errors import InvalidRequest
from dashboard.components import fields
from dashboard.page import Screen

MINUTES = "%Y-%m-%d %H:%M"


def ask_until(label: str = "Ends", *, value: str = "", note: str = "optional") -> ui.input:
    """The field for a day (or a day and a time) at which something ends; `value` is what `end_words` gave."""
    return fields.text(label, value=value, placeholder="2027-01-31", note=note)


def end_words(known: datetime | None, screen: Screen) -> str:
    """An end as such a field says it: to the minute, in the zone of the page."""
    return known.astimezone(screen.zone).strftime(MINUTES) if known else ""


def moment_of(field: ui.input, screen: Screen, known: datetime | None = None) -> datetime | None:
    """What such a field says, in the zone of the page; a day alone means its end. None where it says nothing.

    Args:
        known: what it said at first, which stays to the second where nobody has touched it.

    Raises:
        InvalidRequest: it is no day, or one that has passed.
    """
    said, zone = (field.value or "").strip(), screen.zone
    if not said:
        return None
    if known and said == end_words(known, screen):
        return known
    try:
        meant = datetime.fromisoformat(said)
        if not 2000 <= meant.year <= 2200:
            raise ValueError(said)
    except ValueError:
        raise InvalidRequest("An end is a day, or a day and a time, as in 2027-01-31 12:00.") from None
    if len(said) <= len("2027-01-31"):
        meant = datetime.combine(meant.date() + timedelta(days=1), time.min)
    meant = meant if meant.tzinfo else meant.replace(tzinfo=zone)
    if meant <= screen.now():
        raise InvalidRequest("That end has passed already.")
    return meant
