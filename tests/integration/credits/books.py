"""Short ways to the ledger for tests: an account, and what stands in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.audit import SYSTEM
from core.credits.models import EntryType
from core.credits.service import RELEASE, RESERVE, SETTLE, open_account, post
from core.database import Database
from core.ids import new_id
from core.system.integrity import differences
from core.vocabulary import Traffic
from tests.factories import make_user
from tests.integration.credits.machine import reservation


@dataclass(frozen=True, slots=True)
class Books:
    """One user's account."""

    database: Database
    user_id: UUID
    account_id: UUID
    traffic: Traffic = Traffic.LIVE

    @classmethod
    async def open(cls, database: Database, credits: int = 0, traffic: Traffic = Traffic.LIVE) -> "Books":
        user = await make_user(database)
        async with database.transaction() as session:
            books = cls(database, user.id, await open_account(session, user.id, traffic), traffic)
        if credits:
            await books.grant(credits)
        return books

    async def grant(
        self, amount: int, expires_at: datetime | None = None, type: EntryType = EntryType.GRANT, **more: Any
    ) -> UUID:
        async with self.database.transaction() as session:
            entry = await post(
                session, self.account_id, type=type, amount=amount, reason="test", actor=SYSTEM,
                expires_at=expires_at, **more,
            )  # fmt: skip
        return entry.id

    async def reserve(self, *amounts: int, **quotas: Any) -> tuple[str, UUID]:
        generation = new_id()
        row = await self.database.fetch_one(
            RESERVE,
            reservation(self.user_id, generation, list(amounts), traffic=self.traffic.value, **quotas),
        )
        assert row is not None
        return row[0], generation

    async def settle(self, generation: UUID, charge: int) -> tuple[Any, ...]:
        row = await self.database.fetch_one(SETTLE, {"id": generation, "charge": charge, "reason": "test"})
        assert row is not None
        return row

    async def release(self, generation: UUID) -> tuple[Any, ...]:
        row = await self.database.fetch_one(RELEASE, {"id": generation})
        assert row is not None
        return row

    async def charge(self, amount: int) -> UUID:
        """A generation that cost so much."""
        outcome, generation = await self.reserve(amount)
        assert outcome == "held"
        await self.settle(generation, amount)
        return generation

    async def state(self) -> tuple[int, int]:
        """Balance and held."""
        row = await self.database.fetch_one(
            "select balance, held from credit_accounts where id = %s", (self.account_id,)
        )
        assert row is not None
        return row[0], row[1]

    async def lots(self) -> list[tuple[int, datetime | None]]:
        """What is left of each grant, and when it expires, oldest first."""
        return [
            (remaining, expires_at)
            for remaining, expires_at in await self.database.fetch_all(
                "select remaining, expires_at from credit_lots where account_id = %s order by id",
                (self.account_id,),
            )
        ]

    async def entries(self) -> list[tuple[str, int, int]]:
        """Type, amount and balance after, in order."""
        return [
            (type, amount, after)
            for type, amount, after in await self.database.fetch_all(
                "select type, amount, balance_after from credit_entries where account_id = %s order by seq",
                (self.account_id,),
            )
        ]

    async def counted(self) -> dict[tuple[str, str], int]:
        """The quota counters by name and period."""
        rows = await self.database.fetch_all(
            "select name, period, used from quota_counters where subject = %s", (str(self.user_id),)
        )
        return {(name, period): used for name, period, used in rows}


async def disagreements(database: Database) -> list[str]:
    """What `verify` finds, but for what tests leave out: people without an account, charges without a generation."""
    left_out = ("user-has-account", "reservation-has-generation")
    return [str(one) for one in await differences(database.url) if one.check not in left_out]
