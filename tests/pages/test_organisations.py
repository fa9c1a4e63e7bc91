"""The tab Organisations of Users, and a user's projects: who may, what is refused, and that it is said where it happened."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from nicegui import Client, ui

from core.accounts.organisation_lists import organisation, organisations
from core.accounts.organisations import create_organisation
from core.accounts.project_lists import projects_of
from core.accounts.projects import create_project
from core.audit import SYSTEM
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.table import DataTable
from dashboard.organisations.address import Address
from tests.pages.conftest import Visit
from tests.waiting import until
from tests.world import World, person

Enter = Callable[..., Awaitable[Visit]]
TAB = "/users?tab=organisations"


def press(visit: Visit, label: str) -> None:
    """The newest button of exactly this label."""
    found = visit.user.find(kind=Button, content=label)
    found.elements = {max((one for one in found.elements if one.text == label), key=lambda one: one.id)}
    found.click()


async def fill(visit: Visit, label: str, value: Any) -> None:
    """The newest field below this label, once it is there."""
    client = visit.user.client
    assert client is not None
    await until(lambda: bool(_fields(client, label)))
    max(_fields(client, label), key=lambda one: one.id).value = value


def _fields(client: Client, label: str) -> list[ui.input | ui.select]:
    fields = [one for one in client.elements.values() if isinstance(one, (ui.input, ui.select))]
    return [one for one in fields if one.parent_slot and _label(one.parent_slot.parent) == label]


def _label(frame: Any) -> str:
    return frame.label.text if hasattr(frame, "label") else ""


async def see(visit: Visit, text: str) -> None:
    """Waits until it is there: what is written comes back through the database."""
    await visit.user.should_see(text)


async def act(visit: Visit, caption: str, row: UUID, action: str) -> None:
    """A button in a table's row, once the row is there."""
    await until(lambda: str(row) in [one["id"] for one in table_of(visit, caption).props["rows"]])
    send(visit, caption, row, action)


def send(visit: Visit, caption: str, row: object, action: str) -> None:
    """The event of such a button, as anybody can send it."""
    found = visit.user.find(kind=DataTable)
    found.elements = {table_of(visit, caption)}
    found.trigger("act", [str(row), action])


def table_of(visit: Visit, caption: str) -> DataTable:
    (table,) = [one for one in visit.user.find(kind=DataTable).elements if one.props["caption"] == caption]
    return table


async def acme(world: World) -> UUID:
    async with world.purser.database.transaction() as session:
        made = await create_organisation(session, "Acme", world.user.id, actor=SYSTEM, reason="Sold")
    return made.id


async def roles(world: World, organisation_id: UUID) -> dict[str, str]:
    found = await organisation(world.purser.database, organisation_id)
    assert found is not None
    return {member.email: member.role.value for member in found.members}


def test_what_an_address_cannot_mean_is_ignored() -> None:
    assert Address.of({"archived": "x", "after": "y", "sel": "%00", "q": "\x00"}).sel is None
    assert Address.of({"q": "Ac me", "archived": "1"}).url == "/users?tab=organisations&q=Ac+me&archived=1"


