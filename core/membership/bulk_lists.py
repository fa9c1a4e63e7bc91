"""Bulk grants as lists: which there are, how far one is, and its people."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.credits.bulk_models import BulkGrant, BulkState
from core.database import Database, run
from core.errors import NotFound
from core.queue.models import BackgroundJob, JobState


@dataclass(frozen=True, slots=True)
class BulkSummary:
    """A bulk grant, and how far it is. `stopped`: it was begun, is not done, and nobody works on it any more."""

    grant: BulkGrant
    booked: int
    booked_credits: int
    refused: int
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One person of a bulk grant: booked, refused, or neither yet."""

    number: int
    user_id: UUID
    email: str | None
    amount: int
    entry_id: UUID | None
    refusal: str | None


async def bulk_grants(database: Database, *, limit: int = 50) -> list[BulkGrant]:
    """The bulk grants, the newest first."""
    async with database.transaction() as session:
        query = select(BulkGrant).order_by(col(BulkGrant.id).desc()).limit(limit)
        return list((await session.exec(query)).all())


async def bulk_grant(database: Database, bulk_id: UUID) -> BulkSummary | None:
    """One of them, and how far it is; None where there is none."""
    async with database.transaction() as session:
        bulk = await session.get(BulkGrant, bulk_id)
        if bulk is None:
            return None
        begun = bulk.state in (BulkState.DRAFTING, BulkState.RUNNING, BulkState.FAILED)
        stopped = begun and not await works(session, bulk)
        return BulkSummary(bulk, *await how_far(session, bulk_id), stopped)


async def bulk_lines(database: Database, bulk_id: UUID, *, after: int = 0, limit: int = 50) -> list[Line]:
    """The lines of one behind a number, in their order."""
    rows = await database.fetch_all(
        "select l.number, l.user_id, u.email, l.amount, l.entry_id, l.refusal from bulk_grant_lines l"
        " left join users u on u.id = l.user_id where l.bulk_id = %s and l.number > %s order by l.number limit %s",
        (bulk_id, after, limit),
    )
    return [Line(*row) for row in rows]


async def how_far(session: AsyncSession, bulk_id: UUID) -> tuple[int, int, int]:
    """People who were booked, the credits that they were given, and people who were refused."""
    booked, credits, refused = (await run(session, FAR, {"bulk": bulk_id})).one()
    return booked, credits, refused


async def locked(session: AsyncSession, bulk_id: UUID) -> BulkGrant:
    """One of them, for a change: nobody else changes it until the transaction ends. Raises `NotFound`."""
    bulk = await session.get(BulkGrant, bulk_id, with_for_update=True)
    if bulk is None:
        raise NotFound("There is no such bulk grant.")
    return bulk


async def works(session: AsyncSession, bulk: BulkGrant) -> bool:
    """Whether the job of a bulk grant, or of its list, still waits or runs."""
    job = await session.get(BackgroundJob, bulk.job_id) if bulk.job_id else None
    return job is not None and job.state in (JobState.WAITING, JobState.RUNNING)


FAR = """
select count(entry_id), coalesce(sum(amount) filter (where entry_id is not null), 0)::bigint, count(refusal)
from bulk_grant_lines where bulk_id = :bulk
"""
