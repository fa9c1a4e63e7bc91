"""Reads over accounts: of several people, and the entries and expiring credits of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.credits.posting import Balance
from core.database import Database
from core.vocabulary import Traffic


@dataclass(frozen=True, slots=True)
class Expiring:
    """Credits of an account that expire at one moment."""

    amount: int
    expires_at: datetime


async def accounts_of(database: Database, user_ids: Sequence[UUID]) -> dict[UUID, dict[Traffic, Balance]]:
    """What each of some people has, by traffic; people without an account are left out."""
    rows = await database.fetch_all(
        "select user_id, traffic, balance, held from credit_accounts where user_id = any(%s)",
        (list(user_ids),),
    )
    found: dict[UUID, dict[Traffic, Balance]] = {}
    for user_id, traffic, balance, held in rows:
        found.setdefault(user_id, {})[Traffic(traffic)] = Balance(balance, held)
    return found


async def entries(
    database: Database,
    user_id: UUID,
    *,
    traffic: Traffic = Traffic.LIVE,
    limit: int = 50,
    after: int | None = None,
) -> list[dict[str, Any]]:
    """A user's entries, newest first; `after` is the `seq` of the last one seen."""
    names = (
        "id",
        "seq",
        "type",
        "amount",
        "balanceAfter",
        "reason",
        "note",
        "generationId",
        "refundOf",
        "createdAt",
    )
    rows = await database.fetch_all(
        "select e.id, e.seq, e.type, e.amount, e.balance_after, e.reason, e.note, e.generation_id, e.refund_of,"
        " e.created_at from credit_accounts a join credit_entries e on e.account_id = a.id"
        " where a.user_id = %(user_id)s and a.traffic = %(traffic)s and e.seq < coalesce(%(after)s, 9223372036854775807)"
        " order by e.seq desc limit %(limit)s",
        {"user_id": user_id, "traffic": traffic, "after": after, "limit": limit},
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


async def expiring(
    database: Database, user_id: UUID, *, traffic: Traffic = Traffic.LIVE, limit: int = 10
) -> list[Expiring]:
    """What a user's credits will lose by time, the soonest first; what never expires is left out."""
    rows = await database.fetch_all(
        "select sum(l.remaining)::bigint, l.expires_at from credit_accounts a join credit_lots l on l.account_id = a.id"
        " where a.user_id = %s and a.traffic = %s and l.remaining > 0 and l.expires_at is not null"
        " group by l.expires_at order by l.expires_at limit %s",
        (user_id, traffic, limit),
    )
    return [Expiring(*row) for row in rows]
