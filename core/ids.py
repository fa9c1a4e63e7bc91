"""Identifiers: UUIDv7 (RFC 9562), made by us, so that an id orders by time and names its partition."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def new_id() -> UUID:
    """A fresh UUIDv7; later ids sort after earlier ones."""
    return uuid7()


def time_of(identifier: UUID) -> datetime:
    """The moment (UTC, milliseconds) at which a UUIDv7 was made."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of `moment`: `id >= first_id_at(t)` means "made at t or later"."""
    milliseconds = (
        moment.astimezone(UTC) - EPOCH
    ) // MILLISECOND  # in whole numbers: floats lose one now and then
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62))


def short(identifier: UUID) -> str:
    """The eight characters by which people call an id: the last ones, since UUIDv7 begins alike."""
    return identifier.hex[-8:]
