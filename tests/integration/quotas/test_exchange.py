"""Counts of several processes: told to one another, within a second, and never lost with the database."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from core.config import Rate
from core.database import Database
from core.errors import DatabaseUnavailable, LimitReached
from core.ids import new_id
from core.quotas import exchange
from core.quotas.counters import forget_counters
from core.quotas.exchange import MOST
from core.quotas.rates import Rates
from core.quotas.table import RateTable
from tests.waiting import until

HERE = "203.0.113.7"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def rates_of(database: Database, count: int = 10, seconds: int = 900, clock: Any = None) -> Rates:
    rate = Rate(count, seconds)
    return Rates(database, address=rate, service_key=rate, generation=rate, clock=clock or Clock())


def admitted(rates: Rates, times: int, address: str = HERE) -> int:
    """How many of so many requests one process lets through."""
    passed = 0
    for _ in range(times):
        try:
            rates.count_address(address)
        except LimitReached:
            continue
        passed += 1
    return passed


async def test_what_one_has_counted_counts_for_the_other(database: Database) -> None:
    one, other = rates_of(database), rates_of(database)
    assert admitted(one, 6) == 6
    await one.exchange()
    await other.exchange()
    assert admitted(other, 10) == 4
    await other.exchange()
    await one.exchange()
    assert admitted(one, 10) == 0
    assert admitted(one, 10, "203.0.113.8") == 10, "others are not concerned"


async def test_many_rounds_of_two_add_up_to_one_limit(database: Database) -> None:
    processes = [rates_of(database, 100), rates_of(database, 100)]
    passed = 0
    for turn in range(60):
        passed += admitted(processes[turn % 2], 3)
        await processes[turn % 2].exchange()
        await processes[(turn + 1) % 2].exchange()
    assert passed == 100


async def test_a_process_that_begins_learns_what_was_counted_before(database: Database) -> None:
    one = rates_of(database)
    one.start()
    key = new_id()
    admitted(one, 10)
    one.count_service_key(key)
    await one.stop()

    fresh = rates_of(database)
    await fresh.exchange()

    assert admitted(fresh, 1) == 0
    for _ in range(9):
        fresh.count_service_key(key)
    with pytest.raises(LimitReached):
        fresh.count_service_key(key)


async def test_a_window_that_turns_takes_the_counts_of_all_with_it(database: Database) -> None:
    clock = Clock()
    one, other = (rates_of(database, 10, 60, clock) for _ in range(2))
    clock.now += 59 - clock.now % 60
    assert admitted(one, 10) == 10
    clock.now += 2  # before anybody was told
    admitted(one, 1)
    await one.exchange()
    await other.exchange()
    assert admitted(other, 10) == 0, "the burst before the turn still weighs"
    clock.now += 60
    assert admitted(other, 10) > 8


async def test_without_the_database_each_counts_alone_and_tells_later(database: Database) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.2, connect_timeout=1)
    one = rates_of(nowhere)
    assert admitted(one, 6) == 6
    with pytest.raises(DatabaseUnavailable):
        await one.exchange()
    assert admitted(one, 6) == 4
    one._exchange._database = database  # it is back
    await one.exchange()
    other = rates_of(database)
    await other.exchange()
    assert admitted(other, 1) == 0
    await nowhere.close()


async def test_a_flood_of_addresses_is_told_in_portions(database: Database) -> None:
    one = rates_of(database)
    for number in range(MOST + 10):
        one.count_address(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    await one.exchange()
    assert await database.fetch_one("select count(*) from rate_windows") == (MOST,)
    await one.exchange()
    assert await database.fetch_one("select count(*) from rate_windows") == (MOST + 10,)


async def test_counts_that_become_visible_late_are_learnt_though_there_are_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MOST", 2)
    clock, reader = Clock(), rates_of(database)
    number = int(clock() // 900)
    told = "insert into rate_windows select 'address/900:' || s, %s, 10, now() - %s::interval from unnest(%s::text[]) s"
    await database.execute(told, (number, "0.1 seconds", ["a", "b"]))  # a page
    await reader.exchange()
    await database.execute(told, (number, "0.3 seconds", ["late"]))
    await database.execute(told, (number, "0 seconds", ["c", "d", "e", "f"]))  # two, all of one moment

    async with asyncio.timeout(20):
        while len(reader.addresses) < 7:
            await asyncio.sleep(0.02)
            await reader.exchange()

    assert [admitted(reader, 1, who) for who in ("a", "b", "c", "d", "e", "f", "late")] == [0] * 7


def test_whoever_has_been_here_is_not_forgotten_for_strangers() -> None:
    clock = Clock()
    table = RateTable(Rate(1, 60), capacity=2, clock=clock)
    table.take("a")
    table.take("b")
    table.learn("stranger", int(clock.now // 60), 50)
    assert len(table) == 2
    assert table.take("a") is not None


async def test_windows_long_past_are_forgotten_and_present_ones_kept(database: Database) -> None:
    one = rates_of(database)
    admitted(one, 1)
    await one.exchange()
    await database.execute(
        "insert into rate_windows select 'old' || n, 1, 1, now() - interval '1 day' from generate_series(1, 10) n"
    )
    await one._exchange.forget()
    assert await database.fetch_one("select count(*) from rate_windows") == (1,)


CHILD = """
import asyncio, sys
from core.config import Rate
from core.database import Database
from core.quotas.rates import Rates

async def main():
    database = Database(sys.argv[1])
    await database.open()
    rate = Rate(100, 900)
    rates = Rates(database, address=rate, service_key=rate, generation=rate)
    rates.start()
    for _ in range(60):
        rates.count_address("203.0.113.7")
    print("counted", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await rates.stop()
    await database.close()

asyncio.run(main())
"""


@asynccontextmanager
async def another_process(url: str) -> AsyncIterator[subprocess.Popen[str]]:
    """A process of its own that has let sixty requests through, and runs until the block ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert await asyncio.wait_for(asyncio.to_thread(child.stdout.readline), 30) == "counted\n"
        yield child
        child.communicate("\n", timeout=30)
    finally:
        child.kill()
        child.wait(10)


async def test_two_processes_hold_one_limit(database: Database, database_url: str) -> None:
    rates = rates_of(database, 100, clock=time.time)
    rates.start()
    async with another_process(database_url) as child:
        await until(lambda: len(rates.addresses) > 0)
        assert admitted(rates, 100) == 40
    assert child.returncode == 0
    await rates.stop()


async def test_counters_of_past_periods_are_forgotten_and_trials_never(database: Database) -> None:
    await database.execute(
        "insert into quota_counters (subject, name, period, used) values ('a', 'day', '2026-11-20', 1),"
        " ('a', 'day', '2026-11-29', 1), ('a', 'month', '2026-08', 1), ('a', 'month', '2026-10', 1), ('a', 'trial', '', 2)"
    )
    assert await forget_counters(database, datetime(2026, 12, 1, tzinfo=UTC)) == 2
    kept = await database.fetch_all("select name, period from quota_counters order by 1, 2")
    assert kept == [("day", "2026-11-29"), ("month", "2026-10"), ("trial", "")]
