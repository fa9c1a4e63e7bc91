"""What the parts of one open page share: who is looking, what is known, and how things are written."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

from nicegui import ui

from core.audit import Actor
from core.database import Session
from core.providers.config import ProviderConfig
from core.system.board import BoardState
from core.vocabulary import Role
from dashboard.components import fields
from dashboard.components.button import Handler, Kind
from dashboard.components.dialog import Dialog
from dashboard.components.toast import toast
from dashboard.page import Screen

ADMIN = (Role.SUPERADMIN,)
WHY = "For the audit, and for whoever wonders tomorrow"

Change = Callable[[Session, Actor], Awaitable[Any]]
ReasonedChange = Callable[[Session, Actor, str], Awaitable[Any]]


class Desk:
    """One open page. `board` is the newest reading; `refresh` shows what has changed."""

    def __init__(self, screen: Screen, refresh: Callable[[], Awaitable[None]]) -> None:
        self.screen = screen
        self.purser = screen.purser
        self.admin = screen.person.role is Role.SUPERADMIN
        self.board: BoardState | None = None
        self.refresh = refresh

    @property
    def providers(self) -> tuple[ProviderConfig, ...]:
        """The configuration of now, which may be newer than the board."""
        return self.purser.snapshots.current.providers

    async def write(
        self,
        change: Change,
        done: str,
        *,
        refused: Callable[[str], Any] | None = None,
        undo: Handler | None = None,
    ) -> bool:
        """Makes a change in one transaction for the person as they are now, and shows what came of it.

        A refusal is said by `refused`, else as a toast; `undo` is offered for ten seconds.
        """

        async def run(actor: Actor) -> None:
            async with self.purser.database.transaction() as session:
                await change(session, actor)

        changed = await self.screen.act(run, roles=ADMIN, refused=refused)
        if changed:
            await self.purser.changes.refresh()
            self.purser.board.forget()
            with self.screen.frame.main:
                toast(done, undo=undo)
        await self.refresh()
        return changed


class Form(Dialog):
    """A dialog that makes one change, and says inside itself why it could not.

    `form = Form(desk, "Isolate Gemini?", change, "Gemini is isolated", verb="Isolate Gemini")`, then
    `with form.body: …` for fields of its own, and `form.open()`. `change` gets the reason that the last field asks for;
    `why` is what stands in it, None for a change that needs none.
    """

    def __init__(
        self,
        desk: Desk,
        title: str,
        change: ReasonedChange,
        done: str,
        *,
        verb: str,
        sub: str = "",
        kind: Kind = "primary",
        width: int = 520,
        why: str | None = WHY,
        typed: str | None = None,
    ) -> None:
        with desk.screen.frame.main:  # outlives what it was opened from
            super().__init__(
                title, sub=sub, verb=verb, kind=kind, width=width, typed=typed, on_confirm=self._write
            )
        self.frame.on("hide", self.frame.delete, args=[])
        self._desk, self._change, self._done, self._why = desk, change, done, why
        self._reason: ui.input | None = None

    def open(self) -> Self:
        """The reason is asked last, whatever else is asked."""
        if self._why and self._reason is None:
            with self.body:
                self._reason = fields.text("Reason", placeholder=self._why).props("maxlength=500 autofocus")
        return super().open()

    async def _write(self) -> bool:
        self.fail(None)
        reason = (self._reason.value or "") if self._reason else ""
        return await self._desk.write(
            lambda session, actor: self._change(session, actor, reason), self._done, refused=self.fail
        )
