"""API keys: made once, shown once, revoked for good."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.accounts import Identities, KeyKind, NewKey, Scope, create_key, list_keys, revoke_key
from core.accounts.models import User
from core.audit import COMMAND_LINE, Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import actor_of, make_user


@pytest.fixture
async def root(database: Database) -> User:
    return await make_user(database, email="root@example.com", role=Role.SUPERADMIN)


@pytest.fixture
async def customer(database: Database) -> User:
    return await make_user(database, email="customer@example.com")


async def make(database: Database, actor: Actor, user_id: UUID, **options: object) -> NewKey:
    said = {"name": "backend", "reason": "asked for"} | options
    async with database.transaction() as session:
        return await create_key(session, actor, user_id, **said)  # pyright: ignore[reportArgumentType]


async def test_a_key_is_shown_once_and_stored_as_a_hash(database: Database, customer: User) -> None:
    key = await make(database, actor_of(customer), customer.id)
    assert key.secret.startswith("psr_u_")
    assert len(key.secret) == len("psr_u_") + 32
    assert key.secret.startswith(key.prefix)
    assert len(key.prefix) == 10
    for table in ("api_keys", "audit"):
        rows = await database.fetch_all(f"select t::text from {table} t")
        assert rows
        assert not any(key.secret in text or key.secret.encode().hex() in text for (text,) in rows)
    assert key.secret not in repr(key)


async def test_a_service_key_has_scopes_and_names_its_superadmin(database: Database, root: User) -> None:
    plain = await make(database, actor_of(root), root.id, kind=KeyKind.SERVICE)
    wide = await make(database, COMMAND_LINE, root.id, kind=KeyKind.SERVICE, scopes=["users", "costs"])
    assert plain.secret.startswith("psr_s_")
    identities = Identities(database)
    for key, scopes in ((plain, {Scope.GENERATE, Scope.CHECK}), (wide, {"users", "costs"})):
        person = await identities.authenticate_key(key.secret)
        assert person
        assert person.key
        assert (person.id, person.key.kind, person.key.scopes) == (root.id, KeyKind.SERVICE, scopes)
    await identities.close()


async def test_an_unknown_scope_is_refused_by_name(database: Database, root: User, customer: User) -> None:
    with pytest.raises(InvalidRequest, match="'everything'"):
        await make(database, actor_of(root), root.id, kind=KeyKind.SERVICE, scopes=["check", "everything"])
    with pytest.raises(InvalidRequest, match="has no scopes"):
        await make(database, actor_of(root), customer.id, scopes=["check"])


async def test_a_key_has_a_name_and_does_not_end_in_the_past(database: Database, customer: User) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        await make(database, actor_of(customer), customer.id, name=" \n")
    with pytest.raises(InvalidRequest, match="past"):
        await make(
            database, actor_of(customer), customer.id, expires_at=datetime.now(UTC) - timedelta(seconds=1)
        )


async def test_only_superadmins_make_service_keys_and_only_their_own(database: Database, root: User) -> None:
    support = await make_user(database, role=Role.SUPPORT)
    other = await make_user(database, role=Role.SUPERADMIN)
    by_key = Actor("key", "a key", Role.SUPERADMIN, root.id)
    for actor, owner in (
        (actor_of(support), support),
        (by_key, root),
        (actor_of(other), root),
        (COMMAND_LINE, support),
    ):
        with pytest.raises(NotAllowed, match="superadmin"):
            await make(database, actor, owner.id, kind=KeyKind.SERVICE)


async def test_a_key_for_a_superadmin_is_made_by_a_superadmin(
    database: Database, root: User, customer: User
) -> None:
    support = await make_user(database, role=Role.SUPPORT)
    await make(database, actor_of(support), customer.id)
    with pytest.raises(NotAllowed, match="superadmin"):
        await make(database, actor_of(support), root.id)
    with pytest.raises(NotAllowed, match="support or a superadmin"):
        await make(database, actor_of(customer), support.id)


async def test_who_makes_or_revokes_the_key_of_another_says_why(
    database: Database, root: User, customer: User
) -> None:
    own = await make(database, actor_of(customer), customer.id, reason=None)
    for reason in (None, " "):
        with pytest.raises(InvalidRequest, match="reason"):
            await make(database, actor_of(root), customer.id, reason=reason)
        with pytest.raises(InvalidRequest, match="reason"):
            async with database.transaction() as session:
                await revoke_key(session, actor_of(root), own.id, reason=reason)
    await make(database, actor_of(root), customer.id, reason="a second server")
    said = await database.fetch_all("select action, reason from audit order by id")
    assert said == [("key.create", None), ("key.create", "a second server")]


@pytest.mark.parametrize("role", [Role.TESTER, Role.SUPPORT])
async def test_a_key_of_the_staff_is_made_by_themselves_or_by_a_superadmin_in_person(
    database: Database, root: User, role: Role
) -> None:
    colleague, support = await make_user(database, role=role), await make_user(database, role=Role.SUPPORT)
    for actor in (
        actor_of(support),
        Actor("key", "a key", Role.SUPPORT, support.id),
        Actor("key", "a key", Role.SUPERADMIN, root.id),
    ):
        with pytest.raises(NotAllowed, match="Only a superadmin can make keys for"):
            await make(database, actor, colleague.id)
    for actor in (actor_of(colleague), actor_of(root), COMMAND_LINE):
        await make(database, actor, colleague.id)


async def test_no_key_is_made_for_a_suspended_account(database: Database, root: User) -> None:
    gone = await make_user(database, status="suspended")
    with pytest.raises(Conflict) as refusal:
        await make(database, actor_of(root), gone.id)
    assert refusal.value.code == "account_suspended"


async def test_keys_are_listed_newest_first_revoked_ones_too(
    database: Database, root: User, customer: User
) -> None:
    first, second = (
        await make(database, actor_of(root), customer.id, name="one"),
        await make(database, actor_of(root), customer.id, name="two"),
    )
    async with database.transaction() as session:
        await revoke_key(session, actor_of(customer), first.id)
        await revoke_key(session, actor_of(customer), first.id)
        keys = await list_keys(session, customer.id)
    assert [(key.name, key.prefix, key.revoked_at is None) for key in keys] == [
        ("two", second.prefix, True),
        ("one", first.prefix, False),
    ]
    actions = await database.fetch_all("select action, actor_label from audit order by id")
    assert actions == [
        ("key.create", "root@example.com"),
        ("key.create", "root@example.com"),
        ("key.revoke", "customer@example.com"),
    ]


async def test_a_key_is_revoked_by_its_owner_or_those_who_manage_them(
    database: Database, root: User, customer: User
) -> None:
    key = await make(database, actor_of(root), root.id)
    for actor in (actor_of(customer), actor_of(await make_user(database, role=Role.SUPPORT))):
        with pytest.raises(NotAllowed):
            async with database.transaction() as session:
                await revoke_key(session, actor, key.id)
    with pytest.raises(NotFound):
        async with database.transaction() as session:
            await revoke_key(session, actor_of(root), new_id())
