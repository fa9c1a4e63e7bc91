"""Credits for many people at once: drafted from a file or a filter (`drafting`), looked at, begun, and booked by one job.

Who gets how much stands in the draft's lines before anything is booked (`booking`). A line and its entry are one
transaction, so that a job that was killed half-way and taken up again grants nobody twice. Above the limit of who
begins it, another superadmin approves (`core.credits.approvals`).
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_superadmin
from core.credits.approvals import ask
from core.credits.bulk_jobs import names, set_going
from core.credits.bulk_models import BulkGrant, BulkState
from core.credits.limits import own_limit
from core.credits.models import CreditRequest
from core.credits.posting import Movement
from core.credits.reasons import words_of
from core.errors import Conflict
from core.membership.bulk_lists import BulkSummary as BulkSummary
from core.membership.bulk_lists import Line as Line
from core.membership.bulk_lists import bulk_grant as bulk_grant
from core.membership.bulk_lists import bulk_grants as bulk_grants
from core.membership.bulk_lists import bulk_lines as bulk_lines
from core.membership.bulk_lists import locked, works


@dataclass(frozen=True, slots=True)
class Started:
    """What became of a start: a job that runs, or a request that waits."""

    job_id: UUID | None = None
    request: CreditRequest | None = None


async def start(session: AsyncSession, bulk_id: UUID, *, actor: Actor) -> Started:
    """Begins a drafted grant, or asks for its approval where its total is above the actor's limit, or where they
    are among those who are granted something.

    One that was begun, and whose job has failed, goes on where it was: that needs no second approval.

    Raises:
        NotAllowed: not a superadmin in person.
        NotFound: no such grant.
        Conflict: `begun_already`, it runs, waits, or is done; `list_unfinished`, not all of its people are listed yet;
            `expired`, its credits would expire in the past.
    """
    require_superadmin(actor, "grant credits in bulk")
    bulk = await locked(session, bulk_id)
    if bulk.state in (BulkState.RUNNING, BulkState.FAILED) and not await works(session, bulk):
        return Started(job_id=await _resume(session, bulk, actor))
    if bulk.state is BulkState.DRAFTING:
        raise Conflict("The list of its people is still being made.", code="list_unfinished")
    if bulk.state is not BulkState.DRAFT or actor.id is None:
        raise Conflict(f"This bulk grant is {bulk.state} already.", code="begun_already")
    bulk.created_by, bulk.created_label = actor.id, actor.label
    limit = await own_limit(session, actor)
    if limit is not None and (bulk.credits > limit or await names(session, bulk.id, actor.id)):
        bulk.state = BulkState.WAITING
        session.add(bulk)
        movement = Movement(
            None, bulk.credits, bulk.reason_code, bulk.note, bulk.type, expires_at=bulk.expires_at
        )
        return Started(request=await ask(session, movement, actor=actor, bulk_id=bulk.id))
    job_id = await set_going(session, bulk)
    await record(
        session,
        actor,
        "bulk_grant.start",
        ("bulk_grant", bulk.id),
        reason=words_of(bulk.reason_code),
        after={"title": bulk.title, "people": bulk.people, "credits": bulk.credits, "note": bulk.note},
    )
    return Started(job_id=job_id)


async def discard(session: AsyncSession, bulk_id: UUID, *, actor: Actor) -> None:
    """Throws a draft away. Raises `NotAllowed`, `NotFound`, and `Conflict` (`begun_already`) where it is none any more."""
    require_superadmin(actor, "grant credits in bulk")
    bulk = await locked(session, bulk_id)
    if bulk.state not in (BulkState.DRAFT, BulkState.DRAFTING):
        raise Conflict(f"This bulk grant is {bulk.state} already.", code="begun_already")
    await session.delete(bulk)
    await record(
        session,
        actor,
        "bulk_grant.discard",
        ("bulk_grant", bulk.id),
        before={"title": bulk.title, "people": bulk.people, "credits": bulk.credits},
    )


async def _resume(session: AsyncSession, bulk: BulkGrant, actor: Actor) -> UUID:
    before = bulk.state
    job_id = await set_going(session, bulk, approved_by=bulk.approved_by)
    await record(
        session,
        actor,
        "bulk_grant.resume",
        ("bulk_grant", bulk.id),
        reason=words_of(bulk.reason_code),
        before={"state": before.value},
        after={
            "state": bulk.state.value, "title": bulk.title, "people": bulk.people, "credits": bulk.credits,
        },
    )  # fmt: skip
    return job_id
