"""Sign-up: everything that belongs to a new user, in one transaction or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import errors as sqlstates
from sqlalchemy.exc import DBAPIError
from sqlmodel import func, select

from core.accounts import User, authenticate_session, sign_in
from core.accounts.models import UserStatus
from core.audit import COMMAND_LINE, SYSTEM, Actor
from core.config import Rate
from core.database import Database
from core.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotAllowed
from core.signup import FirstSuperadmin, appoint, ensure_superadmin, sign_up
from core.vocabulary import Role
from tests.factories import PASSWORD, actor_of, make_plan, make_user, seed_plans

NOW = datetime(2027, 1, 31, 9, 30, tzinfo=UTC)
TABLES = ("users", "organisations", "members", "credit_accounts", "credit_entries", "credit_lots", "audit")


@pytest.fixture
async def database(database: Database) -> Database:
    await seed_plans(database)
    return database


async def join(database: Database, **fields: Any) -> User:
    async with database.transaction() as session:
        return await sign_up(session, **({"email": "ann@example.com", "actor": SYSTEM, "now": NOW} | fields))


async def counts(database: Database) -> dict[str, int]:
    rows = [await database.fetch_one(f"select count(*) from {table}") for table in TABLES]
    return {table: row[0] for table, row in zip(TABLES, rows, strict=True) if row and row[0]}


async def books(database: Database, user: User) -> list[tuple[Any, ...]]:
    """Traffic, balance, and of each entry type, amount, reason and the end of its lot."""
    return await database.fetch_all(
        "select a.traffic, a.balance, e.type, e.amount, e.reason, l.expires_at from credit_accounts a"
        " left join credit_entries e on e.account_id = a.id left join credit_lots l on l.entry_id = e.id"
        " where a.user_id = %s order by a.traffic",
        (user.id,),
    )


async def test_a_new_user_is_on_trial_with_a_first_grant_for_a_month(database: Database) -> None:
    user = await join(
        database, email="Ann@Example.com", name=" Ann  Lee", language="de", time_zone="Europe/Berlin"
    )
    assert (user.email, user.name, user.role, user.status) == (
        "ann@example.com",
        "Ann Lee",
        Role.USER,
        UserStatus.ACTIVE,
    )
    assert (user.plan_id, user.trial_ends_at, user.trial_uses) == ("trial", NOW + timedelta(days=14), 2)
    assert (user.language, user.time_zone, user.password_hash) == ("de", "Europe/Berlin", None)
    end = datetime(2027, 2, 28, 9, 30, tzinfo=UTC)
    assert await books(database, user) == [("live", 50, "grant", 50, "First grant of plan Trial", end)]
    row = await database.fetch_one("select action, actor_kind, subject_id, after from audit")
    after = {"email": "ann@example.com", "name": "Ann Lee", "role": "user", "plan": "trial", "company": None}
    assert row == ("user.create", "system", str(user.id), after)


async def test_a_company_makes_an_organisation_that_the_user_owns(database: Database) -> None:
    user = await join(database, company="Northlight\n GmbH")
    row = await database.fetch_one(
        "select o.name, m.role from organisations o join members m on m.organisation_id = o.id where m.user_id = %s",
        (user.id,),
    )
    assert row == ("Northlight GmbH", "owner")


async def test_a_plan_without_credits_makes_no_entry_and_no_trial(database: Database) -> None:
    await make_plan(database, "bare", monthly_credits=0)
    user = await join(database, plan_id="bare")
    assert (user.plan_id, user.trial_ends_at, user.trial_uses) == ("bare", None, None)
    assert await books(database, user) == [("live", 0, None, None, None, None)]


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT, Role.TESTER])
async def test_staff_are_unlimited_and_hold_test_credits(database: Database, role: Role) -> None:
    user = await join(database, role=role, password=PASSWORD)
    assert user.plan_id == "unlimited"
    live, test = await books(database, user)
    assert live[:4] == ("live", 20_000, "grant", 20_000)
    assert test == ("test", 10_000, "grant", 10_000, "Test credits for staff", None)
    token, _ = await sign_in(
        database, user.email, PASSWORD, address=None, user_agent=None, keep=False, rate=Rate(5, 60)
    )
    assert await authenticate_session(database, token)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": "ann"}, "invalid_email"),
        ({"password": "short"}, "weak_password"),
        ({"plan_id": "gold"}, "unknown_plan"),
        ({"plan_id": "\0"}, "unknown_plan"),
        ({"time_zone": "Mars"}, "invalid_request"),
        ({"language": "?"}, "invalid_request"),
        ({"name": "a" * 201}, "invalid_request"),
        ({"company": "a" * 201}, "invalid_request"),
    ],
)
async def test_wrong_fields_are_refused_and_leave_nothing(
    database: Database, fields: dict[str, str], code: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await join(database, **fields)
    assert refusal.value.code == code
    assert await counts(database) == {}


async def test_a_retired_plan_takes_nobody(database: Database) -> None:
    await make_plan(database, "old", retired_at=NOW)
    with pytest.raises(InvalidRequest, match="'old'"):
        await join(database, plan_id="old")


@pytest.mark.parametrize("table", TABLES)
async def test_a_fault_at_any_step_leaves_nothing(database: Database, table: str) -> None:
    await database.execute(
        "create function fail() returns trigger language plpgsql as"
        " $$ begin raise exception 'disk on fire' using errcode = 'P0001'; end $$"
    )
    await database.execute(
        f"create trigger fail after insert on {table} for each row execute function fail()"
    )
    with pytest.raises(DBAPIError) as fault:
        await join(database, company="Northlight", role=Role.TESTER)
    assert isinstance(fault.value.orig, sqlstates.RaiseException)
    assert await counts(database) == {}


async def test_a_process_killed_before_the_commit_leaves_nothing(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction() as session:
            await sign_up(session, email="ann@example.com", actor=SYSTEM, company="Northlight")
            await session.exec(select(func.pg_terminate_backend(func.pg_backend_pid())))
    assert await counts(database) == {}


# One account per e-mail


async def test_the_same_email_in_another_case_is_taken(database: Database) -> None:
    await join(database)
    made = await counts(database)
    with pytest.raises(Conflict) as refusal:
        await join(database, email="ANN@example.COM", company="Northlight")
    assert (refusal.value.code, refusal.value.status) == ("email_taken", 409)
    assert await counts(database) == made


async def test_an_import_goes_on_after_an_email_that_is_taken(database: Database) -> None:
    await join(database)
    async with database.transaction() as session:
        with pytest.raises(Conflict):
            await sign_up(session, email="ann@example.com", actor=SYSTEM)
        await sign_up(session, email="bob@example.com", actor=SYSTEM)
    assert (await counts(database))["users"] == 2


async def test_of_ten_sign_ups_of_one_email_at_once_one_wins(database: Database) -> None:
    answers = await asyncio.gather(
        *(join(database, email=email) for email in ("ann@example.com", "ANN@example.com") * 5),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 9
    assert await counts(database) == {
        "users": 1, "credit_accounts": 1, "credit_entries": 1, "credit_lots": 1, "audit": 1
    }  # fmt: skip


# Who may


async def test_support_makes_users_and_only_superadmins_make_staff(database: Database) -> None:
    roles = (Role.SUPPORT, Role.SUPERADMIN, Role.TESTER)
    support, root, tester = [actor_of(await make_user(database, role=role)) for role in roles]
    key = Actor("key", "a key", Role.SUPERADMIN, root.id)
    await join(database, actor=support, email="one@example.com")
    await join(database, actor=key, email="two@example.com")
    await join(database, actor=root, email="three@example.com", role=Role.SUPPORT)
    await join(database, actor=COMMAND_LINE, email="four@example.com", role=Role.SUPERADMIN)
    for actor in (support, key, tester):
        with pytest.raises(NotAllowed, match="Only a superadmin can make accounts for staff"):
            await join(database, actor=actor, email="five@example.com", role=Role.TESTER)
    with pytest.raises(NotAllowed, match="Only support or a superadmin can make users"):
        await join(database, actor=tester, email="five@example.com")


async def test_who_joins_the_staff_gets_test_credits_once(database: Database) -> None:
    user = await join(database)

    async def make(role: Role) -> None:
        async with database.transaction() as session:
            await appoint(session, SYSTEM, user.id, role, reason="moves")

    await make(Role.TESTER)
    await asyncio.gather(make(Role.SUPPORT), make(Role.TESTER))
    await make(Role.USER)
    await make(Role.TESTER)
    live, test = await books(database, user)
    assert live[:2] == ("live", 50)
    assert test == ("test", 10_000, "grant", 10_000, "Test credits for staff", None)


# The first superadmin


async def superadmins(database: Database) -> list[tuple[Any, ...]]:
    return await database.fetch_all(
        "select email, password_one_time, plan_id from users where role = 'superadmin'"
    )


async def enter(database: Database, email: str, password: str) -> Role:
    _, person = await sign_in(
        database, email, password, address=None, user_agent=None, keep=False, rate=Rate(5, 60)
    )
    return person.role


async def test_the_first_start_thinks_out_a_password_and_tells_it_once(database: Database) -> None:
    first = await ensure_superadmin(database)
    assert first
    assert first.email == "admin@purser.local"
    assert first.one_time_password
    assert first.one_time_password not in repr(first)
    assert await superadmins(database) == [("admin@purser.local", True, "unlimited")]
    assert await enter(database, first.email, first.one_time_password) is Role.SUPERADMIN
    assert await ensure_superadmin(database) is None


async def test_the_operators_choice_is_taken_and_not_told(database: Database) -> None:
    first = await ensure_superadmin(database, "Root@Example.com", PASSWORD)
    assert first == FirstSuperadmin("root@example.com", None)
    assert await superadmins(database) == [("root@example.com", False, "unlimited")]
    assert await enter(database, "root@example.com", PASSWORD) is Role.SUPERADMIN


async def test_an_existing_user_named_by_the_operator_is_appointed(database: Database) -> None:
    user = await join(database, email="root@example.com")
    await database.execute("update users set status = 'suspended'")
    first = await ensure_superadmin(database, "root@example.com", PASSWORD)
    assert first == FirstSuperadmin("root@example.com", None)
    assert await enter(database, "root@example.com", PASSWORD) is Role.SUPERADMIN
    assert [row[0] for row in await books(database, user)] == ["live", "test"]


async def test_processes_that_start_together_make_one_superadmin(
    database: Database, database_url: str
) -> None:
    others = [Database(database_url, pool_size=2) for _ in range(4)]
    for other in others:
        await other.open()
    answers = await asyncio.gather(
        *(
            ensure_superadmin(one, f"root{number}@example.com")
            for number, one in enumerate([database, *others])
        )
    )
    for other in others:
        await other.close()
    (first,) = [answer for answer in answers if answer]
    assert await superadmins(database) == [(first.email, True, "unlimited")]
