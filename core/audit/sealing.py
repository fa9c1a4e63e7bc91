"""Sealing: rows that have been committed get their place in the chain, one after another, by one sealer at a time.

A row gets its number when it is sealed, not when it is written: a transaction that commits late is sealed next, and no
number is ever left out. Each batch is one transaction under the lock of the chain's head, so that a sealer which dies
leaves nothing half done, and another one goes on where it was.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy.exc
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit.chain import READ, link
from core.database import Database, run
from core.errors import Fault

BATCH = 500
"""Rows of one transaction: so many are in memory at once."""


class ChainBroken(Fault):
    """The chain cannot be carried on; see "The audit" in docs/operations.md."""

    code = "audit_chain_broken"
    retryable = False


async def seal(database: Database, *, batch: int = BATCH) -> int:
    """Seals all that is committed and has no seal yet, in batches; returns how many rows. While another sealer is at
    work it is left to it.

    Raises:
        ChainBroken: the head of the chain is lost, or behind rows that are sealed already.
    """
    sealed, last = 0, FIRST
    while last is not None:
        async with database.transaction() as session:
            count, last = await _seal_batch(session, batch, last)
        sealed += count
    return sealed


async def _seal_batch(session: AsyncSession, limit: int, after: UUID) -> tuple[int, UUID | None]:
    """Seals the rows behind `after`; how many there were, and the last one where there may be more.

    What is committed late, ahead of `after`, waits for the next run: to look for it each time would mean to pass over
    all that this run has sealed already.
    """
    # A sealer that hangs must not keep all others from sealing.
    await run(session, "select set_config('idle_in_transaction_session_timeout', '60s', true)")
    head = (await run(session, "select seq, hash from audit_head for update skip locked")).first()
    if head is None:
        await _require_head(session)
        return 0, None
    rows = (await run(session, UNSEALED, {"after": after, "limit": limit})).all()
    if not rows:
        return 0, None
    seals = _chained(head[0], bytes(head[1]), rows)
    try:
        done = await run(session, SEAL, {
            "ids": [row[0] for row in rows],
            "seqs": [seq for seq, _ in seals],
            "hashes": [digest for _, digest in seals],
        })  # fmt: skip
    except sqlalchemy.exc.IntegrityError as error:
        raise ChainBroken(
            f"Row {head[0] + 1:,} of the audit is sealed already, though the head of the chain stands at {head[0]:,}."
        ) from error
    assert done.rowcount == len(rows), "only the holder of the head seals"
    seq, digest = seals[-1]
    await run(
        session,
        "update audit_head set seq = :seq, hash = :hash, sealed_at = now()",
        {"seq": seq, "hash": digest},
    )
    return len(rows), UUID(rows[-1][0]) if len(rows) == limit else None


def _chained(seq: int, digest: bytes, rows: Sequence[Sequence[Any]]) -> list[tuple[int, bytes]]:
    seals: list[tuple[int, bytes]] = []
    for fields in rows:
        seq += 1
        digest = link(digest, seq, fields)
        seals.append((seq, digest))
    return seals


async def _require_head(session: AsyncSession) -> None:
    if (await run(session, "select from audit_head")).first() is None:
        raise ChainBroken("The head of the audit's chain is lost: nothing can be sealed.")


FIRST = UUID(int=0)
UNSEALED = f"select {READ} from audit where hash is null and audit.id > :after order by audit.id limit :limit"
SEAL = """
update audit a set seq = s.seq, hash = s.hash
from unnest(cast(:ids as uuid[]), cast(:seqs as bigint[]), cast(:hashes as bytea[])) s (id, seq, hash)
where a.id = s.id and a.hash is null
"""
