"""Credits for many people at once: drafted from a file or a filter, looked at, begun, and booked by one job.

Who gets how much stands in the draft's lines before anything is booked (`booking`). A line and its entry are one
transaction, so that a job that was killed half-way and taken up again grants nobody twice. Above the limit of who begins it, another superadmin approves (`core.credits.approvals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.listing import Filter, ids_matching
from core.audit import Actor, record
from core.audit.rules import clean_line, require_superadmin
from core.credits.approvals import ask
from core.credits.bulk_jobs import set_going
from core.credits.limits import LARGEST, own_limit
from core.credits.models import BulkGrant, BulkState, CreditRequest, EntryType
from core.credits.posting import Movement
from core.credits.reasons import checked_reason, words_of
from core.database import Database, run
from core.errors import Conflict, InvalidRequest, NotFound
from core.membership.bulk_file import Refusal, read_lines
from core.membership.bulk_lists import BulkSummary as BulkSummary
from core.membership.bulk_lists import Line as Line
from core.membership.bulk_lists import bulk_grant as bulk_grant
from core.membership.bulk_lists import bulk_grants as bulk_grants
from core.membership.bulk_lists import bulk_lines as bulk_lines
from core.membership.bulk_lists import works

LONGEST_TITLE = 100
MOST_PEOPLE = 1_000_000
MOST_REFUSALS = 1_000
"""Refusals that a draft keeps; it counts all of them."""
DRAFTS_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bulk grant would come to. `refusals` are the lines of a file that are left out, each with why."""

    id: UUID
    people: int
    credits: int
    refusals: list[Refusal]


@dataclass(frozen=True, slots=True)
class Started:
    """What became of a start: a job that runs, or a request that waits."""

    job_id: UUID | None = None
    request: CreditRequest | None = None


async def draft_from_csv(
    session: AsyncSession,
    text: str,
    *,
    title: str,
    reason_code: str,
    note: str = "",
    expires_at: datetime | None = None,
    type: EntryType = EntryType.GRANT,
    actor: Actor,
) -> Draft:
    """Drafts a grant from lines of e-mail or id, and amount; nothing is booked. Lines that are wrong are left out.

    Raises:
        NotAllowed: not a superadmin in person.
        InvalidRequest: no title or reason, an end in the past; `no_lines`, not one line is good (details: refusals).
    """
    bulk = _bulk("csv", title, reason_code, note, expires_at, type, actor)
    lines, refusals = await read_lines(session, text)
    if not lines:
        raise InvalidRequest(
            "There is no line here that could be booked.",
            code="no_lines",
            details={"refusals": refusals[:100]},
        )
    bulk.filter = {"refusals": refusals[:MOST_REFUSALS], "refused": len(refusals)}
    session.add(bulk)
    await run(
        session,
        "insert into bulk_grant_lines (bulk_id, number, user_id, amount) select :bulk, t.number, t.id, t.amount"
        " from unnest(cast(:numbers as bigint[]), cast(:ids as uuid[]), cast(:amounts as bigint[])) t (number, id, amount)",
        {
            "bulk": bulk.id,
            "numbers": [one.number for one in lines],
            "ids": [one.user_id for one in lines],
            "amounts": [one.amount for one in lines],
        },
    )
    return await _drafted(session, bulk, actor, refusals)


async def draft_from_filter(
    session: AsyncSession,
    which: Filter,
    amount: int,
    *,
    title: str,
    reason_code: str,
    note: str = "",
    expires_at: datetime | None = None,
    type: EntryType = EntryType.GRANT,
    actor: Actor,
) -> Draft:
    """Drafts a grant of `amount` credits to each active user of a filter (without a search), as of now.

    Raises:
        NotAllowed: not a superadmin in person.
        InvalidRequest: an amount that is none, a search, demo users, nobody, or more than a million people.
    """
    bulk = _bulk("filter", title, reason_code, note, expires_at, type, actor)
    if not 0 < amount <= LARGEST:
        raise InvalidRequest(f"A grant is 1 to {LARGEST:,} credits each.")
    if which.demo:
        raise InvalidRequest("Demo users are given no real credits.")
    statement, params = ids_matching(which)
    bulk.filter = {"plan": which.plan, "status": which.status, "lowBalance": which.low_balance,
                   "failing": which.failing, "staff": which.staff, "amount": amount}  # fmt: skip
    session.add(bulk)
    await session.flush()
    connection = await session.connection()
    found = await connection.exec_driver_sql(
        "insert into bulk_grant_lines (bulk_id, number, user_id, amount)"
        f" select %(bulk)s, row_number() over (order by m.user_id), m.user_id, %(amount)s from ({statement}) m"
        " join users u on u.id = m.user_id and u.status = 'active' limit %(most)s",
        {**params, "bulk": bulk.id, "amount": amount, "most": MOST_PEOPLE + 1},
    )
    if found.rowcount == 0:
        raise InvalidRequest("There is nobody whom this filter matches.", code="no_lines")
    if found.rowcount > MOST_PEOPLE:
        raise InvalidRequest(f"At most {MOST_PEOPLE:,} people are granted credits at once.")
    return await _drafted(session, bulk, actor, [])


