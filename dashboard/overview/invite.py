"""The dialog that makes an account for a colleague, and shows its one-time password once."""

from core.accounts.passwords import one_time_password
from core.audit import Actor
from core.database import Session
from core.signup import sign_up
from core.vocabulary import Role
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.forms import PageDialog, write
from dashboard.page import Screen
from dashboard.user.handing import show_once

ROLES = {
    Role.SUPPORT.value: "Support: users, credits, generations",
    Role.TESTER.value: "Tester: playground and own runs",
    Role.SUPERADMIN.value: "Superadmin: everything",
}


def ask_to_invite(screen: Screen) -> None:
    """Opens the dialog."""

    async def invite() -> bool:
        dialog.fail(None)
        address, password = (email.value or "").strip(), one_time_password()

        async def change(session: Session, actor: Actor) -> None:
            await sign_up(
                session, email=address, password=password, one_time=True, role=Role(role.value), actor=actor
            )

        if await write(screen, change, roles=SUPERADMINS, refused=dialog.fail):
            dialog.close()
            show_once(screen, f"{address} can sign in", "One-time password", password)
        return False

    dialog = PageDialog(
        screen,
        "Invite",
        sub="They sign in with a one-time password.",
        verb="Make the account",
        on_confirm=invite,
    )
    with dialog.body:
        email = fields.text("E-mail", note="required").props("autofocus maxlength=320 type=email")
        role = fields.select("Role", ROLES, value=Role.SUPPORT.value)
    dialog.open()
