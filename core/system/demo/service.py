"""Loading and clearing the demo.

A load commits batch by batch, each of which leaves the books whole; a clear is one transaction. An advisory lock keeps
two of them apart, and a row in `settings` remembers what is there.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.catalogue.file import catalogue
from core.credits.totals import fold_credit_hours
from core.database import BREAKERS, CONFIG, Database, announce
from core.errors import Conflict, DatabaseUnavailable
from core.generation.user_figures import recount_all
from core.routing.fold import fold
from core.system.demo import statements
from core.system.demo.rhythm import batches, slots
from core.system.demo.scenarios import Stage
from core.system.demo.texts import DOMAINS, FIRST_NAMES, LAST_NAMES
from core.system.demo.vendors import DEMO_KINDS, PREFIX, make_vendors

USERS, GENERATIONS, DAYS = 200, 6_000, 30
SCENARIOS, LEAST_SCENARIOS = 2_000, 200
PEOPLE_AT_ONCE = 50_000
CALLS_AT_ONCE = 50_000
MANY_ACCOUNTS = 1_000
LAST_ENDED = timedelta(minutes=2)
"""The last request began so long ago that it has ended: no row lies in the future."""
LOCK = 0x44454D4F  # "DEMO"

LOADING, LOADED = "loading", "loaded"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DemoData:
    """What the marker remembers: counts, and since when. `complete` is false after a load that was interrupted."""

    users: int
    generations: int
    loaded_at: datetime
    complete: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is there now; `new` is false where it was there before and nothing was added."""

    data: DemoData
    new: bool
    seconds: float = 0.0


