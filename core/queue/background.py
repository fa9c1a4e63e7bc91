"""Jobs that a person starts and watches in the tray: begun, worked on, told about, taken up again.

`begin` writes the row and the queue's job in one transaction, so that neither exists without the other. The row says
how far the work is; the queue's job does it. A process may die in the middle: `take_up` finds rows that nobody works
on any more, and hands them to the queue again. So a body is either safe to run twice, or finds out that it was cut
off. Which body does a kind of job stands in `core.jobs`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from procrastinate import App, PsycopgConnector
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.database import Database, announce, end, run
from core.errors import Conflict, DatabaseUnavailable, PurserError
from core.ids import first_id_at
from core.log import get_logger
from core.queue.models import BackgroundJob, JobState

log = get_logger(__name__)

JOBS = "jobs"
"""The topic that tells all processes that a job was begun."""
TASK = "purser:run_background"
TOLD_EVERY = 1.0
"""Seconds: how far a job is gets written no more often."""
MOST_TRIES = 3
SHOWN_FOR = timedelta(days=1)
"""How long a finished job stays in the tray."""
MOST_SHOWN = 20
CUT_OFF = "It was begun {tries} times, and each time the process that worked on it ended. Begin it again."
UNFORESEEN = "Something in Purser went wrong. Quote job {id}."


class Starter(Protocol):
    """Who begins a job: the actor of the audit fits."""

    @property
    def id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the tray shows it; `done` of `total` steps, where the total is known."""

    id: UUID
    kind: str
    title: str
    state: JobState
    done: int
    total: int
    message: str
    href: str | None
    actor_id: UUID | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (JobState.WAITING, JobState.RUNNING)

    @property
    def part(self) -> float | None:
        """How much of it is done, from 0 to 1; None where that is not known."""
        return min(1.0, self.done / self.total) if self.total else None


class Work:
    """What the body of a job gets: what to do, and a place to say how far it is."""

    def __init__(self, job_id: UUID, parameters: dict[str, Any]) -> None:
        self.id = job_id
        self.parameters = parameters
        self._said: tuple[str, int, int] | None = None

    def tell(self, message: str, done: int = 0, total: int = 0) -> None:
        """Says how far it is; written at most once a second, the latest word alone."""
        self._said = (message, done, total)

    async def keep_telling(self, database: Database) -> None:
        """Writes what was told, until it is cancelled."""
        while True:
            if self._said is not None:
                said, self._said = self._said, None
                with suppress(DatabaseUnavailable):
                    await database.execute(TELL, (*said, self.id))
            await asyncio.sleep(TOLD_EVERY)


Body = Callable[[Work, Mapping[str, Any]], Awaitable[str]]
"""Does the work with what the worker's context holds, and gives the sentence that the tray then shows.

A `PurserError` ends the job as failed, with its message."""


async def begin(
    session: AsyncSession,
    *,
    kind: str,
    title: str,
    parameters: dict[str, Any],
    actor: Starter,
    href: str | None = None,
    apart_from: Sequence[str] = (),
) -> UUID:
    """Begins a job with this transaction: when it commits, a worker takes it.

    Args:
        title: what it does, as the tray calls it ("Load demo data").
        href: where its result is to be seen.
        apart_from: kinds of jobs that must not be open at the same time.

    Raises:
        Conflict: `job_running`, one of `apart_from` is open.
    """
    await run(
        session, "select pg_advisory_xact_lock(hashtext(:kinds))", {"kinds": " ".join(apart_from) or kind}
    )
    if apart_from:
        there = await session.exec(
            select(BackgroundJob.title).where(
                col(BackgroundJob.kind).in_(apart_from),
                col(BackgroundJob.state).in_((JobState.WAITING, JobState.RUNNING)),
            )
        )
        if (other := there.first()) is not None:
            raise Conflict(f"“{other}” is still running. Wait for its end.", code="job_running")
    job = BackgroundJob(kind=kind, title=title, parameters=parameters, actor_id=actor.id, href=href)
    session.add(job)
    await _defer(session, job.id)
    await announce(session, JOBS)
    return job.id


