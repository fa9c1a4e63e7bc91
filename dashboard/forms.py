"""How a page writes: in one transaction for the person as they are now, with a toast; and the dialogs that lead to it."""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self, TypedDict, Unpack

from nicegui import ui

from core.audit import Actor
from core.audit.rules import LONGEST_REASON
from core.database import Session
from core.log import get_logger
from core.vocabulary import Role
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.button import Handler, Kind
from dashboard.components.dialog import Dialog, OnConfirm
from dashboard.components.toast import toast
from dashboard.page import Screen

log = get_logger(__name__)

WHY = "For the audit, and for whoever wonders tomorrow"

Change = Callable[[Session, Actor], Awaitable[Any]]
ReasonedChange = Callable[[Session, Actor, str], Awaitable[Any]]
Done = str | Callable[[], str]
"""What is said once it was done; a function where that is known only then."""


class Desk:
    """What the parts of one open page share: who is looking, and how things are written.

    `refresh` reads again and shows what has changed; `roles` may write, unless a write says otherwise.
    """

    def __init__(
        self, screen: Screen, refresh: Callable[[], Awaitable[Any]], *, roles: Iterable[Role] = SUPERADMINS
    ) -> None:
        self.screen = screen
        self.purser = screen.purser
        self.refresh = refresh
        self.roles = tuple(roles)

    @property
    def admin(self) -> bool:
        """Whether a superadmin is looking."""
        return self.screen.person.role is Role.SUPERADMIN

    async def write(
        self,
        change: Change,
        done: Done,
        *,
        roles: Iterable[Role] | None = None,
        refused: Callable[[str], Any] | None = None,
        undo: Handler | None = None,
    ) -> bool:
        """Writes as `write` does, and shows what came of it; of a refusal, too: somebody may have been quicker. A
        refusal is not held up by that: what was refused can be mended and sent again at once."""
        written = await write(
            self.screen, change, done, roles=roles or self.roles, refused=refused, undo=undo
        )
        if written:
            self.written()
            await self.refresh()
        else:
            with self.screen.frame.main:
                ui.timer(0, self.refresh, once=True)
        return written

    def written(self) -> None:
        """Something was written; the page is about to be read again."""


async def write(
    screen: Screen,
    change: Change,
    done: Done | None = None,
    *,
    roles: Iterable[Role],
    refused: Callable[[str], Any] | None = None,
    undo: Handler | None = None,
) -> bool:
    """Makes a change in one transaction for the person as they are now.

    Args:
        done: said in a toast afterwards, which offers to `undo` for ten seconds.
        refused: says a refusal where it happened; without it a toast does.

    Returns:
        Whether it was made.
    """

    async def run(actor: Actor) -> None:
        async with screen.purser.database.transaction() as session:
            await change(session, actor)

    written = await screen.act(run, roles=roles, refused=refused)
    if written:
        try:
            await screen.purser.changes.refresh()
        except Exception:
            # It is written: the next look tells what this one could not, and nobody is to write it again.
            log.exception("a change was written and could not be told at once")
        if done is not None:
            with screen.frame.main:  # what was pressed may be gone
                toast(done if isinstance(done, str) else done(), undo=undo)
    return written


class Look(TypedDict, total=False):
    """What a dialog may have besides title and verb, as `Dialog` takes it."""

    sub: str
    note: str
    kind: Kind
    width: int
    typed: str
    cancel: bool


class PageDialog(Dialog):
    """A dialog of a page: it outlives what it was opened from, and is gone when it closes."""

    def __init__(
        self, screen: Screen, title: str, *, verb: str, on_confirm: OnConfirm, **look: Unpack[Look]
    ) -> None:
        with screen.frame.main:
            super().__init__(title, verb=verb, on_confirm=on_confirm, **look)
        self.frame.on("hide", self.frame.delete, args=[])


def telling(screen: Screen, title: str, *, sub: str = "", width: int = 440) -> PageDialog:
    """A dialog that only tells something."""
    return PageDialog(
        screen, title, verb="Close", on_confirm=lambda: None, sub=sub, width=width, cancel=False
    )


class Form(PageDialog):
    """A dialog that makes one change, asks why at the end, and says inside itself why it could not.

    `form = Form(desk, "Suspend …?", change, "… is suspended", verb="Suspend")`, then `with form.body: …` for fields of
    its own, and `form.open()`. `why` is what stands in the reason's field; None for a change that needs no reason.
    `done` may be set anew while the change is made; `then` is called once it was made and the dialog has closed.
    """

    def __init__(
        self,
        desk: Desk,
        title: str,
        change: ReasonedChange,
        done: str,
        *,
        verb: str,
        why: str | None = WHY,
        roles: Iterable[Role] | None = None,
        then: Callable[[], Awaitable[Any] | Any] | None = None,
        **look: Unpack[Look],
    ) -> None:
        super().__init__(desk.screen, title, verb=verb, on_confirm=self._write, **look)
        self.desk, self.done = desk, done
        self._change, self._why, self._roles, self._then = change, why, roles, then
        self._reason: ui.input | None = None

    def open(self) -> Self:
        """The reason is asked last, whatever else is asked; it has the focus where nothing before it has."""
        if self._why and self._reason is None:
            alone = not any("autofocus" in element.props for element in self.body.descendants())
            with self.body:
                self._reason = ask_why(self._why, focus=alone)
        return super().open()

    async def _write(self) -> bool:
        self.fail(None)
        reason = (self._reason.value or "") if self._reason else ""
        written = await self.desk.write(
            lambda session, actor: self._change(session, actor, reason),
            lambda: self.done,
            roles=self._roles,
            refused=self.fail,
        )
        if not written or self._then is None:
            return written
        self.close()
        outcome = self._then()
        if inspect.isawaitable(outcome):
            await outcome
        return False


def ask_why(why: str = WHY, *, focus: bool = True) -> ui.input:
    """The field for a reason; Enter in it presses the dialog's verb."""
    field = fields.text("Reason", placeholder=why, note="required")
    field.props(f"maxlength={LONGEST_REASON} data-enter=true")
    return field.props("autofocus") if focus else field
