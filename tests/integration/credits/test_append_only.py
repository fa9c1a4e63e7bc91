"""What the database itself refuses, whoever asks."""

import psycopg
import pytest

from core.database import Database
from core.vocabulary import Traffic
from tests.integration.credits.books import Books


@pytest.mark.parametrize(
    "deed",
    [
        "update credit_entries set amount = 1",
        "update credit_entries set note = 'harmless'",
        "update credit_entries set traffic = 'demo'",
        "delete from credit_entries",
        "truncate credit_entries cascade",
        "truncate credit_accounts cascade",
    ],
)
async def test_entries_are_never_changed_or_deleted(database: Database, deed: str) -> None:
    books = await Books.open(database, 10)
    await books.charge(4)

    with pytest.raises(psycopg.Error, match="append-only") as refused:
        await database.execute(deed)

    assert refused.value.sqlstate == "PR001"
    assert await books.entries() == [("grant", 10, 10), ("usage", -4, 6)]


async def test_demo_entries_may_be_deleted_and_no_others_with_them(database: Database) -> None:
    live = await Books.open(database, 10)
    demo = await Books.open(database, 10, Traffic.DEMO)
    await demo.charge(4)
    await database.execute("delete from credit_lots where account_id = %s", (demo.account_id,))

    deleted = await database.execute("delete from credit_entries where traffic = 'demo'")

    assert deleted == 2
    assert await live.entries() == [("grant", 10, 10)]
    assert await demo.entries() == []


async def test_the_database_itself_refuses_a_balance_below_what_is_held(database: Database) -> None:
    books = await Books.open(database, 10)
    await books.reserve(8)

    for change in ("balance = 7", "held = 11", "held = -1"):
        with pytest.raises(psycopg.errors.CheckViolation):
            await database.execute(f"update credit_accounts set {change} where id = %s", (books.account_id,))
