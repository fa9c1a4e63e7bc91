"""The dialog that makes an account for a colleague, and shows its one-time password once."""

from nicegui import ui

from core.accounts.passwords import one_time_password
from core.audit import Actor
from core.signup import sign_up
from core.vocabulary import Role
from dashboard.components import fields
from dashboard.components.dialog import Dialog
from dashboard.components.facts import Box
from dashboard.components.html import Node
from dashboard.page import Screen

ROLES = {
    Role.SUPPORT.value: "Support: users, credits, generations",
    Role.TESTER.value: "Tester: playground and own runs",
    Role.SUPERADMIN.value: "Superadmin: everything",
}


class Invite:
    """`Invite(screen).open()`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._dialog = Dialog(
            "Invite",
            sub="They sign in with a one-time password.",
            verb="Make the account",
            on_confirm=self._invite,
        )
        with self._dialog.body, Node("div", "", "pu-stack"):
            self._email = fields.text("E-mail")
            self._role = fields.select("Role", ROLES, value=Role.SUPPORT.value)

    def open(self) -> None:
        self._dialog.open()

    async def _invite(self) -> bool:
        email, role, password = (self._email.value or "").strip(), Role(self._role.value), one_time_password()

        async def invite(actor: Actor) -> None:
            async with self._screen.purser.database.transaction() as session:
                await sign_up(session, email=email, password=password, one_time=True, role=role, actor=actor)

        if not await self._screen.act(invite, roles=[Role.SUPERADMIN]):
            return False
        self._dialog.close()
        told = Dialog(
            f"{email} can sign in",
            sub="Shown once: hand it over by a safe way.",
            verb="Copied, close",
            on_confirm=lambda: None,
        )
        with told.body, Box(lined=True):
            Node("p", "One-time password", "pu-label")
            Node("p", password, "is-mono is-strong")
        told.open()
        ui.clipboard.write(password)
        return False
