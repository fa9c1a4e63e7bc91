"""Refunds: never more than was charged, as long-lived as what paid for it, linked to the charge."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.audit import SYSTEM, Actor
from core.credits.models import CreditEntry
from core.credits.service import refund
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound, PurserError
from core.ids import new_id
from core.vocabulary import Role
from tests.integration.credits.books import Books

SUPPORT = Actor("user", "support@example.com", Role.SUPPORT)


async def give_back(
    database: Database, generation: UUID, amount: int | None = None, **more: Any
) -> CreditEntry:
    async with database.transaction() as session:
        return await refund(
            session,
            **{"actor": SYSTEM, "reason_code": "test", "generation_id": generation, "amount": amount} | more,
        )


async def test_the_whole_charge_comes_back_linked_to_its_entry(database: Database) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)

    entry = await give_back(database, generation)

    linked = await database.fetch_one(
        "select type, amount from credit_entries where id = %s", (entry.refund_of,)
    )
    assert (entry.amount, entry.balance_after, entry.generation_id) == (30, 100, generation)
    assert linked == ("usage", -30)


async def test_parts_sum_to_at_most_the_charge(database: Database) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)
    await give_back(database, generation, 10)
    await give_back(database, generation, 15)

    with pytest.raises(InvalidRequest, match="5 of 30 are left") as refused:
        await give_back(database, generation, 6)
    rest = await give_back(database, generation)
    with pytest.raises(Conflict) as again:
        await give_back(database, generation)

    assert refused.value.details == {"left": 5, "charged": 30}
    assert (rest.amount, again.value.code) == (5, "already_refunded")
    assert await books.state() == (100, 0)


@pytest.mark.parametrize("amount", [0, -5])
async def test_nothing_and_less_is_no_refund(database: Database, amount: int) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)

    with pytest.raises(InvalidRequest):
        await give_back(database, generation, amount)
    assert await books.state() == (70, 0)


@pytest.mark.parametrize(("amount", "expected"), [(None, 1), (4, 7)])
async def test_ten_at_once_give_back_at_most_the_charge(
    database: Database, amount: int | None, expected: int
) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)

    async def attempt() -> str:
        try:
            await give_back(database, generation, amount)
        except PurserError as refused:
            return refused.code
        return "refunded"

    outcomes = Counter(await asyncio.gather(*(attempt() for _ in range(10))))

    assert outcomes["refunded"] == expected
    assert await books.state() == (70 + expected * (amount or 30), 0)


async def test_a_refund_expires_with_the_lot_that_paid(database: Database) -> None:
    books = await Books.open(database)
    later = datetime.now(UTC) + timedelta(days=90)
    await books.grant(50, later)
    generation = await books.charge(30)

    await give_back(database, generation)

    assert await books.lots() == [(20, later), (30, later)]


async def test_a_refund_lives_thirty_days_at_least(database: Database) -> None:
    books = await Books.open(database)
    await books.grant(50, datetime.now(UTC) + timedelta(days=2))
    generation = await books.charge(30)

    await give_back(database, generation)

    _, (_, expires_at) = await books.lots()
    assert expires_at is not None
    assert timedelta(days=29, hours=23) < expires_at - datetime.now(UTC) <= timedelta(days=30)


async def test_a_refund_of_credits_that_never_expire_never_expires(database: Database) -> None:
    books = await Books.open(database, 20)
    await books.grant(20, datetime.now(UTC) + timedelta(days=2))
    generation = await books.charge(30)

    await give_back(database, generation)

    assert (await books.lots())[-1] == (30, None)


async def test_what_was_never_charged_is_not_refunded(database: Database) -> None:
    books = await Books.open(database, 100)
    _, released = await books.reserve(10)
    await books.release(released)

    for generation in (released, new_id()):
        with pytest.raises(NotFound):
            await give_back(database, generation)


async def test_a_grant_is_no_charge(database: Database) -> None:
    books = await Books.open(database)
    granted = await books.grant(100)

    with pytest.raises(NotFound):
        await give_back(database, new_id(), generation_id=None, entry_id=granted)
    assert await books.state() == (100, 0)


async def test_support_refunds_a_charge_above_its_adjustment_limit(database: Database) -> None:
    books = await Books.open(database, 15_000)
    generation = await books.charge(10_000)

    entry = await give_back(database, generation, actor=SUPPORT, reason_code="outage")

    assert entry.amount == 10_000
    (audited,) = await database.fetch_all(
        "select reason, after ->> 'refunded' from audit where action = 'credits.refund'"
    )
    assert audited == ("Outage", "10000")


async def test_others_refund_nothing(database: Database) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)

    for role in (Role.USER, Role.TESTER):
        with pytest.raises(NotAllowed):
            await give_back(database, generation, actor=Actor("user", "somebody", role))
    assert await books.state() == (70, 0)
