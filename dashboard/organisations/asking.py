"""The dialog that makes one change to organisations or projects, and asks why."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

from nicegui import ui

from core.audit import Actor
from core.database import Session
from core.vocabulary import Role
from dashboard.components import fields
from dashboard.components.button import Kind
from dashboard.components.dialog import Dialog
from dashboard.components.toast import toast
from dashboard.page import Screen

MAY = (Role.SUPERADMIN, Role.SUPPORT)

Change = Callable[[Session, Actor, str], Awaitable[Any]]


class Ask(Dialog):
    """`ask = Ask(screen, "Rename Acme", change, "Renamed", then, verb="Rename")`, fields of its own in `ask.body`, and
    `ask.open()`. The reason is asked last; why it could not be done is said inside."""

    def __init__(
        self,
        screen: Screen,
        title: str,
        change: Change,
        done: str,
        then: Callable[[], Awaitable[Any]],
        *,
        verb: str,
        sub: str = "",
        kind: Kind = "primary",
    ) -> None:
        with screen.frame.main:  # outlives what it was opened from
            super().__init__(title, sub=sub, verb=verb, kind=kind, on_confirm=self._write)
        self.frame.on("hide", self.frame.delete, args=[])
        self._screen, self._change, self._done, self._then = screen, change, done, then
        self._reason: ui.input | None = None

    def name(self, value: str = "", label: str = "Name") -> ui.input:
        """A field for a name, which has the focus."""
        with self.body:
            field = fields.text(label, value=value, note="required")
            field.props("maxlength=100 autofocus")
        return field

    def open(self) -> Self:
        """With the reason below whatever else is asked; Enter in it presses the verb."""
        if self._reason is None:
            alone = not any("autofocus" in one.props for one in self.body.descendants())
            with self.body:
                self._reason = fields.text(
                    "Reason", placeholder="For the audit, and for whoever wonders tomorrow", note="required"
                )
                self._reason.props(f"maxlength=500 data-enter=true{' autofocus' if alone else ''}")
        return super().open()

    async def _write(self) -> bool:
        self.fail(None)
        reason = (self._reason.value or "") if self._reason else ""

        async def write(actor: Actor) -> None:
            async with self._screen.purser.database.transaction() as session:
                await self._change(session, actor, reason)

        if not await self._screen.act(write, roles=MAY, refused=self.fail):
            return False
        with self._screen.frame.main:
            toast(self._done)
        self.close()
        await self._then()
        return False
