"""What waits for a second person: who asks what for whom, and what it would come to; and what was decided of late."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from core.audit import Actor
from core.credits import approvals
from core.credits.approvals import RequestLine
from core.credits.models import RequestState
from core.database import Session
from core.vocabulary import Role
from dashboard.access import MANAGERS, SUPERADMINS
from dashboard.components import states, time
from dashboard.components.button import Button
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.dialog import BeforeAfter
from dashboard.components.facts import Facts
from dashboard.components.html import Icon, Node, link
from dashboard.components.money import format_count, format_credits_signed
from dashboard.components.status import Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.components.time import Moment
from dashboard.credits.address import BULK, PATH
from dashboard.credits.moving import LARGE, ask_note, ask_typed
from dashboard.credits.rows import name_of
from dashboard.forms import PageDialog, write
from dashboard.lists.refresher import OldNote, Refresher
from dashboard.live import credits_changed
from dashboard.page import Screen

STATES = {
    RequestState.WAITING: Status("Waiting", "schedule", "info"),
    RequestState.APPROVED: Status("Approved", "check_circle", "ok"),
    RequestState.REJECTED: Status("Rejected", "block", "bad"),
    RequestState.WITHDRAWN: Status("Withdrawn", "undo", "neutral"),
}
COLUMNS = (
    Column("decided", "Decided", 150, card="meta"),
    Column("state", "State", 108, card="status"),
    Column("whom", "For", 190, card="title"),
    Column("credits", "Credits", 96, "end", card="key"),
    Column("reason", "Reason", None),
    Column("asked", "Asked by", 110),
    Column("by", "Decided by, note", 150),
)
Verb = Callable[..., Awaitable[Any]]


class Approvals:
    """The tab. `changed` is called when something was decided here."""

    def __init__(self, screen: Screen, changed: Callable[[], Awaitable[None]]) -> None:
        self._screen, self._changed = screen, changed
        self._waiting: Sequence[RequestLine] | None = None
        self._old = OldNote()
        self._place = Node("div", "", "pu-requests")
        self._head = Node("h2", "Decided lately", "pu-h3 pu-requests-head")
        self._table = DataTable("Requests that were decided", COLUMNS, row_height=40, skeletons=2).classes(
            "pu-decided"
        )
        self._reader = Refresher(screen, self._load, self._fail, roles=MANAGERS, news=credits_changed)

    async def refresh(self) -> None:
        """What waits now; a card that is as it was stays where it is."""
        await self._reader.refresh()

    def _fail(self, words: str, request_id: str) -> None:
        if self._old.was_read:
            self._old.mark_old(words)
            return
        self._place.clear()
        with self._place:
            states.failed(words, request_id=request_id, on_retry=self.refresh)
        self._show_decided([])

    async def _load(self) -> None:
        database = self._screen.purser.database
        waiting = await approvals.waiting(database)
        decided = await approvals.decided(database)
        self._old.renew()
        if waiting != self._waiting:
            self._waiting = waiting
            self._place.clear()
            with self._place:
                for line in waiting:
                    self._card(line)
                if not waiting:
                    states.empty(
                        "Nothing waits for approval",
                        "What is above a person's limit waits here, until another superadmin approves or rejects it.",
                        icon="fact_check",
                    )
        self._show_decided([line for line in decided if line.state is not RequestState.WAITING])

    def _card(self, line: RequestLine) -> None:
        screen, own = self._screen, line.asked_by == self._screen.person.id
        with Node("article", "", "pu-card pu-request") as card:
            with Node("div", "", "pu-request-head"):
                heading = Node("h3", _what(line))
                Moment(line.created_at, screen.now(), screen.zone, cls="pu-meta")
            card.set(aria_labelledby=heading.html_id)
            if line.balance is not None:
                self._before_after(line, line.balance)
            self._facts(line)
            with Node("div", "", "pu-row pu-request-foot"):
                if own:
                    Icon("info")
                    Node("span", "You asked for this, so somebody else decides.", "is-second pu-grow")
                    Button("Withdraw", lambda: self._decide(line, "withdraw"), icon="undo")
                elif line.user_id == screen.person.id:
                    Icon("info")
                    Node("span", "The account is yours, so another superadmin approves.", "is-second pu-grow")
                    if screen.person.role is Role.SUPERADMIN:
                        Button("Reject…", lambda: self._decide(line, "reject"))
                elif screen.person.role is Role.SUPERADMIN:
                    Node("span", "", "pu-grow")
                    Button("Reject…", lambda: self._decide(line, "reject"))
                    Button("Approve…", lambda: self._decide(line, "approve"), kind="primary", icon="check")
                else:
                    Icon("lock")
                    Node("span", "A superadmin decides.", "is-second pu-grow")

    def _before_after(self, line: RequestLine, balance: int) -> None:
        after = balance + line.amount
        BeforeAfter(
            "Balance", format_count(balance), format_count(after), "cr", format_credits_signed(line.amount),
            "ok" if line.amount > 0 else "bad" if after < (line.held or 0) else "warn",
        )  # fmt: skip

    def _facts(self, line: RequestLine, *, whole: bool = True) -> None:
        """Why; and, where that does not stand above already, who asks for whom."""
        shown = Facts({"For": "", "Asked by": line.asked_label} if whole else {})
        if whole:
            with shown.value("For"):
                if line.bulk_id:
                    link(f"{format_count(line.people or 0)} people", _href(line))
                elif line.email:
                    link(line.email, _href(line))
        shown.set_fact("Reason", line.reason)
        if line.note:
            shown.set_fact("Note", line.note)
        if line.expires_at:
            shown.set_fact("Expires", time.absolute(line.expires_at, self._screen.zone))

    def _decide(self, line: RequestLine, way: str) -> None:
        """Asks for a note, and decides for the person as they are then."""
        verb: Verb = {
            "approve": approvals.approve,
            "reject": approvals.reject,
            "withdraw": approvals.withdraw,
        }[way]
        title = {"approve": "Approve", "reject": "Reject", "withdraw": "Withdraw"}[way]
        done = {"approve": "Approved", "reject": "Rejected", "withdraw": "Withdrawn"}[way]
        amount = format_credits_signed(line.amount)

        async def change(session: Session, actor: Actor) -> None:
            await verb(session, line.id, actor=actor, note=(note.value or "").strip())

        async def confirm() -> bool:
            dialog.fail(None)
            decided = await write(
                self._screen,
                change,
                f"{done}: {amount} for {_whom(line)}",
                roles=MANAGERS if way == "withdraw" else SUPERADMINS,
                refused=dialog.fail,
            )
            if decided:
                self._screen.purser.attention.forget()
                await self._changed()
            return decided

        dialog = PageDialog(
            self._screen,
            f"{title} {amount}?",
            sub=f"For {_whom(line)} · asked by {line.asked_label}",
            verb=f"{title} {amount}",
            kind="primary" if way == "approve" else "danger" if way == "reject" else "secondary",
            on_confirm=confirm,
            note="Decided once; whoever comes second is told.",
        )
        with dialog.body:
            if way == "approve" and line.balance is not None:
                self._before_after(line, line.balance)
            self._facts(line, whole=False)
            note = ask_note("Why, for the audit and for whoever asked").props("autofocus")
            if way == "approve" and abs(line.amount) > LARGE and (wanted := _to_type(line)):
                ask_typed(dialog, wanted)
        dialog.open()

    def _show_decided(self, decided: Sequence[RequestLine]) -> None:
        self._head.show(bool(decided))
        self._table.set_visibility(bool(decided))
        if decided:
            self._table.show_rows([self._row(line) for line in decided])

    def _row(self, line: RequestLine) -> Row:
        zone = self._screen.zone
        at = line.decided_at or line.created_at
        return Row(
            str(line.id),
            [
                Bit(time.absolute(at, zone), title=time.zone_name(zone, at), moment=time.iso(at)),
                chip(STATES[line.state]),
                _link(line),
                Bit(format_credits_signed(line.amount), "ok" if line.amount > 0 else ""),
                _lines(line.reason, line.note),
                Bit(name_of(line.asked_label), title=line.asked_label),
                _lines(name_of(line.decided_label), line.decision_note or "") if line.decided_label else DASH,
            ],
        )


def _what(line: RequestLine) -> str:
    """`+7,000 cr for mara@…`, `12,000 cr for 31 people`."""
    return f"{format_credits_signed(line.amount)} for {_whom(line)}"


def _whom(line: RequestLine) -> str:
    if line.bulk_id:
        return f"{format_count(line.people or 0)} people: {line.title}"
    return line.email or "a user who is gone"


def _to_type(line: RequestLine) -> str | None:
    """What is to be typed before so much is approved: the user's address, or the total of many."""
    return format_count(line.amount) if line.bulk_id else line.email


def _link(line: RequestLine) -> Cell:
    return Bit(_whom(line), href=_href(line), title=_whom(line))


def _href(line: RequestLine) -> str:
    return f"{PATH}?tab={BULK}&sel={line.bulk_id}" if line.bulk_id else f"/users/{line.user_id}"


def _lines(first: str, second: str) -> Cell:
    head = Bit(first, title=first)
    return [head, Bit(second, title=second)] if second else head
