"""What waits for a second person: done by another superadmin, once, over a balance that is looked at again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.audit import COMMAND_LINE, Actor
from core.credits.approvals import (
    approve,
    count_waiting,
    decided,
    reject,
    requests_of,
    waiting,
    withdraw,
)
from core.credits.ledger import Filter, ledger
from core.credits.models import CreditEntry, CreditRequest, RequestState
from core.credits.service import adjust
from core.database import Database
from core.errors import Conflict, InsufficientCredits, InvalidRequest, NotAllowed, NotFound, PurserError
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.integration.credits.books import Books, disagreements


class People:
    """An account, support who asks, and two superadmins."""

    def __init__(self, books: Books, support: Actor, admin: Actor, other: Actor) -> None:
        self.books, self.support, self.admin, self.other = books, support, admin, other
        self.database = books.database

    async def ask(self, amount: int = 6_000, *, by: Actor | None = None, **more: Any) -> CreditRequest:
        async with self.database.transaction() as session:
            moved = await adjust(
                session, self.books.user_id, amount, actor=by or self.support, reason_code="goodwill", **more
            )
        assert moved.request is not None
        return moved.request

    async def approve(self, request: CreditRequest, actor: Actor | None = None) -> CreditEntry | None:
        async with self.database.transaction() as session:
            return await approve(session, request.id, actor=actor or self.admin, note="fine")


@pytest.fixture
async def people(database: Database) -> People:
    books = await Books.open(database, 7_000)
    roles = (Role.SUPPORT, Role.SUPERADMIN, Role.SUPERADMIN)
    return People(books, *[actor_of(await make_user(database, role=role)) for role in roles])


async def test_an_approved_request_is_an_entry_of_who_asked_with_who_approved(people: People) -> None:
    request = await people.ask(note="ticket 7")

    entry = await people.approve(request)

    assert entry is not None
    assert (entry.amount, entry.actor_id, entry.approved_by) == (6_000, people.support.id, people.admin.id)
    (line, *_) = (await ledger(people.database, Filter(user_id=people.books.user_id))).lines
    assert (line.actor, line.approver, line.note) == (people.support.label, people.admin.label, "ticket 7")
    (told,) = await decided(people.database)
    assert (told.state, told.entry_id, told.decided_label) == (
        RequestState.APPROVED,
        entry.id,
        people.admin.label,
    )
    assert await people.database.fetch_all(
        "select action, actor_label, before, after -> 'balance' from audit where action like 'credits.%%' order by id",
        {},
    ) == [
        ("credits.ask", people.support.label, None, None),
        ("credits.approve", people.admin.label, {"balance": 7_000}, 13_000),
    ]
    assert await disagreements(people.database) == []


async def test_nobody_approves_their_own(people: People) -> None:
    request = await people.ask(20_000, by=people.admin)

    with pytest.raises(NotAllowed) as refused:
        await people.approve(request, people.admin)
    await people.approve(request, people.other)

    assert refused.value.code == "own_request"
    assert await people.books.state() == (27_000, 0)


async def test_nobody_approves_what_goes_to_their_own_account(people: People) -> None:
    request = await people.ask(20_000, by=people.admin)
    beneficiary = Actor("user", "somebody", Role.SUPERADMIN, people.books.user_id)

    with pytest.raises(NotAllowed) as refused:
        await people.approve(request, beneficiary)
    with pytest.raises(psycopg.errors.CheckViolation):
        await people.database.execute(
            "update credit_requests set state = 'approved', decided_at = now(), decided_by = %s, decided_label = 'x'"
            " where id = %s",
            (people.books.user_id, request.id),
        )

    assert refused.value.code == "own_account"
    assert await people.books.state() == (7_000, 0)


async def test_the_database_refuses_an_approval_by_who_asked(people: People) -> None:
    request = await people.ask()

    for by, label in ((people.support.id, "x"), (None, "x")):
        with pytest.raises(psycopg.errors.CheckViolation):
            await people.database.execute(
                "update credit_requests set state = 'approved', decided_at = now(), decided_by = %s, decided_label = %s"
                " where id = %s",
                (by, label, request.id),
            )


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TESTER, Role.USER])
async def test_only_superadmins_in_person_approve(people: People, role: Role) -> None:
    request = await people.ask()
    by_key = Actor("key", "admin@example.com by key “backend”", Role.SUPERADMIN, new_id())

    for actor in (Actor("user", "somebody", role, new_id()), by_key):
        with pytest.raises(NotAllowed):
            await people.approve(request, actor)

    assert await count_waiting(people.database) == 1


async def test_a_lone_superadmin_approves_on_the_command_line(people: People) -> None:
    request = await people.ask(20_000, by=people.admin)

    entry = await people.approve(request, COMMAND_LINE)

    assert entry is not None
    (line, *_) = (await ledger(people.database, Filter(user_id=people.books.user_id))).lines
    assert (line.approver, line.amount) == ("command line", 20_000)
    assert await disagreements(people.database) == []


async def test_two_who_approve_at_once_book_once(people: People) -> None:
    request = await people.ask()

    async def outcome(actor: Actor) -> str:
        try:
            await people.approve(request, actor)
        except Conflict as refused:
            return refused.code
        return "booked"

    told = await asyncio.gather(*(outcome(actor) for actor in (people.admin, people.other) * 5))

    assert sorted(told) == ["booked"] + ["decided_already"] * 9
    assert await people.books.state() == (13_000, 0)


async def test_the_balance_is_looked_at_again(people: People) -> None:
    request = await people.ask(-6_000)
    await people.books.charge(2_000)

    with pytest.raises(InsufficientCredits) as refused:
        await people.approve(request)

    assert refused.value.details == {"required": 6_000, "available": 5_000}
    (still,) = await waiting(people.database)
    assert (still.id, still.balance, still.amount) == (request.id, 5_000, -6_000)


async def test_credits_that_would_have_expired_are_not_booked(people: People) -> None:
    request = await people.ask(expires_at=datetime.now(UTC) + timedelta(days=1))
    await people.database.execute("update credit_requests set expires_at = now() - interval '1 second'")

    with pytest.raises(Conflict) as refused:
        await people.approve(request)

    assert refused.value.code == "expired"


@pytest.mark.parametrize("fate", ["status = 'suspended'", "role = 'tester'"])
async def test_what_was_asked_for_by_who_may_move_no_credits_any_more_is_not_booked(
    people: People, fate: str
) -> None:
    request = await people.ask()
    await people.database.execute(f"update users set {fate} where id = %s", (people.support.id,))

    with pytest.raises(Conflict) as refused:
        await people.approve(request)
    async with people.database.transaction() as session:
        await reject(session, request.id, actor=people.admin, note="they left")

    assert refused.value.code == "asker_gone"
    assert await people.books.state() == (7_000, 0)


async def test_what_was_rejected_or_taken_back_is_never_booked(people: People) -> None:
    rejected, withdrawn = await people.ask(), await people.ask(6_001)
    async with people.database.transaction() as session:
        await reject(session, rejected.id, actor=people.admin, note="no ticket")
        await withdraw(session, withdrawn.id, actor=people.support)

    for request in (rejected, withdrawn):
        with pytest.raises(Conflict):
            await people.approve(request)

    found = await requests_of(people.database, people.books.user_id)
    assert [(one.state, one.decision_note) for one in found] == [
        (RequestState.WITHDRAWN, None),
        (RequestState.REJECTED, "no ticket"),
    ]
    assert await waiting(people.database) == []
    assert await people.books.state() == (7_000, 0)


async def test_only_who_asked_takes_it_back_and_a_rejection_says_why(people: People) -> None:
    request = await people.ask()
    refusals: list[type[PurserError]] = []
    for deed in (
        lambda session: withdraw(session, request.id, actor=people.admin),
        lambda session: reject(session, request.id, actor=people.admin),
        lambda session: reject(session, request.id, actor=people.support, note="no"),
        lambda session: reject(session, new_id(), actor=people.admin, note="no"),
    ):
        with pytest.raises(PurserError) as refused:
            async with people.database.transaction() as session:
                await deed(session)
        refusals.append(refused.type)

    assert refusals == [NotAllowed, InvalidRequest, NotAllowed, NotFound]
