"""Calls that may be repeated: the first answer again, or a conflict, but never a second movement."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from core.audit import SYSTEM
from core.credits.idempotency import forget_keys, once
from core.credits.service import adjust
from core.database import Database
from core.errors import Conflict, InvalidRequest
from tests.factories import somebody_waits
from tests.integration.credits.books import Books

BODY = {"userId": "ann", "amount": 5}


async def add(books: Books, key: str, body: dict[str, Any], *, caller: str = "key-1") -> dict[str, Any]:
    """What the HTTP call does: claim, move, keep the answer."""
    async with books.database.transaction() as session:
        call = await once(session, caller, key, body)
        if call.answer is not None:
            return call.answer
        entry = (await adjust(session, books.user_id, body["amount"], actor=SYSTEM, reason_code="test")).entry
        assert entry is not None
        answer = {"entry": str(entry.id), "balance": entry.balance_after}
        await call.keep(answer)
        return answer


async def test_the_same_key_and_body_get_the_first_answer(database: Database) -> None:
    books = await Books.open(database)

    first = await add(books, "k", BODY)
    again = await add(books, "k", dict(reversed(BODY.items())))

    assert again == first
    assert await books.entries() == [("adjustment", 5, 5)]


async def test_the_same_key_with_another_body_is_a_conflict(database: Database) -> None:
    books = await Books.open(database)
    await add(books, "k", BODY)

    with pytest.raises(Conflict) as refused:
        await add(books, "k", BODY | {"amount": 6})

    assert (refused.value.code, refused.value.status) == ("idempotency_conflict", 409)
    assert await books.state() == (5, 0)


async def test_keys_of_different_callers_do_not_meet(database: Database) -> None:
    books = await Books.open(database)
    await add(books, "k", BODY)
    await add(books, "k", BODY | {"amount": 6}, caller="key-2")

    assert await books.state() == (11, 0)


async def test_twenty_at_once_with_one_key_make_one_entry(database: Database) -> None:
    books = await Books.open(database)

    answers = await asyncio.gather(*(add(books, "k", BODY) for _ in range(20)))

    assert len({answer["entry"] for answer in answers}) == 1
    assert await books.entries() == [("adjustment", 5, 5)]


async def test_after_a_call_that_failed_the_key_is_free(database: Database) -> None:
    books = await Books.open(database)

    with pytest.raises(RuntimeError, match="lost"):
        async with database.transaction() as session:
            await once(session, "key-1", "k", BODY)
            raise RuntimeError("lost")

    assert (await add(books, "k", BODY | {"amount": 6}))["balance"] == 6


async def test_who_comes_while_the_first_is_at_work_waits_and_goes_on_where_it_failed(
    database: Database,
) -> None:
    books = await Books.open(database)
    waiting: list[asyncio.Task[dict[str, Any]]] = []
    with pytest.raises(RuntimeError, match="lost"):
        async with database.transaction() as session:
            await once(session, "key-1", "k", BODY)
            waiting.append(asyncio.create_task(add(books, "k", BODY)))
            await somebody_waits(database)
            raise RuntimeError("lost")

    (answer,) = await asyncio.gather(*waiting)

    assert answer["balance"] == 5
    assert await books.entries() == [("adjustment", 5, 5)]


async def test_keys_are_forgotten_after_a_week(database: Database) -> None:
    books = await Books.open(database)
    await add(books, "old", BODY)
    await database.execute("update idempotency set created_at = now() - interval '8 days'")
    await add(books, "new", BODY)

    assert await forget_keys(database, datetime.now(UTC)) == 1

    assert await database.fetch_all("select key from idempotency") == [("new",)]


@pytest.mark.parametrize("key", ["", "k" * 201, "k\0"])
async def test_a_key_has_one_to_two_hundred_characters(database: Database, key: str) -> None:
    books = await Books.open(database)

    with pytest.raises(InvalidRequest, match="1 to 200"):
        await add(books, key, BODY)
