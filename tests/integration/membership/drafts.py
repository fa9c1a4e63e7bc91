"""What the tests of bulk grants share: a crowd, a file for it, and a start."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from core.accounts.models import User
from core.audit import Actor
from core.database import Database
from core.membership.bulk import (
    Started,
    start,
)
from core.membership.drafting import (
    Draft,
    Terms,
    draft_from_csv,
)
from tests.factories import make_user

TERMS = Terms("Spring", "promotion", "as promised")


async def crowd(database: Database, count: int) -> list[User]:
    return [await make_user(database, email=f"u{number}@example.com") for number in range(count)]


async def csv(database: Database, admin: Actor, text: str, **more: Any) -> Draft:
    async with database.transaction() as session:
        return await draft_from_csv(session, text, replace(TERMS, **more), actor=admin)


async def begin(database: Database, bulk_id: UUID, admin: Actor) -> Started:
    async with database.transaction() as session:
        return await start(session, bulk_id, actor=admin)


async def balances(database: Database) -> list[int]:
    rows = await database.fetch_all(
        "select balance from credit_accounts where traffic = 'live' order by user_id"
    )
    return [balance for (balance,) in rows]
