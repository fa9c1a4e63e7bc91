"""Booking a bulk grant: line after line, each with its entry in one transaction, by one job that may die and go on."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import UserStatus
from core.audit import SYSTEM, Actor, record
from core.credits.bulk_jobs import BULK_GRANT
from core.credits.bulk_models import BulkGrant, BulkState
from core.credits.posting import Post, post_all
from core.credits.reasons import words_of
from core.database import Database, run
from core.errors import Conflict, DatabaseUnavailable, NotFound
from core.membership.bulk_lists import bulk_grant, how_far
from core.membership.periods import OPEN_ACCOUNTS
from core.queue.background import Body, Work

AT_ONCE = 50
"""Lines that one transaction books."""
PAUSE = 0.2
"""Seconds between looks at lines that another process is at."""


async def book_in_background(work: Work, context: Mapping[str, Any]) -> str:
    """The body of the job: books line after line, until none is left. Killed and run again, it goes on.

    Raises:
        DatabaseUnavailable: the server went away; the grant still runs, and goes on when its job is taken up.
    """
    database: Database = context["database"]
    bulk_id = UUID(work.parameters["bulk"])
    found = await bulk_grant(database, bulk_id)
    if found is None:
        raise NotFound("This bulk grant is gone.")
    bulk, done = found.grant, found.booked + found.refused
    try:
        if bulk.expires_at and bulk.expires_at <= datetime.now(UTC):
            raise Conflict("Its credits would expire in the past by now.", code="expired")
        while done < bulk.people:
            lines = await _book_some(database, bulk)
            done += lines
            if not lines:
                # Another process has booked the others, or is at the last ones: it ends, or dies and leaves them to us.
                await asyncio.sleep(PAUSE)
                done = await _done(database, bulk_id)
            work.tell(f"{done:,} of {bulk.people:,} people", done, bulk.people)
    except DatabaseUnavailable:
        raise
    except Exception:
        await database.execute(
            "update bulk_grants set state = 'failed', finished_at = now() where id = %s and state = 'running'",
            (bulk_id,),
        )
        raise
    return await _finish(database, bulk_id)


BODIES: Mapping[str, Body] = {BULK_GRANT: book_in_background}
"""The kinds of jobs of this module, and what does them."""


async def _done(database: Database, bulk_id: UUID) -> int:
    """Lines of a bulk grant that are behind us."""
    row = await database.fetch_one(
        "select b.people - (select count(*) from bulk_grant_lines l"
        " where l.bulk_id = b.id and l.entry_id is null and l.refusal is null) from bulk_grants b where b.id = %s",
        (bulk_id,),
    )
    return row[0] if row else 0


async def _book_some(database: Database, bulk: BulkGrant) -> int:
    """Books the next lines, each with its entry, or refuses it; returns how many there were."""
    async with database.transaction() as session:
        lines = (await run(session, NEXT, {"bulk": bulk.id, "most": AT_ONCE})).all()
        good = [line for line in lines if line.status == UserStatus.ACTIVE]
        refused = {line.number: SUSPENDED if line.status else GONE for line in lines if line not in good}
        accounts = await _accounts(session, [line.user_id for line in good])
        posts = {line.number: _post(bulk, accounts[line.user_id], line.amount) for line in good}
        await post_all(session, list(posts.values()))
        await run(
            session,
            SET_BOOKED,
            {"bulk": bulk.id, "numbers": list(posts), "entries": [one.id for one in posts.values()]},
        )
        if refused:
            said = {"bulk": bulk.id, "numbers": list(refused), "refusals": list(refused.values())}
            await run(session, SET_REFUSED, said)
        return len(lines)


def _post(bulk: BulkGrant, account_id: UUID, amount: int) -> Post:
    return Post(
        account_id,
        bulk.type,
        amount,
        words_of(bulk.reason_code),
        Actor("user", bulk.created_label, id=bulk.created_by),
        expires_at=bulk.expires_at,
        reason_code=bulk.reason_code,
        note=bulk.note,
        reference=f"bulk:{bulk.id}",
        approved_by=bulk.approved_by,
    )


async def _accounts(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The live accounts of some people, opened where there is none."""
    if not ids:
        return {}
    await run(session, OPEN_ACCOUNTS, {"ids": list(ids)})
    rows = await run(
        session,
        "select user_id, id from credit_accounts where user_id = any(:ids) and traffic = 'live'",
        {"ids": list(ids)},
    )
    return {row[0]: row[1] for row in rows.all()}


async def _finish(database: Database, bulk_id: UUID) -> str:
    """Ends it, unless another process is still at its last lines; the sentence for the tray."""
    async with database.transaction() as session:
        bulk = await session.get(BulkGrant, bulk_id, with_for_update=True)
        booked, credits, refused = await how_far(session, bulk_id)
        if bulk and bulk.state is BulkState.RUNNING and booked + refused == bulk.people:
            bulk.state, bulk.finished_at = BulkState.DONE, datetime.now(UTC)
            session.add(bulk)
            await record(
                session,
                SYSTEM,
                "bulk_grant.done",
                ("bulk_grant", bulk_id),
                after={"people": booked, "credits": credits, "refused": refused},
            )
    left_out = f"; {refused:,} refused, each with why" if refused else ""
    return f"{booked:,} people were given {credits:,} cr{left_out}."


SUSPENDED, GONE = "The account is suspended.", "There is no such user any more."

NEXT = """
select l.number, l.user_id, l.amount, u.status from bulk_grant_lines l left join users u on u.id = l.user_id
where l.bulk_id = :bulk and l.entry_id is null and l.refusal is null
order by l.number limit :most for update of l skip locked
"""
SET_BOOKED = """
update bulk_grant_lines l set entry_id = t.entry
from unnest(cast(:numbers as bigint[]), cast(:entries as uuid[])) t (number, entry)
where l.bulk_id = :bulk and l.number = t.number
"""
SET_REFUSED = """
update bulk_grant_lines l set refusal = t.refusal
from unnest(cast(:numbers as bigint[]), cast(:refusals as varchar[])) t (number, refusal)
where l.bulk_id = :bulk and l.number = t.number
"""
