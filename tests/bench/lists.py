"""Lists over a million users and more than ten million entries of the ledger, made by `demo` itself.

Every page is read through the same functions as the pages and the API use. `PURSER_BENCH_USERS` makes it smaller; the
figures then say so. PostgreSQL's own counters tell whether a large table was read from end to end.
"""

import asyncio
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from core.accounts import listing as users
from core.accounts.listing import Filter, Sort
from core.accounts.lookup import look_up
from core.accounts.models import UserStatus
from core.audit import COMMAND_LINE
from core.credits import ledger
from core.credits.models import EntryType
from core.credits.totals import outstanding, totals
from core.database import Database, EmbeddedServer, migrate
from core.entitlements.seed import seed
from core.errors import PurserError
from core.generation.timeline import timeline_of, week_of
from core.ids import first_id_at
from core.system import demo
from core.vocabulary import Traffic
from tests.bench.measure import Figure

USERS = int(os.environ.get("PURSER_BENCH_USERS", "1000000"))
GENERATIONS = USERS // 10
MONTHS = 5
"""Of earlier grants: eleven entries for everybody."""
PLACES = 6
"""Pages of each list: the first, and others as deep as chance will have it."""
LARGE = (
    "users",
    "user_stats",
    "user_words",
    "credit_accounts",
    "credit_entries",
    "credit_lots",
    "generations",
)

Ask = Callable[[], Awaitable[object]]


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as name:
        Path(name).chmod(0o755)
        server = EmbeddedServer(Path(name) / "postgres")
        url = server.start()
        try:
            migrate(url)
            database = Database(url)
            await database.open()
            try:
                return await _measure(database)
            finally:
                await database.close()
        finally:
            server.stop()


async def _measure(database: Database) -> list[Figure]:
    async with database.transaction() as session:
        await seed(session)
    began = time.perf_counter()
    await demo.load(
        database,
        actor=COMMAND_LINE,
        users=USERS,
        generations=GENERATIONS,
        months=MONTHS,
        progress=_progress(),
    )
    loaded = time.perf_counter() - began
    await database.execute("vacuum analyze")
    entries = (await database.fetch_all("select count(*) from credit_entries"))[0][0]
    size = f"{USERS:,} users, {entries:,} entries"
    before = await _scans(database)
    figures = [
        Figure("demo makes them", f"{loaded:.0f} s for {size}", "", "", "", "", True),
        _figure(
            f"users: one filter and a listed sort, any page; {size}",
            await _times(_user_lists(database)),
            150,
            30,
        ),
        _figure("users: search by address, word of the name, id", await _times(_searches(database)), 150, 30),
        _figure("users: other combinations, or a refusal", await _times(_combinations(database)), 1_000, 300),
        _figure("ledger: one filter, any page; totals", await _times(_ledgers(database)), 150, 30),
        _figure("a user: ledger, proof, last day, week", await _times(_one_user(database)), 150, 30),
    ]
    scanned = {
        table: scans - before.get(table, 0)
        for table, scans in (await _scans(database)).items()
        if scans > before.get(table, 0)
    }
    said = ", ".join(f"{table} {count}×" for table, count in scanned.items()) or "none"
    figures.append(
        Figure(
            f"whole tables read for them (of {len(LARGE)} large ones)",
            said,
            "",
            "",
            "none",
            "none",
            not scanned,
        )
    )
    return figures


def _figure(what: str, times: dict[str, float], bar: float, reach: float) -> Figure:
    """The 95th percentile over all queries, with the slowest by name."""
    ordered = sorted(times.values())
    p95 = ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]
    slowest = max(times, key=lambda name: times[name])
    return Figure(
        what,
        f"p95 {p95 * 1000:.1f} ms, median {statistics.median(ordered) * 1000:.1f} ms of {len(times)}",
        f"slowest: {slowest}, {times[slowest] * 1000:.0f} ms",
        "",
        f"≤ {bar:,} ms",
        f"≤ {reach:,} ms",
        p95 * 1000 <= bar,
    )


async def _times(queries: dict[str, Ask]) -> dict[str, float]:
    """Each query's second run, in seconds: warm, as a list in use is. A refusal is an answer."""
    times: dict[str, float] = {}
    for name, ask in queries.items():
        for _ in range(2):
            began = time.perf_counter()
            try:
                await ask()
            except PurserError as refusal:
                name = f"{name} (refused: {refusal.code})"
            times[name] = time.perf_counter() - began
    return times


def _user_lists(database: Database) -> dict[str, Ask]:
    filters = {
        "all": Filter(demo=True),
        "free": Filter(demo=True, plan="free"),
        "unlimited": Filter(demo=True, plan="unlimited"),
        "suspended": Filter(demo=True, status=UserStatus.SUSPENDED),
        "low": Filter(demo=True, low_balance=users.LOW_BALANCE),
        "failing": Filter(demo=True, failing=True),
    }
    queries: dict[str, Ask] = {}
    for name, which in filters.items():
        for sort in Sort:
            for down in (True, False):
                label = f"{name} by {sort} {'down' if down else 'up'}"
                queries[label] = _page(database, which, sort, down)
                queries[f"{label}, deep"] = _deep(database, which, sort, down)
        queries[f"{name}, counted"] = lambda which=which: users.count(database, which)
    return queries


def _page(database: Database, which: Filter, sort: Sort, down: bool, after: str | None = None) -> Ask:
    return lambda: users.listing(database, which, sort=sort, descending=down, after=after)


