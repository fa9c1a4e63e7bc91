"""What may be done on a user's page, and by whom: what is out of reach cannot be pressed, says why, and is refused by the server too."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain
from uuid import UUID

import pytest

from core.accounts.keys import create_key
from core.accounts.projects import create_project
from core.audit import COMMAND_LINE, SYSTEM
from core.entitlements.overrides import add_override
from core.signup import sign_up
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.table import DataTable
from dashboard.user.view import UserView
from tests.pages.conftest import Visit
from tests.waiting import until
from tests.world import World

Enter = Callable[..., Awaitable[Visit]]
DEEDS = (
    "Adjust credits…", "Change plan…", "Extend trial…", "Record a purchase…", "Preferences…", "New API key…",
    "Suspend…", "Reactivate…",
)  # fmt: skip
OWN = ("Preferences…", "New API key…")


async def test_a_superadmins_account_is_out_of_supports_reach_and_the_server_says_so(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    world = visit.world
    async with world.purser.database.transaction() as session:
        boss = await sign_up(session, email="boss@example.com", role=Role.SUPERADMIN, actor=SYSTEM)
        boss_id = boss.id
    await visit.user.open(f"/users/{boss_id}")
    await visit.user.should_see(
        "A superadmin's account is changed by superadmins only. Your role is support."
    )

    # The page still offers it, and so could anybody who sends its event by hand.
    visit.user.find(kind=Button, content="More about boss@example.com").click()
    visit.user.find(kind=Node, content="Suspend…").trigger("click.stop")
    await visit.user.should_see("Suspend boss@example.com?")
    visit.user.find("For the audit").type("to see what happens")
    visit.user.find(kind=Button, content="Suspend").click()

    await visit.user.should_see("Only a superadmin can suspend people where it concerns a superadmin.")
    assert await status_of(world, boss_id) == "active"


async def test_what_is_beyond_supports_reach_on_a_colleagues_page_cannot_be_pressed_and_says_why(
    enter: Enter,
) -> None:
    visit = await enter(Role.SUPPORT)
    colleague = await with_a_past(visit.world, "tester@example.com", Role.TESTER)
    why = "A colleague's account is changed by superadmins only. Your role is support."

    await visit.user.open(f"/users/{colleague}?tab=overrides")
    await visit.user.should_see(why)
    await visit.user.should_see("launch")
    assert {told(visit, label) for label in (*DEEDS, "Add override…")} == {why}
    assert offered(visit) == set()
    await visit.user.open(f"/users/{colleague}?tab=keys")
    await visit.user.should_see("theirs")
    assert told(visit, "New API key…") == why  # in the menu, and over the list
    assert offered(visit) == set()
    await visit.user.open(f"/users/{colleague}?tab=projects")
    await visit.user.should_see("Their project")
    assert told(visit, "New project…") == why
    assert offered(visit) == set()
    await visit.user.open(f"/users/{colleague}?tab=features&feature=voice-over")
    await visit.user.should_see("Switch off for this user…")
    assert told(visit, "Switch off for this user…") == why
    assert offered(visit) == {"why"}
    await visit.user.open(f"/users/{colleague}?traffic=test")
    assert told(visit, "Adjust credits…") is None  # test credits buy nothing


async def test_of_their_own_account_support_changes_preferences_and_keys_alone(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    own = await visit.world.purser.database.fetch_one(
        "select id from users where email = 'support@example.com'"
    )
    assert own is not None

    await visit.user.open(f"/users/{own[0]}?tab=keys")
    await visit.user.should_see("No API keys")

    why = "Your own account is changed by superadmins only. Your role is support."
    assert {told(visit, label) for label in DEEDS if label not in OWN} == {why}
    assert {told(visit, label) for label in OWN} == {None}


async def test_nothing_of_a_user_or_for_a_superadmin_is_beyond_reach(enter: Enter) -> None:
    support, boss = await enter(Role.SUPPORT), await enter(Role.SUPERADMIN)
    colleague = await with_a_past(support.world, "tester@example.com", Role.TESTER)
    for visit, who, said in ((support, support.world.user.id, "No overrides"), (boss, colleague, "launch")):
        await visit.user.open(f"/users/{who}?tab=overrides")
        await visit.user.should_see(said)
        assert {told(visit, label) for label in (*DEEDS, "Add override…")} == {None}
        assert offered(visit) == ({"end"} if who == colleague else set())
        await visit.user.should_not_see("changed by superadmins only")


async def test_support_is_told_who_sets_roles(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.user.open(f"/users/{visit.world.user.id}")

    visit.user.find(kind=Button, content="More about user@example.com").click()
    visit.user.find(kind=Node, content="Set role…").trigger("click.stop")

    await visit.user.should_see(
        "Roles are set by superadmins. Your role is support; a superadmin can change it."
    )


async def test_suspending_needs_a_reason_and_goes_on_while_the_page_is_read_after_the_refusal(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = UserView.refresh

    async def slowly(view: UserView) -> None:
        await asyncio.sleep(0.3)
        await read(view)

    monkeypatch.setattr(UserView, "refresh", slowly)
    visit = await enter(Role.SUPPORT)
    await visit.user.open(f"/users/{visit.world.user.id}")
    visit.user.find(kind=Button, content="More about user@example.com").click()
    visit.user.find(kind=Node, content="Suspend…").trigger("click.stop")
    await visit.user.should_see("Suspend user@example.com?")

    visit.user.find(kind=Button, content="Suspend").click()
    await visit.user.should_see("This needs a reason")
    assert await status_of(visit.world, visit.world.user.id) == "active"

    visit.user.find("For the audit").type("chargeback")
    visit.user.find(kind=Button, content="Suspend").click()

    async def suspended() -> bool:
        return await status_of(visit.world, visit.world.user.id) == "suspended"

    await until(suspended)
    await visit.user.should_see("Suspended")


def told(visit: Visit, label: str) -> str | None:
    """Why something cannot be pressed, wherever it stands; None where it can."""
    ((disabled, why),) = {
        (bool(node.props.get("disabled")), node.props.get("title"))
        for node in visit.user.find(kind=Node, content=label).elements
        if node.tag == "button"
    }
    assert disabled == (why is not None)
    return why


def offered(visit: Visit) -> set[str]:
    """What the rows in sight can be asked to do."""
    return {
        bit["a"]
        for table in visit.user.find(kind=DataTable).elements
        for row in table.props["rows"]
        for line in chain.from_iterable(row["cells"])
        for bit in line
        if "a" in bit
    }


async def with_a_past(world: World, email: str, role: Role) -> UUID:
    """A colleague with a key, an override, a project, and credits of their own."""
    async with world.purser.database.transaction() as session:
        user = await sign_up(session, email=email, role=role, plan_id="creator", actor=SYSTEM)
        await create_key(session, SYSTEM, user.id, name="theirs")
        await add_override(
            session, user.id, limit_name="daily_generations", value=777, actor=SYSTEM, reason="launch"
        )
        await add_override(
            session, user.id, feature_id="voice-over", allowed=True, actor=SYSTEM, reason="launch"
        )
        await create_project(session, user.id, "Their project", limit=None, actor=COMMAND_LINE, reason="test")
        return user.id


async def status_of(world: World, user_id: UUID) -> str:
    row = await world.purser.database.fetch_one("select status from users where id = %s", (user_id,))
    assert row is not None
    return row[0]
