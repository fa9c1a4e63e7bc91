"""The hot look-ups: from memory while nothing changes, and right within a second when something does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.accounts import (
    Identities,
    KeyKind,
    NewKey,
    Person,
    UserStatus,
    create_key,
    require_active,
    revoke_key,
    set_preferences,
    set_role,
    suspend,
)
from core.accounts.models import User
from core.audit import SYSTEM
from core.database import PEOPLE, Changes, Database
from core.errors import NotAllowed
from core.vocabulary import Role
from tests.factories import actor_of, make_user


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def identities(database: Database, clock: Clock) -> AsyncIterator[Identities]:
    identities = Identities(database, clock=clock, capacity=3)
    yield identities
    await identities.close()


@pytest.fixture
async def customer(database: Database) -> User:
    return await make_user(database, email="customer@example.com", name="Ann", plan_id=None)


async def key_of(
    database: Database, user: User, kind: KeyKind = KeyKind.USER, expires_at: datetime | None = None
) -> NewKey:
    async with database.transaction() as session:
        return await create_key(
            session, actor_of(user), user.id, name="backend", kind=kind, expires_at=expires_at
        )


async def revoke(database: Database, user: User, key_id: UUID) -> None:
    async with database.transaction() as session:
        await revoke_key(session, actor_of(user), key_id)


async def test_a_key_names_its_person(database: Database, identities: Identities, customer: User) -> None:
    key = await key_of(database, customer)
    person = await identities.authenticate_key(key.secret)
    assert person
    assert person.key
    assert (person.id, person.name, person.key.id, person.key.kind) == (
        customer.id,
        "Ann",
        key.id,
        KeyKind.USER,
    )
    actor = person.actor("192.0.2.1", "request-1")
    assert (actor.kind, actor.id, actor.role) == ("key", customer.id, Role.USER)
    assert actor.label == "customer@example.com by key “backend”"


@pytest.mark.parametrize(
    "secret", ["", "psr_u_", "sk-" + "a" * 40, "psr_u_" + "a" * 32, "psr_u_" + "\0" * 32]
)
async def test_what_is_no_key_is_nobody(identities: Identities, secret: str) -> None:
    assert await identities.authenticate_key(secret) is None


async def test_the_second_look_asks_no_database(
    database: Database, identities: Identities, customer: User
) -> None:
    key = await key_of(database, customer)
    first = (
        await identities.authenticate_key(key.secret),
        await identities.resolve_user("customer@example.com"),
    )
    await database.execute("delete from users")
    assert await identities.authenticate_key(key.secret) is first[0]
    assert await identities.resolve_user("Customer@Example.com ") is first[1]
    await identities.forget()
    assert await identities.authenticate_key(key.secret) is None
    assert await identities.resolve_user("customer@example.com") is None


async def test_nothing_is_remembered_longer_than_a_minute(
    database: Database, identities: Identities, customer: User, clock: Clock
) -> None:
    key = await key_of(database, customer)
    await identities.authenticate_key(key.secret)
    await database.execute("delete from users")
    clock.now += 59
    assert await identities.authenticate_key(key.secret)
    clock.now += 1
    assert await identities.authenticate_key(key.secret) is None


async def test_a_key_ends_on_its_second(
    database: Database, identities: Identities, customer: User, clock: Clock
) -> None:
    key = await key_of(database, customer, expires_at=datetime.now(UTC) + timedelta(seconds=20))
    assert await identities.authenticate_key(key.secret)
    await database.execute("update api_keys set expires_at = now()")
    clock.now += 19
    assert await identities.authenticate_key(key.secret)
    clock.now += 1
    assert await identities.authenticate_key(key.secret) is None


async def test_memory_is_bounded_and_the_oldest_goes(database: Database, identities: Identities) -> None:
    users = [await make_user(database) for _ in range(5)]
    for user in users:
        await identities.resolve_user(user.email)
    await database.execute("delete from users")
    known = [await identities.resolve_user(user.email) is not None for user in users]
    assert known == [False, False, True, True, True]


async def test_a_new_user_and_key_work_at_once(database: Database, identities: Identities) -> None:
    assert await identities.resolve_user("new@example.com") is None
    user = await make_user(database, email="new@example.com")
    assert await identities.resolve_user("new@example.com")
    by_id = await identities.resolve_user(str(user.id).upper())
    assert by_id
    assert by_id.id == user.id


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "nobody", "00000000-0000-0000-0000-000000000000"])
async def test_a_name_that_is_nobodys_resolves_to_nobody(identities: Identities, name: str) -> None:
    assert await identities.resolve_user(name) is None


async def test_through_a_service_key_a_person_has_no_role(database: Database, identities: Identities) -> None:
    root = await make_user(database, email="root@example.com", role=Role.SUPERADMIN)
    service = await identities.authenticate_key((await key_of(database, root, KeyKind.SERVICE)).secret)
    assert service
    assert service.key
    assert service.role is Role.SUPERADMIN
    named = await identities.resolve_user("root@example.com")
    assert named
    acting = named.through(service.key)
    assert (acting.id, acting.role, acting.key) == (root.id, Role.USER, service.key)


async def test_a_service_key_ends_with_its_owners_role(database: Database, identities: Identities) -> None:
    root = await make_user(database, role=Role.SUPERADMIN)
    await make_user(database, role=Role.SUPERADMIN)
    key = await key_of(database, root, KeyKind.SERVICE)
    assert await identities.authenticate_key(key.secret)
    async with database.transaction() as session:
        await set_role(session, SYSTEM, root.id, Role.SUPPORT, reason="moved")
    await identities.forget()
    assert await identities.authenticate_key(key.secret) is None


async def test_changes_bite_in_every_process(database: Database, database_url: str, customer: User) -> None:
    key = await key_of(database, customer)
    other = Database(database_url)
    await other.open()
    identities, changes = Identities(other), Changes(other)
    changes.subscribe(PEOPLE, identities.forget)
    await changes.start()

    async def becomes(wanted: Callable[[Person | None], bool]) -> Person | None:
        async with asyncio.timeout(20):  # without being told, they would be remembered for a minute
            while not wanted(person := await identities.authenticate_key(key.secret)):
                await asyncio.sleep(0.01)
        return person

    try:
        person = await becomes(lambda person: person is not None)
        assert person
        require_active(person)

        async with database.transaction() as session:
            await set_preferences(session, person.actor(), customer.id, provider="openai", model=None)
        await becomes(lambda person: person is not None and person.preferred_provider == "openai")

        async with database.transaction() as session:
            await suspend(session, SYSTEM, customer.id, reason="Chargeback.")
        person = await becomes(lambda person: person is not None and person.status is UserStatus.SUSPENDED)
        assert person
        with pytest.raises(NotAllowed, match="Chargeback") as refusal:
            require_active(person)
        assert (refusal.value.code, refusal.value.details) == ("account_suspended", {"reason": "Chargeback."})

        await revoke(database, customer, key.id)
        await becomes(lambda person: person is None)
    finally:
        await changes.stop()
        await identities.close()
        await other.close()


async def test_an_answer_that_a_change_overtook_is_not_remembered(
    database: Database, identities: Identities, customer: User
) -> None:
    key = await key_of(database, customer)
    looking = asyncio.create_task(identities.authenticate_key(key.secret))
    await asyncio.sleep(0)  # the statement is on its way
    await identities.forget()
    assert await looking
    await database.execute("delete from users")
    assert await identities.authenticate_key(key.secret) is None


async def test_the_last_use_is_written_at_most_once_a_minute_and_not_in_the_callers_time(
    database: Database, identities: Identities, customer: User, clock: Clock
) -> None:
    key = await key_of(database, customer)

    async def last_use() -> datetime | None:
        (moment,) = await database.fetch_one("select last_used_at from api_keys") or (None,)
        return moment

    await identities.authenticate_key(key.secret)
    assert await last_use() is None
    await identities.close()
    first = await last_use()
    assert first
    clock.now += 59
    await identities.authenticate_key(key.secret)
    await identities.close()
    assert await last_use() == first
    await database.execute("update api_keys set last_used_at = last_used_at - interval '1 minute'")
    clock.now += 1
    await identities.authenticate_key(key.secret)
    await identities.close()
    second = await last_use()
    assert second
    assert second > first


async def test_another_process_that_wrote_the_use_just_now_is_enough(
    database: Database, customer: User
) -> None:
    key = await key_of(database, customer)
    moments: set[datetime] = set()
    for _ in range(2):
        identities = Identities(database)
        await identities.authenticate_key(key.secret)
        await identities.close()
        moments.update(row[0] for row in await database.fetch_all("select last_used_at from api_keys"))
    assert len(moments) == 1
