"""The Credits page where the server says no: a role taken away meanwhile, and books that do not agree."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from nicegui import ui

from core.accounts.listing import Filter
from core.audit import Actor
from core.credits import approvals, ledger
from core.database.reading import TAKES_TOO_LONG, TOO_SLOW
from core.errors import DatabaseUnavailable, Fault
from core.ids import new_id
from core.membership import drafting
from core.queue.background import work_on
from core.system.reports import check_books
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.credits import expiring
from dashboard.live import credits_changed
from tests.pages.conftest import Visit
from tests.waiting import until

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
    typed(visit, "user@example.com")
    await visit.world.purser.database.execute(
        "update users set role = 'support' where email = 'superadmin@example.com'"
    )

    visit.user.find(kind=Button, content="Approve +12,000 cr").click()

    await visit.user.should_see("This is for superadmin; you are signed in as support.")
    assert (await visit.world.balance()).balance == 1_000


async def test_whoever_approves_their_own_request_by_hand_is_refused(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    database = visit.world.purser.database
    await database.execute(ASKED, (visit.world.user.id,))
    await visit.user.open("/credits?tab=approvals")
    visit.user.find(kind=Button, content="Approve…").click()
    await visit.user.should_see("Approve +12,000 cr?")
    typed(visit, "user@example.com")
    await database.execute(
        "update credit_requests set asked_by = (select id from users where email = 'superadmin@example.com')"
    )

    # For their own request the page has no such button; its event can be sent all the same.
    visit.user.find(kind=Button, content="Approve +12,000 cr").click()

    await visit.user.should_see("Another superadmin must approve this: you asked for it.")
    assert (await visit.world.balance()).balance == 1_000
    assert await database.fetch_all("select state from credit_requests") == [("waiting",)]


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


async def test_so_much_is_approved_only_once_the_address_is_typed(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.world.purser.database.execute(ASKED, (visit.world.user.id,))
    await visit.user.open("/credits?tab=approvals")
    visit.user.find(kind=Button, content="Approve…").click()
    await visit.user.should_see("Approve +12,000 cr?")

    (verb,) = visit.user.find(kind=Button, content="Approve +12,000 cr").elements
    assert not verb.enabled
    typed(visit, "user@example.com")
    assert verb.enabled


async def test_news_are_read_one_at_a_time_and_the_last_is_not_lost(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.user.open("/credits?tab=approvals")
    await visit.user.should_see("Nothing waits for approval")
    reading, gate, begun = approvals.waiting, asyncio.Event(), asyncio.Event()
    at_once: list[int] = []
    running = 0

    async def slowly(*said: Any) -> Any:
        nonlocal running
        running += 1
        at_once.append(running)
        found = await reading(*said)
        begun.set()
        await gate.wait()
        running -= 1
        return found

    monkeypatch.setattr(approvals, "waiting", slowly)
    credits_changed.emit()
    async with asyncio.timeout(10):
        await begun.wait()
    await visit.world.purser.database.execute(ASKED, (visit.world.user.id,))
    for _ in range(3):
        credits_changed.emit()
        await asyncio.sleep(0)
    gate.set()

    await visit.user.should_see("+12,000 cr for user@example.com")
    assert at_once == [1, 1]


async def test_what_was_read_stays_with_a_word_while_the_database_is_away(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.world.purser.database.execute(ASKED, (visit.world.user.id,))
    await visit.user.open("/credits?tab=approvals")
    await visit.user.should_see("+12,000 cr for user@example.com")
    reading = approvals.waiting

    async def away(*_: Any) -> Any:
        raise DatabaseUnavailable

    monkeypatch.setattr(approvals, "waiting", away)
    credits_changed.emit()
    await visit.user.should_see(" s old. The database does not answer.")
    await visit.user.should_see("+12,000 cr for user@example.com")

    monkeypatch.setattr(approvals, "waiting", reading)
    credits_changed.emit()
    await visit.user.should_not_see("The database does not answer.")


async def test_what_expires_is_not_read_with_every_entry_and_says_when_that_takes_too_long(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    reads = 0

    async def late(*_: Any) -> Any:
        nonlocal reads
        reads += 1
        raise Fault(TAKES_TOO_LONG, code=TOO_SLOW)

    monkeypatch.setattr(expiring, "expiring", late)
    await visit.user.open("/credits?tab=expiring")
    await visit.user.should_see(TAKES_TOO_LONG)

    await visit.world.purser.database.execute(ASKED, (visit.world.user.id,))
    credits_changed.emit()
    await until(lambda: any(one.text == "1" for one in visit.user.find(kind=Node).elements))
    assert reads == 1
    visit.user.find(kind=Button, content="Retry").click()
    await until(lambda: reads > 1)


async def test_a_role_taken_away_meanwhile_reads_no_more_news(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.user.open("/credits?tab=approvals")
    await visit.user.should_see("Nothing waits for approval")
    database = visit.world.purser.database
    await database.execute(ASKED, (visit.world.user.id,))
    await database.execute("update users set role = 'tester' where email = 'support@example.com'")

    credits_changed.emit()

    await visit.user.should_see("This is for superadmin or support; you are signed in as tester.")
    await visit.user.should_not_see("+12,000 cr for user@example.com")


async def test_a_stopped_bulk_grant_goes_on_without_being_asked_again_and_its_pane_stays(
    enter: Enter,
) -> None:
    visit = await enter(Role.SUPERADMIN)
    grant = await stopped_grant(visit)
    await visit.user.open(f"/credits?tab=bulk&sel={grant}")
    await visit.user.should_see("0 of 2 booked")
    before = visit.user.find(kind=Button, content="Go on…").elements

    await visit.world.purser.database.execute(
        "update bulk_grant_lines set refusal = 'gone' where bulk_id = %s and number = 1", (grant,)
    )
    credits_changed.emit()
    await visit.user.should_see("0 of 2 booked, 1 refused")
    assert visit.user.find(kind=Button, content="Go on…").elements == before

    visit.user.find(kind=Button, content="Go on…").click()
    await visit.user.should_see("Go on with “Spring”?")
    await visit.user.should_see("0 cr of 24,000 cr")
    await visit.user.should_not_see("Ask for approval")
    await visit.user.should_not_see("Type 24,000 to confirm")


async def test_a_draft_is_begun_once_the_list_of_its_people_is_whole(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "LISTED_AT_ONCE", 0)
    visit = await enter(Role.SUPERADMIN)
    database = visit.world.purser.database
    boss = Actor("user", "jonas@example.com", Role.SUPERADMIN, new_id())
    async with database.transaction() as session:
        draft = await drafting.draft_from_filter(
            session, Filter(), 20, drafting.Terms("Spring", "promotion"), actor=boss
        )
    await visit.user.open(f"/credits?tab=bulk&sel={draft.id}")
    await visit.user.should_see("Listing")
    (begin,) = visit.user.find(kind=Button, content="Begin…").elements
    assert isinstance(begin, Button)
    assert not begin.enabled

    assert draft.job_id
    await work_on(database, draft.job_id, drafting.BODIES, {"database": database})
    credits_changed.emit()

    await visit.user.should_not_see("Listing")
    (begin,) = visit.user.find(kind=Button, content="Begin…").elements
    assert isinstance(begin, Button)
    assert begin.enabled


def typed(visit: Visit, words: str) -> None:
    """Writes into the one line of text of the open dialog."""
    (field,) = (one for one in visit.user.find(kind=ui.input).elements if type(one) is ui.input)
    field.set_value(words)


async def stopped_grant(visit: Visit) -> UUID:
    """One above everybody's limit, whose job has failed before its first line."""
    grant, database = new_id(), visit.world.purser.database
    await database.execute(
        "insert into bulk_grants (id, title, source, type, reason_code, people, credits, state, created_by, created_label)"
        " values (%s, 'Spring', 'csv', 'grant', 'promotion', 2, 24000, 'failed', gen_random_uuid(), 'jonas@example.com')",
        (grant,),
    )
    await database.execute(
        "insert into bulk_grant_lines (bulk_id, number, user_id, amount)"
        " select %s, number, gen_random_uuid(), 12000 from generate_series(1, 2) number",
        (grant,),
    )
    return grant


ASKED = """
insert into credit_requests (id, kind, user_id, amount, reason_code, asked_by, asked_label)
values (gen_random_uuid(), 'adjustment', %s, 12000, 'moved', gen_random_uuid(), 'jonas@example.com')
"""
