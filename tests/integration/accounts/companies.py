"""An organisation for tests, and what the audit says of a subject."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.accounts.models import User
from core.accounts.organisations import MemberRole, add_member, create_organisation
from core.audit import Actor
from core.database import Database
from core.vocabulary import Role
from tests.factories import actor_of, make_user


@dataclass(frozen=True, slots=True)
class Company:
    """An organisation with its owner, kept by somebody of support."""

    database: Database
    id: UUID
    owner: User
    support: Actor

    @classmethod
    async def found(cls, database: Database, name: str = "Acme") -> "Company":
        owner = await make_user(database)
        support = actor_of(await make_user(database, role=Role.SUPPORT))
        async with database.transaction() as session:
            made = await create_organisation(session, name, owner.id, actor=support, reason="Sold")
        return cls(database, made.id, owner, support)

    async def join(self, role: MemberRole, user: User | None = None) -> User:
        """Another member."""
        user = user or await make_user(self.database)
        async with self.database.transaction() as session:
            await add_member(session, self.id, user.id, role, actor=self.support, reason="Works there")
        return user


async def audited(database: Database, subject: UUID) -> list[tuple[Any, ...]]:
    """Action, before and after of every row about a subject, in order."""
    return await database.fetch_all(
        "select action, before, after from audit where subject_id = %s order by id", (str(subject),)
    )
