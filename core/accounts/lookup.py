"""Finding people as a search box asks for them: at once, however many there are.

An id finds its person; beginnings of words find those whose address, or words of whose name, begin so. Each is a step
into one index; what no index carries is not searched.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.accounts.models import UserStatus
from core.accounts.queries import parse_id
from core.accounts.words import Search, beginnings, search
from core.database import Database
from core.database.reading import read_within
from core.vocabulary import Role

SECONDS = 1.0
MOST_LOOKED_AT = 20_000
"""Words that begin as the rarest of several does; among these the others are looked for."""


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
    """The person of an id, else people of whom every word of `text` begins a word, in the order of the words found."""
    if identifier := parse_id(text.strip()):
        rows = await database.fetch_all(f"{SELECT} from users u where u.id = %s", (identifier,))
    elif words := beginnings(text):
        found = await search(database, words, seconds=SECONDS)
        rows = await read_within(database, SECONDS, people_of(found), {**found.params, "limit": limit})
    else:
        return []
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


async def presence(
    database: Database, user_id: UUID
) -> tuple[datetime, datetime | None, datetime | None] | None:
    """Since when a person has an account, when they were last here, by session or by key, and when their plan grants
    credits again; None for nobody."""
    return await database.fetch_one(
        "select u.created_at, greatest("
        " (select max(s.last_seen_at) from sessions s where s.user_id = u.id),"
        " (select max(k.last_used_at) from api_keys k where k.user_id = u.id)), u.next_grant_at"
        " from users u where u.id = %s",
        (user_id,),
    )


SELECT = "select u.id, u.email, u.name, u.role, u.status, u.plan_id"


def people_of(found: Search) -> str:
    """The statement for those whom a search means; it takes the search's parameters, and `limit`."""
    begin, *others = found.at_first_word("w.word", "w.user_id")
    return (
        f"{SELECT} from (select w.word, w.user_id from user_words w where {begin}"
        f" order by w.word using ~<~, w.user_id limit {MOST_LOOKED_AT}) w join users u on u.id = w.user_id"
        f" where {' and '.join(others)} order by w.word using ~<~, w.user_id limit %(limit)s"
    )
