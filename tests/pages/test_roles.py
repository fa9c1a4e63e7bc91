"""Who sees what, and who may do what: asked again on the server at every click."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from nicegui import Client

from core.accounts.service import set_role, suspend
from core.accounts.sessions import revoke_session
from core.audit import SYSTEM
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.html import Node
from tests.pages.conftest import Visit
from tests.waiting import until

Enter = Callable[..., Awaitable[Visit]]


async def test_a_superadmin_sees_money_and_may_add_providers(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)

    await visit.user.open("/providers")

    await visit.user.should_see("Add provider")
    await visit.user.should_see("Spend 24 h")


async def test_support_sees_status_but_neither_money_nor_keys_nor_writes(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)

    await visit.user.open("/providers")

    await visit.user.should_see("Healthy")
    await visit.user.should_not_see("Add provider")
    await visit.user.should_not_see("Spend 24 h")


async def test_support_sees_no_spend_on_the_overview(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)

    await visit.user.open("/")

    await visit.user.should_see("Success, 24 h")
    await visit.user.should_not_see("Spend in")


async def test_a_sample_runs_from_the_overview(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.user.open("/")

    press(visit, "Run a sample")

    async def over() -> bool:
        rows = await visit.world.rows()
        return bool(rows) and rows[0]["status"] != "processing"

    await until(over)
    (row,) = await visit.world.rows()
    assert (row["status"], row["traffic"], row["credits"], row["revenue"]) == ("completed", "test", 1, 0)


async def test_an_action_after_the_session_has_ended_does_nothing(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.user.open("/")
    await visit.world.purser.database.execute("update sessions set revoked_at = now()")

    press(visit, "Run a sample")
    await asyncio.sleep(0.5)

    assert await visit.world.rows() == []


async def test_a_role_taken_away_meanwhile_refuses_the_click_and_says_which_role_may(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    sandbox = visit.world.purser.snapshots.current.provider("sandbox")
    assert sandbox is not None
    await visit.user.open(f"/providers?sel={sandbox.id}")
    press(visit, "More about Sandbox")
    visit.user.find(kind=Node, content="Switch off…").trigger("click.stop")
    await visit.user.should_see("Reason")
    visit.user.find("For the audit").type("to see what happens")
    await visit.world.purser.database.execute(
        "update users set role = 'tester' where email = 'superadmin@example.com'"
    )

    # The page still shows the button, and so could anybody who sends its event by hand.
    press(visit, "Switch off Sandbox")

    await visit.user.should_see("This is for superadmin; you are signed in as tester.")
    await visit.world.purser.snapshots.rebuild()
    assert visit.world.purser.snapshots.current.providers[0].enabled


async def test_signing_out_elsewhere_sends_open_pages_to_the_sign_in(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    client = await visit.user.open("/")
    person = await visit.world.purser.identities.resolve_user("support@example.com")
    assert person is not None
    (session_id,) = await visit.world.purser.database.fetch_one(
        "select id from sessions where user_id = %s", (person.id,)
    ) or (None,)
    assert session_id is not None

    async with visit.world.purser.database.transaction() as session:
        await revoke_session(session, person.actor(), session_id)
    await visit.world.purser.changes.refresh()

    assert client.id not in Client.instances


async def test_a_suspension_closes_the_persons_pages(enter: Enter) -> None:
    visit = await enter(Role.TESTER)
    client = await visit.user.open("/playground")
    person = await visit.world.purser.identities.resolve_user("tester@example.com")
    assert person is not None

    async with visit.world.purser.database.transaction() as session:
        await suspend(session, SYSTEM, person.id, reason="left the company")

    await until(lambda: client.id not in Client.instances)


async def test_another_role_ends_the_pages_that_were_made_for_the_old_one(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    client = await visit.user.open("/users")
    other = await enter(Role.TESTER)
    stays = await other.user.open("/playground")
    person = await visit.world.purser.identities.resolve_user("support@example.com")
    assert person is not None

    async with visit.world.purser.database.transaction() as session:
        await set_role(session, SYSTEM, person.id, Role.TESTER, reason="moved to another team")
    await visit.world.purser.changes.refresh()

    assert client.id not in Client.instances
    assert stays.id in Client.instances
    await visit.user.open("/users")
    await visit.user.should_see("Not with your role")


async def test_a_stranger_is_sent_to_sign_in_and_comes_back(enter: Enter) -> None:
    visit = await enter(Role.TESTER)
    visit.user.http_client.cookies.clear()

    answer = await visit.user.http_client.get("/generations?status=failed")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/generations%3Fstatus%3Dfailed"


@pytest.mark.parametrize("path", ["/", "/generations", "/providers", "/playground"])
@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT, Role.TESTER])
async def test_every_page_opens_for_every_role_of_the_staff(path: str, role: Role, enter: Enter) -> None:
    visit = await enter(role)

    await visit.user.open(path)

    await visit.user.should_not_see("Something in Purser went wrong")


async def test_support_reads_a_trace_without_the_ends_of_keys(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    result = await visit.world.ask()
    await visit.world.purser.database.execute(
        "update generations set trace = %s::jsonb where id = %s",
        (
            '[{"provider": "openai", "decision": "skipped", "reason": "no_key", "detail": "key ····9Qfx is set aside: quota"}]',
            result.id,
        ),
    )

    await visit.user.open(f"/generations?sel={result.id}")

    await visit.user.should_see("is set aside: quota")
    await visit.user.should_not_see("9Qfx")


def press(visit: Visit, label: str) -> None:
    """Presses the button of that name."""
    visit.user.find(kind=Button, content=label).click()
