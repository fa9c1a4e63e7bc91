"""Who writes in these tests, and the plans that there are."""

import pytest

from core.audit import Actor
from core.database import Database
from core.vocabulary import Role
from tests.factories import actor_of, make_user, seed_plans


@pytest.fixture
async def admin(database: Database) -> Actor:
    return actor_of(await make_user(database, role=Role.SUPERADMIN))


@pytest.fixture
async def plans(database: Database) -> None:
    """The plans as seeded."""
    await seed_plans(database)
