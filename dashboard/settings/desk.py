"""What the tabs of Settings share: a write by a superadmin, in one transaction, with a dialog that asks why."""

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

ADMIN = (Role.SUPERADMIN,)
WHY = "For the audit, and for whoever wonders tomorrow"

Change = Callable[[Session, Actor, str], Awaitable[Any]]
"""Writes something, with the reason that was given."""


class Desk:
    """One open page; `refresh` shows what has changed."""

    def __init__(self, screen: Screen, refresh: Callable[[], Awaitable[None]]) -> None:
        self.screen = screen
        self.refresh = refresh

    async def write(
        self, change: Callable[[Session, Actor], Awaitable[Any]], done: str, refused: Callable[[str], Any]
    ) -> bool:
        """Makes a change for the person as they are now, and shows what came of it."""
        purser = self.screen.purser

        async def run(actor: Actor) -> None:
            async with purser.database.transaction() as session:
                await change(session, actor)

        changed = await self.screen.act(run, roles=ADMIN, refused=refused)
        if changed:
            await purser.changes.refresh()
            with self.screen.frame.main:
                toast(done)
            await self.refresh()
        return changed


class Form(Dialog):
    """A dialog that makes one change, and says inside itself why it could not; the reason is asked last, `why` stands in
    it, None for a change that needs none."""

    def __init__(
        self,
        desk: Desk,
        title: str,
        change: Change,
        done: str,
        *,
        verb: str,
        sub: str = "",
        kind: Kind = "primary",
        why: str | None = WHY,
    ) -> None:
        with desk.screen.frame.main:
            super().__init__(title, sub=sub, verb=verb, kind=kind, on_confirm=self._write)
        self.frame.on("hide", self.frame.delete, args=[])
        self._desk, self._change, self._done, self._why = desk, change, done, why
        self._reason: ui.input | None = None

    def open(self) -> Self:
        if self._why and self._reason is None:
            with self.body:
                self._reason = fields.text("Reason", placeholder=self._why).props("maxlength=500")
        return super().open()

    async def _write(self) -> bool:
        self.fail(None)
        reason = (self._reason.value or "").strip() if self._reason else ""
        return await self._desk.write(
            lambda session, actor: self._change(session, actor, reason), self._done, self.fail
        )
