"""What the dialogs that move credits share: one key for as long as the dialog is open, words for refusals, what was done."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from core.audit import Actor
from core.credits.reasons import REASONS
from core.database import Session
from core.errors import Conflict, InvalidRequest
from core.ids import new_id
from core.vocabulary import Role
from dashboard.components import fields
from dashboard.components.button import Kind
from dashboard.components.dialog import Dialog
from dashboard.components.toast import toast
from dashboard.page import Screen

MOVERS = (Role.SUPERADMIN, Role.SUPPORT)
ADMIN = (Role.SUPERADMIN,)
ONCE = "Saved once, also on a double click."
LARGE = 10_000
"""Credits above which the user's address is to be typed."""
LARGEST = 1_000_000_000
LONGEST_NOTE = 500

OnDone = Callable[[], Awaitable[Any] | Any]
Change = Callable[[Session, Actor], Awaitable[str]]
"""Moves the credits, and gives the sentence that says what was done."""


class MoveDialog(Dialog):
    """A dialog that moves credits once. `key` is made when it is opened: what comes twice under it is booked once.

    Subclasses give `change`; a refusal stays inside the dialog, and `on_done` is called after what was done.
    """

    def __init__(
        self,
        screen: Screen,
        title: str,
        *,
        sub: str,
        verb: str,
        on_done: OnDone,
        note: str = ONCE,
        kind: Kind = "primary",
        width: int = 520,
    ) -> None:
        with screen.frame.main:  # outlives what it was opened from
            super().__init__(
                title, sub=sub, verb=verb, on_confirm=self._move, note=note, kind=kind, width=width
            )
        self.frame.on("hide", self.frame.delete, args=[])
        self.screen = screen
        self.key = str(new_id())
        self._on_done = on_done

    async def change(self, session: Session, actor: Actor) -> str:
        """What is written, in the transaction of the click; gives the sentence that says it."""
        raise NotImplementedError

    async def refused(self) -> None:
        """It was refused: what the dialog shows may be of yesterday."""

    async def _move(self) -> bool:
        self.fail(None)
        done: list[str] = []

        async def run(actor: Actor) -> None:
            try:
                async with self.screen.purser.database.transaction() as session:
                    done.append(await self.change(session, actor))
            except Conflict as conflict:
                if conflict.code != "idempotency_conflict":
                    raise
                raise Conflict(
                    "This dialog has booked something already. Close it, and look before you open it again.",
                    code=conflict.code,
                ) from conflict

        moved = await self.screen.act(run, roles=MOVERS, refused=self.fail)
        if not moved:
            await self.refused()
            return False
        self.screen.purser.attention.forget()  # it may wait for somebody now
        with self.screen.frame.main:
            toast(done[-1])
        outcome = self._on_done()
        if inspect.isawaitable(outcome):
            await outcome
        return True


def ask_reason() -> ui.select:
    """The field for a reason code; nothing is chosen for anybody."""
    return fields.select("Reason code", dict(REASONS), note="required")


def ask_note(placeholder: str = "") -> ui.textarea:
    """The field for a note, with what is left of its length."""
    return fields.area("Note", placeholder=placeholder, limit=LONGEST_NOTE, rows=2)


def ask_typed(dialog: Dialog, wanted: str) -> None:
    """A field for what is to be typed before the dialog's verb can be pressed; a number with or without its commas."""

    def check(event: Any) -> None:
        typed = (event.value or "").strip().replace(",", "")
        dialog.verb.enable(typed == wanted.replace(",", ""), why=f"Type {wanted} first")

    fields.text(f"Type {wanted} to confirm", on_change=check)
    dialog.verb.disable(f"Type {wanted} first")


def whole_credits(field: ui.number) -> int:
    """What a field says, 0 for nothing.

    Raises:
        InvalidRequest: it is not a whole number of credits.
    """
    value = field.value
    if value is None or value == "":
        return 0
    if not float(value).is_integer() or not 0 <= value <= LARGEST:
        raise InvalidRequest(f"Credits are whole numbers, from 1 to {LARGEST:,}.")
    return int(value)
