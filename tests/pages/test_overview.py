"""The overview's first steps where the page moves on meanwhile."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from core.accounts.queries import find_user
from core.vocabulary import Role
from dashboard.components.button import Button
from tests.pages.conftest import Visit

Enter = Callable[..., Awaitable[Visit]]


async def test_a_colleague_is_invited_with_a_password_that_is_shown_once(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/?invite=1")
    await visit.user.should_see("They sign in with a one-time password.")
    (email,) = (one for one in visit.user.find(kind=ui.input).elements if type(one) is ui.input)

    visit.user.find(kind=Button, content="Make the account").click()
    await visit.user.should_see("is not an e-mail address")
    email.set_value("mira@example.com")
    visit.user.find(kind=Button, content="Make the account").click()

    await visit.user.should_see("mira@example.com can sign in")
    await visit.user.should_see("Shown once")
    async with visit.world.purser.database.transaction() as session:
        assert (await find_user(session, "mira@example.com")).role is Role.SUPPORT


async def test_a_step_goes_on_though_the_list_of_steps_was_drawn_anew(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open("/")
    await visit.user.should_see("1 of 5")

    visit.user.find(kind=Button, content="Run a sample").click()

    await visit.user.should_see("2 of 5")
    visit.user.find(kind=Button, content="Invite another").click()
    await visit.user.should_see("They sign in with a one-time password.")
    assert len([one for one in visit.user.find(kind=ui.dialog).elements if one.value]) == 1
