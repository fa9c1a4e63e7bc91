"""The audit as people read it: a page of rows by filter, one row whole, and what to choose from. The newest first.

Nobody reads it without a `Sight`, which every statement carries (`core.audit.asking`). Lists page by id.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.audit.asking import Filter, Sight, ask
from core.database import Database
from core.database.reading import read_within

COUNTED_TO = 10_000
LONGEST_PAGE = 200
EXPORTED_TO = 100_000
EXPORT_PAGE = 500
MOST_WORDS = 500
LOOKED_BACK = 2_000
"""Rows among which those who see a part of the audit are offered actions to choose from."""
SECONDS_FOR_ROWS, SECONDS_FOR_COUNTS = 5, 2


class Line(NamedTuple):
    """A row in a list."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_label: str
    action: str
    subject_kind: str
    subject_id: str | None
    reason: str | None
    seq: int | None


class Entry(NamedTuple):
    """A row with all that is known of it; `seq` and `hash` are None until it is sealed."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_label: str
    action: str
    subject_kind: str
    subject_id: str | None
    reason: str | None
    seq: int | None
    hash: bytes | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page, and whether there is another on either side of it."""

    lines: tuple[Line, ...]
    previous: bool = False
    next: bool = False


async def listing(
    database: Database,
    sight: Sight,
    which: Filter,
    *,
    after: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Listing:
    """One page: what is older than `after`, or what is just newer than `before`.

    Raises:
        Fault: `query_too_slow`; a shorter range or another filter helps.
        Refusal: `search_too_wide`; too many actors begin like that.
    """
    limit = max(1, min(limit, LONGEST_PAGE))
    rows = await _rows(database, sight, which, Line._fields, limit + 1, after=after, before=before)
    more, rows = len(rows) > limit, rows[:limit]
    lines = tuple(Line(*row) for row in (reversed(rows) if before else rows))
    if before:
        return Listing(lines, previous=more, next=True)
    return Listing(lines, previous=after is not None, next=more)


async def count(database: Database, sight: Sight, which: Filter, *, newer_than: UUID | None = None) -> int:
    """How many match (or are newer than one), exactly up to 10,000; beyond, 10,001 stands for "more". Raises as
    `listing` does."""
    asked = await ask(database, sight, which)
    if newer_than:
        asked.require("a.id > %(edge)s", edge=newer_than)
    if not (found := asked.select("a.id", COUNTED_TO + 1)):
        return 0
    counted = f"select count(*) from (select from ({found}) i limit {COUNTED_TO + 1}) t"
    return (await read_within(database, SECONDS_FOR_COUNTS, counted, asked.params))[0][0]


async def entry(database: Database, sight: Sight, entry_id: UUID) -> Entry | None:
    """A row whole; None where there is none, or not for this sight."""
    rows = await _rows(database, sight, Filter(), Entry._fields, 1, only=entry_id)
    return Entry(*rows[0]) if rows else None


async def entries(
    database: Database, sight: Sight, which: Filter, *, most: int = EXPORTED_TO
) -> AsyncIterator[Sequence[Entry]]:
    """All rows of a list whole, some at a time, `most` of them in the end. Raises as `listing` does."""
    after, left = None, most
    while left > 0:
        limit = min(left, EXPORT_PAGE)
        rows = await _rows(database, sight, which, Entry._fields, limit, after=after)
        if rows:
            yield [Entry(*row) for row in rows]
        if len(rows) < limit:
            return
        after, left = rows[-1][0], left - limit


async def actions(database: Database, sight: Sight) -> list[str]:
    """The actions to choose from: all that ever occurred; for those who see a part, what occurred in it of late."""
    return await _words(database, sight, "action")


async def subject_kinds(database: Database, sight: Sight) -> list[str]:
    """The kinds of subjects to choose from, likewise."""
    return await _words(database, sight, "subject_kind")


async def signature(database: Database) -> tuple[Any, ...] | None:
    """A value that differs whenever something was written or sealed since the last look; cheap enough for each second."""
    return await database.fetch_one(
        "select (select id from audit order by id desc limit 1), (select seq from audit_head)"
    )


async def _rows(
    database: Database,
    sight: Sight,
    which: Filter,
    columns: Sequence[str],
    limit: int,
    *,
    after: UUID | None = None,
    before: UUID | None = None,
    only: UUID | None = None,
) -> list[tuple[Any, ...]]:
    asked = await ask(database, sight, which)
    if only:
        asked.require("a.id = %(only)s", only=only)
    if edge := before or after:
        asked.require(f"a.id {'>' if before else '<'} %(edge)s", edge=edge)
    order = "asc" if before else "desc"
    found = asked.select("a.id", limit, order)
    if not found:
        return []
    picked = ", ".join(f"a.{column}" for column in columns)
    return await read_within(
        database,
        SECONDS_FOR_ROWS,
        f"select {picked} from audit a where a.id in ({found}) order by a.id {order} limit {limit}",
        asked.params,
    )


async def _words(database: Database, sight: Sight, column: str) -> list[str]:
    if sight.everything:
        rows = await read_within(database, SECONDS_FOR_COUNTS, _distinct(column), {})
    else:
        asked = await ask(database, sight, Filter())
        found = asked.select(f"a.id, a.{column}", LOOKED_BACK, "desc")
        words = f"select distinct {column} from ({found}) f"
        rows = await read_within(database, SECONDS_FOR_COUNTS, words, asked.params) if found else []
    return sorted(word for (word,) in rows)


def _distinct(column: str) -> str:
    """Each value of a column once, from one to the next along its index."""
    return (
        f"with recursive w (word) as ((select {column} from audit order by {column} limit 1) union all"
        f" select (select a.{column} from audit a where a.{column} > w.word order by a.{column} limit 1)"
        f" from w where w.word is not null) select word from w where word is not null limit {MOST_WORDS}"
    )
