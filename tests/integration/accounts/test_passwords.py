"""Passwords: changed by their owners, set by the command line, and ending what they opened."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts import authenticate_session, get_user, set_password, sign_in
from core.accounts.models import User
from core.audit import COMMAND_LINE, Actor
from core.config import Rate
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed
from core.vocabulary import Role
from tests.factories import PASSWORD, actor_of, make_user, somebody_waits

Deed = Callable[[AsyncSession], Awaitable[Any]]


@pytest.fixture
async def root(database: Database) -> User:
    return await make_user(database, email="root@example.com", role=Role.SUPERADMIN)


@pytest.fixture
async def support(database: Database) -> User:
    return await make_user(database, email="support@example.com", role=Role.SUPPORT, password=PASSWORD)


async def do(database: Database, deed: Deed) -> Any:
    async with database.transaction() as session:
        return await deed(session)


async def refused(database: Database, deed: Deed, error: type[NotAllowed | InvalidRequest]) -> str:
    with pytest.raises(error) as refusal:
        await do(database, deed)
    return refusal.value.code


async def enter(database: Database, user: User, password: str = PASSWORD) -> str:
    token, _ = await sign_in(
        database, user.email, password, address=None, user_agent=None, keep=False, rate=Rate(50, 60)
    )
    return token


async def test_ones_own_password_is_changed_with_the_old_one_and_ends_other_sessions(
    database: Database, support: User
) -> None:
    here, there = await enter(database, support), await enter(database, support)
    person = await authenticate_session(database, here)
    assert person
    new = "another horse entirely"
    wrong: Deed = lambda s: set_password(s, person.actor(), support.id, new, old="not the old one")
    assert await refused(database, wrong, NotAllowed) == "wrong_password"
    await do(
        database,
        lambda s: set_password(
            s, person.actor(), support.id, new, old=PASSWORD, keep_session=person.session_id
        ),
    )
    assert await authenticate_session(database, here)
    assert await authenticate_session(database, there) is None
    assert await enter(database, support, new)
    rows = await database.fetch_all("select a::text from audit a")
    assert not any(new in text or PASSWORD in text or "argon2" in text for (text,) in rows)


async def test_a_one_time_password_is_over_when_its_owner_chose_another(
    database: Database, support: User
) -> None:
    await do(database, lambda s: set_password(s, COMMAND_LINE, support.id, "a once-only word", one_time=True))
    assert (await do(database, lambda s: get_user(s, support.id))).password_one_time
    own: Deed = lambda s: set_password(
        s, actor_of(support), support.id, "a lasting choice", old="a once-only word"
    )
    await do(database, own)
    assert not (await do(database, lambda s: get_user(s, support.id))).password_one_time


async def test_of_two_changes_of_one_password_at_once_the_second_is_told(
    database: Database, support: User
) -> None:
    def change(password: str) -> Deed:
        return lambda s: set_password(s, actor_of(support), support.id, password, old=PASSWORD)

    async with database.transaction() as session:
        await change("the first choice")(session)
        second = asyncio.create_task(do(database, change("the second choice")))
        await somebody_waits(database)
    with pytest.raises(Conflict):
        await second
    assert await enter(database, support, "the first choice")


async def test_another_persons_password_is_set_by_the_command_line_only(
    database: Database, root: User, support: User
) -> None:
    key = Actor("key", "a key", Role.SUPPORT, support.id)
    for actor in (actor_of(root), key):
        deed: Deed = lambda s, a=actor: set_password(s, a, support.id, "another horse", old=PASSWORD)
        await refused(database, deed, NotAllowed)
    await do(database, lambda s: set_password(s, COMMAND_LINE, support.id, "another horse"))
    assert await enter(database, support, "another horse")


async def test_a_short_password_is_refused(database: Database, support: User) -> None:
    deed: Deed = lambda s: set_password(s, COMMAND_LINE, support.id, "short")
    assert await refused(database, deed, InvalidRequest) == "weak_password"
