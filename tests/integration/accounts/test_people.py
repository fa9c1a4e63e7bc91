"""What is done to people: by whom, with which trace, and what is never done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts import (
    find_user,
    list_users,
    reactivate,
    set_preferences,
    set_profile,
    set_role,
    suspend,
)
from core.accounts.models import User, UserStatus
from core.audit import COMMAND_LINE, SYSTEM, Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import PASSWORD, actor_of, make_user

Deed = Callable[[AsyncSession], Awaitable[Any]]


@pytest.fixture
async def root(database: Database) -> User:
    return await make_user(database, email="root@example.com", role=Role.SUPERADMIN, password=PASSWORD)


@pytest.fixture
async def support(database: Database) -> User:
    return await make_user(database, email="support@example.com", role=Role.SUPPORT, password=PASSWORD)


@pytest.fixture
async def customer(database: Database) -> User:
    return await make_user(database, email="customer@example.com")


async def do(database: Database, deed: Deed) -> Any:
    async with database.transaction() as session:
        return await deed(session)


async def refused(database: Database, deed: Deed, error: type[NotAllowed | Conflict | InvalidRequest]) -> str:
    with pytest.raises(error) as refusal:
        await do(database, deed)
    return refusal.value.code


async def people_version(database: Database) -> int:
    (version,) = await database.fetch_one("select version from versions where topic = 'people'") or (0,)
    return version


# Roles


async def test_a_superadmin_changes_a_role_and_the_audit_says_why(
    database: Database, root: User, customer: User
) -> None:
    version = await people_version(database)
    user = await do(
        database, lambda s: set_role(s, actor_of(root), customer.id, Role.TESTER, reason="joined QA")
    )
    assert user.role is Role.TESTER
    assert await people_version(database) == version + 1
    rows = await database.fetch_all(
        "select action, actor_label, subject_kind, subject_id, reason, before, after from audit"
    )
    assert rows == [
        (
            "user.role",
            "root@example.com",
            "user",
            str(customer.id),
            "joined QA",
            {"role": "user"},
            {"role": "tester"},
        )
    ]


@pytest.mark.parametrize("kind", ["user", "key"])
async def test_nobody_else_changes_roles(database: Database, root: User, support: User, kind: str) -> None:
    actor = actor_of(support) if kind == "user" else Actor("key", "a key", Role.SUPERADMIN, root.id)
    with pytest.raises(NotAllowed, match="Only a superadmin can change roles"):
        await do(database, lambda s: set_role(s, actor, support.id, Role.SUPERADMIN, reason="please"))


async def test_a_role_that_is_there_already_changes_nothing(database: Database, root: User) -> None:
    await do(database, lambda s: set_role(s, SYSTEM, root.id, Role.SUPERADMIN, reason="again"))
    assert await database.fetch_one("select count(*) from audit") == (0,)


async def test_the_last_active_superadmin_stays(database: Database, root: User) -> None:
    other = await make_user(database, role=Role.SUPERADMIN)
    await do(database, lambda s: suspend(s, actor_of(root), other.id, reason="away"))
    for deed in (
        lambda s: set_role(s, COMMAND_LINE, root.id, Role.SUPPORT, reason="x"),
        lambda s: suspend(s, actor_of(root), root.id, reason="x"),
    ):
        assert await refused(database, deed, Conflict) == "last_superadmin"
    await do(database, lambda s: reactivate(s, actor_of(root), other.id, reason="back"))
    await do(database, lambda s: set_role(s, actor_of(root), root.id, Role.SUPPORT, reason="handed over"))


async def test_two_superadmins_who_demote_each_other_leave_one(database: Database, root: User) -> None:
    other = await make_user(database, role=Role.SUPERADMIN)
    answers = await asyncio.gather(
        do(database, lambda s: set_role(s, actor_of(root), other.id, Role.USER, reason="x")),
        do(database, lambda s: suspend(s, actor_of(other), root.id, reason="x")),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    query = "select count(*) from users where role = 'superadmin' and status = 'active'"
    assert await database.fetch_one(query) == (1,)


# Suspension


async def test_support_suspends_and_reactivates_with_a_reason(
    database: Database, support: User, customer: User
) -> None:
    user = await do(
        database, lambda s: suspend(s, actor_of(support), customer.id, reason=" Chargeback\n of May ")
    )
    assert (user.status, user.status_reason) == (UserStatus.SUSPENDED, "Chargeback of May")
    again: Deed = lambda s: suspend(s, actor_of(support), customer.id, reason="x")
    assert await refused(database, again, Conflict) == "already_suspended"
    user = await do(database, lambda s: reactivate(s, actor_of(support), customer.id, reason="paid"))
    assert (user.status, user.status_reason) == (UserStatus.ACTIVE, None)
    back: Deed = lambda s: reactivate(s, actor_of(support), customer.id, reason="x")
    assert await refused(database, back, Conflict) == "not_suspended"
    rows = await database.fetch_all("select action, reason, before, after from audit order by id")
    assert rows == [
        ("user.suspend", "Chargeback of May", {"status": "active"}, {"status": "suspended"}),
        ("user.reactivate", "paid", {"status": "suspended"}, {"status": "active"}),
    ]


async def test_support_does_not_touch_staff_and_testers_touch_nobody(
    database: Database, root: User, support: User, customer: User
) -> None:
    tester = await make_user(database, role=Role.TESTER)
    colleague = await make_user(database, role=Role.SUPPORT)
    pairs = ((support, root), (support, colleague), (support, tester), (tester, customer), (customer, tester))
    for actor, target in pairs:
        for verb in (suspend, reactivate):
            await refused(
                database, lambda s, a=actor, t=target, v=verb: v(s, actor_of(a), t.id, reason="x"), NotAllowed
            )
    assert await database.fetch_one("select count(*) from users where status = 'suspended'") == (0,)


@pytest.mark.parametrize("reason", ["", " \n "])
async def test_no_reason_no_deed(database: Database, root: User, customer: User, reason: str) -> None:
    for verb in (suspend, reactivate):
        deed: Deed = lambda s, v=verb: v(s, actor_of(root), customer.id, reason=reason)
        assert await refused(database, deed, InvalidRequest) == "reason_required"


# Preferences and profile


async def test_people_set_their_own_preferences_by_key_too(database: Database, customer: User) -> None:
    by_key = Actor("key", "customer@example.com by key “app”", Role.USER, customer.id)
    for actor, model in (
        (actor_of(customer), "gpt-6-luna"),
        (by_key, "gpt-6.1-sol"),
        (by_key, "gpt-6.1-sol"),
    ):
        user = await do(
            database,
            lambda s, a=actor, m=model: set_preferences(s, a, customer.id, provider="openai", model=m),
        )
        assert (user.preferred_provider, user.preferred_model) == ("openai", model)
    assert await database.fetch_one("select count(*) from audit where action = 'user.preferences'") == (2,)
    user = await do(
        database, lambda s: set_preferences(s, actor_of(customer), customer.id, provider=None, model="")
    )
    assert (user.preferred_provider, user.preferred_model) == (None, None)


async def test_the_preferences_of_others_are_for_those_who_manage_them(
    database: Database, support: User, customer: User
) -> None:
    other = await make_user(database)
    deed: Deed = lambda s: set_preferences(s, actor_of(other), customer.id, provider="openai", model=None)
    await refused(database, deed, NotAllowed)
    await do(
        database,
        lambda s: set_preferences(
            s, actor_of(support), customer.id, provider="openai", model=None, reason="asked by mail"
        ),
    )
    assert await database.fetch_one("select reason from audit") == ("asked by mail",)


async def test_who_changes_the_account_of_another_says_why_and_a_key_need_not(
    database: Database, support: User, customer: User
) -> None:
    for reason in (None, " "):
        for deed in (
            lambda s, r=reason: set_profile(s, actor_of(support), customer.id, name="Ann", reason=r),
            lambda s, r=reason: set_preferences(
                s, actor_of(support), customer.id, provider="openai", model=None, reason=r
            ),
        ):
            assert await refused(database, deed, InvalidRequest) == "reason_required"
    by_key = Actor("key", "backend", Role.SUPERADMIN, support.id)
    await do(database, lambda s: set_profile(s, by_key, customer.id, name="Ann"))
    await do(
        database, lambda s: set_profile(s, actor_of(support), customer.id, name="Ann")
    )  # it is so already
    assert await database.fetch_all("select reason from audit") == [(None,)]


async def test_a_profile_changes_in_what_is_given(database: Database, customer: User) -> None:
    user = await do(
        database,
        lambda s: set_profile(s, actor_of(customer), customer.id, name="Ann", time_zone="Asia/Tokyo"),
    )
    assert (user.name, user.time_zone, user.language) == ("Ann", "Asia/Tokyo", "en")
    (before, after) = await database.fetch_one("select before, after from audit") or (None, None)
    assert before == {"name": "", "time_zone": "UTC"}
    assert after == {"name": "Ann", "time_zone": "Asia/Tokyo"}
    deed: Deed = lambda s: set_profile(s, actor_of(customer), customer.id, time_zone="Mars")
    await refused(database, deed, InvalidRequest)


# Finding


async def test_a_user_is_found_by_id_and_by_email_in_any_case(database: Database, customer: User) -> None:
    for name in (str(customer.id), "CUSTOMER@example.com", " customer@example.com"):
        assert (await do(database, lambda s, n=name: find_user(s, n))).id == customer.id


@pytest.mark.parametrize("name", ["nobody@example.com", "", "\0", str(UUID(int=0))])
async def test_nobody_is_not_found(database: Database, name: str) -> None:
    with pytest.raises(NotFound) as refusal:
        await do(database, lambda s: find_user(s, name))
    assert refusal.value.code == "user_not_found"


async def test_what_concerns_nobody_is_refused_as_not_found(database: Database, root: User) -> None:
    with pytest.raises(NotFound):
        await do(database, lambda s: suspend(s, actor_of(root), new_id(), reason="x"))


async def test_a_list_goes_on_where_it_stopped(database: Database) -> None:
    made = [(await make_user(database, role=Role.TESTER if n % 2 else Role.USER)).id for n in range(5)]
    seen: list[UUID] = []
    after: UUID | None = None
    while True:
        page, after = await do(database, lambda s, a=after: list_users(s, limit=2, after=a))
        seen += [user.id for user in page]
        if after is None:
            break
    assert seen == made
    testers, _ = await do(database, lambda s: list_users(s, role=Role.TESTER))
    assert [user.id for user in testers] == made[1::2]
    with pytest.raises(InvalidRequest):
        await do(database, lambda s: list_users(s, limit=201))
