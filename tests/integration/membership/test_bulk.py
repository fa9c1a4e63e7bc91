"""Bulk grants: approved above the limit, and booked once, whoever dies on the way."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.audit import COMMAND_LINE, Actor
from core.credits.approvals import approve, reject, waiting
from core.credits.bulk_models import BulkState
from core.credits.ledger import Filter as LedgerFilter
from core.credits.ledger import ledger
from core.database import Database
from core.errors import Conflict, DatabaseUnavailable, NotAllowed
from core.ids import new_id
from core.jobs import BODIES
from core.membership import booking
from core.membership.bulk import (
    bulk_grant,
    bulk_grants,
    bulk_lines,
)
from core.queue.background import recent, work_on
from core.queue.models import JobState
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.integration.credits.books import disagreements
from tests.integration.membership.drafts import balances, begin, crowd, csv

ROOT = Path(__file__).resolve().parents[3]


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
