"""Sessions: how long they last, and how they end before."""

from datetime import UTC, datetime, timedelta

import pytest

from core.accounts import (
    authenticate_session,
    list_sessions,
    revoke_session,
    revoke_sessions_of,
    set_role,
    sign_in,
    suspend,
)
from core.accounts.models import User
from core.accounts.sessions import forget_sessions
from core.audit import SYSTEM
from core.config import Rate
from core.database import Database
from core.errors import InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import PASSWORD, actor_of, make_user

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def mira(database: Database) -> User:
    return await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)


async def open_session(database: Database, email: str, *, keep: bool = False, now: datetime = NOW) -> str:
    token, _ = await sign_in(
        database,
        email,
        PASSWORD,
        address=None,
        user_agent="Firefox\r\n",
        keep=keep,
        rate=Rate(50, 60),
        now=now,
    )
    return token


async def is_open(database: Database, token: str, now: datetime = NOW) -> bool:
    return await authenticate_session(database, token, now=now) is not None


async def test_a_session_ends_four_hours_after_its_last_use(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)
    assert await is_open(database, token, NOW + 3.9 * HOUR)
    assert await is_open(database, token, NOW + 7.8 * HOUR)
    assert not await is_open(database, token, NOW + 11.9 * HOUR)


async def test_an_unused_session_is_over_after_four_hours_or_twelve_where_kept(
    database: Database, mira: User
) -> None:
    token, kept = (
        await open_session(database, mira.email),
        await open_session(database, mira.email, keep=True),
    )
    assert not await is_open(database, token, NOW + 4.1 * HOUR)
    assert await is_open(database, kept, NOW + 7 * HOUR)
    assert not await is_open(database, kept, NOW + 12.1 * HOUR)


async def test_no_session_lasts_longer_than_a_week(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)
    for hours in range(3, 7 * 24, 3):
        assert await is_open(database, token, NOW + hours * HOUR)
    assert not await is_open(database, token, NOW + 7 * 24 * HOUR)


async def test_the_last_use_is_written_once_a_minute(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)

    async def seen_after(seconds: int) -> float:
        await is_open(database, token, NOW + timedelta(seconds=seconds))
        (seen,) = await database.fetch_one("select last_seen_at from sessions") or (NOW,)
        return (seen - NOW).total_seconds()

    assert [await seen_after(seconds) for seconds in (30, 59, 60, 90, 119, 121)] == [0, 0, 60, 60, 60, 121]


async def test_no_other_token_opens_anything(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)
    assert not await is_open(database, token[:-1])
    assert not await is_open(database, "")
    assert not await is_open(database, "\0\ud800")


async def test_signing_out_ends_the_session_at_once_and_no_other(database: Database, mira: User) -> None:
    here, there = await open_session(database, mira.email), await open_session(database, mira.email)
    person = await authenticate_session(database, here)
    assert person
    assert person.session_id
    for _ in range(2):
        async with database.transaction() as session:
            await revoke_session(session, person.actor(), person.session_id)
    assert not await is_open(database, here)
    assert await is_open(database, there)


async def test_all_other_sessions_can_be_ended_from_one(database: Database, mira: User) -> None:
    here, there = await open_session(database, mira.email), await open_session(database, mira.email)
    person = await authenticate_session(database, here)
    assert person
    async with database.transaction() as session:
        assert len(await list_sessions(session, person.actor(), mira.id)) == 2
        assert await revoke_sessions_of(session, person.actor(), mira.id, but=person.session_id) == 1
        assert [one.id for one in await list_sessions(session, person.actor(), mira.id)] == [
            person.session_id
        ]
    assert await is_open(database, here)
    assert not await is_open(database, there)


async def test_a_tester_cannot_end_anothers_session_and_support_cannot_end_a_superadmins(
    database: Database, mira: User
) -> None:
    tester = await make_user(database, role=Role.TESTER)
    root = await make_user(database, role=Role.SUPERADMIN)
    token = await open_session(database, mira.email)
    person = await authenticate_session(database, token)
    assert person
    assert person.session_id
    with pytest.raises(NotAllowed):
        async with database.transaction() as session:
            await revoke_session(session, actor_of(tester), person.session_id)
    with pytest.raises(NotAllowed, match="superadmin"):
        async with database.transaction() as session:
            await revoke_sessions_of(session, actor_of(mira), root.id)
    assert await is_open(database, token)
    async with database.transaction() as session:
        await revoke_session(session, actor_of(root), person.session_id, reason="lost laptop")
    assert not await is_open(database, token)


async def test_who_ends_anothers_sessions_says_why(database: Database, mira: User) -> None:
    root = await make_user(database, role=Role.SUPERADMIN)
    token = await open_session(database, mira.email)
    person = await authenticate_session(database, token)
    assert person
    assert person.session_id
    for reason in (None, " "):
        with pytest.raises(InvalidRequest, match="reason"):
            async with database.transaction() as session:
                await revoke_session(session, actor_of(root), person.session_id, reason=reason)
        with pytest.raises(InvalidRequest, match="reason"):
            async with database.transaction() as session:
                await revoke_sessions_of(session, actor_of(root), mira.id, reason=reason)
    assert await is_open(database, token)
    async with database.transaction() as session:
        assert await revoke_sessions_of(session, actor_of(root), mira.id, reason="lost laptop") == 1
    said = await database.fetch_all("select reason from audit where action = 'session.revoke_all'")
    assert said == [("lost laptop",)]


async def test_a_session_that_never_was_is_not_found(database: Database, mira: User) -> None:
    with pytest.raises(NotFound):
        async with database.transaction() as session:
            await revoke_session(session, actor_of(mira), new_id())


async def test_suspension_ends_sessions_for_good(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)
    async with database.transaction() as session:
        await suspend(session, SYSTEM, mira.id, reason="left")
    assert not await is_open(database, token)
    await database.execute("update users set status = 'active'")
    assert not await is_open(database, token)


@pytest.mark.parametrize("change", ["status = 'suspended'", "role = 'user'"])
async def test_a_session_counts_for_nothing_while_its_person_may_not_open_pages(
    database: Database, mira: User, change: str
) -> None:
    token = await open_session(database, mira.email)
    await database.execute(f"update users set {change}")
    assert not await is_open(database, token)


async def test_a_new_role_is_there_at_the_next_look(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)
    for role in (Role.TESTER, Role.SUPERADMIN):
        async with database.transaction() as session:
            await set_role(session, SYSTEM, mira.id, role, reason="moved")
        person = await authenticate_session(database, token)
        assert person
        assert person.role is role


async def test_who_is_no_longer_staff_loses_the_pages(database: Database, mira: User) -> None:
    token = await open_session(database, mira.email)
    async with database.transaction() as session:
        await set_role(session, SYSTEM, mira.id, Role.USER, reason="left the team")
    assert not await is_open(database, token)
    async with database.transaction() as session:
        await set_role(session, SYSTEM, mira.id, Role.SUPPORT, reason="came back")
    assert not await is_open(database, token)


async def test_sessions_long_over_are_forgotten(database: Database, mira: User) -> None:
    await open_session(database, mira.email)
    assert await forget_sessions(database, NOW + timedelta(days=30)) == 0
    assert await forget_sessions(database, NOW + timedelta(days=31)) == 1
