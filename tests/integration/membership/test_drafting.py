"""Bulk grants as drafts: from a file with every wrong line named, or by a filter, whose list a job may make."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.accounts.listing import Filter
from core.accounts.models import UserStatus
from core.audit import Actor
from core.credits.bulk_models import BulkState
from core.database import Database
from core.errors import Conflict, InvalidRequest
from core.ids import new_id
from core.jobs import BODIES
from core.membership import bulk_file, drafting
from core.membership.bulk import (
    bulk_grant,
    bulk_grants,
    bulk_lines,
    discard,
)
from core.membership.drafting import (
    Draft,
    draft_from_filter,
    forget_drafts,
    list_again,
)
from core.queue.background import Work, recent, work_on
from core.queue.models import JobState
from tests.factories import make_plan, make_user
from tests.integration.membership.drafts import TERMS, balances, begin, crowd, csv


async def test_wrong_lines_are_named_and_good_ones_drafted(database: Database, admin: Actor) -> None:
    ann, bob = await crowd(database, 2)
    text = (
        f"\ufeffE-Mail;Amount\nU0@example.com;100\n{bob.id};50\n\nnobody@example.com;5\nu0@EXAMPLE.com;7\n"
        "u1@example.com;-3\nu1@example.com;many\nu1@example.com;0\nonly-this\n"
    )

    draft = await csv(database, admin, text)

    assert (draft.people, draft.credits) == (2, 150)
    assert [(number, why.split(" is no amount")[0]) for number, why in draft.refusals] == [
        (5, "nobody is known as “nobody@example.com”"),
        (6, "the same person as in line 2"),
        (7, "“-3”"),
        (8, "“many”"),
        (9, "“0”"),
        (10, "a line is e-mail or id, and amount"),
    ]
    assert [(one.number, one.email, one.amount) for one in await bulk_lines(database, draft.id)] == [
        (2, ann.email, 100),
        (3, bob.email, 50),
    ]
    assert await balances(database) == []


async def test_a_file_without_one_good_line_is_refused_with_its_lines(
    database: Database, admin: Actor
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await csv(database, admin, "nobody@example.com,5\n")

    assert (refused.value.code, refused.value.details["refusals"][0][0]) == ("no_lines", 1)
    assert await bulk_grants(database) == []


async def test_a_file_of_too_many_lines_is_refused_before_its_end_is_read(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_file, "MOST_LINES", 2)
    unreadable = "x" * 200_000

    with pytest.raises(InvalidRequest, match="At most 2 lines"):
        await csv(database, admin, f"a,1\nb,2\nc,3\n{unreadable},4\n")


async def test_a_file_is_read_beside_everything_else(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd(database, 1)
    threads: set[int] = set()
    amount = bulk_file._amount

    def noted(cell: str) -> int | None:
        threads.add(threading.get_ident())
        return amount(cell)

    monkeypatch.setattr(bulk_file, "_amount", noted)
    await csv(database, admin, "u0@example.com,10")

    assert threads
    assert threading.get_ident() not in threads


async def test_a_filter_drafts_its_active_people(database: Database, admin: Actor) -> None:
    await make_plan(database, "pro")
    people = [await make_user(database, plan_id="pro") for _ in range(3)]
    await make_user(database)
    await make_user(database, plan_id="pro", status=UserStatus.SUSPENDED)
    async with database.transaction() as session:
        draft = await draft_from_filter(session, Filter(plan="pro"), 20, TERMS, actor=admin)

    assert (draft.people, draft.credits, draft.refusals, draft.job_id) == (3, 60, (), None)
    assert {one.user_id for one in await bulk_lines(database, draft.id)} == {one.id for one in people}
    for which, amount in (
        (Filter(plan="none-such"), 20),
        (Filter(text="ann"), 20),
        (Filter(demo=True), 20),
        (Filter(), 0),
    ):
        with pytest.raises(InvalidRequest):
            async with database.transaction() as session:
                await draft_from_filter(session, which, amount, TERMS, actor=admin)


async def test_the_list_of_many_people_is_made_by_a_job_that_goes_on_where_it_was_killed(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await crowd(database, 7)
    draft = await drafted_by_job(database, admin, monkeypatch)
    with pytest.raises(Conflict) as refused:
        await begin(database, draft.id, admin)
    assert refused.value.code == "list_unfinished"

    with monkeypatch.context() as patch:
        patch.setattr(Work, "tell", _die)
        with pytest.raises(asyncio.CancelledError):
            await work_on(database, _job(draft), BODIES, {"database": database})
    assert len(await bulk_lines(database, draft.id)) == 3
    await make_user(database)  # one more came in the meantime: whom the list says is whom it is about
    await asyncio.gather(*(work_on(database, _job(draft), BODIES, {"database": database}) for _ in range(2)))

    found = await bulk_grant(database, draft.id)
    assert found
    assert (found.grant.state, found.grant.people, found.grant.credits) == (BulkState.DRAFT, 9, 180)
    listed = await bulk_lines(database, draft.id)
    assert [one.number for one in listed] == list(range(1, 10))
    assert {one.id for one in people} < {one.user_id for one in listed}
    assert (await begin(database, draft.id, admin)).request, "the asker is among them"


async def test_a_list_whose_job_was_given_up_goes_on_when_somebody_says_so(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd(database, 7)
    draft = await drafted_by_job(database, admin, monkeypatch)
    with pytest.raises(Conflict):
        await listed_again(database, draft, admin)
    await database.execute("update background_jobs set state = 'failed' where id = %s", (draft.job_id,))
    found = await bulk_grant(database, draft.id)
    assert found
    assert found.stopped

    job_id = await listed_again(database, draft, admin)
    await work_on(database, job_id, BODIES, {"database": database})

    assert [row[0] for row in await database.fetch_all("select action from audit order by id")] == [
        "bulk_grant.draft",
        "bulk_grant.list_again",
    ]
    found = await bulk_grant(database, draft.id)
    assert found
    assert (found.grant.state, found.grant.people, found.stopped) == (BulkState.DRAFT, 8, False)


async def test_a_draft_comes_to_the_people_who_were_listed_not_to_those_who_were_counted(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await crowd(database, 3)
    count = drafting._count

    async def counted(*asked: Any) -> int:
        found = await count(*asked)
        await database.execute("update users set status = 'suspended' where id = %s", (people[0].id,))
        return found

    monkeypatch.setattr(drafting, "_count", counted)
    async with database.transaction() as session:
        draft = await draft_from_filter(session, Filter(), 20, TERMS, actor=admin)

    assert (draft.people, draft.credits) == (3, 60), "two of the three, and the admin"
    assert len(await bulk_lines(database, draft.id)) == 3


async def test_a_list_that_is_thrown_away_while_it_is_made_ends(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd(database, 7)
    draft = await drafted_by_job(database, admin, monkeypatch)

    async with database.transaction() as session:
        await discard(session, draft.id, actor=admin)
    await work_on(database, _job(draft), BODIES, {"database": database})

    (job,) = await recent(database, admin.id or new_id())
    assert (job.state, job.message) == (JobState.DONE, "The draft was thrown away before its list was whole.")
    assert await database.fetch_one("select count(*) from bulk_grant_lines") == (0,)


async def test_drafts_are_thrown_away_by_hand_or_after_a_week(database: Database, admin: Actor) -> None:
    await crowd(database, 1)
    kept, left, begun = [await csv(database, admin, "u0@example.com,5") for _ in range(3)]
    await begin(database, begun.id, admin)
    async with database.transaction() as session:
        await discard(session, kept.id, actor=admin)
    with pytest.raises(Conflict):
        async with database.transaction() as session:
            await discard(session, begun.id, actor=admin)

    await forget_drafts(database, datetime.now(UTC) + timedelta(days=6))
    assert len(await bulk_grants(database)) == 2
    await forget_drafts(database, datetime.now(UTC) + timedelta(days=8))

    assert [one.id for one in await bulk_grants(database)] == [begun.id]
    assert left.id != begun.id
    assert await database.fetch_one("select count(*) from bulk_grant_lines") == (1,)


async def listed_again(database: Database, draft: Draft, admin: Actor) -> UUID:
    async with database.transaction() as session:
        return await list_again(session, draft.id, actor=admin)


async def drafted_by_job(database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch) -> Draft:
    """A draft for everybody, whose list is to be made three people at a time."""
    monkeypatch.setattr(drafting, "LISTED_AT_ONCE", 5)
    monkeypatch.setattr(drafting, "PIECE", 3)
    async with database.transaction() as session:
        draft = await draft_from_filter(session, Filter(), 20, TERMS, actor=admin)
    assert (draft.people, draft.credits) == (8, 160), "the seven and the admin"
    assert await bulk_lines(database, draft.id) == []
    return draft


def _job(draft: Draft) -> UUID:
    assert draft.job_id
    return draft.job_id


def _die(*_: Any) -> None:
    raise asyncio.CancelledError
