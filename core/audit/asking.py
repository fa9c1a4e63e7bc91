"""Questions to the audit as SQL: who asks (`Sight`), for what (`Filter`), and how it is found along indexes.

Where one thing or another may hold ("their own, or on users"), each is read along its own index and the newest of all
are taken: an `or` would have the whole table read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from core.database import Database
from core.database.reading import read_within
from core.errors import NotAllowed, Refusal
from core.ids import first_id_at
from core.vocabulary import Role

MOST_ACTORS = 200
"""Actors that a search may mean."""
SECONDS_TO_FIND_ACTORS = 2
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)

ON_USERS = ("user", "generation")
"""Kinds of subjects that are a user's: refunds are about the generation that was charged."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the audit somebody may read: all of it, or what they did themselves and what was done to `kinds`."""

    everything: bool = False
    person_id: UUID | None = None
    kinds: tuple[str, ...] = ()


def sight_of(role: Role, person_id: UUID) -> Sight:
    """Superadmins see all, support their own and what was done to users, testers their own.

    Raises:
        NotAllowed: the role reads no audit.
    """
    match role:
        case Role.SUPERADMIN:
            return Sight(everything=True)
        case Role.SUPPORT:
            return Sight(person_id=person_id, kinds=ON_USERS)
        case Role.TESTER:
            return Sight(person_id=person_id)
        case Role.USER:
            raise NotAllowed("The audit is for superadmins, support and testers.")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. `text` is the id of a row, a subject or an actor, or how an actor's name begins; `about` are
    the rows on one user and those by them (what a user's page shows)."""

    text: str = ""
    actor_kind: str | None = None
    actor_id: UUID | None = None
    action: str | None = None
    subject_kind: str | None = None
    about: UUID | None = None
    begin: datetime | None = None
    end: datetime | None = None


class Question:
    """A filter as SQL over `audit a`: what must hold, and for each either-or its ways; one without any finds nothing."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.ways: list[Sequence[str]] = []
        self.params: dict[str, Any] = {}

    def require(self, condition: str, **params: Any) -> None:
        self.conditions.append(condition)
        self.params |= params

    def either(self, *ways: str, **params: Any) -> None:
        self.ways.append(ways)
        self.params |= params

    def select(self, columns: str, limit: int, order: str | None = None) -> str:
        """Selects so many rows that match along each way; empty where nothing can match."""
        branches = [
            self._branch(columns, [*self.conditions, *way], limit, order) for way in product(*self.ways)
        ]
        return " union ".join(branches)

    def _branch(self, columns: str, conditions: Sequence[str], limit: int, order: str | None) -> str:
        limited = f"order by id {order} limit {limit}" if order else f"limit {limit}"
        found = f"select {columns} from audit a where {' and '.join(conditions) or 'true'} {limited}"
        if NAMED in conditions:  # the newest of each name, and of these the newest of all
            found = f"select f.* from unnest(%(names)s::text[]) n (name), lateral ({found}) f {limited}"
        return f"({found})"


NAMED = "lower(a.actor_label) = n.name"


async def ask(database: Database, sight: Sight, which: Filter) -> Question:
    """The question to ask.

    Raises:
        Refusal: `search_too_wide`, more actors begin like the text than a search can mean.
    """
    asked = Question()
    if not sight.everything:
        own = [] if sight.person_id is None else ["a.actor_id = %(own)s"]
        kinds = [f"a.subject_kind = %(kind{n})s" for n in range(len(sight.kinds))]
        asked.either(*own, *kinds, own=sight.person_id)
        asked.params |= {f"kind{n}": kind for n, kind in enumerate(sight.kinds)}
    if which.text:
        await _search(database, asked, which.text.strip())
    if which.actor_kind:
        asked.require("a.actor_kind = %(actor_kind)s", actor_kind=which.actor_kind)
    if which.actor_id:
        asked.require("a.actor_id = %(actor)s", actor=which.actor_id)
    if which.action:
        asked.require("a.action = %(action)s", action=which.action)
    if which.subject_kind:
        asked.require("a.subject_kind = %(subject_kind)s", subject_kind=which.subject_kind)
    if which.about:
        asked.either(
            "a.subject_id = %(about_text)s and a.subject_kind = 'user'",
            "a.actor_id = %(about)s",
            about=which.about,
            about_text=str(which.about),
        )
    if which.begin:
        asked.require("a.id >= %(begin)s", begin=first_id_at(which.begin))
    if which.end:
        asked.require("a.id < %(end)s", end=first_id_at(which.end))
    return asked


async def _search(database: Database, asked: Question, text: str) -> None:
    """An id finds rows by it, a number the row that has it in the chain; anything else finds subjects of that very name,
    and actors whose name begins so."""
    try:
        identifier = UUID(text)
    except ValueError:
        text = text.replace("\x00", "")
        names = await _actors(database, text.lower())
        ways = ["a.subject_id = %(text)s"]
        if names:
            ways.append(NAMED)
        if NUMBER.fullmatch(text):
            ways.append("a.seq = %(seq)s")
            asked.params["seq"] = int(text)
        asked.either(*ways, text=text, names=names)
    else:
        asked.either(
            "a.id = %(id)s", "a.actor_id = %(id)s", "a.subject_id = %(text)s",
            id=identifier, text=str(identifier),
        )  # fmt: skip


async def _actors(database: Database, beginning: str) -> list[str]:
    """The names that actors go by and that begin so, in small letters."""
    found = await read_within(
        database, SECONDS_TO_FIND_ACTORS, ACTORS, {"first": beginning, "last": beginning + "\U0010ffff"}
    )
    if len(found) > MOST_ACTORS:
        raise Refusal(
            f"More than {MOST_ACTORS} actors begin like this. Write more of the address.",
            code="search_too_wide",
        )
    return [name for (name,) in found]


BETWEEN = "lower(a.actor_label) ~<~ %(last)s order by lower(a.actor_label) using ~<~ limit 1"
ACTORS = (
    "with recursive n (name) as ("
    f" (select lower(a.actor_label) from audit a where lower(a.actor_label) ~>=~ %(first)s and {BETWEEN}) union all"
    f" select (select lower(a.actor_label) from audit a where lower(a.actor_label) ~>~ n.name and {BETWEEN})"
    f" from n where n.name is not null) select name from n where name is not null limit {MOST_ACTORS + 1}"
)
"""Written as ranges in the index's own order, from one name to the next."""
