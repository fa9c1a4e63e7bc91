"""Packages bought once per reference, and codes redeemed once per person, and by no more people than they are for."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.audit import SYSTEM, Actor
from core.credits.codes import codes, make_code, redeem, retire_code, uses_of
from core.credits.packages import (
    Purchase,
    add_package,
    change_package,
    packages,
    record_purchase,
    retire_package,
)
from core.credits.shop_models import Package
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound, PurserError
from core.ids import new_id
from core.vocabulary import Role
from tests.integration.credits.books import Books, disagreements

ADMIN = Actor("user", "admin@example.com", Role.SUPERADMIN, new_id())
SUPPORT = Actor("user", "support@example.com", Role.SUPPORT, new_id())


async def starter(database: Database, **more: Any) -> Package:
    async with database.transaction() as session:
        said = {"name": "Starter", "credits": 1_000, "bonus": 100, "price_usd": Decimal(9), "actor": ADMIN}
        return await add_package(session, **said | more, reason="for the shop")


async def buy(books: Books, package: Package, reference: str = "in-7", **more: Any) -> Purchase:
    async with books.database.transaction() as session:
        return await record_purchase(
            session, books.user_id, package.id, **{"reference": reference, "actor": SUPPORT} | more
        )


async def test_a_purchase_is_its_credits_and_its_bonus_and_never_expires(database: Database) -> None:
    books, package = await Books.open(database), await starter(database)

    bought = await buy(books, package)

    assert [(one.type, one.amount, one.reference) for one in bought.entries] == [
        ("purchase", 1_000, "in-7"),
        ("bonus", 100, "in-7"),
    ]
    assert await books.lots() == [(1_000, None), (100, None)]
    assert await disagreements(database) == []


async def test_purchases_of_the_staff_are_recorded_by_superadmins_and_nobodys_by_themselves(
    database: Database,
) -> None:
    books, package = await Books.open(database), await starter(database)
    await database.execute("update users set role = 'superadmin' where id = %s", (books.user_id,))

    with pytest.raises(NotAllowed, match="Only a superadmin can record purchases"):
        await buy(books, package)
    with pytest.raises(NotAllowed, match="Another superadmin must record this purchase"):
        await buy(books, package, actor=replace(ADMIN, id=books.user_id))
    assert await books.state() == (0, 0)
    await buy(books, package, actor=ADMIN)
    assert await books.state() == (1_100, 0)


async def test_twenty_at_once_with_one_reference_book_once(database: Database) -> None:
    books, package = await Books.open(database), await starter(database)

    bought = await asyncio.gather(*(buy(books, package) for _ in range(20)))

    assert Counter(one.repeated for one in bought) == {True: 19, False: 1}
    assert len({tuple(entry.id for entry in one.entries) for one in bought}) == 1
    assert await books.state() == (1_100, 0)


async def test_a_reference_of_another_user_or_package_is_a_conflict(database: Database) -> None:
    books, other = await Books.open(database), await Books.open(database)
    package, large = await starter(database), await starter(database, name="Large", bonus=0)
    await buy(books, package)

    for who, what in ((other, package), (books, large)):
        with pytest.raises(Conflict) as refused:
            await buy(who, what)
        assert refused.value.code == "reference_used"
    assert await other.state() == (0, 0)


async def test_a_package_that_was_changed_brings_later_buyers_something_else(database: Database) -> None:
    books, package = await Books.open(database), await starter(database)
    await buy(books, package)
    async with database.transaction() as session:
        await change_package(
            session,
            package.id,
            name="Starter",
            credits=500,
            bonus=0,
            price_usd=Decimal("4.5"),
            actor=ADMIN,
            reason="cheaper",
        )

    again, later = await buy(books, package), await buy(books, package, "in-8")

    assert [one.amount for one in again.entries] == [1_000, 100]
    assert [one.amount for one in later.entries] == [500]
    assert await database.fetch_all("select price_usd from purchases order by reference") == [
        (9,),
        (Decimal("4.5"),),
    ]


async def test_what_is_retired_is_not_sold_and_its_name_is_free(database: Database) -> None:
    books, package = await Books.open(database), await starter(database)
    with pytest.raises(Conflict):
        await starter(database, name="STARTER")
    async with database.transaction() as session:
        await retire_package(session, package.id, actor=ADMIN, reason="over")

    with pytest.raises(NotFound):
        await buy(books, package)
    new = await starter(database)

    assert [one.id for one in await packages(database)] == [new.id]
    assert len(await packages(database, retired=True)) == 2


async def test_the_shop_refuses_what_makes_no_sense(database: Database) -> None:
    books, package = await Books.open(database), await starter(database)
    tester = Actor("user", "tess", Role.TESTER, new_id())
    for refusal, deed in (
        (NotAllowed, buy(books, package, actor=tester)),
        (InvalidRequest, buy(books, package, " ")),
        (NotFound, buy(Books(database, new_id(), new_id()), package)),
        (NotAllowed, starter(database, name="x", actor=SUPPORT)),
        (InvalidRequest, starter(database, name=" ")),
        (InvalidRequest, starter(database, name="x", credits=0)),
        (InvalidRequest, starter(database, name="x", bonus=-1)),
        (InvalidRequest, starter(database, name="x", price_usd=Decimal("NaN"))),
    ):
        with pytest.raises(refusal):
            await deed


# Codes


async def make(database: Database, code: str | None = "WELCOME", **more: Any) -> str:
    async with database.transaction() as session:
        return (await make_code(session, code=code, **{"credits": 50, "actor": ADMIN} | more)).code


async def use(books: Books, code: str = "WELCOME") -> str:
    """The code of the refusal, or what was booked."""
    try:
        async with books.database.transaction() as session:
            entry = await redeem(session, books.user_id, code, actor=SYSTEM)
    except PurserError as refused:
        return refused.code
    return f"{entry.type} {entry.amount}"


async def test_a_code_is_redeemed_once_by_each(database: Database) -> None:
    books, other = await Books.open(database), await Books.open(database)
    await make(database, credits_last_days=30)

    assert [await use(books, " welcome "), await use(books), await use(other)] == [
        "bonus 50",
        "code_redeemed",
        "bonus 50",
    ]
    ((_, end),) = await books.lots()
    assert end is not None
    assert timedelta(days=29) < end - datetime.now(UTC) <= timedelta(days=30)
    assert {one.user_id for one in await uses_of(database, "WELCOME")} == {books.user_id, other.user_id}
    assert await disagreements(database) == []


async def test_of_twenty_people_at_once_one_gets_the_last_use(database: Database) -> None:
    people = [await Books.open(database) for _ in range(20)]
    await make(database, most_uses=1)

    told = await asyncio.gather(*(use(books) for books in people))

    assert Counter(told) == {"bonus 50": 1, "code_used_up": 19}
    assert [one.uses for one in await codes(database)] == [1]


async def test_one_person_twenty_times_at_once_gets_it_once(database: Database) -> None:
    books = await Books.open(database)
    await make(database)

    told = await asyncio.gather(*(use(books) for _ in range(20)))

    assert Counter(told) == {"bonus 50": 1, "code_redeemed": 19}
    assert await disagreements(database) == []


async def test_codes_that_are_over_say_so(database: Database) -> None:
    books = await Books.open(database)
    await make(database, "OLD", expires_at=datetime.now(UTC) + timedelta(days=1))
    await database.execute("update promo_codes set expires_at = now()")
    await make(database, "RETIRED")
    async with database.transaction() as session:
        await retire_code(session, "retired", actor=ADMIN, reason="over")

    told = [await use(books, code) for code in ("OLD", "RETIRED", "NEVER", "\0")]

    assert told == ["code_expired", "unknown_code", "unknown_code", "unknown_code"]
    assert await books.state() == (0, 0)


async def test_a_code_thought_out_here_is_hard_to_guess_and_one_is_made_once(database: Database) -> None:
    assert len({await make(database, None) for _ in range(5)}) == 5
    await make(database)
    with pytest.raises(Conflict):
        await make(database, "welcome")
    wrong: list[dict[str, Any]] = [
        {"code": "a b"},
        {"credits": 0},
        {"most_uses": 0},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ]
    for more in wrong:
        with pytest.raises(InvalidRequest):
            await make(database, **{"code": "OTHER"} | more)
    with pytest.raises(NotAllowed):
        await make(database, "OTHER", actor=SUPPORT)
