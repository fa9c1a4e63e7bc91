"""What the parts of one open page share: who is looking, what is saved, what is changed, and how things are written."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self

from core.audit import Actor
from core.database import Session
from core.entitlements.matrix import Matrix
from core.vocabulary import Role
from dashboard.components import fields
from dashboard.components.button import Kind
from dashboard.components.dialog import Dialog
from dashboard.components.toast import toast
from dashboard.page import Screen
from dashboard.plans.draft import Draft

ADMIN = (Role.SUPERADMIN,)
BOTH = (Role.SUPERADMIN, Role.SUPPORT)
WHY = "For the audit, and for whoever wonders tomorrow"

Write = Callable[[Session, Actor], Awaitable[Any]]
ReasonedWrite = Callable[[Session, Actor, str], Awaitable[Any]]


class Desk:
    """One open page. `refresh` reads again and shows what has changed; `show_draft` shows what has joined the draft."""

    def __init__(
        self,
        screen: Screen,
        saved: Matrix,
        refresh: Callable[[], Awaitable[None]],
        show_draft: Callable[[], Awaitable[None]],
    ) -> None:
        self.screen = screen
        self.purser = screen.purser
        self.admin = screen.person.role is Role.SUPERADMIN
        self.draft = Draft(saved)
        self.own: set[int] = set()
        """Versions that this page has saved itself."""
        self.refresh = refresh
        self.show_draft = show_draft

    async def write(
        self,
        work: Write,
        done: str | Callable[[], str],
        *,
        roles: Iterable[Role] = ADMIN,
        refused: Callable[[str], Any] | None = None,
    ) -> bool:
        """Writes in one transaction for the person as they are now, and shows what came of it.

        A refusal is said by `refused`, else as a toast.
        """

        async def run(actor: Actor) -> None:
            async with self.purser.database.transaction() as session:
                await work(session, actor)

        written = await self.screen.act(run, roles=roles, refused=refused)
        if written:
            await self.purser.changes.refresh()
            with self.screen.frame.main:
                toast(done if isinstance(done, str) else done())
        await self.refresh()
        return written


class Form(Dialog):
    """A dialog that asks for a few things, and why; it says inside itself what is wrong.

    `form = Form(desk, "End this exception?", work, "It has ended", verb="End it")`, then `with form.body: …` for fields
    of its own, and `form.open()`. `work` gets the reason that the last field asks for; `why` is what stands in it.
    """

    def __init__(
        self,
        desk: Desk,
        title: str,
        work: ReasonedWrite,
        done: str,
        *,
        verb: str,
        sub: str = "",
        kind: Kind = "primary",
        roles: Iterable[Role] = ADMIN,
        why: str = WHY,
    ) -> None:
        with desk.screen.frame.main:  # outlives what it was opened from
            super().__init__(title, sub=sub, verb=verb, kind=kind, on_confirm=self._write)
        self.frame.on("hide", self.frame.delete, args=[])
        self._desk, self._work, self._done, self._roles, self._why = desk, work, done, tuple(roles), why

    def open(self) -> Self:
        """The reason is asked last, whatever else is asked."""
        with self.body:
            self._reason = fields.text("Reason", placeholder=self._why).props("maxlength=500")
        return super().open()

    async def _write(self) -> bool:
        self.fail(None)
        reason = self._reason.value or ""
        return await self._desk.write(
            lambda session, actor: self._work(session, actor, reason),
            self._done,
            roles=self._roles,
            refused=self.fail,
        )
