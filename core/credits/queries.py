"""Reads over accounts of several people."""

from collections.abc import Sequence
from uuid import UUID

from core.credits.service import Balance
from core.database import Database
from core.vocabulary import Traffic


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
