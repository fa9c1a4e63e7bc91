"""What is beyond somebody's reach cannot be pressed where a page would offer it, and the reason stands beside it."""

from collections.abc import Awaitable, Callable

import pytest

from core.accounts.organisations import create_organisation
from core.accounts.person import Person
from core.audit import SYSTEM, Actor
from core.credits.limits import require_target
from core.errors import NotAllowed
from core.vocabulary import Role, Traffic
from dashboard.components.button import Button
from dashboard.components.table import DataTable
from dashboard.reach import beyond_credits, beyond_refund
from tests.pages.conftest import Visit
from tests.waiting import until
from tests.world import World, person

Enter = Callable[..., Awaitable[Visit]]
COLLEAGUES = "A colleague's account is changed by superadmins only. Your role is support."


async def test_support_cannot_press_what_moves_a_colleagues_credits(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    generation, entry = await _charge(visit)
    await visit.world.purser.database.execute(
        "update users set role = 'tester' where id = %s", (visit.world.user.id,)
    )

    await visit.user.open(f"/credits?sel={entry}&range=all")
    await visit.user.should_see(COLLEAGUES)
    assert len(visit.user.find(content=COLLEAGUES).elements) == 2, "for adjusting, and for refunding"
    assert not _pressable(visit, "Refund…")

    await visit.user.open(f"/generations?sel={generation}")
    await visit.user.should_see(COLLEAGUES)
    assert not _pressable(visit, "Refund…")


async def test_support_may_move_those_of_a_user(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    generation, entry = await _charge(visit)

    await visit.user.open(f"/credits?sel={entry}&range=all")
    await visit.user.should_see("left to refund")
    assert _pressable(visit, "Refund…")

    await visit.user.open(f"/generations?sel={generation}")
    await visit.user.should_see("Refund…")
    assert _pressable(visit, "Refund…")


async def test_support_is_not_offered_to_change_a_colleagues_membership(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    database, owner = visit.world.purser.database, visit.world.user
    async with database.transaction() as session:
        made = await create_organisation(session, "Acme", owner.id, actor=SYSTEM, reason="Sold")
    page = f"/users?tab=organisations&sel={made.id}"
    await visit.user.open(page)
    await visit.user.should_see(kind=DataTable)
    await until(lambda: f"Remove {owner.email}…" in _rows(visit))

    await database.execute("update users set role = 'tester' where id = %s", (owner.id,))
    await visit.user.open(page)

    await visit.user.should_see(kind=DataTable)
    await until(lambda: "superadmins only" in _rows(visit))
    assert f"Remove {owner.email}…" not in _rows(visit)


@pytest.mark.parametrize("traffic", list(Traffic))
@pytest.mark.parametrize("reading", [Role.SUPPORT, Role.SUPERADMIN])
async def test_what_is_said_beforehand_of_credits_is_what_the_server_would_say(
    world: World, reading: Role, traffic: Traffic
) -> None:
    people = [await person(world.purser, f"{role}@example.com", credits=0, role=role) for role in Role]
    reader = await person(world.purser, "reader@example.com", credits=0, role=reading)
    actor = Actor("user", reader.email, reading, reader.id)
    for one in (*people, reader):
        said = (
            beyond_credits(reader, one.id, one.role, traffic) is None,
            beyond_refund(reader, one.id, one.role, traffic) is None,
        )
        assert said == await _allowed(world, actor, one, traffic), one.email


async def _allowed(world: World, actor: Actor, whose: Person, traffic: Traffic) -> tuple[bool, bool]:
    """Whether the server lets the actor move these credits, and refund alone what they were charged."""
    async with world.purser.database.transaction() as session:
        try:
            own = await require_target(session, actor, whose.id, traffic)
        except NotAllowed:
            return False, False
    return True, not own


async def _charge(visit: Visit) -> tuple[object, object]:
    """The ids of a generation, and of the entry that charged for it."""
    result = await visit.world.ask()
    (found,) = await visit.world.purser.database.fetch_all(
        "select id from credit_entries where generation_id = %s", (result.id,)
    )
    return result.id, found[0]


def _pressable(visit: Visit, label: str) -> bool:
    shown = visit.user.find(kind=Button, content=label).elements
    return any(one.enabled for one in shown)


def _rows(visit: Visit) -> str:
    """All tables' rows, as they are sent."""
    return str([one.props["rows"] for one in visit.user.find(kind=DataTable).elements])
