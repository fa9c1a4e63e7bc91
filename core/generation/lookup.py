"""Finding a generation as a search box asks for it: by its id, by the id of its request, by how its id ends."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.database import Database
from core.ids import first_id_at, time_of

NEWEST = 10_000
"""Among so many an ending is looked for: no index carries it."""
BEFORE, AFTER = timedelta(seconds=2), timedelta(seconds=30)
"""A generation begins so near to its request, whose id says when it came."""
ENDING = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A generation as a search shows it."""

    id: UUID
    status: str
    traffic: str
    model: str | None
    email: str | None

    @property
    def created_at(self) -> datetime:
        return time_of(self.id)


async def by_id(database: Database, identifier: UUID, *, user_id: UUID | None = None) -> Hit | None:
    """The generation of this id, or of a request of this id; with `user_id` only if it is this person's own."""
    row = await database.fetch_one(f"{SELECT} where g.id = %(id)s{OWN}", {"id": identifier, "own": user_id})
    if row is None and (came := _came(identifier)) is not None:
        row = await database.fetch_one(
            f"{SELECT} where g.id between %(first)s and %(last)s and g.request_id = %(request)s{OWN} limit 1",
            {
                "first": first_id_at(came - BEFORE),
                "last": first_id_at(came + AFTER),
                "request": str(identifier),
                "own": user_id,
            },
        )
    return _hit(row)


async def by_ending(database: Database, ending: str, *, user_id: UUID | None = None) -> Hit | None:
    """Among the newest the one whose id ends so, as pages call it (`core.ids.short`)."""
    if not ENDING.fullmatch(ending):
        return None
    mine = " where user_id = %(own)s" if user_id else ""
    row = await database.fetch_one(
        f"{SELECT} where g.id = (select id from (select id from generations{mine} order by id desc limit {NEWEST}) n"
        " where right(id::text, 8) = %(ending)s limit 1)",
        {"ending": ending, "own": user_id},
    )
    return _hit(row)


async def latest(database: Database, user_id: UUID, *, limit: int = 2) -> list[Hit]:
    """A person's newest."""
    rows = await database.fetch_all(
        f"{SELECT} where g.user_id = %s order by g.id desc limit %s", (user_id, limit)
    )
    return [Hit(*row) for row in rows]


def _came(request_id: UUID) -> datetime | None:
    """When a request came, by its id; None for an id that says no time."""
    try:
        return time_of(request_id) if request_id.version == 7 else None
    except (ValueError, OverflowError):  # far beyond any calendar
        return None


def _hit(row: tuple[Any, ...] | None) -> Hit | None:
    return Hit(*row) if row else None


SELECT = (
    "select g.id, g.status, g.traffic, coalesce(g.model, g.requested_model), u.email"
    " from generations g left join users u on u.id = g.user_id"
)
OWN = " and (%(own)s::uuid is null or g.user_id = %(own)s::uuid)"
