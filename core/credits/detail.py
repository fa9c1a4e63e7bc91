"""One entry with what belongs to it: the refunds of a charge, what of it is left to refund, the lots that it made or
that paid for it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.credits.ledger import LedgerLine, lines_of
from core.database import Database
from core.errors import NotFound
from core.vocabulary import Role, Traffic


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot: what was granted and is left of it, and when that ends. `closed_at`: what was left has expired."""

    id: UUID
    entry_id: UUID
    granted: int
    remaining: int
    expires_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """An entry; `seq` is its number in its account, `role` its user's. `refunds` are the newest first, `lots` in the
    order of spending."""

    line: LedgerLine
    seq: int
    role: Role
    refunds: tuple[LedgerLine, ...]
    lots: tuple[LotLine, ...]


@dataclass(frozen=True, slots=True)
class Refundable:
    """What a charge was, and what of it can still be given back."""

    entry_id: UUID
    generation_id: UUID | None
    user_id: UUID
    email: str
    traffic: Traffic
    charged: int
    refunded: int

    @property
    def left(self) -> int:
        return self.charged - self.refunded


async def entry(database: Database, entry_id: UUID) -> EntryDetail | None:
    """An entry whole; None where there is none."""
    lines = await lines_of(database, [entry_id])
    row = await database.fetch_one(
        "select e.seq, e.lots, u.role from credit_entries e join credit_accounts a on a.id = e.account_id"
        " join users u on u.id = a.user_id where e.id = %s",
        (entry_id,),
    )
    if not lines or row is None:
        return None
    seq, burned, role = row
    refunds = await database.fetch_all(
        "select id from credit_entries where refund_of = %s order by id desc", (entry_id,)
    )
    lots = await database.fetch_all(LOTS, {"burned": burned, "entry": entry_id})
    return EntryDetail(
        lines[0],
        seq,
        Role(role),
        await lines_of(database, [found for (found,) in refunds]),
        tuple(LotLine(*lot) for lot in lots),
    )


async def entries_of_generation(database: Database, generation_id: UUID) -> tuple[LedgerLine, ...]:
    """What was charged for a generation and given back, the newest first."""
    rows = await database.fetch_all(
        "select id from credit_entries where generation_id = %s order by id desc limit %s",
        (generation_id, MOST_OF_ONE),
    )
    return await lines_of(database, [found for (found,) in rows])


async def refundable(
    database: Database, generation_id: UUID | None = None, entry_id: UUID | None = None
) -> Refundable:
    """What of a charge, named by its generation or entry, can still be given back.

    Raises:
        NotFound: nothing was charged there.
    """
    row = await database.fetch_one(
        "select e.id, e.generation_id, a.user_id, u.email, e.traffic, -e.amount,"
        " (select coalesce(sum(r.amount), 0)::bigint from credit_entries r where r.refund_of = e.id)"
        " from credit_entries e join credit_accounts a on a.id = e.account_id join users u on u.id = a.user_id"
        f" where e.type = 'usage' and {'e.id' if entry_id else 'e.generation_id'} = %s",
        (entry_id or generation_id,),
    )
    if row is None:
        raise NotFound("Nothing was charged there, so there is nothing to refund.")
    entry, generation, user, email, kind, charged, refunded = row
    return Refundable(entry, generation, user, email, Traffic(kind), charged, refunded)


MOST_OF_ONE = 200
"""A generation is charged once; its refunds are at most as many as it has credits."""
LOTS = """
select l.id, l.entry_id, l.granted, l.remaining, l.expires_at, l.closed_at
from credit_lots l where l.entry_id = %(entry)s or l.id = any(%(burned)s)
order by l.expires_at nulls last, l.id limit 50
"""
