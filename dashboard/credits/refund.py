"""The dialog that gives back what a generation was charged, all of it or a part, once over."""

from typing import Any
from uuid import UUID

from core.audit import Actor
from core.credits.detail import Refundable, refundable
from core.credits.service import Balance, balance_of, refund
from core.database import Session
from core.errors import InvalidRequest, PurserError
from core.ids import short
from dashboard.access import MANAGERS
from dashboard.components import fields
from dashboard.components.choice import Choice, Segment
from dashboard.components.dialog import BeforeAfter
from dashboard.components.facts import Trio
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count, format_credits, format_credits_signed
from dashboard.components.toast import toast
from dashboard.credits.moving import (
    LARGE,
    MoveDialog,
    OnDone,
    ask_note,
    ask_reason,
    chosen_reason,
    some_credits,
    whole_credits,
)
from dashboard.page import Screen

WHOLE, PART = "whole", "part"


async def open_refund(
    screen: Screen, on_done: OnDone, *, generation_id: UUID | None = None, entry_id: UUID | None = None
) -> None:
    """Opens it over what is left of the charge of a generation, or of an entry; says so where nothing is."""
    database = screen.purser.database
    try:
        await screen.read(MANAGERS)
        found = await refundable(database, generation_id=generation_id, entry_id=entry_id)
        balance = await balance_of(database, found.user_id, found.traffic)
    except PurserError as refusal:
        toast(refusal.message, "bad", seconds=10)
        return
    if not found.left:
        toast("This charge has been refunded in full already.", "warn")
        return
    RefundDialog(screen, found, balance, on_done).open()


class RefundDialog(MoveDialog):
    """Use `open_refund`."""

    def __init__(self, screen: Screen, found: Refundable, balance: Balance, on_done: OnDone) -> None:
        made = f"generation {short(found.generation_id)}" if found.generation_id else ""
        super().__init__(
            screen,
            "Refund",
            sub=" · ".join(part for part in (found.email, made) if part),
            verb=f"Refund {format_credits(found.left)}",
            on_done=on_done,
        )
        self._found, self._balance = found, balance
        with self.body:
            self._facts = Node("div")
            self._before_after = BeforeAfter("Balance", "", "", "cr")
            with Node("div", "", "pu-pair"):
                with Node("div", "", "pu-field"):
                    with Node("div", "", "pu-field-head"):
                        Node("span", "How much", "pu-label")
                    ways = {WHOLE: Choice("All that is left"), PART: Choice("A part")}
                    self._way = Segment("How much", ways, WHOLE, self._chose)
                self._amount = fields.number(
                    "Amount",
                    value=found.left,
                    low=1,
                    high=found.left,
                    step=1,
                    suffix="cr",
                    on_change=self._tell,
                ).props("inputmode=numeric")
            self._reason = ask_reason().props("autofocus")
            self._note = ask_note("What went wrong, and the ticket")
            self._typed = fields.text(f"Type {found.email} to confirm", on_change=self._tell)
            with Node("div", "", "pu-row pu-limit"):
                Icon("info")
                Node("span", "What was used stays used: a refund is an entry of its own.")
        self._show_facts()
        self._chose(WHOLE)

    async def change(self, session: Session, actor: Actor) -> str:
        amount = some_credits(self._amount)
        entry = await refund(
            session,
            actor=actor,
            reason_code=chosen_reason(self._reason),
            note=(self._note.value or "").strip(),
            entry_id=self._found.entry_id,
            amount=amount,
            key=self.key,
        )
        balance = format_credits(entry.balance_after)
        return f"{format_credits(entry.amount)} refunded to {self._found.email}: balance {balance}"

    async def refused(self) -> None:
        """Somebody may have refunded it meanwhile: what is left is read again."""
        database, found = self.screen.purser.database, self._found
        self._found = await refundable(database, entry_id=found.entry_id)
        self._balance = await balance_of(database, found.user_id, found.traffic)
        self._show_facts()
        self._chose(self._way.value)

    def _show_facts(self) -> None:
        found = self._found
        facts = {"Charged": found.charged, "Refunded before": found.refunded, "Left to refund": found.left}
        self._facts.clear()
        with self._facts:
            Trio([(name, format_credits(amount)) for name, amount in facts.items()])

    def _chose(self, way: str) -> Any:
        fields.show(self._amount, way == PART)
        if way == WHOLE:
            self._amount.set_value(self._found.left)
        self._tell()

    def _tell(self) -> None:
        try:
            amount = whole_credits(self._amount)
        except InvalidRequest as wrong:
            self.verb.disable(wrong.message)
            return
        after = self._balance.balance + amount
        self._before_after.set_values(
            format_count(self._balance.balance),
            format_count(after),
            format_credits_signed(amount) if amount else "",
        )
        self.verb.set_text(f"Refund {format_credits(amount)}" if amount else "Refund")
        fields.show(self._typed, amount > LARGE)
        unsure = amount > LARGE and (self._typed.value or "").strip() != self._found.email
        if amount > self._found.left:
            self.verb.disable(f"At most {format_credits(self._found.left)} are left to refund")
        else:
            self.verb.enable(not unsure, why=f"Type {self._found.email} first")
