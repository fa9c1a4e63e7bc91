"""The list of users: a million of them by filter, order and page, each page as quick as the first.

What it is sorted and filtered by stands in `user_stats`, along whose indexes every page is read. Which indexes there
are is said in migration 0005: each order alone, with a plan, and among those who are suspended, failing, or nearly out
of credits. Other combinations are tried for a moment and then refused with a word (docs/decisions/0010).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.accounts.list_query import COUNTED_TO as COUNTED_TO
from core.accounts.list_query import LOW_BALANCE as LOW_BALANCE
from core.accounts.list_query import NO_PLAN as NO_PLAN
from core.accounts.list_query import SECONDS, Place, query_of
from core.accounts.list_query import Filter as Filter
from core.accounts.list_query import Sort as Sort
from core.accounts.list_query import ids_matching as ids_matching
from core.accounts.models import UserStatus
from core.database import Database
from core.database.reading import TOO_SLOW, read_within
from core.errors import Fault, InvalidRequest
from core.vocabulary import Role

LONGEST_PAGE = 200
UNLISTED = (
    "So many users would have to be looked through for this that it takes too long. Leave out one of the filters, sort by"
    " another column, or type more letters."
)


@dataclass(frozen=True, slots=True)
class Line:
    """A user in a list; credits and counts as of the last count (`core.generation.user_figures`), at most a minute old.

    `used_7d` are the credits of seven days' generations. `cursor` is the line's place in this list.
    """

    id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    plan_id: str | None
    balance: int
    used_7d: int
    generations_7d: int
    failures_7d: int
    last_active_at: datetime
    created_at: datetime
    demo: bool
    cursor: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page; `next` and `previous` are what leads to its neighbours (as `after`, as `before`), None at the ends."""

    lines: tuple[Line, ...]
    next: str | None = None
    previous: str | None = None


async def listing(
    database: Database,
    which: Filter,
    *,
    sort: Sort = Sort.NEWEST,
    descending: bool = True,
    limit: int = 50,
    after: str | None = None,
    before: str | None = None,
) -> Listing:
    """One page: what follows `after` in the list's order, or what stands just ahead of `before`.

    Raises:
        InvalidRequest: `bad_cursor`, a cursor that is none or of another order; `unlisted_combination`, no index carries
            this and it would take long.
    """
    limit = max(1, min(limit, LONGEST_PAGE))
    backwards, edge = bool(before), before or after
    try:
        query = await query_of(database, which, sort)
        if query is None:
            return Listing(())
        descends = descending is not backwards
        if edge:
            query.stand_behind(Place.read(edge, query.order), descends=descends)
        rows = await read_within(database, SECONDS, query.page(limit + 1, descends=descends), query.params)
    except Fault as fault:
        if fault.code != TOO_SLOW:
            raise
        raise InvalidRequest(UNLISTED, code="unlisted_combination") from fault
    more, rows = len(rows) > limit, rows[:limit]
    lines = tuple(_line(row, query.order) for row in (reversed(rows) if backwards else rows))
    if not lines:
        return Listing(())
    return Listing(
        lines,
        next=lines[-1].cursor if more or backwards else None,
        previous=lines[0].cursor if (more if backwards else bool(after)) else None,
    )


async def count(
    database: Database,
    which: Filter,
    *,
    ahead_of: str | None = None,
    descending: bool = True,
) -> int:
    """How many match (or stand ahead of a line, by its cursor, in its list), exactly up to 10,000; then 10,001.

    Raises:
        InvalidRequest: `bad_cursor`.
        Fault: `query_too_slow`.
    """
    place = Place.read(ahead_of) if ahead_of else None
    query = await query_of(database, which, place.order if place else Sort.MATCH)
    if query is None:
        return 0
    if place:
        query.stand_behind(place, descends=not descending)
    return (await read_within(database, SECONDS, query.count(), query.params))[0][0]


def _line(row: tuple[Any, ...], order: Sort) -> Line:
    user_id, email, name, role, status, *others, key = row
    return Line(
        user_id,
        email,
        name,
        Role(role),
        UserStatus(status),
        *others,
        cursor=Place(order, key, user_id).written(),
    )
