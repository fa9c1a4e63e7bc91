"""The dialog that adds a user, with all that belongs to one; staff get a one-time password, shown once."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from core.accounts.keys import create_key
from core.accounts.models import User
from core.accounts.passwords import one_time_password
from core.audit import Actor
from core.database import Session
from core.signup import NEW_USERS_PLAN, STAFF_PLAN, sign_up
from core.vocabulary import STAFF, Role
from dashboard.access import MANAGERS, SUPERADMINS
from dashboard.components import fields
from dashboard.components.html import Node
from dashboard.forms import PageDialog, write
from dashboard.page import Screen
from dashboard.user.actions import ROLES
from dashboard.user.handing import show_once

KEY_NAME = "first key"


class AddUser:
    """`AddUser(screen, on_done).open()`; `on_done` is called once somebody was added."""

    def __init__(self, screen: Screen, on_done: Callable[[], Awaitable[Any]]) -> None:
        self._screen, self._on_done = screen, on_done
        admin = screen.person.role is Role.SUPERADMIN
        plans = screen.purser.snapshots.current.entitlements.plans
        self._dialog = PageDialog(
            screen,
            "Add user",
            sub="Account, plan and first credits, all or nothing.",
            verb="Add user",
            on_confirm=self._add,
        )
        with self._dialog.body:
            self._email = fields.text("E-mail", note="required").props("autofocus maxlength=320 type=email")
            with Node("div", "", "pu-pair"):
                self._name = fields.text("Name").props("maxlength=300")
                self._company = fields.text("Company", note="becomes an organisation").props("maxlength=300")
            with Node("div", "", "pu-pair"):
                self._plan = fields.select(
                    "Plan",
                    {plan.id: plan.display_name for plan in plans.values() if not plan.retired},
                    value=NEW_USERS_PLAN if NEW_USERS_PLAN in plans else None,
                )
                roles = ROLES if admin else {Role.USER.value: ROLES[Role.USER.value]}
                self._role = fields.select(
                    "Role", roles, value=Role.USER.value, on_change=self._chose,
                    help_text="" if admin else "Staff are added by superadmins.",
                )  # fmt: skip
            self._key = fields.checkbox("Make an API key at once, shown once")
            self._said = Node("p", "", "is-quiet")
        self._chose()

    def open(self) -> None:
        self._dialog.open()

    def _chose(self) -> None:
        staff = Role(self._role.value) in STAFF
        if staff and self._plan.value == NEW_USERS_PLAN:
            self._plan.set_value(STAFF_PLAN)
        self._said.set_text(
            "They sign in with a one-time password, shown once."
            if staff
            else "Users have the HTTP API only; they do not sign in here."
        )

    async def _add(self) -> bool:
        self._dialog.fail(None)
        role = Role(self._role.value)
        password = one_time_password() if role in STAFF else None
        made: list[User] = []
        secrets: list[tuple[str, str]] = [("One-time password", password)] if password else []

        async def add(session: Session, actor: Actor) -> None:
            user = await sign_up(
                session,
                email=(self._email.value or "").strip(),
                name=(self._name.value or "").strip(),
                password=password,
                one_time=password is not None,
                role=role,
                plan_id=self._plan.value,
                company=(self._company.value or "").strip() or None,
                actor=actor,
            )
            if self._key.value:
                key = await create_key(session, actor, user.id, name=KEY_NAME, reason="Made with the account")
                secrets.append(("API key", key.secret))
            made.append(user)

        if not await write(
            self._screen,
            add,
            lambda: f"{made[0].email} is added",
            roles=SUPERADMINS if role in STAFF else MANAGERS,
            refused=self._dialog.fail,
        ):
            return False
        self._dialog.close()
        await self._hand_over(made[0], secrets)
        return False

    async def _hand_over(self, user: User, secrets: list[tuple[str, str]]) -> None:
        if not secrets:
            ui.navigate.to(f"/users/{user.id}")
            return
        for what, secret in reversed(secrets):  # the last one opened lies on top
            show_once(self._screen, f"{user.email} is added", what, secret)
        await self._on_done()
