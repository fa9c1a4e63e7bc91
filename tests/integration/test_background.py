"""Jobs that people begin: there with the transaction or not at all, told about, and never lost with a process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.accounts.models import User
from core.audit import Actor
from core.bootstrap import Purser
from core.database import Database
from core.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotAllowed
from core.jobs import jobs as schedules
from core.queue import Queue, background
from core.queue.background import Job, Work, begin, recent, take_up, tray, work_on
from core.queue.models import JobState
from core.system import demo
from core.system.demo.background import begin_clear, begin_load
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.waiting import until
from tests.world import running, settings_for


@pytest.fixture
async def admin(database: Database) -> User:
    return await make_user(database, role=Role.SUPERADMIN)


async def started(database: Database, user: User, kind: str = "stub", **options: Any) -> UUID:
    async with database.transaction() as session:
        return await begin(
            session, kind=kind, title="A job", parameters={"n": 1}, actor=actor_of(user), **options
        )


async def only(database: Database, user: User) -> Job:
    (job,) = await recent(database, user.id)
    return job


async def works(work: Work, _context: Mapping[str, Any]) -> str:
    return f"Done {work.parameters['n']}."


async def queued(database: Database, job_id: UUID) -> list[str]:
    rows = await database.fetch_all(
        "select status::text from procrastinate_jobs where args ->> 'job_id' = %s order by id", (str(job_id),)
    )
    return [status for (status,) in rows]


async def test_a_job_is_in_the_queue_when_its_transaction_commits(database: Database, admin: User) -> None:
    job_id = await started(database, admin)

    assert (await only(database, admin)).state is JobState.WAITING
    assert await queued(database, job_id) == ["todo"]


async def test_a_transaction_that_fails_leaves_neither_row_nor_queued_job(
    database: Database, admin: User
) -> None:
    with pytest.raises(InvalidRequest):
        async with database.transaction() as session:
            await begin(session, kind="stub", title="A job", parameters={}, actor=actor_of(admin))
            raise InvalidRequest("no")

    assert await recent(database, admin.id) == []
    assert await database.fetch_one("select 1 from procrastinate_jobs") is None


async def test_a_body_does_the_work_and_its_sentence_is_what_the_tray_shows(
    database: Database, admin: User
) -> None:
    job_id = await started(database, admin)

    await work_on(database, job_id, {"stub": works}, {})

    job = await only(database, admin)
    assert (job.state, job.message, job.open) == (JobState.DONE, "Done 1.", False)
    assert job.finished_at is not None


async def test_a_refusal_ends_the_job_with_its_sentence(database: Database, admin: User) -> None:
    async def refuses(_work: Work, _context: Mapping[str, Any]) -> str:
        raise Conflict("Somebody else is at it.")

    job_id = await started(database, admin)
    await work_on(database, job_id, {"stub": refuses}, {})

    job = await only(database, admin)
    assert (job.state, job.message) == (JobState.FAILED, "Somebody else is at it.")


async def test_an_unforeseen_failure_says_nothing_of_its_inside(database: Database, admin: User) -> None:
    async def breaks(_work: Work, _context: Mapping[str, Any]) -> str:
        raise RuntimeError("secret sk-123")

    job_id = await started(database, admin)
    await work_on(database, job_id, {"stub": breaks}, {})

    job = await only(database, admin)
    assert job.state is JobState.FAILED
    assert str(job_id) in job.message
    assert "sk-123" not in job.message


async def test_a_job_from_under_which_the_server_went_away_is_taken_up_again(
    database: Database, admin: User
) -> None:
    async def breaks(_work: Work, _context: Mapping[str, Any]) -> str:
        raise DatabaseUnavailable

    job_id = await started(database, admin)
    with pytest.raises(DatabaseUnavailable):
        await work_on(database, job_id, {"stub": breaks}, {})
    await database.execute("update procrastinate_jobs set status = 'failed'")  # as the worker notes it

    assert (await only(database, admin)).state is JobState.RUNNING
    assert await take_up(database) == 1


async def test_how_far_a_job_is_is_written_at_most_once_a_second(
    database: Database, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "TOLD_EVERY", 0.2)
    seen: set[int] = set()

    async def counts(work: Work, _context: Mapping[str, Any]) -> str:
        for done in range(100):
            work.tell(f"{done} of 100", done, 100)
            await asyncio.sleep(0.006)
            seen.add((await only(database, admin)).done)
        return "Counted."

    job_id = await started(database, admin)
    await work_on(database, job_id, {"stub": counts}, {})

    assert 2 <= len(seen) <= 10
    assert (await only(database, admin)).part == 1


async def test_a_job_that_has_ended_is_not_done_again(database: Database, admin: User) -> None:
    runs: list[UUID] = []

    async def notes(work: Work, _context: Mapping[str, Any]) -> str:
        runs.append(work.id)
        return "Once."

    job_id = await started(database, admin)
    await work_on(database, job_id, {"stub": notes}, {})
    await work_on(database, job_id, {"stub": notes}, {})

    assert runs == [job_id]


async def test_of_two_that_begin_at_once_what_must_run_alone_one_is_refused(
    database: Database, admin: User
) -> None:
    outcomes = await asyncio.gather(
        *(started(database, admin, apart_from=("stub",)) for _ in range(6)), return_exceptions=True
    )

    assert sum(isinstance(outcome, UUID) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"job_running"}


async def test_a_job_whose_process_died_is_handed_to_the_queue_again(database: Database, admin: User) -> None:
    job_id = await started(database, admin)
    await database.execute("update background_jobs set state = 'running'")
    await database.execute(
        "update procrastinate_jobs set status = 'failed'"
    )  # as the schedule notes of the dead

    assert await take_up(database) == 1

    assert (await only(database, admin)).state is JobState.WAITING
    assert await queued(database, job_id) == ["failed", "todo"]
    assert await take_up(database) == 0


async def test_after_three_deaths_a_job_has_failed_and_says_so(database: Database, admin: User) -> None:
    await started(database, admin)
    for _ in range(3):
        await database.execute("update procrastinate_jobs set status = 'failed' where status = 'todo'")
        await take_up(database)

    job = await only(database, admin)
    assert job.state is JobState.FAILED
    assert "3 times" in job.message
    assert await take_up(database) == 0


async def test_the_tray_shows_a_persons_own_jobs_and_forgets_them_after_a_day(
    database: Database, admin: User
) -> None:
    other = await make_user(database, role=Role.SUPERADMIN)
    mine, theirs, old = [await started(database, user) for user in (admin, other, admin)]
    await work_on(database, mine, {"stub": works}, {})
    await work_on(database, old, {"stub": works}, {})
    await database.execute(
        "update background_jobs set finished_at = now() - interval '25 hours' where id = %s", (old,)
    )

    assert [job.id for job in await recent(database, admin.id)] == [mine]
    assert {person: [job.id for job in jobs] for person, jobs in (await tray(database)).items()} == {
        admin.id: [mine],
        other.id: [theirs],
    }


@asynccontextmanager
async def worker(url: str, database: Database) -> AsyncIterator[Queue]:
    """This process as a worker with the real bodies."""
    queue = Queue(url, schedules, {"database": database})
    await queue.start()
    try:
        yield queue
    finally:
        await queue.stop()


async def ended(database: Database, user_id: UUID) -> Job:
    async def over() -> bool:
        return not (await recent(database, user_id))[0].open

    await until(over, seconds=30)
    return (await recent(database, user_id))[0]


@pytest.fixture
async def purser(database_url: str, tmp_path: Path) -> AsyncIterator[Purser]:
    async with running(settings_for(database_url, tmp_path)) as world:
        yield world.purser


async def test_demo_data_is_loaded_and_removed_by_the_queue(purser: Purser, database_url: str) -> None:
    database = purser.database
    actor = actor_of(await make_user(database, role=Role.SUPERADMIN))
    assert actor.id
    async with worker(database_url, database):
        async with database.transaction() as session:
            await begin_load(session, actor, credit_usd_value=purser.settings.credit_usd_value)
        loaded = await ended(database, actor.id)
        there = await demo.find(database)
        async with database.transaction() as session:
            await begin_clear(session, actor)
        removed = await ended(database, actor.id)

    assert (loaded.state, removed.state) == (JobState.DONE, JobState.DONE)
    assert "200 users and 6,000 generations" in loaded.message
    assert there is not None
    assert there.complete
    assert await demo.find(database) is None
    audited = await database.fetch_all(
        "select action, actor_id from audit where action like 'demo.%%' order by id"
    )
    assert audited == [("demo.load", actor.id), ("demo.clear", actor.id)]


async def test_a_load_that_a_death_cut_off_is_begun_anew(purser: Purser, database_url: str) -> None:
    database = purser.database
    actor = actor_of(await make_user(database, role=Role.SUPERADMIN))
    assert actor.id
    await database.execute(
        "insert into settings (key, value) values ('demo',"
        """ '{"users": 200, "generations": 6000, "loadedAt": "2026-11-01T00:00:00+00:00", "state": "loading"}')"""
    )
    async with database.transaction() as session:
        await begin_load(session, actor, credit_usd_value=purser.settings.credit_usd_value)

    async with worker(database_url, database):
        job = await ended(database, actor.id)

    there = await demo.find(database)
    assert job.state is JobState.DONE
    assert there is not None
    assert there.complete


async def test_the_schedule_notices_a_worker_that_stopped_living(purser: Purser, database_url: str) -> None:
    database = purser.database
    actor = actor_of(await make_user(database, role=Role.SUPERADMIN))
    assert actor.id
    async with database.transaction() as session:
        await begin_clear(session, actor)
    # What kill -9 leaves: a job that is being done, by a worker whose heart stands still.
    await database.execute(
        "with dead as (insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 minute') returning id)"
        " update procrastinate_jobs set status = 'doing', worker_id = (select id from dead)"
    )
    await database.execute("update background_jobs set state = 'running', started_at = now()")

    async with worker(database_url, database) as queue:
        await queue._app.configure_task("purser:take_up_background").defer_async(timestamp=0)
        job = await ended(database, actor.id)

    assert (job.state, job.message) == (JobState.DONE, "0 demo users and all that was theirs are gone.")


async def test_only_superadmins_load_and_remove_demo_data(database: Database) -> None:
    support: Actor = actor_of(await make_user(database, role=Role.SUPPORT))
    for verb in (
        lambda s: begin_clear(s, support),
        lambda s: begin_load(s, support, credit_usd_value=Decimal(1)),
    ):
        with pytest.raises(NotAllowed):
            async with database.transaction() as session:
                await verb(session)

    assert await tray(database) == {}
