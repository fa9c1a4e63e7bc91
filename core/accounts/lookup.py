"""Finding people as a search box asks for them: at once, however many there are.

An id or a whole e-mail address finds its person, the beginning of an address those whose address begins so. Both are
one index each; what no index carries is not searched.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.accounts.models import UserStatus
from core.accounts.queries import parse_id
from core.database import Database
from core.vocabulary import Role

LAST = "\U0010ffff"
"""Sorts behind every other character, byte by byte."""
LONGEST = 320
"""Characters of an e-mail address."""


@dataclass(frozen=True, slots=True)
class Found:
    """A person as a search shows them."""

    id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    plan_id: str | None


async def look_up(database: Database, text: str, *, limit: int = 5) -> list[Found]:
    """The person of an id, else people whose e-mail address begins with `text`, in its order."""
    wanted = text.strip().lower()
    identifier = parse_id(wanted)
    if not wanted or len(wanted) > LONGEST or not wanted.isprintable():
        return []
    if identifier:
        rows = await database.fetch_all(f"{SELECT} where id = %s", (identifier,))
    else:
        rows = await database.fetch_all(BEGINNING, {"first": wanted, "last": wanted + LAST, "limit": limit})
    return [
        Found(user_id, email, name, Role(role), UserStatus(status), plan)
        for user_id, email, name, role, status, plan in rows
    ]


async def emails(database: Database, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The e-mail addresses of people; those who are gone are left out."""
    if not ids:
        return {}
    rows = await database.fetch_all("select id, email from users where id = any(%s)", (list(ids),))
    return {row[0]: row[1] for row in rows}


async def presence(database: Database, user_id: UUID) -> tuple[datetime, datetime | None] | None:
    """Since when a person has an account, and when they were last here, by session or by key; None for nobody."""
    return await database.fetch_one(
        "select u.created_at, greatest("
        " (select max(s.last_seen_at) from sessions s where s.user_id = u.id),"
        " (select max(k.last_used_at) from api_keys k where k.user_id = u.id))"
        " from users u where u.id = %s",
        (user_id,),
    )


SELECT = "select id, email, name, role, status, plan_id from users"
BEGINNING = (
    # Written as a range in the index's own order: a prepared `like` could not use the index at all.
    f"{SELECT} where lower(email) ~>=~ %(first)s and lower(email) ~<~ %(last)s"
    " order by lower(email) using ~<~ limit %(limit)s"
)
