"""Bulk grants: drafted with every wrong line named, approved above the limit, and booked once, whoever dies on the way."""

import asyncio
import os
import signal
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.accounts.listing import Filter
from core.accounts.models import User, UserStatus
from core.audit import COMMAND_LINE, Actor
from core.credits.approvals import approve, reject, waiting
from core.credits.bulk_models import BulkState
from core.credits.ledger import Filter as LedgerFilter
from core.credits.ledger import ledger
from core.database import Database
from core.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotAllowed
from core.ids import new_id
from core.jobs import BODIES
from core.membership import booking, bulk_file, drafting
from core.membership.bulk import (
    Started,
    bulk_grant,
    bulk_grants,
    bulk_lines,
    discard,
    start,
)
from core.membership.drafting import (
    Draft,
    Terms,
    draft_from_csv,
    draft_from_filter,
    forget_drafts,
    list_again,
)
from core.queue.background import Work, recent, work_on
from core.queue.models import JobState
from core.vocabulary import Role
from tests.factories import actor_of, make_plan, make_user
from tests.integration.credits.books import disagreements

ROOT = Path(__file__).resolve().parents[3]
TERMS = Terms("Spring", "promotion", "as promised")


@pytest.fixture
async def admin(database: Database) -> Actor:
    return actor_of(await make_user(database, role=Role.SUPERADMIN))


async def crowd(database: Database, count: int) -> list[User]:
    return [await make_user(database, email=f"u{number}@example.com") for number in range(count)]


async def csv(database: Database, admin: Actor, text: str, **more: Any) -> Draft:
    async with database.transaction() as session:
        return await draft_from_csv(session, text, replace(TERMS, **more), actor=admin)


async def begin(database: Database, bulk_id: UUID, admin: Actor) -> Started:
    async with database.transaction() as session:
        return await start(session, bulk_id, actor=admin)


async def balances(database: Database) -> list[int]:
    rows = await database.fetch_all(
        "select balance from credit_accounts where traffic = 'live' order by user_id"
    )
    return [balance for (balance,) in rows]


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

    found = await bulk_grant(database, draft.id)
    assert found
    assert (found.grant.state, found.grant.people, found.stopped) == (BulkState.DRAFT, 8, False)


async def listed_again(database: Database, draft: Draft, admin: Actor) -> UUID:
    async with database.transaction() as session:
        return await list_again(session, draft.id, actor=admin)


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


async def test_a_job_books_every_line_with_who_and_why(database: Database, admin: Actor) -> None:
    people = await crowd(database, 3)
    await database.execute("update users set status = 'suspended' where id = %s", (people[2].id,))
    end = datetime.now(UTC) + timedelta(days=9)
    draft = await csv(
        database, admin, "u0@example.com,10\nu1@example.com,20\nu2@example.com,30\n", expires_at=end
    )

    started = await begin(database, draft.id, admin)
    assert started.job_id
    await work_on(database, started.job_id, BODIES, {"database": database})

    (job,) = await recent(database, admin.id or new_id())
    assert (job.state, job.message) == (JobState.DONE, "2 people were given 30 cr; 1 refused, each with why.")
    assert await balances(database) == [10, 20]
    found = await bulk_grant(database, draft.id)
    assert found
    assert (found.grant.state, found.booked, found.booked_credits, found.refused) == (
        BulkState.DONE,
        2,
        30,
        1,
    )
    assert [one.refusal for one in await bulk_lines(database, draft.id)] == [
        None,
        None,
        "The account is suspended.",
    ]
    (line,) = (await ledger(database, LedgerFilter(user_id=people[0].id))).lines
    assert (line.type, line.amount, line.actor, line.reason, line.note) == (
        "grant",
        10,
        admin.label,
        "Promotion",
        "as promised",
    )
    assert await database.fetch_all("select distinct expires_at from credit_lots") == [(end,)]
    assert [row[0] for row in await database.fetch_all("select action from audit order by id")] == [
        "bulk_grant.draft",
        "bulk_grant.start",
        "bulk_grant.done",
    ]
    assert await disagreements(database) == []