async def test_support_makes_an_organisation_and_takes_members_in(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    database = visit.world.purser.database
    ann = await person(visit.world.purser, "ann@example.com", credits=0)
    await visit.user.open(TAB)
    await see(visit, "No organisations yet")

    press(visit, "New organisation…")
    await fill(visit, "Name", "Acme")
    await fill(visit, "Owner", "user@example.com")
    press(visit, "Make organisation")
    await see(visit, "This needs a reason, for the audit.")
    await fill(visit, "Reason", "Sold")
    press(visit, "Make organisation")
    await see(visit, "Add member…")
    (made,) = (await organisations(database)).lines

    press(visit, "Add member…")
    await fill(visit, "User", "nobody@example.com")
    await fill(visit, "Reason", "Works there")
    press(visit, "Add member")
    await see(visit, "There is no user with this id or e-mail address.")
    await fill(visit, "User", "ann@example.com")
    press(visit, "Add member")
    await see(visit, "The member is added")
    assert await roles(visit.world, made.id) == {"user@example.com": "owner", "ann@example.com": "member"}

    await act(visit, "Members", ann.id, "role")
    await see(visit, "Role of ann@example.com")
    await fill(visit, "Role", "owner")
    await fill(visit, "Reason", "Founder")
    press(visit, "Change role")
    await see(visit, "ann@example.com has the new role")

    await act(visit, "Members", visit.world.user.id, "remove")
    await see(visit, "Remove user@example.com?")
    await fill(visit, "Reason", "Left")
    press(visit, "Remove member")
    await see(visit, "user@example.com is no member any more")
    assert await roles(visit.world, made.id) == {"ann@example.com": "owner"}


async def test_the_last_owner_stays_and_the_dialog_says_why(enter: Enter) -> None:
    visit = await enter()
    made = await acme(visit.world)
    await visit.user.open(f"{TAB}&sel={made}")

    await act(visit, "Members", visit.world.user.id, "remove")
    await see(visit, "Remove user@example.com?")
    await fill(visit, "Reason", "Left")
    press(visit, "Remove member")

    await see(visit, "This is the organisation's last owner")
    assert await roles(visit.world, made) == {"user@example.com": "owner"}


async def test_an_organisation_is_renamed_archived_and_restored(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    made = await acme(visit.world)
    await visit.user.open(f"{TAB}&sel={made}")

    press(visit, "Rename…")
    await fill(visit, "Name", "Acme Robotics")
    await fill(visit, "Reason", "New name")
    press(visit, "Rename")
    await see(visit, "Acme Robotics")

    press(visit, "Archive…")
    await see(visit, "Archive Acme")
    await fill(visit, "Reason", "Contract ended")
    press(visit, "Archive")
    await see(visit, "Restore…")
    await visit.user.should_not_see("Add member…")
    assert (await organisations(visit.world.purser.database)).lines == ()

    press(visit, "Restore…")
    await see(visit, "Restore Acme")
    await fill(visit, "Reason", "They are back")
    press(visit, "Restore")
    await see(visit, "Add member…")


async def test_nobody_else_sees_organisations(enter: Enter) -> None:
    visit = await enter(Role.TESTER)
    made = await acme(visit.world)
    await visit.user.open(f"{TAB}&sel={made}")
    await see(visit, "Not with your role")
    await visit.user.should_not_see("Acme")


async def test_whoever_is_support_no_more_is_refused_though_the_dialog_is_open(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    made = await acme(visit.world)
    await visit.user.open(f"{TAB}&sel={made}")
    press(visit, "Archive…")
    await see(visit, "Archive Acme")
    await fill(visit, "Reason", "Out of spite")
    await visit.world.purser.database.execute(
        "update users set role = 'tester' where email = 'support@example.com'"
    )

    press(visit, "Archive")

    await see(visit, "This is for superadmin or support; you are signed in as tester.")
    assert len((await organisations(visit.world.purser.database)).lines) == 1


async def test_hand_sent_nonsense_changes_nothing(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    made = await acme(visit.world)
    await visit.user.open(f"{TAB}&sel={made}")
    for row, action in ((made, "remove"), ("x", "role"), (visit.world.user.id, "drop"), (None, "")):
        send(visit, "Members", row, action)
    await visit.user.should_not_see("Something in Purser went wrong")
    assert await roles(visit.world, made) == {"user@example.com": "owner"}


async def test_names_are_shown_as_they_are(enter: Enter) -> None:
    visit = await enter()
    hostile = "<img src=x onerror=alert(1)>"
    async with visit.world.purser.database.transaction() as session:
        made = await create_organisation(session, hostile, visit.world.user.id, actor=SYSTEM, reason="Sold")
        await create_project(
            session,
            visit.world.user.id,
            hostile,
            limit=None,
            organisation_id=made.id,
            actor=SYSTEM,
            reason="Sold",
        )
    await visit.user.open(f"{TAB}&sel={made.id}")
    await see(visit, hostile)


@pytest.mark.parametrize("sel", ["01a1fcb1-d36b-7131-b25a-a13797835dec"])
async def test_an_address_that_names_none_says_so(enter: Enter, sel: str) -> None:
    visit = await enter()
    await visit.user.open(f"{TAB}&sel={sel}")
    await see(visit, "No such organisation")


async def test_support_makes_and_archives_a_users_projects_within_their_places(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    database = visit.world.purser.database
    free = await person(visit.world.purser, "free@example.com", credits=0, plan="free")
    await visit.user.open(f"/users/{free.id}?tab=projects")
    await see(visit, "0 of 1 places")

    press(visit, "New project…")
    await fill(visit, "Name", "Autumn")
    await fill(visit, "Reason", "Asked by mail")
    press(visit, "Make project")

    await see(visit, "1 of 1 places")
    (made,) = await projects_of(database, free.id)
    await act(visit, "Projects", made.id, "archive")
    await see(visit, "Archive Autumn?")
    await fill(visit, "Reason", "Asked by mail")
    press(visit, "Archive")
    await see(visit, "0 of 1 places")
    assert await projects_of(database, free.id) == []
