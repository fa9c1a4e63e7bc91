"""A user's page: who they are, what they have and what happened lately; for superadmins and support alone."""

from collections.abc import Awaitable, Callable

import pytest

from core.accounts.service import suspend
from core.audit import SYSTEM
from core.ids import short
from core.vocabulary import Role
from tests.pages.conftest import Visit

Enter = Callable[..., Awaitable[Visit]]


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT])
async def test_it_says_what_a_user_has_and_what_happened(enter: Enter, role: Role) -> None:
    visit = await enter(role)
    world = visit.world
    made = (await world.ask()).id
    left = (await world.balance()).balance

    await visit.user.open(f"/users/{world.user.id}")

    for said in (
        "user@example.com",
        "Active",
        "Unlimited",
        f"{left:,} cr",
        "nothing held",
        "sandbox-text",
        "1 cr",
    ):
        await visit.user.should_see(said)
    await visit.user.open(f"/users/{world.user.id}?tab=ledger")
    for said in ("Usage", "−1 cr", short(made)):
        await visit.user.should_see(said)


async def test_support_sees_no_usd(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.world.ask()
    await visit.world.purser.database.execute("update generations set cost = 1.25")

    await visit.user.open(f"/users/{visit.world.user.id}")

    await visit.user.should_see("sandbox-text")
    await visit.user.should_not_see("$1.25")


async def test_a_tester_is_told_which_roles_may(enter: Enter) -> None:
    visit = await enter(Role.TESTER)

    await visit.user.open(f"/users/{visit.world.user.id}")

    await visit.user.should_see("Not with your role")
    await visit.user.should_not_see("user@example.com")


@pytest.mark.parametrize(
    "identifier", ["01a1fcb1-d36b-7131-b25a-a13797835dec", "nonsense", "%00", "0" * 4_000], ids=range(4)
)
async def test_an_address_that_names_nobody_says_so(enter: Enter, identifier: str) -> None:
    visit = await enter(Role.SUPPORT)

    await visit.user.open(f"/users/{identifier}")

    await visit.user.should_see("No such user")


async def test_a_suspended_user_and_a_user_of_whom_nothing_is_known_are_shown_as_such(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    async with visit.world.purser.database.transaction() as session:
        await suspend(session, SYSTEM, visit.world.user.id, reason="card fraud")
    await visit.world.purser.changes.refresh()

    await visit.user.open(f"/users/{visit.world.user.id}")

    for said in ("Suspended", "No generations yet", "never"):
        await visit.user.should_see(said)
