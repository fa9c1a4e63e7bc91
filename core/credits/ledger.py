"""The ledger as a list: entries of everybody by filter and page, how many there are, and the proof of one account.

Lists page by key, in both directions: over all entries by id (a place in time), within one account by its numbers.
Every filter is one that an index carries. Charges are nearly all entries, and have no index of their own: they are
found by id, in the hours in which there were any (`credit_hours`), so that a sea of demo entries costs nobody else's list
anything. What could still take long ends after a moment with a word (`read_within`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.credits.models import EntryType
from core.credits.spans import Span, count_live, spans_with
from core.database import Database
from core.database.reading import read_within
from core.ids import first_id_at, time_of
from core.vocabulary import Traffic

COUNTED_TO = 10_000
LONGEST_PAGE = 200
SECONDS_FOR_ROWS, SECONDS_FOR_COUNTS, SECONDS_FOR_PROOF = 5, 2, 1


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. `moved_only` leaves out charges; `people_only` shows what a person or key did.

    `type` and `types` together are all the types wanted; none is all of them.
    """

    user_id: UUID | None = None
    type: EntryType | None = None
    types: tuple[EntryType, ...] = ()
    traffic: Traffic = Traffic.LIVE
    actor_id: UUID | None = None
    begin: datetime | None = None
    end: datetime | None = None
    moved_only: bool = False
    people_only: bool = False

    @property
    def wanted(self) -> tuple[EntryType, ...]:
        """The types that are shown; all of them where nothing is said."""
        named = set(self.types) | ({self.type} if self.type else set())
        chosen = named or set(EntryType)
        return tuple(
            one for one in EntryType if one in chosen and not (self.moved_only and one is EntryType.USAGE)
        )

    @property
    def by_time(self) -> bool:
        """Whether nothing but kind of traffic, types and time is asked for."""
        return self.user_id is None and self.actor_id is None and not self.people_only


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """An entry in a list. `actor` is an e-mail or `schedule`, `approver` who was the second person; both None for a charge."""

    id: UUID
    user_id: UUID
    email: str
    type: EntryType
    amount: int
    balance_after: int
    reason: str
    reason_code: str | None
    note: str | None
    generation_id: UUID | None
    refund_of: UUID | None
    reference: str | None
    traffic: Traffic
    actor: str | None
    actor_id: UUID | None
    approver: str | None

    @property
    def at(self) -> datetime:
        return time_of(self.id)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page, and whether there is another on either side of it."""

    lines: tuple[LedgerLine, ...]
    previous: bool = False
    next: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """An account against its entries, read at one moment: their sum, their number, and whether both agree with it."""

    balance: int
    entries_sum: int
    entries: int
    agrees: bool
    as_of: datetime


async def ledger(
    database: Database,
    which: Filter,
    *,
    limit: int = 50,
    after: UUID | None = None,
    before: UUID | None = None,
) -> Listing:
    """One page, the newest first: what follows `after`, or what stands just ahead of `before`.

    Raises:
        Fault: `query_too_slow`; a shorter range or another filter helps.
    """
    limit = max(1, min(limit, LONGEST_PAGE))
    if not which.wanted:
        return Listing(())
    backwards = before is not None
    edge = before or after
    sql, params = await _query(database, which, edge, limit + 1, backwards=backwards)
    found = [one for (one,) in await read_within(database, SECONDS_FOR_ROWS, sql, params)]
    more, found = len(found) > limit, found[:limit]
    lines = await lines_of(database, list(reversed(found)) if backwards else found)
    if backwards:
        return Listing(lines, previous=more, next=True)
    return Listing(lines, previous=after is not None, next=more)


async def count(database: Database, which: Filter, *, ahead_of: UUID | None = None) -> int:
    """How many match (or stand ahead of one in the list), exactly up to 10,000; beyond, 10,001 stands for "more".
    Raises as `ledger` does."""
    most = COUNTED_TO + 1
    if not which.wanted:
        return 0
    if which.by_time and which.traffic is Traffic.LIVE and EntryType.USAGE in which.wanted:
        low = first_id_at(which.begin) if which.begin else None
        if ahead_of is not None:
            low = max(low or ahead_of, UUID(int=ahead_of.int + 1))
        high = first_id_at(which.end) if which.end else None
        found = await count_live(database, which.wanted, low, high, most)
        if found is not None:
            return found
    sql, params = await _query(database, which, ahead_of, most, backwards=True)
    return (await read_within(database, SECONDS_FOR_COUNTS, f"select count(*) from ({sql}) t", params))[0][0]


async def account_proof(database: Database, user_id: UUID, traffic: Traffic = Traffic.LIVE) -> Proof:
    """An account compared with its own entries, as of now; somebody without one has nothing, and that agrees.

    Raises:
        Fault: `query_too_slow`, after a second.
    """
    rows = await read_within(
        database,
        SECONDS_FOR_PROOF,
        "select a.balance, a.seq, coalesce(e.total, 0)::bigint, coalesce(e.entries, 0), coalesce(l.left, 0)::bigint"
        " from credit_accounts a"
        " left join lateral (select sum(amount) total, count(*) entries from credit_entries where account_id = a.id) e on true"
        " left join lateral (select sum(remaining) as left from credit_lots where account_id = a.id) l on true"
        " where a.user_id = %(user)s and a.traffic = %(traffic)s",
        {"user": user_id, "traffic": traffic.value},
    )
    balance, seq, total, entries, left = rows[0] if rows else (0, 0, 0, 0, 0)
    agrees = balance == total == left and seq == entries
    return Proof(balance, total, entries, agrees, datetime.now(UTC))


async def _query(
    database: Database, which: Filter, edge: UUID | None, most: int, *, backwards: bool
) -> tuple[str, dict[str, Any]]:
    """The ids of a page as a statement: the newest first, or backwards the oldest."""
    order, beyond = ("asc", ">") if backwards else ("desc", "<")
    # Within one account, its numbers are the order in which it was booked.
    place = "id" if which.user_id is None else "seq"
    params: dict[str, Any] = {"most": most, "traffic": which.traffic.value}
    wanted = ["e.traffic = %(traffic)s"]

    def require(condition: str, name: str, value: Any) -> None:
        wanted.append(condition)
        params[name] = value

    if which.begin is not None:
        require("e.id >= %(begin)s", "begin", first_id_at(which.begin))
    if which.end is not None:
        require("e.id < %(end)s", "end", first_id_at(which.end))
    if which.actor_id is not None:
        require("e.actor_id = %(actor)s", "actor", which.actor_id)
    elif which.people_only:
        wanted.append("e.actor_id is not null")
    if which.user_id is not None:
        require(f"e.account_id = ({ACCOUNT})", "user", which.user_id)
    if edge is not None:
        there = "%(edge)s" if place == "id" else "(select seq from credit_entries where id = %(edge)s)"
        require(f"e.{place} {beyond} {there}", "edge", edge)
    if EntryType.USAGE not in which.wanted:
        wanted.append("e.type <> 'usage'")  # as the indexes of what is no charge say it
        if which.by_time:
            return _merged(which.wanted, wanted, params, order)
    some = set(which.wanted) != set(EntryType)
    if some:
        require("e.type = any(%(types)s)", "types", [one.value for one in which.wanted])
    if which.by_time and (some or which.traffic is Traffic.LIVE):
        spans = await spans_with(
            database, which.traffic, which.wanted, edge or params.get("end"), most, backwards=backwards
        )
        if spans is not None:
            return _within(spans, wanted, params, order), params
    return f"{_select(wanted)} order by e.{place} {order} limit %(most)s", params


def _merged(
    types: Sequence[EntryType], wanted: Sequence[str], params: dict[str, Any], order: str
) -> tuple[str, dict[str, Any]]:
    """Each type has its own place in the index: so much of each, put together."""
    parts: list[str] = []
    for number, one in enumerate(types):
        params[f"type{number}"] = one.value
        typed = [*wanted, f"e.type = %(type{number})s"]
        parts.append(f"({_select(typed)} order by e.id {order} limit %(most)s)")
    return f"select id from ({' union all '.join(parts)}) t order by id {order} limit %(most)s", params


def _within(spans: Sequence[Span], wanted: Sequence[str], params: dict[str, Any], order: str) -> str:
    """So much of each stretch of time, put together."""
    params["lows"], params["highs"] = [span.low for span in spans], [span.high for span in spans]
    inside = [*wanted, "e.id >= s.low", "e.id < s.high"]
    return (
        "select t.id from unnest(%(lows)s::uuid[], %(highs)s::uuid[]) s (low, high) cross join lateral"
        f" ({_select(inside)} order by e.id {order} limit %(most)s) t order by t.id {order} limit %(most)s"
    )


def _select(wanted: Sequence[str]) -> str:
    return f"select e.id from credit_entries e where {' and '.join(wanted)}"


async def lines_of(database: Database, ids: Sequence[UUID]) -> tuple[LedgerLine, ...]:
    """The lines of some entries, in their order."""
    if not ids:
        return ()
    rows = await database.fetch_all(LINES, (list(ids),))
    found = {row[0]: _line(row) for row in rows}
    return tuple(found[one] for one in ids if one in found)


def _line(row: tuple[Any, ...]) -> LedgerLine:
    values = list(row)
    values[3], values[12] = EntryType(row[3]), Traffic(row[12])
    return LedgerLine(*values)


ACCOUNT = "select id from credit_accounts where user_id = %(user)s and traffic = %(traffic)s"

LINES = """
select e.id, a.user_id, u.email, e.type, e.amount, e.balance_after, e.reason, e.reason_code, e.note, e.generation_id,
    e.refund_of, e.reference, e.traffic,
    case when by.id is not null then by.email when e.type = 'usage' then null when e.actor_kind = 'command_line' then 'command line'
        when e.actor_kind = 'system' then 'schedule' end,
    e.actor_id,
    case when e.approved_by is not null then coalesce(second.email, 'gone')
        else (select r.decided_label from credit_requests r where r.entry_id = e.id) end
from credit_entries e
join credit_accounts a on a.id = e.account_id
join users u on u.id = a.user_id
left join users by on by.id = e.actor_id
left join users second on second.id = e.approved_by
where e.id = any(%s)
"""
