"""Reading generations: the list by filter and page, one with everything, and their volume over time.

Lists page by key (`after` is the last id seen), and every filter is one that an index carries; nothing here reads more
than a page, or a bounded stretch of time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.database import Database
from core.ids import first_id_at, time_of
from core.vocabulary import GenerationStatus, Traffic

COUNTED_TO = 10_000
LONGEST_PAGE = 200
LONGEST_VOLUME = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. `text` is an id, or the beginning of an e-mail address; `user_id` limits to one person's own."""

    text: str = ""
    status: str | None = None
    provider: str | None = None
    cause: str | None = None
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
    """One page. `newer` and `older` say whether there is more on either side."""

    lines: tuple[Line, ...]
    older: bool
    newer: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many generations began in a stretch of time, by how they ended."""

    begin: datetime
    completed: int
    failed: int
    other: int


@dataclass(frozen=True, slots=True)
class Detail:
    """One generation with all that is known of it; rows as mappings of their columns."""

    row: Mapping[str, Any]
    email: str | None
    user_name: str | None
    attempts: tuple[Mapping[str, Any], ...]
    reservation: Mapping[str, Any] | None
    entries: tuple[Mapping[str, Any], ...] = field(default=())
    prompt: Mapping[str, Any] | None = None
    answer: str | None = None

    @property
    def created_at(self) -> datetime:
        return time_of(self.row["id"])


async def listing(
    database: Database,
    which: Filter,
    *,
    after: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Listing:
    """One page, newest first: those older than `after`, or the ones just newer than `before`."""
    limit = max(1, min(limit, LONGEST_PAGE))
    conditions, params = await _conditions(database, which)
    if conditions is None:
        return Listing((), older=False, newer=False)
    order = "desc"
    if before is not None:
        conditions.append("g.id > %(before)s")
        params["before"] = before
        order = "asc"
    elif after is not None:
        conditions.append("g.id < %(after)s")
        params["after"] = after
    rows = await database.fetch_all(
        f"select g.id, g.status, g.traffic, g.modality, g.user_id, u.email, g.provider, g.model, g.trace,"
        f" coalesce(g.error_class, g.error_code, case when g.status = 'cancelled' then 'by the user' end), g.latency_ms,"
        f" g.credits, g.held, g.cost, g.unpriced, g.requested_provider, g.requested_model"
        f" from generations g left join users u on u.id = g.user_id where {' and '.join(conditions)}"
        f" order by g.id {order} limit {limit + 1}",
        params,
    )
    more, rows = len(rows) > limit, rows[:limit]
    if before is not None:
        rows = rows[::-1]
    lines = tuple(_line(row) for row in rows)
    if before is not None:
        return Listing(lines, older=True, newer=more)
    return Listing(lines, older=more, newer=after is not None)


async def count(database: Database, which: Filter) -> int:
    """How many match, exactly up to 10,000; beyond that 10,001 stands for "more"."""
    conditions, params = await _conditions(database, which)
    if conditions is None:
        return 0
    row = await database.fetch_one(
        f"select count(*) from (select 1 from generations g where {' and '.join(conditions)} limit {COUNTED_TO + 1}) t",
        params,
    )
    return row[0] if row else 0


async def volume(
    database: Database, which: Filter, begin: datetime, end: datetime, step: timedelta
) -> list[Bucket]:
    """Counts in steps from `begin` to `end`, empty steps included."""
    begin = max(begin, end - LONGEST_VOLUME)
    conditions, params = await _conditions(database, which)
    if conditions is None:
        return []
    seconds = step.total_seconds()
    rows = await database.fetch_all(
        f"select floor((extract(epoch from uuid_time(g.id)) - %(epoch)s) / %(step)s)::integer as place,"
        f" count(*) filter (where g.status = 'completed'), count(*) filter (where g.status = 'failed'),"
        f" count(*) filter (where g.status not in ('completed', 'failed'))"
        f" from generations g where {' and '.join(conditions)} and g.id >= %(from)s and g.id < %(to)s group by place",
        {
            **params,
            "epoch": begin.timestamp(),
            "step": seconds,
            "from": first_id_at(begin),
            "to": first_id_at(end),
        },
    )
    counts = {place: tuple(counted) for place, *counted in rows}
    steps = max(1, round((end - begin).total_seconds() / seconds))
    return [Bucket(begin + step * place, *counts.get(place, (0, 0, 0))) for place in range(steps)]


async def running(database: Database) -> tuple[int, datetime | None]:
    """How many generations are under way, and since when the oldest of them is."""
    row = await database.fetch_one("select count(*), min(created_at) from reservations where state = 'held'")
    return row or (0, None)


async def detail(database: Database, generation_id: UUID, *, content: bool) -> Detail | None:
    """One generation with its attempts, reservation, entries, and (for those who may read it) content."""
    row = await database.fetch_one(
        "select to_jsonb(g) - 'id' - 'cost' - 'revenue', g.cost, g.revenue, u.email, u.name,"
        " (select to_jsonb(r) from reservations r where r.generation_id = g.id),"
        " (select jsonb_agg(to_jsonb(e) order by e.seq) from credit_entries e where e.generation_id = g.id),"
        " case when %(content)s then (select to_jsonb(c) from generation_content c where c.id = g.id) end"
        " from generations g left join users u on u.id = g.user_id where g.id = %(id)s",
        {"id": generation_id, "content": content},
    )
    if row is None:
        return None
    fields, cost, revenue, email, name, reservation, entries, kept = row
    # An attempt's id is made within the generation's deadline: the bounds let the planner leave out other months.
    calls = await database.fetch_all(
        "select to_jsonb(a) - 'cost', a.cost from attempts a where a.generation_id = %(id)s and a.id >= %(id)s"
        " and a.id < %(end)s order by a.number",
        {"id": generation_id, "end": first_id_at(time_of(generation_id) + timedelta(hours=2))},
    )
    return Detail(
        row={**fields, "id": generation_id, "cost": cost, "revenue": revenue},
        email=email,
        user_name=name,
        attempts=tuple({**call, "cost": price} for call, price in calls),
        reservation=reservation,
        entries=tuple(entries or ()),
        prompt=kept["prompt"] if kept else None,
        answer=kept["answer"] if kept else None,
    )


async def signature(database: Database) -> tuple[Any, ...] | None:
    """A value that differs whenever a generation has begun or ended since the last look; cheap enough for each second.

    A beginning changes the newest id; an end without a beginning changes how many are held.
    """
    return await database.fetch_one(
        "select (select id from generations where id >= first_uuid_at(now() - interval '1 day') order by id desc limit 1),"
        " (select count(*) from reservations where state = 'held')"
    )


async def _conditions(database: Database, which: Filter) -> tuple[list[str] | None, dict[str, Any]]:
    """The filter as SQL over `generations g`; None where nothing can match."""
    conditions: list[str] = ["g.traffic = any(%(traffic)s)"]
    params: dict[str, Any] = {"traffic": list(which.traffic)}
    if which.status in list(GenerationStatus):
        conditions.append("g.status = %(status)s")
        params["status"] = which.status
    if which.provider:
        conditions.append("g.provider = %(provider)s")
        params["provider"] = which.provider
    if which.cause:
        conditions.append("coalesce(g.error_class, g.error_code) = %(cause)s")
        params["cause"] = which.cause
    for bound, operator, name in ((which.begin, ">=", "begin"), (which.end, "<", "end")):
        if bound is not None:
            conditions.append(f"g.id {operator} %({name})s")
            params[name] = first_id_at(bound)
    if which.user_id is not None:
        conditions.append("g.user_id = %(own)s")
        params["own"] = which.user_id
    if which.text:
        found = await _named(database, which.text)
        if not found:
            return None, {}
        conditions.append("(g.id = any(%(named)s) or g.user_id = any(%(named)s))")
        params["named"] = found
    return conditions, params


async def _named(database: Database, text: str) -> list[UUID]:
    """The ids that a search means: an id itself, or the users whose address begins with it."""
    try:
        return [UUID(text)]
    except ValueError:
        prefix = (
            text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\x00", "")
        )
        rows = await database.fetch_all(
            "select id from users where lower(email) like %s order by lower(email) limit 200", (f"{prefix}%",)
        )
        return [identifier for (identifier,) in rows]


def _line(row: tuple[Any, ...]) -> Line:
    (
        identifier,
        status,
        traffic,
        modality,
        user_id,
        email,
        provider,
        model,
        trace,
        cause,
        *money,
        asked_of,
        asked_for,
    ) = row
    return Line(
        identifier, status, traffic, modality, user_id, email, provider or asked_of, model or asked_for,
        _via(trace, provider), cause, *money,
    )  # fmt: skip


def _via(trace: list[dict[str, Any]], provider: str | None) -> str | None:
    """The provider whose turn it was first, where another one served: failed, or skipped for its state."""
    passed = ("breaker_open", "isolated", "testing", "limit", "no_key")
    for step in trace:
        first_turn = step.get("decision") in ("failed", "chosen") or step.get("reason") in passed
        if first_turn:
            return step["provider"] if provider and step["provider"] != provider else None
    return None
