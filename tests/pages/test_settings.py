"""The Settings page: a form saved as a whole with a reason, and never over what somebody else has saved meanwhile."""

from collections.abc import Awaitable, Callable

from core.configuration.rules import SUPPORT_LIMIT
from core.vocabulary import Role
from dashboard.components.button import Button
from tests.pages.conftest import Visit

Enter = Callable[..., Awaitable[Visit]]
LIMIT = "Support adjusts without approval up to"


async def test_a_limit_is_saved_with_a_reason_and_holds_at_once(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await open_save(visit, "2000")
    await visit.user.should_see("default: 5,000 cr")
    await visit.user.should_see("2,000 cr")
    press(visit, "Save settings")
    await visit.user.should_see("This needs a reason, for the audit.")

    visit.user.find("For the audit").type("a new contract")
    press(visit, "Save settings")

    await visit.user.should_see("The settings are saved, and hold from now on")
    assert visit.world.purser.snapshots.current.settings[SUPPORT_LIMIT] == 2_000
    row = await visit.world.purser.database.fetch_one(
        "select actor_label, reason, before, after from audit where action = 'settings.change'"
    )
    assert row == ("superadmin@example.com", "a new contract", {SUPPORT_LIMIT: None}, {SUPPORT_LIMIT: 2_000})


async def test_what_means_nothing_is_refused_before_anything_is_asked(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await open_save(visit, "many")
    await visit.user.should_see("whole credits, from 0 to")
    await visit.user.should_not_see("Save settings")


async def test_what_somebody_else_has_saved_meanwhile_is_not_overwritten(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await open_save(visit, "2000")
    await visit.world.purser.database.execute(
        "insert into settings (key, value) values (%s, '700')", (SUPPORT_LIMIT,)
    )
    visit.user.find("For the audit").type("a new contract")

    press(visit, "Save settings")

    await visit.user.should_see("Somebody else has changed this meanwhile")
    row = await visit.world.purser.database.fetch_one("select value from settings")
    assert row == (700,)


async def open_save(visit: Visit, limit: str) -> None:
    """The form with another limit for support, up to the dialog that asks why."""
    await visit.user.open("/settings?tab=contact")
    visit.user.find("default: 5,000 cr").type(limit)
    await visit.user.should_see("1 change")
    press(visit, "Save…")


def press(visit: Visit, label: str) -> None:
    visit.user.find(kind=Button, content=label).click()
