"""What the dialogs that move credits share: one key for as long as the dialog is open, words for refusals, what was done."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Unpack

from nicegui import ui

from core.audit import Actor
from core.credits.reasons import LONGEST_NOTE, REASONS
from core.database import Session
from core.errors import Conflict, InvalidRequest
from core.ids import new_id
from dashboard.access import MANAGERS
from dashboard.components import fields
from dashboard.components.dialog import Dialog
from dashboard.forms import Look, PageDialog, write
from dashboard.numbers import whole
from dashboard.page import Screen

ONCE = "Saved once, also on a double click."
LARGE = 10_000
"""Credits above which the user's address is to be typed."""

OnDone = Callable[[], Awaitable[Any] | Any]
Change = Callable[[Session, Actor], Awaitable[str]]
"""Moves the credits, and gives the sentence that says what was done."""


class MoveDialog(PageDialog):
    """A dialog that moves credits once. `key` is made when it is opened: what comes twice under it is booked once.

    Subclasses give `change`; a refusal stays inside the dialog, and `on_done` is called after what was done.
    """

    def __init__(
        self, screen: Screen, title: str, *, verb: str, on_done: OnDone, **look: Unpack[Look]
    ) -> None:
        super().__init__(screen, title, verb=verb, on_confirm=self._move, **{"note": ONCE, **look})
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

        async def change(session: Session, actor: Actor) -> None:
            try:
                done.append(await self.change(session, actor))
            except Conflict as conflict:
                if conflict.code != "idempotency_conflict":
                    raise
                raise Conflict(
                    "This dialog has booked something already. Close it, and look before you open it again.",
                    code=conflict.code,
                ) from conflict

        if not await write(self.screen, change, lambda: done[-1], roles=MANAGERS, refused=self.fail):
            await self.refused()
            return False
        self.screen.purser.attention.forget()  # it may wait for somebody now
        outcome = self._on_done()
        if inspect.isawaitable(outcome):
            await outcome
        return True


def ask_reason() -> ui.select:
    """The field for a reason code; nothing is chosen for anybody."""
    return fields.select("Reason code", dict(REASONS), note="required")


def chosen_reason(field: ui.select) -> str:
    """The reason code of such a field; raises `InvalidRequest` where none is chosen."""
    if not field.value:
        raise InvalidRequest("Choose a reason code.")
    return str(field.value)


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
    """What a field says, 0 for nothing; raises `InvalidRequest` where it is not a whole number of credits."""
    return whole(field.value, "Credits") or 0


def some_credits(field: ui.number) -> int:
    """The same where nothing will not do."""
    if amount := whole_credits(field):
        return amount
    raise InvalidRequest("Say how many credits.")
