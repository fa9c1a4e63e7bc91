"""One entry with what belongs to it: the refunds of a charge, the lots that it made or that paid for it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.credits.ledger import LedgerLine, lines_of
from core.database import Database


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
    """An entry; `seq` is its number in its account. `refunds` are the newest first, `lots` in the order of spending."""

    line: LedgerLine
    seq: int
    refunds: tuple[LedgerLine, ...]
    lots: tuple[LotLine, ...]


async def entry(database: Database, entry_id: UUID) -> EntryDetail | None:
    """An entry whole; None where there is none."""
    lines = await lines_of(database, [entry_id])
    row = await database.fetch_one("select seq, lots from credit_entries where id = %s", (entry_id,))
    if not lines or row is None:
        return None
    refunds = await database.fetch_all(
        "select id from credit_entries where refund_of = %s order by id desc", (entry_id,)
    )
    lots = await database.fetch_all(LOTS, {"burned": row[1], "entry": entry_id})
    return EntryDetail(
        lines[0],
        row[0],
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


MOST_OF_ONE = 200
"""A generation is charged once; its refunds are at most as many as it has credits."""
LOTS = """
select l.id, l.entry_id, l.granted, l.remaining, l.expires_at, l.closed_at
from credit_lots l where l.entry_id = %(entry)s or l.id = any(%(burned)s)
order by l.expires_at nulls last, l.id limit 50
"""
