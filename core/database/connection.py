"""Two ways to the one PostgreSQL: SQLModel sessions for ordinary commands, a psycopg pool for the hot statements.

`DATABASE_POOL_SIZE` is per process and split: three fifths for the hot pool, the rest for sessions; one connection
more listens for changes. A server that goes away costs `DatabaseUnavailable` (503) until it is back; both pools then
mend themselves.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
import sqlalchemy.exc
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from core.errors import DatabaseUnavailable
from core.log import get_logger

log = get_logger(__name__)

Params = Sequence[Any] | dict[str, Any]

STATEMENT_CLASSES = ("40", "23", "22", "42", "P0", "PR")
"""SQLSTATE classes of errors that speak of the statement, not of the server's absence."""

DATA_ERRORS: tuple[type[Exception], ...] = (psycopg.DataError, sqlalchemy.exc.DataError)
"""What either library raises for a value that no column holds, such as a text with a NUL."""

RECONNECT_PATIENCE = 2.0
"""Seconds: a server that is back is noticed within this, however long it was away."""

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)


class Database:
    """Open once per process; safe for concurrent use."""

    def __init__(
        self, url: str, *, pool_size: int = 10, pool_timeout: float = 30, connect_timeout: int = 30
    ) -> None:
        self.url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        hot = max(1, pool_size * 3 // 5)
        self._pool = AsyncConnectionPool(
            self.url,
            min_size=min(2, hot),
            max_size=hot,
            timeout=pool_timeout,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 0, "connect_timeout": connect_timeout},
            # The pool's own pauses between tries double without end: it gives up early, and is asked to begin anew.
            reconnect_timeout=RECONNECT_PATIENCE,
            reconnect_failed=self._begin_anew,
        )
        self.engine = create_async_engine(
            "postgresql+psycopg://" + self.url.removeprefix("postgresql://").removeprefix("postgres://"),
            pool_size=max(1, pool_size - hot),
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_pre_ping=True,
            connect_args={"connect_timeout": connect_timeout},
            # StrEnums are keys here and there; orjson wants to be told.
            json_serializer=lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(),
            json_deserializer=orjson.loads,
        )
        self._mending: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connects; raises `DatabaseUnavailable` where no server answers in time."""
        async with _absence_told():
            await self._pool.open(wait=True, timeout=self._pool.timeout)

    async def close(self) -> None:
        """Ends all connections."""
        if self._mending:
            self._mending.cancel()
        await self._pool.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back on an error."""
        async with (
            _absence_told(),
            AsyncSession(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    async def fetch_one(self, sql: str, params: Params = ()) -> tuple[Any, ...] | None:
        """The first row of one prepared statement in a transaction of its own."""
        async with self._hot() as connection:
            cursor = await connection.execute(sql.encode(), params)
            return await cursor.fetchone()

    async def fetch_all(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of one prepared statement in a transaction of its own."""
        async with self._hot() as connection:
            cursor = await connection.execute(sql.encode(), params)
            return await cursor.fetchall()

    async def execute(self, sql: str, params: Params = ()) -> int:
        """Runs one prepared statement in a transaction of its own; returns the count of rows it touched."""
        async with self._hot() as connection:
            cursor = await connection.execute(sql.encode(), params)
            return cursor.rowcount

    async def ping(self) -> float:
        """Milliseconds that the server takes to answer."""
        started = time.perf_counter()
        await self.fetch_one("select 1")
        return (time.perf_counter() - started) * 1000

    @asynccontextmanager
    async def _hot(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        try:
            async with _absence_told(), self._pool.connection() as connection:
                yield connection
        except DatabaseUnavailable:
            self._mend()
            raise

    def _mend(self) -> None:
        """After a failure, throws out all dead connections at once rather than one failing request each."""
        if self._mending is None or self._mending.done():
            self._mending = asyncio.create_task(self._check_pool())

    async def _begin_anew(self, _pool: AsyncConnectionPool) -> None:
        self._mend()

    async def _check_pool(self) -> None:
        try:
            await self._pool.check()
        except psycopg.Error as failure:
            log.warning("database pool could not be checked", error=str(failure))


async def run(
    session: AsyncSession, sql: str, params: dict[str, Any] | None = None
) -> CursorResult[*tuple[Any, ...]]:
    """One statement of plain SQL (`:name` parameters) within a session's transaction, after what the session holds back."""
    await session.flush()
    return await (await session.connection()).execute(text(sql), params or {})


@asynccontextmanager
async def _absence_told() -> AsyncIterator[None]:
    """Turns a server's absence, in either library's words, into `DatabaseUnavailable`."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        if _speaks_of_statement(getattr(error, "sqlstate", None)):
            raise
        raise DatabaseUnavailable from error
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError) as error:
        if _speaks_of_statement(getattr(error.orig, "sqlstate", None)):
            raise
        raise DatabaseUnavailable from error
    except sqlalchemy.exc.TimeoutError as error:
        raise DatabaseUnavailable from error


def _speaks_of_statement(sqlstate: str | None) -> bool:
    return sqlstate is not None and sqlstate[:2] in STATEMENT_CLASSES
