"""When something ends: the field that asks for it, and what it says."""

from datetime import datetime, time, timedelta

from nicegui import ui

from core.errors import InvalidRequest
from dashboard.components import fields
from dashboard.page import Screen


def ask_until(label: str = "Ends", *, note: str = "optional") -> ui.input:
    """The field for a day (or a day and a time) at which something ends."""
    return fields.text(label, placeholder="2027-01-31", note=note)


def moment_of(field: ui.input, screen: Screen) -> datetime | None:
    """What such a field says, in the zone of the page; a day alone means its end. None where it says nothing.

    Raises:
        InvalidRequest: it is no day, or one that has passed.
    """
    said, zone = (field.value or "").strip(), screen.zone
    if not said:
        return None
    try:
        meant = datetime.fromisoformat(said)
        if not 2000 <= meant.year <= 2200:
            raise ValueError(said)
    except ValueError:
        raise InvalidRequest("Ends: a day, or a day and a time, as in 2027-01-31 12:00.") from None
    if len(said) <= len("2027-01-31"):
        meant = datetime.combine(meant.date() + timedelta(days=1), time.min)
    meant = meant if meant.tzinfo else meant.replace(tzinfo=zone)
    if meant <= screen.now():
        raise InvalidRequest("That end has passed already.")
    return meant