def _deep(database: Database, which: Filter, sort: Sort, down: bool) -> Ask:
    """A page behind a place in the middle: its cursor is that of the first page of another list with the same sort."""
    places: list[str] = []

    async def ask() -> object:
        if not places:
            other = await users.listing(
                database,
                Filter(demo=True, plan=random.choice(("creator", "premium", "trial"))),
                sort=sort,
                descending=down,
            )
            for _ in range(PLACES):
                if other.next is None:
                    break
                places.append(other.next)
                other = await users.listing(
                    database, Filter(demo=True, plan="creator"), sort=sort, descending=down, after=other.next
                )
        return await users.listing(
            database, which, sort=sort, descending=down, after=places[-1] if places else None
        )

    return ask


def _searches(database: Database) -> dict[str, Ask]:
    words = ("m", "ma", "mara", "mara.l", "noah", "lind", "zz", "a", "mara lindqvist", "mara.lindqvist.4711@")
    queries: dict[str, Ask] = {}
    for word in words:
        queries[f"“{word}”"] = lambda word=word: users.listing(database, Filter(demo=True, text=word))
        queries[f"palette “{word}”"] = lambda word=word: look_up(database, word)
    return queries


def _combinations(database: Database) -> dict[str, Ask]:
    queries: dict[str, Ask] = {}
    suspended = Filter(demo=True, status=UserStatus.SUSPENDED)
    others = {
        "suspended": suspended,
        "failing": Filter(demo=True, failing=True),
        "low": Filter(demo=True, low_balance=10),
        "suspended, failing, low": replace(suspended, failing=True, low_balance=10),
    }
    for plan in ("free", "unlimited", "trial"):
        for name, which in others.items():
            for sort in Sort:
                queries[f"{plan}, {name} by {sort}"] = _page(database, replace(which, plan=plan), sort, True)
    for word in ("m", "mara"):
        for sort in Sort:
            queries[f"“{word}” free by {sort}"] = _page(
                database, Filter(demo=True, text=word, plan="free"), sort, True
            )
    return queries


def _ledgers(database: Database) -> dict[str, Ask]:
    now = datetime.now(UTC)
    of_demo = ledger.Filter(traffic=Traffic.DEMO)
    filters = {
        "all": of_demo,
        "live": ledger.Filter(),
        "by people": ledger.Filter(traffic=Traffic.DEMO, people_only=True),
    }
    filters |= {f"{type}s": ledger.Filter(traffic=Traffic.DEMO, type=type) for type in EntryType}
    for days in (1, 40, 120):
        filters[f"a day {days} days ago"] = ledger.Filter(
            traffic=Traffic.DEMO, begin=now - timedelta(days=days + 1), end=now - timedelta(days=days)
        )
    queries: dict[str, Ask] = {}
    for name, which in filters.items():
        queries[name] = lambda which=which: ledger.ledger(database, which)
        queries[f"{name}, deep"] = _deep_entries(database, which, now)
        queries[f"{name}, counted"] = lambda which=which: ledger.count(database, which)
    month = now - timedelta(days=30)
    queries["totals of a month"] = lambda: totals(database, Traffic.DEMO, month, now)
    queries["outstanding"] = lambda: outstanding(database, Traffic.DEMO)
    return queries


def _deep_entries(database: Database, which: ledger.Filter, now: datetime) -> Ask:
    place = first_id_at(now - timedelta(days=random.uniform(5, 150)))
    return lambda: ledger.ledger(database, which, after=place)


def _one_user(database: Database) -> dict[str, Ask]:
    queries: dict[str, Ask] = {}
    chosen: list[UUID] = []

    async def somebody(number: int) -> UUID:
        if not chosen:
            rows = await database.fetch_all(
                "select user_id from user_stats where demo and plan_id = 'free' order by user_id limit 20"
            )
            chosen.extend(row[0] for row in rows)
        return chosen[number]

    for number in range(10):

        async def entries(number: int = number) -> Any:
            return await ledger.ledger(
                database, ledger.Filter(traffic=Traffic.DEMO, user_id=await somebody(number))
            )

        async def proof(number: int = number) -> Any:
            return await ledger.account_proof(database, await somebody(number), Traffic.DEMO)

        async def day(number: int = number) -> Any:
            return await timeline_of(database, await somebody(number), Traffic.DEMO, datetime.now(UTC))

        async def week(number: int = number) -> Any:
            return await week_of(database, await somebody(number), Traffic.DEMO, datetime.now(UTC))

        queries[f"last 24 hours of user {number}"] = day
        queries[f"week of user {number}"] = week
        queries[f"entries of user {number}"] = entries
        queries[f"proof of user {number}"] = proof
    return queries


async def _scans(database: Database) -> dict[str, int]:
    """How often each large table has been read from end to end, partitions with their parent; those without a row are
    left out: an empty month is read in no other way."""
    await asyncio.sleep(11)  # what an idle connection has counted is told to the others after ten seconds
    rows = await database.fetch_all(
        "select t.name, sum(s.seq_scan)::bigint from unnest(%s::varchar[]) t(name)"
        " join pg_stat_user_tables s on s.relname = t.name or s.relname like t.name || '\\_20%%'"
        " where s.n_live_tup > 0 group by 1",
        (list(LARGE),),
    )
    return dict(rows)


def _progress() -> Callable[[str, int, int], None]:
    told = [0.0]

    def tell(what: str, done: int, total: int) -> None:
        if sys.stderr.isatty() or time.monotonic() - told[0] > 20:
            told[0] = time.monotonic()
            print(f"  {what}: {done:,} of {total:,}", file=sys.stderr)

    return tell