async def start(session: AsyncSession, bulk_id: UUID, *, actor: Actor) -> Started:
    """Begins a drafted grant, or asks for its approval where its total is above the actor's limit, or where they
    are among those who are granted something.

    One that was begun, and whose job has failed, goes on where it was: that needs no second approval.

    Raises:
        NotAllowed: not a superadmin in person.
        NotFound: no such grant.
        Conflict: `begun_already`, it runs, waits, or is done; `expired`, its credits would expire in the past.
    """
    require_superadmin(actor, "grant credits in bulk")
    bulk = await _locked(session, bulk_id)
    if bulk.state in (BulkState.RUNNING, BulkState.FAILED) and not await works(session, bulk):
        return Started(job_id=await _resume(session, bulk, actor))
    if bulk.state is not BulkState.DRAFT or actor.id is None:
        raise Conflict(f"This bulk grant is {bulk.state} already.", code="begun_already")
    bulk.created_by, bulk.created_label = actor.id, actor.label
    limit = await own_limit(session, actor)
    if limit is not None and (bulk.credits > limit or await _names(session, bulk.id, actor.id)):
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
    bulk = await _locked(session, bulk_id)
    if bulk.state is not BulkState.DRAFT:
        raise Conflict(f"This bulk grant is {bulk.state} already.", code="begun_already")
    await session.delete(bulk)
    await record(
        session,
        actor,
        "bulk_grant.discard",
        ("bulk_grant", bulk.id),
        before={"title": bulk.title, "people": bulk.people, "credits": bulk.credits},
    )


async def forget_drafts(database: Database, now: datetime) -> None:
    """Deletes drafts that nobody has begun within a week."""
    async with database.transaction() as session:
        await session.exec(
            delete(BulkGrant).where(
                col(BulkGrant.state) == BulkState.DRAFT, col(BulkGrant.created_at) < now - DRAFTS_KEPT
            )
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


def _bulk(
    source: str,
    title: str,
    reason_code: str,
    note: str,
    expires_at: datetime | None,
    type: EntryType,
    actor: Actor,
) -> BulkGrant:
    require_superadmin(actor, "grant credits in bulk")
    if actor.id is None:
        raise InvalidRequest("A bulk grant is drafted in the pages: somebody must be named for it.")
    reason_code, note = checked_reason(actor, reason_code, note)
    title = clean_line(title, "A title", LONGEST_TITLE)
    if not title:
        raise InvalidRequest("A bulk grant needs a title, so that people know later what it was.")
    if type not in (EntryType.GRANT, EntryType.BONUS):
        raise InvalidRequest("A bulk grant is booked as grant or bonus.")
    if expires_at and expires_at <= datetime.now(UTC):
        raise InvalidRequest("These credits would expire in the past.")
    return BulkGrant(
        title=title,
        source=source,
        type=type,
        reason_code=reason_code,
        note=note,
        expires_at=expires_at,
        created_by=actor.id,
        created_label=actor.label,
    )


async def _drafted(
    session: AsyncSession, bulk: BulkGrant, actor: Actor, refusals: Sequence[Refusal]
) -> Draft:
    people, credits = (
        await run(
            session,
            "select count(*), coalesce(sum(amount), 0)::bigint from bulk_grant_lines where bulk_id = :bulk",
            {"bulk": bulk.id},
        )
    ).one()
    bulk.people, bulk.credits = people, credits
    session.add(bulk)
    await record(
        session,
        actor,
        "bulk_grant.draft",
        ("bulk_grant", bulk.id),
        reason=words_of(bulk.reason_code),
        after={"title": bulk.title, "source": bulk.source, "people": people, "credits": credits},
    )
    return Draft(bulk.id, people, credits, list(refusals))


async def _names(session: AsyncSession, bulk_id: UUID, user_id: UUID) -> bool:
    found = await run(
        session,
        "select from bulk_grant_lines where bulk_id = :bulk and user_id = :user",
        {"bulk": bulk_id, "user": user_id},
    )
    return found.first() is not None


async def _locked(session: AsyncSession, bulk_id: UUID) -> BulkGrant:
    bulk = await session.get(BulkGrant, bulk_id, with_for_update=True)
    if bulk is None:
        raise NotFound("There is no such bulk grant.")
    return bulk
