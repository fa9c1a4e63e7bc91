"""Seeded plans, people who act on them, and short ways to save."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from core.audit import Actor
from core.database import Database
from core.entitlements.changes import Change
from core.entitlements.editing import save
from core.entitlements.matrix import Matrix, matrix
from core.vocabulary import Role
from tests.factories import actor_of, make_user, seed_plans

Save = Callable[..., Coroutine[Any, Any, int]]


@pytest.fixture
async def plans(database: Database) -> Matrix:
    """The plans of SPEC 3, as seeded."""
    await seed_plans(database)
    return await matrix(database)


@pytest.fixture
async def admin(database: Database) -> Actor:
    return actor_of(await make_user(database, email="mira@example.com", role=Role.SUPERADMIN))


@pytest.fixture
async def support(database: Database) -> Actor:
    return actor_of(await make_user(database, email="tom@example.com", role=Role.SUPPORT))


@pytest.fixture
def saving(database: Database, plans: Matrix, admin: Actor) -> Save:
    """`await saving(change, …)`: one change set by the superadmin, on the newest version."""

    async def saved(*changes: Change, base: int | None = None, reason: str = "for the test") -> int:
        async with database.transaction() as session:
            return await save(session, changes, base=base, actor=admin, reason=reason)

    return saved