KILLED = """
import asyncio, sys
from uuid import UUID
from core.database import Database
from core.membership import booking
from core.queue.background import work_on

booking.AT_ONCE = 2
book = booking._book_some

async def and_say(database, bulk):
    booked = await book(database, bulk)
    print("booked", flush=True)
    return booked

booking._book_some = and_say

async def main():
    database = Database(sys.argv[1])
    await database.open()
    await work_on(database, UUID(sys.argv[2]), booking.BODIES, {"database": database})

asyncio.run(main())
"""


async def test_a_job_that_was_killed_half_way_and_run_again_grants_each_person_once(
    database: Database, admin: Actor
) -> None:
    people = await crowd(database, 120)
    draft = await csv(database, admin, "".join(f"{one.email},10\n" for one in people))
    job_id = (await begin(database, draft.id, admin)).job_id
    assert job_id
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database.url, str(job_id), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        for _ in range(5):
            assert await asyncio.wait_for(process.stdout.readline(), 60) == b"booked\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait_for(process.wait(), 60)
    half = len(await balances(database))
    assert 10 <= half < 120

    await work_on(database, job_id, BODIES, {"database": database})

    assert await balances(database) == [10] * 120
    found = await bulk_grant(database, draft.id)
    assert found
    assert (found.grant.state, found.booked) == (BulkState.DONE, 120)
    assert await disagreements(database) == []


async def test_two_workers_on_one_job_book_each_line_once(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking, "AT_ONCE", 3)
    people = await crowd(database, 40)
    draft = await csv(database, admin, "".join(f"{one.email},10\n" for one in people))
    job_id = (await begin(database, draft.id, admin)).job_id
    assert job_id

    await asyncio.gather(*(work_on(database, job_id, BODIES, {"database": database}) for _ in range(3)))

    assert await balances(database) == [10] * 40
    found = await bulk_grant(database, draft.id)
    assert found
    assert found.grant.state is BulkState.DONE


async def test_above_the_limit_another_superadmin_begins_it(database: Database, admin: Actor) -> None:
    other = actor_of(await make_user(database, role=Role.SUPERADMIN))
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,10001")

    started = await begin(database, draft.id, admin)
    assert started.job_id is None
    assert started.request
    with pytest.raises(Conflict):
        await begin(database, draft.id, admin)
    with pytest.raises(NotAllowed):
        async with database.transaction() as session:
            await approve(session, started.request.id, actor=admin)
    (line,) = await waiting(database)
    assert (line.title, line.people, line.amount, line.email) == ("Spring", 1, 10_001, None)
    async with database.transaction() as session:
        assert await approve(session, started.request.id, actor=other) is None

    (job,) = await recent(database, admin.id or new_id())
    await work_on(database, job.id, BODIES, {"database": database})
    (entry,) = await database.fetch_all("select amount, actor_id, approved_by from credit_entries")
    assert entry == (10_001, admin.id, other.id)


async def test_where_both_superadmins_are_among_the_people_the_command_line_approves(
    database: Database, admin: Actor
) -> None:
    other = actor_of(await make_user(database, role=Role.SUPERADMIN))
    draft = await csv(database, admin, f"{admin.id},5\n{other.id},5")
    request = (await begin(database, draft.id, admin)).request
    assert request

    with pytest.raises(NotAllowed) as refused:
        async with database.transaction() as session:
            await approve(session, request.id, actor=other)
    async with database.transaction() as session:
        await approve(session, request.id, actor=COMMAND_LINE)

    assert refused.value.code == "own_account"
    (job,) = await recent(database, admin.id or new_id())
    await work_on(database, job.id, BODIES, {"database": database})
    assert await balances(database) == [5, 5]


async def test_what_was_asked_for_by_who_is_no_superadmin_any_more_is_not_begun(
    database: Database, admin: Actor
) -> None:
    other = actor_of(await make_user(database, role=Role.SUPERADMIN))
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,10001")
    request = (await begin(database, draft.id, admin)).request
    assert request
    await database.execute("update users set role = 'support' where id = %s", (admin.id,))

    with pytest.raises(Conflict) as refused:
        async with database.transaction() as session:
            await approve(session, request.id, actor=other)

    assert refused.value.code == "asker_gone"


