"""Setting a bulk grant going: one background job, begun in the transaction that starts or approves it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.credits.bulk_models import BulkGrant, BulkState
from core.database import run
from core.errors import Conflict
from core.queue.background import begin

BULK_GRANT = "bulk_grant"
"""The kind of job; `core.membership.booking` has its body."""
SHOWN_AT = "/credits?tab=bulk&sel={bulk}"


async def set_going(session: AsyncSession, bulk: BulkGrant, *, approved_by: UUID | None = None) -> UUID:
    """Begins the job of a bulk grant whose row the caller has locked; returns the job's id.

    Raises:
        Conflict: `expired`, its credits would expire in the past.
    """
    if bulk.expires_at and bulk.expires_at <= datetime.now(UTC):
        raise Conflict("The credits of this bulk grant would expire in the past by now.", code="expired")
    job_id = await begin(
        session,
        kind=BULK_GRANT,
        title=f"Bulk grant: {bulk.title}",
        parameters={"bulk": str(bulk.id)},
        actor=_Starter(bulk.created_by),
        href=SHOWN_AT.format(bulk=bulk.id),
    )
    bulk.state, bulk.approved_by, bulk.job_id, bulk.finished_at = BulkState.RUNNING, approved_by, job_id, None
    session.add(bulk)
    return job_id


async def names(session: AsyncSession, bulk_id: UUID, user_id: UUID) -> bool:
    """Whether somebody is among the people of a bulk grant."""
    found = await run(
        session,
        "select from bulk_grant_lines where bulk_id = :bulk and user_id = :user",
        {"bulk": bulk_id, "user": user_id},
    )
    return found.first() is not None


@dataclass(frozen=True, slots=True)
class _Starter:
    id: UUID | None
