"""Lists of generations by filter and page, and their volume over time; one with everything is in `detail`.

Lists page by key (an id is a place in time), and every filter is one that an index carries. What could still take
long is planned for the very values asked (`read_within`) and ends after a moment with a word instead of waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.database import Database
from core.database.reading import read_within
from core.generation.explain import PASSED
from core.ids import first_id_at, time_of
from core.vocabulary import GenerationStatus, Traffic

COUNTED_TO = 10_000
LONGEST_PAGE = 200
LONGEST_VOLUME = timedelta(days=31)
MOST_NAMED = 200
"""Users that a search may mean; beyond that it is no search yet."""
SECONDS_FOR_ROWS, SECONDS_FOR_COUNTS = 5, 2

CAUSE = "coalesce(g.error_class, g.error_code)"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. `text` is an id, or the beginning of an e-mail address; `user_id` limits to one person's own.

    A generation's own id finds it whatever else the filter says, `user_id` excepted.
    """

    text: str = ""
    status: str | None = None
    provider: str | None = None
    cause: str | None = None
    project_id: UUID | None = None
    begin: datetime | None = None
    end: datetime | None = None
    traffic: tuple[str, ...] = (Traffic.LIVE,)
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A generation in a list. `via` is the provider that the request would have gone to before it fell back."""

    id: UUID
    status: str
    traffic: str
    modality: str
    user_id: UUID | None
    email: str | None
    provider: str | None
    model: str | None
    via: str | None
    cause: str | None
    latency_ms: int | None
    credits: int
    held: int
    cost: Decimal | None
    unpriced: bool

    @property
    def created_at(self) -> datetime:
        return time_of(self.id)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page, and whether there is another on either side of it."""

    lines: tuple[Line, ...]
    previous: bool = False
    next: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many generations began in a stretch of time, by how they ended; `other` runs, or was cancelled."""

    begin: datetime
    completed: int = 0
    failed: int = 0
    other: int = 0


async def listing(
    database: Database,
    which: Filter,
    *,
    after: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
    oldest_first: bool = False,
) -> Listing:
    """One page: what follows `after` in the list's order, or what stands just ahead of `before`.

    Raises:
        Fault: `query_too_slow`; a shorter range or another filter helps.
    """
    limit = max(1, min(limit, LONGEST_PAGE))
    conditions, params = await _conditions(database, which)
    if conditions is None:
        return Listing(())
    backwards = before is not None
    ascending = oldest_first is not backwards
    if (edge := before or after) is not None:
        conditions.append(f"g.id {'>' if ascending else '<'} %(edge)s")
        params["edge"] = edge
    rows = await _read(
        database,
        "select g.id, g.status, g.traffic, g.modality, g.user_id, u.email,"
        " coalesce(g.provider, g.requested_provider), coalesce(g.model, g.requested_model), g.trace,"
        f" coalesce({CAUSE}, case when g.status = 'cancelled' then 'by the user' end), g.latency_ms,"
        " g.credits, g.held, g.cost, g.unpriced"
        f" from generations g left join users u on u.id = g.user_id where {' and '.join(conditions)}"
        f" order by g.id {'asc' if ascending else 'desc'} limit {limit + 1}",
        params,
        seconds=SECONDS_FOR_ROWS,
    )
    more, rows = len(rows) > limit, rows[:limit]
    lines = tuple(map(_line, reversed(rows) if backwards else rows))
    if backwards:
        return Listing(lines, previous=more, next=True)
    return Listing(lines, previous=after is not None, next=more)


async def count(
    database: Database, which: Filter, *, ahead_of: UUID | None = None, oldest_first: bool = False
) -> int:
    """How many match (or stand ahead of one in the list), exactly up to 10,000; beyond, 10,001 stands for "more".
    Raises as `listing` does."""
    conditions, params = await _conditions(database, which)
    if conditions is None:
        return 0
    if ahead_of is not None:
        conditions.append(f"g.id {'<' if oldest_first else '>'} %(edge)s")
        params["edge"] = ahead_of
    matching = f"select from generations g where {' and '.join(conditions)} limit {COUNTED_TO + 1}"
    return (await _read(database, f"select count(*) from ({matching}) t", params))[0][0]


async def volume(
    database: Database, which: Filter, begin: datetime, end: datetime, step: timedelta
) -> list[Bucket]:
    """Counts in steps from `begin` to `end`, empty steps included."""
    begin = max(begin, end - LONGEST_VOLUME)
    steps = max(1, round((end - begin) / step))
    return await volume_at(database, which, [begin + step * number for number in range(steps + 1)])


async def volume_at(database: Database, which: Filter, edges: Sequence[datetime]) -> list[Bucket]:
    """Counts between each moment of `edges` and the next. Raises as `listing` does."""
    buckets = [Bucket(begin) for begin in edges[:-1]]
    conditions, params = await _conditions(database, which)
    if conditions is None:
        return buckets
    ids = [first_id_at(edge) for edge in edges]
    rows = await _read(
        database,
        f"select width_bucket(g.id, %(ids)s::uuid[]), count(*) filter (where g.status = 'completed'),"
        f" count(*) filter (where g.status = 'failed'), count(*) filter (where g.status not in ('completed', 'failed'))"
        f" from generations g where {' and '.join(conditions)} and g.id >= %(from)s and g.id < %(to)s group by 1",
        {**params, "ids": ids, "from": ids[0], "to": ids[-1]},
    )
    for place, *counted in rows:
        buckets[place - 1] = Bucket(edges[place - 1], *counted)
    return buckets


async def running(database: Database, user_id: UUID | None = None) -> tuple[int, datetime | None]:
    """How many generations are under way (of one person, where one is given), and since when the oldest of them is."""
    row = await database.fetch_one(
        "select count(*), min(r.created_at) from reservations r left join credit_accounts a on a.id = r.account_id"
        " where r.state = 'held' and (%(user)s::uuid is null or a.user_id = %(user)s)",
        {"user": user_id},
    )
    return row or (0, None)


async def exists(database: Database, traffic: str, user_id: UUID | None = None) -> bool:
    """Whether there has ever been a generation of a kind of traffic."""
    return bool((await listing(database, Filter(traffic=(traffic,), user_id=user_id), limit=1)).lines)


async def signature(database: Database) -> tuple[Any, ...] | None:
    """A value that differs whenever a generation has begun (the newest id) or ended (how many are held) since the last
    look; cheap enough for each second."""
    return await database.fetch_one(
        "select (select id from generations where id >= first_uuid_at(now() - interval '1 day') order by id desc limit 1),"
        " (select count(*) from reservations where state = 'held')"
    )


async def _conditions(database: Database, which: Filter) -> tuple[list[str] | None, dict[str, Any]]:
    """The filter as SQL over `generations g`; None where nothing can match."""
    conditions: list[str] = []
    params: dict[str, Any] = {}

    def require(condition: str, name: str, value: Any) -> None:
        conditions.append(condition)
        params[name] = value

    if which.user_id is not None:
        require("g.user_id = %(own)s", "own", which.user_id)
    identifier, users = await _named(database, which.text) if which.text else (None, None)
    if identifier is not None:
        require("g.id = %(named)s", "named", identifier)
        return conditions, params
    if users is not None:
        if not users:
            return None, {}
        single = len(users) == 1
        require(
            f"g.user_id = {'%(user)s' if single else 'any(%(user)s)'}", "user", users[0] if single else users
        )
    if len(which.traffic) == 1:
        require("g.traffic = %(traffic)s", "traffic", which.traffic[0])
    elif set(which.traffic) != set(Traffic):
        require("g.traffic = any(%(traffic)s)", "traffic", list(which.traffic))
    if which.status in list(GenerationStatus):
        require("g.status = %(status)s", "status", which.status)
    if which.provider:
        row = await database.fetch_one("select id from providers where slug = %s", (which.provider,))
        column = "provider_id" if row else "provider"
        require(f"g.{column} = %(provider)s", "provider", row[0] if row else which.provider)
    if which.cause:
        require(f"{CAUSE} = %(cause)s", "cause", which.cause)
    if which.project_id is not None:
        require("g.project_id = %(project)s", "project", which.project_id)
    if which.begin is not None:
        require("g.id >= %(begin)s", "begin", first_id_at(which.begin))
    if which.end is not None:
        require("g.id < %(end)s", "end", first_id_at(which.end))
    return conditions or ["true"], params


async def _named(database: Database, text: str) -> tuple[UUID | None, list[UUID] | None]:
    """What a search means: a generation by its id, or users, by theirs or by how their address begins."""
    try:
        identifier = UUID(text.strip())
    except ValueError:
        prefix = text.strip().lower().replace("\x00", "").replace("\\", "\\\\").replace("%", "\\%")
        rows = await _read(
            database,
            "select id from users where lower(email) like %(prefix)s order by lower(email) limit %(most)s",
            {"prefix": prefix.replace("_", "\\_") + "%", "most": MOST_NAMED},
        )
        return None, [found for (found,) in rows]
    known = await database.fetch_one("select from generations where id = %s", (identifier,))
    return (identifier, None) if known is not None else (None, [identifier])


async def _read(
    database: Database, sql: str, params: Mapping[str, Any], *, seconds: float | None = None
) -> list[tuple[Any, ...]]:
    return await read_within(database, seconds or SECONDS_FOR_COUNTS, sql, params)


def _line(row: tuple[Any, ...]) -> Line:
    values = list(row)
    values[8] = _via(trace=values[8], provider=values[6])
    return Line(*values)


def _via(trace: list[dict[str, Any]], provider: str | None) -> str | None:
    """The provider whose turn it was first, where another one served: failed, or skipped for its state."""
    for step in trace:
        if step.get("decision") in ("failed", "chosen") or step.get("reason") in PASSED:
            return step["provider"] if provider and step["provider"] != provider else None
    return None
