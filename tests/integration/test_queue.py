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
from core.ids import new_id
from core.jobs import jobs
from core.queue import Queue
from core.vocabulary import Traffic
from tests.waiting import until
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

    async def none_left() -> bool:
        left = "select 1 from procrastinate_jobs where task_name = %s"
        return await database.fetch_one(left, (task,)) is None

    await until(none_left)


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

        async def given_back() -> bool:
            return await world.held() == 0

        await until(given_back)

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
    ):
        await until(lambda: len(ran) >= 3)

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


async def cut_off(one: Queue, database: Database, task: str) -> None:
    """Leaves what kill -9 leaves: a job of this task that is being done, by a worker whose heart stands still."""
    later = one._app.configure_task(task, queueing_lock=str(new_id()), schedule_in={"hours": 1})
    job = await later.defer_async(timestamp=0)
    await database.execute(
        "with dead as (insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 minute') returning id)"
        " update procrastinate_jobs set status = 'doing', worker_id = (select id from dead) where id = %s",
        (job,),
    )


async def gone(database: Database, job: int) -> None:
    async def over() -> bool:
        return await database.fetch_one("select 1 from procrastinate_jobs where id = %s", (job,)) is None

    await until(over)


@pytest.mark.parametrize("task", ["count_users", "expire_credits", "grant_months", "fold_credits"])
async def test_the_next_tick_runs_though_a_process_died_in_the_one_before(
    database: Database, database_url: str, task: str
) -> None:
    async with queue(database_url, database) as one:
        await cut_off(one, database, f"purser:{task}")
        tick = one._app.configure_task(f"purser:{task}", queueing_lock=str(new_id()))

        await gone(database, await tick.defer_async(timestamp=0))


async def test_what_a_dead_process_was_at_is_ended_whatever_it_was(
    database: Database, database_url: str
) -> None:
    tasks = ("purser:count_users", "purser:make_partitions")
    async with queue(database_url, database) as one:
        for task in tasks:
            await cut_off(one, database, task)
        await one._app.configure_task("purser:take_up_background").defer_async(timestamp=0)

        for task in tasks:
            await done(database, task)


async def test_a_tick_is_left_out_while_the_process_is_still_at_the_one_before(
    database: Database, database_url: str
) -> None:
    ran: list[int] = []
    go_on = asyncio.Event()
    ticking = Blueprint()

    @ticking.task(name="slow", queueing_lock="slow")
    async def slow(timestamp: int) -> None:
        ran.append(timestamp)
        await go_on.wait()

    async with queue(database_url, database, ticking) as one:
        try:
            task = one._app.configure_task("purser:slow")
            await task.defer_async(timestamp=1)
            await until(lambda: bool(ran))
            await gone(database, await task.defer_async(timestamp=2))
            assert ran == [1]
        finally:
            go_on.set()
        await done(database, "purser:slow")
        await gone(database, await task.defer_async(timestamp=3))

    assert ran == [1, 3]


async def test_jobs_that_failed_are_forgotten_after_a_week(database: Database, database_url: str) -> None:
    async with queue(database_url, database) as one:
        later = one._app.configure_task("purser:make_partitions", schedule_in={"hours": 1})
        old, new = await later.defer_async(timestamp=0), await later.defer_async(timestamp=1)
        await database.execute(
            "update procrastinate_jobs set status = 'failed' where id = any(%s)", ([old, new],)
        )
        await database.execute(
            "update procrastinate_events set at = now() - interval '8 days' where job_id = %s", (old,)
        )
        await one._app.configure_task("purser:forget_jobs").defer_async(timestamp=0)
        await gone(database, old)
        await done(database, "purser:forget_jobs")

    assert await database.fetch_one("select status::text from procrastinate_jobs where id = %s", (new,)) == (
        "failed",
    )