async def test_a_rejected_bulk_grant_is_over(database: Database, admin: Actor) -> None:
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,10001")
    request = (await begin(database, draft.id, admin)).request
    assert request
    async with database.transaction() as session:
        await reject(session, request.id, actor=admin, note="too much")

    with pytest.raises(Conflict):
        await begin(database, draft.id, admin)
    assert [one.state for one in await bulk_grants(database)] == [BulkState.REJECTED]


async def test_one_whose_job_has_failed_goes_on_without_being_asked_for_again(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await crowd(database, 4)
    draft = await csv(database, admin, "".join(f"{one.email},10\n" for one in people))
    first = (await begin(database, draft.id, admin)).job_id
    assert first

    async def breaks(*_: Any) -> int:
        raise RuntimeError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(booking, "_book_some", breaks)
        await work_on(database, first, BODIES, {"database": database})
    assert [one.state for one in await bulk_grants(database)] == [BulkState.FAILED]

    second = (await begin(database, draft.id, admin)).job_id
    with pytest.raises(Conflict):
        await begin(database, draft.id, admin)
    assert second
    await work_on(database, second, BODIES, {"database": database})

    assert await balances(database) == [10] * 4
    (resumed,) = await database.fetch_all(
        "select actor_id, before ->> 'state', after ->> 'state' from audit where action = 'bulk_grant.resume'"
    )
    assert resumed == (admin.id, "failed", "running")


async def test_one_from_under_which_the_server_went_away_still_runs(
    database: Database, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,10")
    job_id = (await begin(database, draft.id, admin)).job_id
    assert job_id

    async def breaks(*_: Any) -> int:
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(booking, "_book_some", breaks)
        with pytest.raises(DatabaseUnavailable):
            await work_on(database, job_id, BODIES, {"database": database})
    assert [one.state for one in await bulk_grants(database)] == [BulkState.RUNNING]

    await work_on(database, job_id, BODIES, {"database": database})

    assert await balances(database) == [10]


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


async def test_credits_that_would_have_expired_are_not_granted(database: Database, admin: Actor) -> None:
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,5", expires_at=datetime.now(UTC) + timedelta(days=1))
    started = await begin(database, draft.id, admin)
    assert started.job_id
    await database.execute("update bulk_grants set expires_at = now()")

    await work_on(database, started.job_id, BODIES, {"database": database})

    (job,) = await recent(database, admin.id or new_id())
    assert (job.state, await balances(database)) == (JobState.FAILED, [])
    with pytest.raises(Conflict):
        await begin(database, draft.id, admin)


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


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TESTER, Role.USER])
async def test_only_superadmins_grant_in_bulk(database: Database, admin: Actor, role: Role) -> None:
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,5")
    actor = Actor("user", "somebody", role, new_id())

    with pytest.raises(NotAllowed):
        await csv(database, actor, "u0@example.com,5")
    with pytest.raises(NotAllowed):
        await begin(database, draft.id, actor)


async def test_a_superadmin_who_is_among_the_people_asks_another_one(
    database: Database, admin: Actor
) -> None:
    await crowd(database, 1)
    draft = await csv(database, admin, f"u0@example.com,5\n{admin.id},5")
    other = actor_of(await make_user(database, role=Role.SUPERADMIN))

    started = await begin(database, draft.id, admin)

    assert started.job_id is None
    assert started.request
    assert started.request.asked_by == admin.id
    again = await csv(database, other, f"{admin.id},5")
    assert (await begin(database, again.id, other)).job_id


async def test_twenty_who_begin_it_at_once_begin_it_once(database: Database, admin: Actor) -> None:
    await crowd(database, 1)
    draft = await csv(database, admin, "u0@example.com,5")

    async def outcome() -> str:
        try:
            await begin(database, draft.id, admin)
        except Conflict as refused:
            return refused.code
        return "begun"

    assert sorted(await asyncio.gather(*(outcome() for _ in range(20)))) == ["begun"] + ["begun_already"] * 19
