"""Adjustments by hand: once per key, up to a role's limit, and above it only asked for."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.audit import COMMAND_LINE, SYSTEM, Actor
from core.credits.approvals import approve
from core.credits.limits import limit_of
from core.credits.models import EntryType
from core.credits.service import Moved, adjust, refund
from core.database import Database
from core.errors import Conflict, InsufficientCredits, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role, Traffic
from tests.integration.credits.books import Books

SUPPORT = Actor("user", "support@example.com", Role.SUPPORT, new_id())
ADMIN = Actor("user", "admin@example.com", Role.SUPERADMIN, new_id())


async def move(books: Books, amount: int, *, actor: Actor = SUPPORT, **more: Any) -> Moved:
    async with books.database.transaction() as session:
        said: dict[str, Any] = {"reason_code": "goodwill"} | more
        return await adjust(session, books.user_id, amount, actor=actor, **said)


async def test_the_same_key_is_the_first_adjustment_again(database: Database) -> None:
    books = await Books.open(database)

    first, again = await move(books, 50, key="k"), await move(books, 50, key="k")

    assert first.entry
    assert again.entry
    assert (again.entry.id, first.repeated, again.repeated) == (first.entry.id, False, True)
    assert await books.entries() == [("adjustment", 50, 50)]


async def test_twenty_clicks_at_once_are_one_entry(database: Database) -> None:
    books = await Books.open(database)

    moved = await asyncio.gather(*(move(books, 50, key="k") for _ in range(20)))

    assert sorted(one.repeated for one in moved) == [False] + [True] * 19
    assert await books.state() == (50, 0)


async def test_a_key_is_good_for_one_movement_only(database: Database) -> None:
    books = await Books.open(database)
    await move(books, 50, key="k")

    with pytest.raises(Conflict) as refused:
        await move(books, 51, key="k")

    assert refused.value.code == "idempotency_conflict"
    assert await books.state() == (50, 0)


async def test_a_refused_adjustment_leaves_its_key_free(database: Database) -> None:
    books = await Books.open(database, 10)
    with pytest.raises(InsufficientCredits):
        await move(books, -11, key="k")

    await move(books, -10, key="k")

    assert await books.state() == (0, 0)


@pytest.mark.parametrize(("actor", "limit"), [(SUPPORT, 5_000), (ADMIN, 10_000)])
async def test_above_the_limit_of_a_role_it_is_asked_for_and_nothing_moves(
    database: Database, actor: Actor, limit: int
) -> None:
    books = await Books.open(database, 50_000)
    within = await move(books, -limit, actor=actor)
    above = await move(books, limit + 1, actor=actor, key="k")
    again = await move(books, limit + 1, actor=actor, key="k")

    assert within.request is None
    assert above.entry is None
    assert above.request
    assert again.request
    assert (above.request.amount, above.request.asked_by, again.request.id) == (
        limit + 1,
        actor.id,
        above.request.id,
    )
    assert await books.state() == (50_000 - limit, 0)
    assert await database.fetch_one("select count(*) from credit_requests") == (1,)


async def test_a_limit_is_what_superadmins_have_set(database: Database) -> None:
    books = await Books.open(database)
    await database.execute("insert into settings (key, value) values ('support_adjustment_limit', '10')")

    assert (await move(books, 10)).entry is not None
    assert (await move(books, 11)).request is not None
    assert limit_of(Role.SUPPORT, {"support_adjustment_limit": 10}) == 10
    assert limit_of(Role.TESTER, {}) == 0


@pytest.mark.parametrize("actor", [SYSTEM, COMMAND_LINE], ids=["purser", "command line"])
async def test_purser_itself_and_the_command_line_ask_nobody(database: Database, actor: Actor) -> None:
    books = await Books.open(database)

    moved = await move(books, 1_000_000, actor=actor, reason_code="a reason of one's own")

    assert moved.entry
    assert moved.entry.reason == "a reason of one's own"


async def test_what_the_account_cannot_carry_is_not_even_asked_for(database: Database) -> None:
    books = await Books.open(database, 5_000)

    with pytest.raises(InsufficientCredits) as refused:
        await move(books, -5_001)

    assert refused.value.details == {"required": 5_001, "available": 5_000}


async def test_what_was_given_expires_when_it_was_said(database: Database) -> None:
    books = await Books.open(database)
    end = datetime.now(UTC) + timedelta(days=3)

    await move(books, 5, type=EntryType.BONUS, expires_at=end)

    assert await books.lots() == [(5, end)]
    assert await books.entries() == [("bonus", 5, 5)]


@pytest.mark.parametrize(
    ("amount", "more"),
    [
        (5, {"type": EntryType.PURCHASE}),
        (5, {"type": EntryType.USAGE}),
        (-5, {"type": EntryType.GRANT}),
        (-5, {"expires_at": datetime(2999, 1, 1, tzinfo=UTC)}),
        (5, {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}),
        (5, {"note": "x" * 501}),
    ],
)
async def test_what_makes_no_sense_is_refused(database: Database, amount: int, more: dict[str, Any]) -> None:
    books = await Books.open(database, 10)

    with pytest.raises(InvalidRequest):
        await move(books, amount, **more)


async def test_nobody_is_not_given_credits(database: Database) -> None:
    with pytest.raises(NotFound):
        await move(Books(database, new_id(), new_id()), 5)


async def test_twenty_refunds_at_once_give_back_the_charge_once(database: Database) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)

    async def give_back(key: str | None) -> UUID | str:
        try:
            async with database.transaction() as session:
                entry = await refund(
                    session, actor=SUPPORT, reason_code="outage", generation_id=generation, key=key
                )
                return entry.id
        except Conflict as refused:
            return refused.code

    with_key = await asyncio.gather(*(give_back("k") for _ in range(20)))
    without = await asyncio.gather(*(give_back(None) for _ in range(5)))

    assert len(set(with_key)) == 1
    assert without == ["already_refunded"] * 5
    assert await books.entries() == [("grant", 100, 100), ("usage", -30, 70), ("refund", 30, 100)]


@pytest.mark.parametrize("role", [Role.TESTER, Role.SUPPORT, Role.SUPERADMIN])
async def test_support_moves_no_live_credits_of_the_staff_and_none_of_its_own(
    database: Database, role: Role
) -> None:
    books = await staffed(database, role)
    itself = replace(SUPPORT, id=books.user_id)

    for actor in (SUPPORT, itself) if role is Role.SUPPORT else (SUPPORT,):
        with pytest.raises(NotAllowed, match="Only a superadmin can change credits where it concerns"):
            await move(books, 5, actor=actor)

    assert (await move(books, 5, actor=ADMIN)).entry
    assert await books.state() == (5, 0)


async def test_test_credits_of_testers_and_support_are_moved_by_support_and_those_of_superadmins_are_not(
    database: Database,
) -> None:
    for role in (Role.TESTER, Role.SUPPORT):
        books = await staffed(database, role)
        assert (await move(books, 5, actor=replace(SUPPORT, id=books.user_id), traffic=Traffic.TEST)).entry
        assert (await move(books, 5, traffic=Traffic.TEST)).entry
    root = await staffed(database, Role.SUPERADMIN)
    with pytest.raises(NotAllowed):
        await move(root, 5, traffic=Traffic.TEST)
    assert (await move(root, 5, actor=replace(ADMIN, id=root.user_id), traffic=Traffic.TEST)).entry


@pytest.mark.parametrize("amount", [1, -1])
async def test_a_superadmins_own_credits_wait_for_another_one_whatever_the_amount(
    database: Database, amount: int
) -> None:
    books = await staffed(database, Role.SUPERADMIN)
    await books.grant(10)
    moved = await move(books, amount, actor=replace(ADMIN, id=books.user_id))

    assert moved.entry is None
    assert moved.request
    assert await books.state() == (10, 0)
    async with database.transaction() as session:
        await approve(session, moved.request.id, actor=ADMIN)
    assert await books.state() == (10 + amount, 0)


async def test_a_key_of_a_superadmin_moves_no_credits_of_superadmins(database: Database) -> None:
    books = await staffed(database, Role.SUPERADMIN)

    for owner in (books.user_id, new_id()):
        with pytest.raises(NotAllowed):
            await move(books, 5, actor=Actor("key", "a key", Role.SUPERADMIN, owner))


async def test_charges_of_the_staff_are_refunded_by_superadmins_and_nobodys_by_themselves(
    database: Database,
) -> None:
    books = await staffed(database, Role.SUPERADMIN)
    await books.grant(100)
    generation = await books.charge(30)

    async def give_back(actor: Actor) -> None:
        async with database.transaction() as session:
            await refund(session, actor=actor, reason_code="outage", generation_id=generation)

    with pytest.raises(NotAllowed, match="where it concerns a superadmin"):
        await give_back(SUPPORT)
    with pytest.raises(NotAllowed) as own:
        await give_back(replace(ADMIN, id=books.user_id))
    assert own.value.code == "own_account"
    assert await books.state() == (70, 0)
    await give_back(ADMIN)
    assert await books.state() == (100, 0)


@pytest.mark.parametrize("role", [Role.TESTER, Role.SUPPORT])
async def test_charges_of_a_playground_are_refunded_by_support(database: Database, role: Role) -> None:
    books = await staffed(database, role, Traffic.TEST)
    await books.grant(100)
    generation = await books.charge(30)

    async with database.transaction() as session:
        await refund(session, actor=SUPPORT, reason_code="outage", generation_id=generation)

    assert await books.state() == (100, 0)


async def staffed(database: Database, role: Role, traffic: Traffic = Traffic.LIVE) -> Books:
    """An account of somebody of that role."""
    books = await Books.open(database, traffic=traffic)
    await database.execute("update users set role = %s where id = %s", (role, books.user_id))
    return books