async def work_on(
    database: Database, job_id: UUID, bodies: Mapping[str, Body], context: Mapping[str, Any]
) -> None:
    """Does one job, and writes how it ended. A job that has ended already is left alone.

    Raises:
        DatabaseUnavailable: the server went away before its end, or before that was written; `take_up` begins it again.
    """
    row = await database.fetch_one(CLAIM, (job_id,))
    if row is None:
        return
    kind, parameters = row
    work = Work(job_id, parameters)
    telling = asyncio.create_task(work.keep_telling(database))
    try:
        state, message = JobState.DONE, await bodies[kind](work, context)
    except DatabaseUnavailable:
        raise
    except PurserError as refusal:
        state, message = JobState.FAILED, refusal.message
    except Exception:
        log.exception("a background job failed", job=str(job_id), kind=kind)
        state, message = JobState.FAILED, UNFORESEEN.format(id=job_id)
    finally:
        await end([telling])
    await database.execute(FINISH, {"id": job_id, "state": state, "message": message})


async def take_up(database: Database) -> int:
    """Hands jobs that nobody works on any more to the queue again; after three tries they have failed.

    Returns:
        How many were found.
    """
    async with database.transaction() as session:
        found = (await run(session, LEFT_ALONE, {"task": TASK})).all()
        for job_id, tries in found:
            if tries >= MOST_TRIES:
                said = {"id": job_id, "message": CUT_OFF.format(tries=tries)}
                await run(session, GIVE_UP, said)
            else:
                await run(
                    session, "update background_jobs set state = 'waiting' where id = :id", {"id": job_id}
                )
                await _defer(session, job_id)
        if found:
            await announce(session, JOBS)
    return len(found)


async def recent(database: Database, actor_id: UUID) -> list[Job]:
    """A person's jobs for the tray, newest first: all that are open, and what has ended within a day."""
    rows = await database.fetch_all(
        f"select {COLUMNS} from background_jobs where actor_id = %(actor)s"
        " and (finished_at is null or finished_at > now() - %(for)s) order by id desc limit %(most)s",
        {"actor": actor_id, "for": SHOWN_FOR, "most": MOST_SHOWN},
    )
    return [_job(row) for row in rows]


async def tray(database: Database) -> dict[UUID, list[Job]]:
    """The jobs of everybody, as `recent` gives them, by person."""
    rows = await database.fetch_all(
        f"select {COLUMNS} from background_jobs where state in ('waiting', 'running')"
        f" union all select {COLUMNS} from background_jobs where id >= %(since)s and finished_at > now() - %(for)s"
        " order by id desc",
        # Whatever ended within the day began, as good as always, within the week: the key carries that.
        {"since": first_id_at(datetime.now(UTC) - timedelta(days=7)), "for": SHOWN_FOR},
    )
    found: dict[UUID, list[Job]] = {}
    for job in map(_job, rows):
        if job.actor_id is not None and len(mine := found.setdefault(job.actor_id, [])) < MOST_SHOWN:
            mine.append(job)
    return found


async def _defer(session: AsyncSession, job_id: UUID) -> None:
    """Adds the queue's job in the session's own transaction."""
    await session.flush()
    raw = await (await session.connection()).get_raw_connection()
    await _queue.configure_task(
        TASK, connection=raw.driver_connection, task_kwargs={"job_id": str(job_id)}
    ).defer_async()


_queue = App(connector=PsycopgConnector())
"""Never opened: it only writes through connections that it is given."""


def _job(row: tuple[Any, ...]) -> Job:
    identifier, kind, title, state, *others = row
    return Job(identifier, kind, title, JobState(state), *others)


COLUMNS = "id, kind, title, state, done, total, message, href, actor_id, created_at, finished_at"
CLAIM = (
    "update background_jobs set state = 'running', started_at = coalesce(started_at, now()), done = 0, total = 0"
    " where id = %s and state in ('waiting', 'running') returning kind, parameters"
)
TELL = "update background_jobs set message = %s, done = %s, total = %s where id = %s and state = 'running'"
FINISH = (
    "update background_jobs set state = %(state)s::varchar, message = %(message)s, finished_at = now(),"
    " done = case when %(state)s::varchar = 'done' then total else done end"
    " where id = %(id)s and state in ('waiting', 'running')"
)
GIVE_UP = (
    "update background_jobs set state = 'failed', message = :message, finished_at = now()"
    " where id = :id and state in ('waiting', 'running')"
)
LEFT_ALONE = """
select b.id, (
    select count(*) from procrastinate_jobs j
    where j.task_name = :task and j.args ->> 'job_id' = cast(b.id as text))
from background_jobs b
where b.state in ('waiting', 'running') and not exists (
    select from procrastinate_jobs j
    where j.task_name = :task and j.args ->> 'job_id' = cast(b.id as text) and j.status in ('todo', 'doing'))
for update of b skip locked
"""
