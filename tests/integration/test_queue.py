"""Schedules and jobs: each runs, once, in whichever process; a job that is there is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import croniter
import pytest
from procrastinate import Blueprint

from core.database import Database
from core.generation.order import TextOrder
from core.jobs import jobs
from core.queue import Queue
from core.vocabulary import Traffic
from tests.world import running, settings_for

SECONDS = 20.0


@asynccontextmanager
async def queue(database_url: str, database: Database, tasks: Blueprint = jobs) -> AsyncIterator[Queue]:
    """This process as a worker."""
    one = Queue(database_url, tasks, {"database": database})
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def done(database: Database, task: str) -> None:
    """Returns when the task's jobs are gone, which is what becomes of those that succeeded."""
    async with asyncio.timeout(SECONDS):
        while await database.fetch_one("select 1 from procrastinate_jobs where task_name = %s", (task,)):
            await asyncio.sleep(0.05)


async def test_the_sweep_that_the_schedule_runs_gives_back_what_a_dead_process_held(
    database_url: str, tmp_path: Path
) -> None:
    async with running(settings_for(database_url, tmp_path), worker=True) as world:
        purser = world.purser
        assert purser.queue is not None
        orphan = await purser.generations._begin(
            world.user, TextOrder.of_prompt("Say hello"), Traffic.LIVE, None
        )
        purser.generations._over(orphan)
        await purser.database.execute("update reservations set lease_until = now() - interval '1 second'")
        assert await world.held() == 1

        await purser.queue._app.configure_task("purser:sweep_reservations").defer_async(timestamp=0)
        async with asyncio.timeout(SECONDS):
            while await world.held():
                await asyncio.sleep(0.05)

        (row,) = await world.rows()
        assert (row["status"], row["error_code"]) == ("failed", "interrupted")


@pytest.mark.parametrize(
    ("task", "at_least_every"),
    [
        ("sweep_reservations", timedelta(seconds=30)),
        ("make_partitions", timedelta(hours=1)),
        ("forget_ended", timedelta(hours=1)),
        ("take_up_background", timedelta(seconds=30)),
    ],
)
def test_every_schedule_ticks_as_often_as_promised(task: str, at_least_every: timedelta) -> None:
    (cron,) = [
        entry.cron for (name, _), entry in jobs.periodic_registry.periodic_tasks.items() if name == task
    ]
    ticks = croniter.croniter(cron, datetime(2026, 11, 21, tzinfo=UTC))
    times = [ticks.get_next(datetime) for _ in range(5)]

    assert all(later - earlier <= at_least_every for earlier, later in pairwise(times))


async def test_a_tick_that_several_processes_see_runs_once(database: Database, database_url: str) -> None:
    ran: list[int] = []
    ticking = Blueprint()

    @ticking.periodic(cron="* * * * * *")
    @ticking.task(name="tick")
    async def tick(timestamp: int) -> None:
        ran.append(timestamp)

    async with (
        queue(database_url, database, ticking),
        queue(database_url, database, ticking),
        queue(database_url, database, ticking),
        asyncio.timeout(SECONDS),
    ):
        while len(ran) < 3:
            await asyncio.sleep(0.05)

    assert len(ran) == len(set(ran))


@pytest.mark.parametrize(
    "task", ["make_partitions", "forget_ended", "sweep_reservations", "take_up_background"]
)
async def test_every_scheduled_task_runs_to_its_end(database: Database, database_url: str, task: str) -> None:
    async with queue(database_url, database) as one:
        await one._app.configure_task(f"purser:{task}").defer_async(timestamp=0)
        await done(database, f"purser:{task}")


async def test_a_stop_leaves_what_was_not_begun_for_the_next_process(
    database: Database, database_url: str
) -> None:
    async with queue(database_url, database) as one:
        later = one._app.configure_task("purser:make_partitions", schedule_in={"hours": 1})
        await later.defer_async(timestamp=0)
    await database.execute("update procrastinate_jobs set scheduled_at = now()")  # an hour passes

    async with queue(database_url, database):
        await done(database, "purser:make_partitions")


async def test_a_stop_finishes_the_job_that_runs(database: Database, database_url: str) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    slow = Blueprint()

    @slow.task(name="slow")
    async def work() -> None:
        began.set()
        await asyncio.sleep(1.5)
        await database.fetch_one("select 1")
        ended.set()

    async with queue(database_url, database, slow) as one:
        await one._app.configure_task("purser:slow").defer_async()
        async with asyncio.timeout(SECONDS):
            await began.wait()

    assert ended.is_set()
    await done(database, "purser:slow")


async def test_a_stop_right_after_the_start_does_not_hang(database: Database, database_url: str) -> None:
    for pause in (0, 0.005, 0.01, 0.015, 0.02):
        one = Queue(database_url, jobs, {"database": database})
        await one.start()
        await asyncio.sleep(pause)
        async with asyncio.timeout(SECONDS):
            await one.stop()


async def test_partitions_are_made_months_ahead_by_the_schedule(
    database: Database, database_url: str
) -> None:
    month = datetime.now(UTC).strftime("%Y_%m")
    for table in ("generations", "attempts", "generation_content"):
        await database.execute(f"drop table {table}_{month}")

    async with queue(database_url, database) as one:
        await one._app.configure_task("purser:make_partitions").defer_async(timestamp=0)
        await done(database, "purser:make_partitions")

    assert await database.fetch_one("select to_regclass(%s) is not null", (f"generations_{month}",)) == (
        True,
    )
