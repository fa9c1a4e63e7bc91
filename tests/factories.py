"""Rows for tests, made the short way. Each function commits in a transaction of its own."""

from typing import Any
from uuid import UUID

from core.accounts.models import User
from core.accounts.passwords import hash_password
from core.audit import Actor
from core.database import Database
from core.entitlements.models import Override, Plan, Tier
from core.entitlements.seed import seed
from core.ids import new_id, short
from core.vocabulary import Role
from tests.waiting import until

PASSWORD = "correct horse battery"
QUICK: dict[str, Any] = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
"""What the hash of a password costs in tests (`tests/conftest.py`)."""


async def seed_plans(database: Database) -> None:
    """The plans and features of SPEC 3."""
    async with database.transaction() as session:
        await seed(session)


async def make_plan(database: Database, plan_id: str = "creator", **fields: Any) -> Plan:
    """A paid plan, with a thousand credits a month unless told otherwise."""
    values: dict[str, Any] = {
        "display_name": plan_id.title(),
        "tier": Tier.PAID,
        "monthly_credits": 1_000,
        "modalities": ["text", "image"],
    }
    plan = Plan(id=plan_id, **(values | fields))
    async with database.transaction() as session:
        session.add(plan)
    return plan


async def make_user(
    database: Database,
    *,
    email: str | None = None,
    role: Role = Role.USER,
    password: str | None = None,
    **fields: Any,
) -> User:
    """A user without plan or credits, unless `fields` say so; `core.signup` makes whole ones."""
    identifier = new_id()
    if password is not None:
        fields["password_hash"] = await hash_password(password)
    user = User(id=identifier, email=email or f"{role}-{short(identifier)}@example.com", role=role, **fields)
    async with database.transaction() as session:
        session.add(user)
    return user


async def make_override(database: Database, user_id: UUID, **fields: Any) -> Override:
    """An exception for a user, with a reason."""
    fields.setdefault("reason", "for the test")
    override = Override(user_id=user_id, **fields)
    async with database.transaction() as session:
        session.add(override)
    return override


def actor_of(user: User) -> Actor:
    """The user, acting in the pages."""
    return Actor("user", user.email, user.role, user.id)


async def somebody_waits(database: Database) -> None:
    """Returns once a statement waits for a lock in this database: how tests bring two deeds to the same moment."""
    query = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    async def waits() -> bool:
        return await database.fetch_one(query) is not None

    await until(waits)
