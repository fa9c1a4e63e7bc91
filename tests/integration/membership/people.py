"""What the tests of membership share: plans as seeded, users as signed up, and short ways to look at them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import User
from core.accounts.person import Person
from core.audit import SYSTEM, Actor
from core.credits.queries import accounts_of
from core.database import Database
from core.entitlements.rules import PlanView
from core.entitlements.service import load
from core.errors import PurserError
from core.ids import new_id
from core.signup import sign_up
from core.vocabulary import Role, Traffic

SUPPORT = Actor("user", "support@example.com", Role.SUPPORT, new_id())

Deed = Callable[[AsyncSession], Awaitable[Any]]


async def do(database: Database, deed: Deed) -> Any:
    """In a transaction of its own."""
    async with database.transaction() as session:
        return await deed(session)


async def refused(database: Database, deed: Deed) -> str:
    """The code of the refusal."""
    with pytest.raises(PurserError) as refusal:
        await do(database, deed)
    return refusal.value.code


async def join(database: Database, plan: str = "trial", *, role: Role = Role.USER, **fields: Any) -> User:
    """A whole user, with their first month's credits."""
    email = fields.pop("email", f"{plan}-{role}@example.com")
    return await do(
        database, lambda s: sign_up(s, email=email, plan_id=plan, role=role, actor=SYSTEM, **fields)
    )


async def balance(database: Database, user_id: UUID) -> int:
    return (await accounts_of(database, [user_id]))[user_id][Traffic.LIVE].balance


async def stored(database: Database, user_id: UUID) -> dict[str, Any]:
    """The user's row."""
    row = await database.fetch_one("select to_jsonb(u) from users u where id = %s", (user_id,))
    assert row is not None
    return row[0]


async def audited(database: Database, action: str) -> list[tuple[Any, ...]]:
    """Actor, reason, before and after of each deed of this name."""
    return await database.fetch_all(
        "select actor_label, reason, before, after from audit where action = %s order by id", (action,)
    )


async def plan_of(database: Database, plan_id: str) -> PlanView:
    return (await load(database)).plans[plan_id]


async def use_trial(database: Database, user: User | Person, times: int) -> None:
    """As if so many generations of a trial had been counted."""
    await database.execute(
        "insert into quota_counters (subject, name, period, used) values (%s, 'trial', '', %s)"
        " on conflict (subject, name, period) do update set used = excluded.used",
        (str(user.id), times),
    )
