"""The Credits page where the server says no: a role taken away meanwhile, and books that do not agree."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.credits import ledger
from core.errors import DatabaseUnavailable
from core.system.reports import check_books
from core.vocabulary import Role
from dashboard.components.button import Button
from tests.pages.conftest import Visit

Enter = Callable[..., Awaitable[Visit]]


async def test_a_role_taken_away_meanwhile_refuses_the_adjustment(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.user.open(f"/credits?adjust={visit.world.user.id}")
    await visit.user.should_see("Balance now")
    await visit.world.purser.database.execute(
        "update users set role = 'tester' where email = 'support@example.com'"
    )

    # The page still shows the button, and so could anybody who sends its event by hand.
    visit.user.find(kind=Button, content="Add credits").click()

    await visit.user.should_see("This is for superadmin or support; you are signed in as tester.")
    assert (await visit.world.balance()).balance == 1_000


async def test_support_who_sends_an_approval_by_hand_is_refused(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.world.purser.database.execute(ASKED, (visit.world.user.id,))
    await visit.user.open("/credits?tab=approvals")
    visit.user.find(kind=Button, content="Approve…").click()
    await visit.user.should_see("Approve +12,000 cr?")
    await visit.world.purser.database.execute(
        "update users set role = 'support' where email = 'superadmin@example.com'"
    )

    visit.user.find(kind=Button, content="Approve +12,000 cr").click()

    await visit.user.should_see("This is for superadmin; you are signed in as support.")
    assert (await visit.world.balance()).balance == 1_000


async def test_the_last_proof_of_the_books_is_said_and_a_difference_loudly(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    database = visit.world.purser.database
    await visit.user.open("/credits")
    await visit.user.should_see("ledger not checked yet")

    await check_books(database)
    await visit.user.open("/credits")
    await visit.user.should_see("ledger = balance, as of ")

    await database.execute(
        "update credit_accounts set balance = balance + 1 where user_id = %s", (visit.world.user.id,)
    )
    await check_books(database)
    await visit.user.open("/credits")
    await visit.user.should_see("ledger ≠ balance, as of ")
    await visit.user.should_see("The books do not agree: ")
    await visit.user.should_see("balance-is-entries: account ")
    await visit.user.should_see("python main.py verify")


async def test_a_list_that_cannot_be_read_says_why_and_is_tried_again(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    reading = ledger.ledger

    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable

    monkeypatch.setattr(ledger, "ledger", away)
    await visit.user.open("/credits")
    await visit.user.should_see("This could not be loaded")

    monkeypatch.setattr(ledger, "ledger", reading)
    visit.user.find(kind=Button, content="Retry").click()

    await visit.user.should_see("user@example.com")


ASKED = """
insert into credit_requests (id, kind, user_id, amount, reason_code, asked_by, asked_label)
values (gen_random_uuid(), 'adjustment', %s, 12000, 'moved', gen_random_uuid(), 'jonas@example.com')
"""
