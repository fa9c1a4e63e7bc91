"""Bulk grants as drafts: who would get how much, from a file or by a filter, before anything is booked.

The people of a draft are its lines. A filter that leaves many people has its list made by a job, piece after piece;
killed half-way and run again, it goes on behind the last line that it wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.listing import Filter, ids_matching
from core.audit import Actor, record
from core.audit.rules import clean_line, require_superadmin
from core.credits.bulk_jobs import SHOWN_AT
from core.credits.bulk_models import BulkGrant, BulkState
from core.credits.limits import LARGEST
from core.credits.models import EntryType
from core.credits.reasons import checked_reason, words_of
from core.database import Database, run
from core.errors import Conflict, InvalidRequest
from core.membership.bulk_file import Refusal, read_lines
from core.membership.bulk_lists import locked, works
from core.queue.background import Body, Work, begin

LONGEST_TITLE = 100
MOST_PEOPLE = 1_000_000
LISTED_AT_ONCE = 50_000
"""People up to whom the list of a filter is made while one waits, in about a second; for more, a job makes it."""
PIECE = 10_000
"""Lines that one transaction of that job writes."""
MOST_REFUSALS = 1_000
"""Refusals that a draft keeps; it counts all of them."""
DRAFTS_KEPT = timedelta(days=7)
NOBODY = "There is nobody whom this filter matches."
BULK_LIST = "bulk_list"
"""The kind of job that makes a list."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of a bulk grant, whomever it is for: credits that expire at `expires_at`, booked as `type`, and why."""

    title: str
    reason_code: str
    note: str = ""
    expires_at: datetime | None = None
    type: EntryType = EntryType.GRANT


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bulk grant would come to. `refusals` are the lines of a file that are left out, each with why; `job_id` is
    the job that makes the list, where that is still to be done: people and credits are what it will be about."""

    id: UUID
    people: int
    credits: int
    refusals: Sequence[Refusal] = ()
    job_id: UUID | None = None


async def draft_from_csv(session: AsyncSession, text: str, terms: Terms, *, actor: Actor) -> Draft:
    """Drafts a grant from lines of e-mail or id, and amount; nothing is booked. Lines that are wrong are left out.

    Raises:
        NotAllowed: not a superadmin in person.
        InvalidRequest: no title or reason, an end in the past; `no_lines`, not one line is good (details: refusals).
    """
    bulk = _bulk("csv", terms, actor)
    lines, refusals = await read_lines(session, text)
    if not lines:
        raise InvalidRequest(
            "There is no line here that could be booked.",
            code="no_lines",
            details={"refusals": refusals[:100]},
        )
    bulk.filter = {"refusals": refusals[:MOST_REFUSALS], "refused": len(refusals)}
    bulk.people, bulk.credits = len(lines), sum(one.amount for one in lines)
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
    await _record(session, bulk, actor)
    return Draft(bulk.id, bulk.people, bulk.credits, refusals)


async def draft_from_filter(
    session: AsyncSession, which: Filter, amount: int, terms: Terms, *, actor: Actor
) -> Draft:
    """Drafts a grant of `amount` credits to each active user of a filter (without a search), as of now.

    Raises:
        NotAllowed: not a superadmin in person.
        InvalidRequest: an amount that is none, a search, demo users, more than a million people; `no_lines`, nobody.
    """
    bulk = _bulk("filter", terms, actor)
    if not 0 < amount <= LARGEST:
        raise InvalidRequest(f"A grant is 1 to {LARGEST:,} credits each.")
    if which.demo:
        raise InvalidRequest("Demo users are given no real credits.")
    people = await _count(session, which)
    if not people:
        raise InvalidRequest(NOBODY, code="no_lines")
    if people > MOST_PEOPLE:
        raise InvalidRequest(f"At most {MOST_PEOPLE:,} people are granted credits at once.")
    bulk.filter = {"which": asdict(which), "amount": amount}
    _comes_to(bulk, people)
    session.add(bulk)
    await session.flush()
    if people > LISTED_AT_ONCE:
        bulk.state = BulkState.DRAFTING
        await _begin_list(session, bulk, actor)
    else:
        # As many as there are by now: somebody may have come or gone since they were counted.
        _, listed = await _list_some(session, bulk, LISTED_AT_ONCE)
        _comes_to(bulk, listed)
        if not listed:
            raise InvalidRequest(NOBODY, code="no_lines")
    await _record(session, bulk, actor)
    return Draft(bulk.id, bulk.people, bulk.credits, job_id=bulk.job_id)


async def list_again(session: AsyncSession, bulk_id: UUID, *, actor: Actor) -> UUID:
    """Goes on with a list whose job has failed, behind the last line that it wrote; returns the new job's id.

    Raises:
        NotAllowed: not a superadmin in person.
        NotFound: no such grant.
        Conflict: `begun_already`, the list is whole, or still being made.
    """
    require_superadmin(actor, "grant credits in bulk")
    bulk = await locked(session, bulk_id)
    if bulk.state is not BulkState.DRAFTING or await works(session, bulk):
        raise Conflict("This list is whole, or still being made.", code="begun_already")
    job_id = await _begin_list(session, bulk, actor)
    await _record(session, bulk, actor, "bulk_grant.list_again")
    return job_id


async def list_in_background(work: Work, context: Mapping[str, Any]) -> str:
    """The body of the job: writes piece after piece of the list, until nobody is left; the draft can then be begun."""
    database: Database = context["database"]
    bulk_id = UUID(work.parameters["bulk"])
    while True:
        async with database.transaction() as session:
            bulk = await session.get(BulkGrant, bulk_id, with_for_update=True)
            if bulk is None:
                return "The draft was thrown away before its list was whole."
            if bulk.state is not BulkState.DRAFTING:
                return f"{bulk.people:,} people are listed."
            new, listed = await _list_some(session, bulk, PIECE)
            if not new:
                _comes_to(bulk, listed)
                bulk.state = BulkState.DRAFT
            people = bulk.people
        work.tell(f"{listed:,} of about {people:,} people", min(listed, people), people)


BODIES: Mapping[str, Body] = {BULK_LIST: list_in_background}
"""The kinds of jobs of this module, and what does them."""


async def forget_drafts(database: Database, now: datetime) -> None:
    """Deletes drafts that nobody has begun within a week."""
    async with database.transaction() as session:
        await session.exec(
            delete(BulkGrant).where(
                col(BulkGrant.state).in_((BulkState.DRAFT, BulkState.DRAFTING)),
                col(BulkGrant.created_at) < now - DRAFTS_KEPT,
            )
        )


async def _begin_list(session: AsyncSession, bulk: BulkGrant, actor: Actor) -> UUID:
    bulk.job_id = await begin(
        session,
        kind=BULK_LIST,
        title=f"List of people: {bulk.title}",
        parameters={"bulk": str(bulk.id)},
        actor=actor,
        href=SHOWN_AT.format(bulk=bulk.id),
    )
    session.add(bulk)
    return bulk.job_id


def _bulk(source: str, terms: Terms, actor: Actor) -> BulkGrant:
    require_superadmin(actor, "grant credits in bulk")
    if actor.id is None:
        raise InvalidRequest("A bulk grant is drafted in the pages: somebody must be named for it.")
    reason_code, note = checked_reason(actor, terms.reason_code, terms.note)
    title = clean_line(terms.title, "A title", LONGEST_TITLE)
    if not title:
        raise InvalidRequest("A bulk grant needs a title, so that people know later what it was.")
    if terms.type not in (EntryType.GRANT, EntryType.BONUS):
        raise InvalidRequest("A bulk grant is booked as grant or bonus.")
    if terms.expires_at and terms.expires_at <= datetime.now(UTC):
        raise InvalidRequest("These credits would expire in the past.")
    return BulkGrant(
        title=title,
        source=source,
        type=terms.type,
        reason_code=reason_code,
        note=note,
        expires_at=terms.expires_at,
        created_by=actor.id,
        created_label=actor.label,
    )


async def _count(session: AsyncSession, which: Filter) -> int:
    """How many are granted something by a filter, up to one more than may be."""
    people, params = _people(which)
    statement = f"select count(*) from ({people} limit %(most)s) m"
    connection = await session.connection()
    counted = await connection.exec_driver_sql(statement, {**params, "most": MOST_PEOPLE + 1})
    return int(counted.scalar_one())


async def _list_some(session: AsyncSession, bulk: BulkGrant, most: int) -> tuple[int, int]:
    """Writes the lines of the next people of a filter's list, in the order of their ids: so many new ones, so many in all.

    Lines are numbered from 1 without a gap: the last one's number says how many people there are.
    """
    people, params = _people(Filter(**bulk.filter["which"]))
    number, user_id = await _last_line(session, bulk.id)
    connection = await session.connection()
    written = await connection.exec_driver_sql(
        "insert into bulk_grant_lines (bulk_id, number, user_id, amount)"
        " select %(bulk)s, %(number)s + row_number() over (order by m.user_id), m.user_id, %(amount)s"
        f" from ({people} and s.user_id > %(last)s order by s.user_id limit %(most)s) m",
        {
            **params,
            "bulk": bulk.id,
            "number": number,
            "last": user_id,
            "amount": bulk.filter["amount"],
            "most": most,
        },
    )
    return written.rowcount, number + written.rowcount


def _people(which: Filter) -> tuple[str, dict[str, Any]]:
    """The ids of a filter's active people, as a statement that may be followed by more conditions, and its parameters."""
    statement, params = ids_matching(which)
    return f"{statement} and s.status = 'active'", params


async def _last_line(session: AsyncSession, bulk_id: UUID) -> tuple[int, UUID]:
    """The number of a list's last line and whom it names; what stands before all others for an empty one."""
    found = await run(
        session,
        "select number, user_id from bulk_grant_lines where bulk_id = :bulk order by number desc limit 1",
        {"bulk": bulk_id},
    )
    row = found.first()
    return (row[0], row[1]) if row else (0, UUID(int=0))


def _comes_to(bulk: BulkGrant, people: int) -> None:
    """A filter's grant is the same amount for each of so many people."""
    bulk.people, bulk.credits = people, people * bulk.filter["amount"]


async def _record(
    session: AsyncSession, bulk: BulkGrant, actor: Actor, action: str = "bulk_grant.draft"
) -> None:
    await record(
        session,
        actor,
        action,
        ("bulk_grant", bulk.id),
        reason=words_of(bulk.reason_code),
        after={
            "title": bulk.title,
            "source": bulk.source,
            "people": bulk.people,
            "credits": bulk.credits,
        },
    )
