"""News that come thick and fast move a list now and then, and the last of them always."""

import asyncio
import time

from dashboard.lists.pace import OneAtATime, Pace

SECONDS = 0.1


async def test_the_first_news_count_at_once_and_all_that_follow_count_once_at_the_end() -> None:
    ran: list[float] = []

    async def run() -> None:
        ran.append(time.monotonic())

    pace = Pace(run, SECONDS)
    began = time.monotonic()
    await pace.beat()
    assert len(ran) == 1
    await asyncio.gather(*(pace.beat() for _ in range(20)))

    assert len(ran) == 2
    assert ran[1] - began >= SECONDS


async def test_a_page_that_was_closed_is_not_read_again() -> None:
    ran: list[int] = []

    async def run() -> None:
        ran.append(1)

    pace = Pace(run, SECONDS)
    await pace.beat()
    late = asyncio.create_task(pace.beat())
    await asyncio.sleep(0)
    pace.stop()
    await late

    assert ran == [1]


async def test_what_is_asked_while_it_runs_or_while_something_stands_in_for_it_is_one_run_behind() -> None:
    gate, ran = asyncio.Event(), list[int]()

    async def run() -> None:
        ran.append(1)
        await gate.wait()

    reading = OneAtATime(run)
    first = asyncio.create_task(reading.again())
    await asyncio.sleep(0)
    await asyncio.gather(*(reading.again() for _ in range(3)))
    assert len(ran) == 1

    gate.set()
    await first
    assert len(ran) == 2

    async with reading.alone():
        await asyncio.gather(*(reading.again() for _ in range(3)))
        assert len(ran) == 2
    assert len(ran) == 3
