"""A server that goes away costs errors meanwhile, and nothing afterwards; a wrong statement is no absence."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy.exc
from psycopg.types.json import Jsonb

from core.database import Database, EmbeddedServer, run
from core.errors import DatabaseUnavailable

BACK_SECONDS = 10.0


@pytest.fixture
async def own(private: EmbeddedServer) -> AsyncIterator[Database]:
    """A database on a private server, that does not wait long."""
    database = Database(private.start(), pool_size=5, pool_timeout=1, connect_timeout=2)
    await database.open()
    yield database
    await database.close()


async def by_session(database: Database) -> None:
    async with database.transaction() as session:
        await run(session, "select 1")


async def by_pool(database: Database) -> None:
    await database.fetch_one("select 1")


async def until_it_answers(deed: Callable[[Database], Awaitable[None]], database: Database) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            try:
                return await deed(database)
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("deed", [by_session, by_pool])
async def test_absence_is_told_as_such_and_ends_without_a_restart(
    own: Database, private: EmbeddedServer, deed: Callable[[Database], Awaitable[None]]
) -> None:
    await deed(own)
    await asyncio.to_thread(private.stop)

    for _ in range(3):
        with pytest.raises(DatabaseUnavailable) as told:
            await deed(own)
        assert (told.value.status, told.value.retryable, told.value.retry_after) == (503, True, 2)
    await asyncio.to_thread(private.start)

    await until_it_answers(deed, own)


async def test_all_connections_lost_at_once_fail_a_few_calls_and_no_more(own: Database) -> None:
    await asyncio.gather(*(own.fetch_one("select pg_sleep(0.05)") for _ in range(3)))
    async with await psycopg.AsyncConnection.connect(own.url, autocommit=True) as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and backend_type = 'client backend'"
        )

    failures = 0
    for _ in range(20):
        try:
            await by_pool(own)
        except DatabaseUnavailable:
            failures += 1
            await asyncio.sleep(0.05)

    assert failures <= 3
    await by_session(own)


async def test_after_a_longer_absence_it_is_noticed_soon_that_the_server_is_back(
    own: Database, private: EmbeddedServer
) -> None:
    await asyncio.to_thread(private.stop)
    gone = time.monotonic()
    while time.monotonic() < gone + 10:
        with pytest.raises(DatabaseUnavailable):
            await by_pool(own)
    await asyncio.to_thread(private.start)

    back = time.monotonic()
    await until_it_answers(by_pool, own)

    assert time.monotonic() - back < 4


async def test_no_server_at_the_start_is_told(private: EmbeddedServer) -> None:
    url = private.start()
    private.stop()
    database = Database(url, pool_timeout=1, connect_timeout=1)

    with pytest.raises(DatabaseUnavailable):
        await database.open()
    await database.close()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("select 1/0", psycopg.errors.DivisionByZero),
        ("select * from nowhere", psycopg.errors.UndefinedTable),
        ("select", None),
        ("selec 1", psycopg.errors.SyntaxError),
        ("insert into versions (topic) values ('config')", psycopg.errors.UniqueViolation),
        ("update credit_accounts set held = -1", None),
        ("do $$ begin raise exception 'no' using errcode = 'PR001'; end $$", psycopg.Error),
        (
            "do $$ begin raise exception 'lock' using errcode = '40P01'; end $$",
            psycopg.errors.DeadlockDetected,
        ),
    ],
)
async def test_a_statements_own_error_is_not_called_absence(
    database: Database, statement: str, error: type[Exception] | None
) -> None:
    if error is None:
        await database.execute(statement)
        return
    with pytest.raises(error):
        await database.execute(statement)
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        async with database.transaction() as session:
            await run(session, statement.replace(":", "\\:"))
    assert await database.fetch_one("select 1") == (1,)


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with database.transaction() as session:
            await run(session, "insert into settings (key, value) values ('a', '1')")
            raise RuntimeError("stop")

    assert await database.fetch_all("select key from settings") == []


async def test_values_come_back_as_they_went(database: Database) -> None:
    moment = datetime.now(UTC)
    value: dict[str, Any] = {"ü": [1, 2.5, None, True], "deep": {"x": "\u2028"}}

    row = await database.fetch_one(
        "select %s::timestamptz, %s::jsonb, %s::uuid is null", (moment, Jsonb(value), None)
    )

    assert row == (moment, value, True)


async def test_more_at_once_than_there_are_connections_wait_their_turn(database: Database) -> None:
    rows = await asyncio.gather(
        *(database.fetch_one("select pg_sleep(0.01), %s::int", (n,)) for n in range(60))
    )

    assert [row[1] for row in rows if row] == list(range(60))


async def test_a_ping_takes_milliseconds(database: Database) -> None:
    assert 0 < await database.ping() < 5_000
