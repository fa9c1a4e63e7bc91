"""The dialog that stands before every change of plans: what changes, whom it touches, one user tried, and why (mock-up 06).

It keeps to the version that it shows. Where somebody saves meanwhile, the service refuses; the dialog then says who it
was, and shows on the new version what of the change set still applies.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from core.audit import Actor
from core.audit.rules import LONGEST_REASON
from core.database import Session
from core.entitlements.changes import Change
from core.entitlements.impact import Impact, impact
from core.entitlements.matrix import Matrix, matrix
from core.errors import Conflict, DatabaseUnavailable
from core.vocabulary import Role
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.facts import Box
from dashboard.components.html import Node
from dashboard.forms import PageDialog
from dashboard.plans.affected import show_affected
from dashboard.plans.change_list import count_words, show_changes, show_dropped
from dashboard.plans.desk import Desk
from dashboard.plans.draft import Rebased
from dashboard.plans.try_one import TryOne

WHY_SAID = "kept in the audit"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a review leads to.

    Attributes:
        title, verb: written with what is counted ("2 changes") at `{}`.
        sub: below the title.
        done: what is said afterwards; `{}` is what `carry_out` gave.
        carry_out: does it, with the reason, the version it was reviewed on, and the change set.
        again: the change set on a newer version.
        afterwards: called once it is done.
    """

    title: str
    verb: str
    sub: str
    done: str
    carry_out: Callable[[Session, Actor, str, int, Sequence[Change]], Awaitable[Any]]
    again: Callable[[Matrix], Rebased]
    note: str = "On version {}; refused if someone saves meanwhile."
    roles: Iterable[Role] = field(default=SUPERADMINS)
    afterwards: Callable[[], Any] | None = None


class Review:
    """`await Review(desk, purpose, saved).open()`."""

    def __init__(self, desk: Desk, purpose: Purpose, saved: Matrix, *, reason: str = "") -> None:
        self._desk, self._purpose = desk, purpose
        self._reason = reason
        self._news = ""
        self._over = False
        self._stand(saved)
        self._dialog = PageDialog(
            desk.screen, "", sub=purpose.sub, verb="", on_confirm=self._confirm, width=720
        )
        with self._dialog.body:
            self._steps = Node("div", "", "pu-stack")

    async def open(self) -> None:
        """Counts whom it touches, and shows it."""
        await self._show()
        self._dialog.open()

    def _stand(self, saved: Matrix) -> None:
        """What it comes to on this version."""
        found = self._purpose.again(saved)
        self._saved, self._changes, self._dropped = saved, found.still, found.dropped

    async def _show(self) -> None:
        found, fault = await self._count()
        number = count_words(len(self._changes), "change")
        self._dialog.title.set_text(self._purpose.title.format(number))
        self._dialog.verb.set_text(self._purpose.verb.format(number)).enable(
            bool(self._changes), why="Nothing of it changes anything any more"
        )
        self._dialog.note.set_text(self._purpose.note.format(self._saved.version))
        self._steps.clear()
        with self._steps:
            if self._news:
                with Box("warn").set(role="alert"):
                    Node("p", self._news)
            with Node("ol", "", "pu-review-steps"):
                self._what(found)
                if self._changes:
                    self._who(found, fault)
                    with _step(3, "Try one user"):
                        TryOne(self._desk, self._saved, self._changes)
                    self._why()

    async def _count(self) -> tuple[Impact | None, str]:
        """Whom it touches, or why that is not known now: it may be saved all the same."""
        if not self._changes:
            return None, ""
        try:
            return await impact(self._desk.purser.database, self._saved.entitlements, self._changes), ""
        except DatabaseUnavailable as absence:
            return None, absence.message

    def _what(self, found: Impact | None) -> None:
        with _step(1, "What changes"):
            if self._changes:
                touched = [(one.gain, one.lose) for one in found.changes] if found else None
                show_changes(
                    (found and [one.change for one in found.changes]) or self._changes, self._saved, touched
                )
            elif not self._dropped:
                Node("p", "Nothing.", "is-second")
            show_dropped(self._dropped, self._saved)

    def _who(self, found: Impact | None, fault: str) -> None:
        with _step(2, "Who is affected") as head:
            if found is None:
                Node("p", f"This could not be counted just now. {fault}", "is-warn")
            else:
                show_affected(found, head)

    def _why(self) -> None:
        with _step(4, "Reason") as head:
            with head:
                Node("span", WHY_SAID, "pu-meta")
            self._field = fields.area("Reason", value=self._reason, rows=2)
            self._field.props(f"maxlength={LONGEST_REASON} autofocus")
            self._field.on_value_change(self._typed)

    def _typed(self, event: Any) -> None:
        self._reason = str(event.value or "")

    async def _confirm(self) -> bool:
        """Carries it out; where somebody was quicker, all of it is shown again, on what they saved."""
        if self._over:
            return True  # a second click was under way
        self._dialog.fail(None)
        outcome: list[Any] = []
        conflicts: list[Conflict] = []

        async def work(session: Session, actor: Actor) -> None:
            try:
                made = await self._purpose.carry_out(
                    session, actor, self._reason, self._saved.version, self._changes
                )
            except Conflict as conflict:
                conflicts.append(conflict)
                raise
            outcome.append(made)
            if isinstance(made, int):
                self._desk.own.add(made)

        done = self._purpose.done
        carried = await self._desk.write(
            work,
            lambda: done.format(*outcome) if outcome else done,
            roles=self._purpose.roles,
            refused=self._dialog.fail,
        )
        if conflicts and conflicts[0].code == "changed_meanwhile":
            self._dialog.fail(None)
            await self._again(conflicts[0])
        self._over = carried
        if carried and self._purpose.afterwards:
            self._purpose.afterwards()
        return carried

    async def _again(self, conflict: Conflict) -> None:
        self._news = conflict.message
        try:
            self._stand(await matrix(self._desk.purser.database))
        except DatabaseUnavailable as absence:
            self._dialog.fail(absence.message)
            return
        left = (
            f" {count_words(len(self._dropped), 'change')} of yours changes nothing there."
            if self._dropped
            else ""
        )
        who = conflict.details.get("by") or "Somebody"
        self._news = (
            f"{who} saved version {self._saved.version} meanwhile. This is what yours comes to on it.{left}"
        )
        await self._show()
        ui.run_javascript(f"getElement({self._steps.id}).scrollIntoView()")


@contextmanager
def _step(number: int, title: str) -> Iterator[Node]:
    """A numbered step; gives its head, for what stands at the end of it."""
    with Node("li"):
        Node("span", str(number), "pu-review-number", aria_hidden="true")
        with Node("div", "", "pu-review-head") as head:
            Node("h3", title)
        with Node("div", "", "pu-review-body"):
            yield head
