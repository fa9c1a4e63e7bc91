"""The dialog that asks whose credits are meant, where a page is not about one user already."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from core.accounts.lookup import Found, look_up
from core.accounts.person import Person
from core.credits.queries import accounts_of
from core.errors import PurserError
from core.vocabulary import Traffic
from dashboard.access import MANAGERS
from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.toast import toast
from dashboard.credits.adjust import AdjustTarget
from dashboard.forms import PageDialog
from dashboard.page import Screen

MOST = 6
Then = Callable[[AdjustTarget], Awaitable[None]]


def ask_whom(screen: Screen, title: str, then: Then) -> None:
    """Opens it; `then` goes on with the user who was named."""

    async def confirm() -> bool:
        dialog.fail(None)
        wanted = (field.value or "").strip()
        try:
            await screen.visitor.now(MANAGERS)
            found = await look_up(screen.purser.database, wanted, limit=MOST)
        except PurserError as refusal:
            dialog.fail(refusal.message)
            return False
        exact = [one for one in found if one.email.lower() == wanted.lower()]
        if len(found) == 1 or exact:
            dialog.close()
            await then(await target_of(screen, (exact or found)[0]))
        elif not found:
            dialog.fail("No user has this id, and no address begins like that.")
        else:
            _offer(found)
        return False

    def _offer(found: list[Found]) -> None:
        offered.clear()
        with offered:
            Node("p", "Several users begin like that:", "pu-label")
            for one in found:
                Button(
                    one.email, lambda email=one.email: _take(email), kind="plain", small=True, icon="person"
                )

    async def _take(email: str) -> None:
        field.set_value(email)
        await confirm()

    dialog = PageDialog(screen, title, verb="Go on…", on_confirm=confirm, width=440)
    with dialog.body:
        field = fields.text("User", placeholder="E-mail or id").props(
            "autofocus maxlength=320 data-enter=true"
        )
        offered = Node("div", "", "pu-stack is-tight", role="status")
    dialog.open()


async def open_for(screen: Screen, user_id: UUID, then: Then) -> None:
    """Goes on with the user of an id, as an address names them; says so where there is none."""
    found = await look_up(screen.purser.database, str(user_id), limit=1)
    if found:
        await then(await target_of(screen, found[0]))
    else:
        toast("There is no user of this id.", "bad", seconds=10)


async def target_of(screen: Screen, one: Found | Person) -> AdjustTarget:
    """A user as the dialogs name them, with the account that they have: demo users have no live one."""
    plan = screen.purser.snapshots.current.entitlements.plans.get(one.plan_id or "")
    owned = (await accounts_of(screen.purser.database, [one.id])).get(one.id, {})
    traffic = next((traffic for traffic in Traffic if traffic in owned), Traffic.LIVE)
    return AdjustTarget(one.id, one.email, plan.display_name if plan else "", traffic)
