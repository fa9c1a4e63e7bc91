"""The dialog that adds to or takes from a user's credits: before → after, why, and whether it needs approval (mock-up 08)."""

from dataclasses import dataclass
from uuid import UUID

from core.audit import Actor
from core.credits.limits import LARGEST, limit_of
from core.credits.service import Balance, adjust, balance_of
from core.database import Session
from core.errors import InvalidRequest, PurserError
from core.vocabulary import Role, Traffic
from dashboard.access import MANAGERS
from dashboard.components import fields
from dashboard.components.choice import Choice, Segment
from dashboard.components.dialog import BeforeAfter
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count, format_credits, format_credits_signed
from dashboard.components.status import Tone
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

ADD, REMOVE = "add", "remove"
WAYS = {ADD: Choice("Add", "add"), REMOVE: Choice("Remove", "remove")}


@dataclass(frozen=True, slots=True)
class AdjustTarget:
    """Whose credits: the account of `traffic` (demo users have no live one)."""

    id: UUID
    email: str
    plan_name: str = ""
    traffic: Traffic = Traffic.LIVE


async def open_adjust(screen: Screen, target: AdjustTarget, on_done: OnDone) -> None:
    """Opens it over what the user has now; `on_done` is called once something was booked, or asked for."""
    try:
        await screen.read(MANAGERS)
        balance = await balance_of(screen.purser.database, target.id, target.traffic)
    except PurserError as absence:
        toast(absence.message, "bad", seconds=10)
        return
    AdjustDialog(screen, target, balance, on_done).open()


class AdjustDialog(MoveDialog):
    """Use `open_adjust`."""

    def __init__(self, screen: Screen, target: AdjustTarget, balance: Balance, on_done: OnDone) -> None:
        super().__init__(
            screen,
            "Adjust credits",
            sub=" · ".join(part for part in (target.email, target.plan_name) if part),
            verb="Add credits",
            on_done=on_done,
        )
        self._target, self._balance = target, balance
        self._limit = limit_of(screen.person.role, screen.purser.snapshots.current.settings)
        with self.body:
            self._before_after = BeforeAfter("Balance", "", "", "cr")
            with Node("div", "", "pu-pair"):
                with Node("div", "", "pu-field"):
                    with Node("div", "", "pu-field-head"):
                        Node("span", "Direction", "pu-label")
                    self._way = Segment("Direction", WAYS, ADD, lambda _: self._tell())
                self._amount = fields.number(
                    "Amount", low=1, high=LARGEST, step=1, suffix="cr", on_change=self._tell
                ).props("autofocus inputmode=numeric")
            self._reason = ask_reason()
            self._note = ask_note("What happened, and the ticket")
            self._typed = fields.text(f"Type {target.email} to confirm", on_change=self._tell)
            with Node("div", "", "pu-row pu-limit", role="status") as self._hint:
                self._icon = Icon("verified_user")
                self._said = Node("span")
        self._tell()

    async def change(self, session: Session, actor: Actor) -> str:
        amount = some_credits(self._amount) * (1 if self._way.value == ADD else -1)
        moved = await adjust(
            session,
            self._target.id,
            amount,
            actor=actor,
            reason_code=chosen_reason(self._reason),
            note=(self._note.value or "").strip(),
            traffic=self._target.traffic,
            key=self.key,
        )
        words = f"{format_credits_signed(amount)} for {self._target.email}"
        if moved.entry is None:
            return f"Asked for approval: {words}"
        return f"{words}: balance {format_credits(moved.entry.balance_after)}"

    @property
    def _own(self) -> bool:
        """Whether these are the credits that the person lives on."""
        return self._target.id == self.screen.person.id and self._target.traffic is Traffic.LIVE

    async def refused(self) -> None:
        """What the user has may have changed while the dialog stood open."""
        self._balance = await balance_of(self.screen.purser.database, self._target.id, self._target.traffic)
        self._tell()

    def _tell(self) -> None:
        """Says what it comes to, as it is typed."""
        try:
            size = whole_credits(self._amount)
        except InvalidRequest as wrong:
            self._say_hint(wrong.message, "error", "bad")
            self.verb.disable(wrong.message)
            return
        amount = size if self._way.value == ADD else -size
        after = self._balance.balance + amount
        self._before_after.set_values(
            format_count(self._balance.balance),
            format_count(after),
            format_credits_signed(amount) if amount else "",
            "ok" if amount > 0 else "bad" if after < self._balance.held else "warn",
        )
        asks = size > self._limit or self._own
        verb = WAYS[self._way.value].word
        named = f"{verb} {format_credits(size)}" if size else f"{verb} credits"
        self.verb.set_text("Ask for approval" if asks else named)
        fields.show(self._typed, size > LARGE)
        self._tell_limit(amount, asks=asks)
        unsure = size > LARGE and (self._typed.value or "").strip() != self._target.email
        self.verb.enable(not unsure, why=f"Type {self._target.email} first")

    def _tell_limit(self, amount: int, *, asks: bool) -> None:
        other = "another superadmin" if self.screen.person.role is Role.SUPERADMIN else "a superadmin"
        limit = f"your limit of {format_credits(self._limit)}"
        if -amount > self._balance.available:
            held = (
                f"; {format_credits(self._balance.held)} are held by what runs now"
                if self._balance.held
                else ""
            )
            self._say_hint(
                f"At most {format_credits(self._balance.available)} can be removed{held}.", "error", "bad"
            )
        elif self._own:
            self._say_hint(f"Your own credits: nothing moves until {other} approves.", "schedule", "warn")
        elif asks:
            self._say_hint(f"Above {limit}: nothing moves until {other} approves.", "schedule", "warn")
        else:
            self._say_hint(f"Within {limit}; above it, {other} approves.", "verified_user", "ok")

    def _say_hint(self, words: str, icon: str, tone: Tone) -> None:
        self._said.set_text(words)
        self._icon.set_text(icon)
        self._hint.classes(remove="is-tone-ok is-tone-warn is-tone-bad", add=f"is-tone-{tone}")