async def load(
    database: Database,
    *,
    actor: Actor,
    users: int = USERS,
    generations: int = GENERATIONS,
    days: int = DAYS,
    months: int = 0,
    again: bool = False,
    credit_usd_value: Decimal = Decimal("0.01"),
    now: datetime | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Loaded:
    """Adds demo users and their requests of the past `days`, up to a moment ago.

    Args:
        months: for how long before those days each user has been one: each month is two more entries of the ledger.
        again: adds to demo data that is there; without it, nothing happens then.
        credit_usd_value: USD a credit is worth, for the revenue of the rows.
        progress: told what is being made, how many are done, and of how many.

    Raises:
        Conflict: `demo_busy`, another load or clear runs; `demo_incomplete`, one was interrupted and must be cleared.
        DatabaseUnavailable: what was loaded so far stays, whole.
    """
    started, now = time.perf_counter(), now or datetime.now(UTC)
    async with _alone(database) as connection:
        there = await find(database)
        if there and not there.complete:
            raise Conflict(
                "An earlier load of demo data was interrupted. Remove what it left: python main.py demo --clear",
                code="demo_incomplete",
            )
        if there and not again:
            return Loaded(there, new=False)
        before = (there.users, there.generations) if there else (0, 0)
        data = DemoData(before[0] + users, before[1] + generations, now, complete=False)
        async with database.transaction() as session:
            await _remember(session, data)
            await record(
                session,
                actor,
                "demo.load",
                ("demo", None),
                after={"users": users, "generations": generations},
            )
        await fold(database, now)  # what is live is up to date: the demo's quarters hide no gap
        await _load(connection, users, generations, days, months, credit_usd_value, now, progress)
        progress("health", 0, 1)
        await fold(database, now, since=now - timedelta(days=days))
        progress("health", 1, 1)
        await fold_credit_hours(database, now, since=now - timedelta(days=days + 31 * (months + 1)))
        await recount_all(
            database, now, demo=True, progress=lambda done: progress("figures", done, data.users)
        )
        data = DemoData(data.users, data.generations, now, complete=True)
        async with database.transaction() as session:
            await _remember(session, data)
            await announce(session, CONFIG)
            await announce(session, BREAKERS)
    return Loaded(data, new=True, seconds=time.perf_counter() - started)


async def clear(
    database: Database, *, actor: Actor, progress: Progress = lambda what, done, total: None
) -> int:
    """Removes all of it in one transaction: users, accounts, entries, generations, providers.

    A demo user who was given live or test credits meanwhile stays, without demo data: the ledger keeps those entries.

    Returns:
        How many demo users were found.

    Raises:
        Conflict: `demo_busy`.
    """
    async with _alone(database) as connection:
        async with connection.transaction():
            row = await _one(connection, "select count(*) from credit_accounts where traffic = 'demo'")
            found = int(row[0])
            many = found > MANY_ACCOUNTS
            steps = [
                *([statements.CLEARING_INDEX] if many else []),
                *statements.CLEAR,
                *([statements.CLEARING_DROP] if many else []),
            ]
            slugs = [PREFIX + kind for kind in DEMO_KINDS]
            for done, step in enumerate(steps):
                progress("removing", done, len(steps))
                # Only what asks for parameters gets them: DDL takes none.
                await connection.execute(step.encode(), {"slugs": slugs} if "%(slugs)s" in step else None)
        progress("removing", len(steps), len(steps))
        async with database.transaction() as session:
            await record(session, actor, "demo.clear", ("demo", None), before={"users": found})
            await announce(session, CONFIG)
            await announce(session, BREAKERS)
    return found


async def find(database: Database) -> DemoData | None:
    """The demo data that is there, or None."""
    row = await database.fetch_one("select value from settings where key = 'demo'")
    if row is None:
        return None
    value: dict[str, Any] = row[0]
    return DemoData(
        value["users"],
        value["generations"],
        datetime.fromisoformat(value["loadedAt"]),
        complete=value["state"] == LOADED,
    )


async def _load(
    connection: psycopg.AsyncConnection[Any],
    users: int,
    generations: int,
    days: int,
    months: int,
    credit_usd_value: Decimal,
    now: datetime,
    progress: Progress,
) -> None:
    begins = now - timedelta(days=days)
    partitions = (now.year - begins.year) * 12 + now.month - begins.month + 1
    await connection.execute(b"select ensure_partitions(%s::date, %s)", (begins.date(), partitions))
    async with connection.transaction():
        vendors = await make_vendors(connection, catalogue(), now)
    await connection.execute(statements.SCRATCH.encode())
    scenarios = Stage(catalogue(), vendors, now).draw(max(LEAST_SCENARIOS, min(SCENARIOS, generations)))
    async with connection.transaction():
        for number, scenario in enumerate(scenarios):
            await connection.execute(
                statements.KEEP_SCENARIO.encode(),
                {
                    "number": number,
                    "reserved": scenario.reserved,
                    "prompt": _json(scenario.prompt),
                    "answer": scenario.delivered,
                    "generation": _json(scenario.generation),
                },
            )
            await connection.execute(
                statements.KEEP_ATTEMPTS.encode(), {"number": number, "attempts": _json(scenario.attempts)}
            )

    first = int((await _one(connection, statements.NEXT_NUMBER))[0])
    people = {
        "first": first, "people": users, "begins": begins - timedelta(days=1), "first_names": list(FIRST_NAMES),
        "last_names": list(LAST_NAMES), "domains": list(DOMAINS), "months": months,
    }  # fmt: skip
    for low in range(first, first + users, PEOPLE_AT_ONCE):
        progress("users", low - first, users)
        high = min(low + PEOPLE_AT_ONCE, first + users) - 1
        await connection.execute(statements.PEOPLE.encode(), people | {"low": low, "high": high})
    await connection.execute(b"analyze demo_people, demo_scenarios, demo_scenario_attempts")

    done = 0
    for batch in batches(slots(begins, now - LAST_ENDED, generations), CALLS_AT_ONCE):
        progress("generations", done, generations)
        calls = {
            "first": first, "people": users, "scenarios": len(scenarios), "begins": [slot.begins for slot in batch],
            "seconds": [slot.seconds for slot in batch], "counts": [slot.calls for slot in batch],
        }  # fmt: skip
        async with connection.transaction():
            await connection.execute(b"truncate demo_calls")
            await connection.execute(statements.CALLS.encode(), calls)
            await connection.execute(b"analyze demo_calls")
            for statement in statements.BATCH:
                await connection.execute(statement.encode(), {"credit_usd_value": credit_usd_value})
        done += sum(slot.calls for slot in batch)
    progress("generations", generations, generations)
    await connection.execute(statements.REFUNDS.encode(), {})
    await connection.execute(f"analyze {', '.join(statements.ANALYZE)}".encode())


@asynccontextmanager
async def _alone(database: Database) -> AsyncGenerator[psycopg.AsyncConnection[Any], None]:
    """A connection of its own, as the only one that loads or clears."""
    try:
        async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection:
            row = await _one(connection, f"select pg_try_advisory_lock({LOCK})")
            if not row[0]:
                raise Conflict("Demo data is being loaded or removed just now.", code="demo_busy")
            # A crash may lose the last batches, never a part of one; live commits keep their own setting.
            await connection.execute(b"set synchronous_commit = off")
            await connection.execute(b"set work_mem = '128MB'")
            try:
                yield connection
            finally:
                # Let go here: of a connection's end the server hears a moment later, and the next one is refused.
                with suppress(psycopg.Error):
                    await connection.execute(f"select pg_advisory_unlock({LOCK})".encode())
    except psycopg.OperationalError as absence:
        raise DatabaseUnavailable from absence


async def _remember(session: AsyncSession, data: DemoData) -> None:
    value = {
        "users": data.users,
        "generations": data.generations,
        "loadedAt": data.loaded_at.isoformat(),
        "state": LOADED if data.complete else LOADING,
    }
    connection = await session.connection()
    await connection.execute(
        text(
            "insert into settings (key, value) values ('demo', cast(:value as jsonb))"
            " on conflict (key) do update set value = excluded.value, updated_at = now()"
        ),
        {"value": _json(value)},
    )


async def _one(connection: psycopg.AsyncConnection[Any], sql: str) -> tuple[Any, ...]:
    row = await (await connection.execute(sql.encode(), {})).fetchone()
    assert row is not None, "an aggregate always answers"
    return row


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
