"""The tab Proposals: change sets that support asks for, and what superadmins said to them."""

from collections.abc import Sequence
from functools import partial

from core.audit import Actor
from core.database import Session
from core.entitlements.changes import Change
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.models import ProposalState
from core.entitlements.proposals import ProposalLine, decide, misfit, proposals, withdraw
from dashboard.access import MANAGERS
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.status import Chip, Status
from dashboard.components.time import Moment
from dashboard.forms import Form
from dashboard.plans.change_list import count_words, show_words
from dashboard.plans.desk import Desk
from dashboard.plans.draft import Rebased
from dashboard.plans.review import Purpose, Review

CHIPS = {
    ProposalState.WAITING: Status("Waiting", "schedule", "info"),
    ProposalState.ACCEPTED: Status("Accepted", "check_circle", "ok"),
    ProposalState.REJECTED: Status("Rejected", "block", "neutral"),
    ProposalState.WITHDRAWN: Status("Withdrawn", "undo", "neutral"),
}


class ProposalsTab:
    """`await show()` reads it again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shown: object = None
        with Node("div", "", "pu-stack") as self._place:
            pass

    async def show(self) -> None:
        """Those that wait, and below them what became of the others."""
        database = self._desk.purser.database
        waiting, decided = await proposals(database), await proposals(database, decided=True)
        saved = self._desk.draft.saved
        if (waiting, decided, saved.version) == self._shown:
            return
        self._shown = waiting, decided, saved.version
        self._place.clear()
        with self._place:
            if waiting:
                with Card("Waiting", ruled=True, flush=True).body:
                    self._list(waiting, saved)
            else:
                with Card(flush=True).body:
                    states.empty(
                        "Nothing waits",
                        "Support changes the matrix as superadmins do, and proposes instead of saving. It stands here"
                        " until a superadmin accepts or rejects it.",
                        icon="how_to_vote",
                    )
            if decided:
                with Card("Decided", ruled=True, flush=True).body:
                    self._list(decided, saved)

    def _list(self, found: Sequence[ProposalLine], saved: Matrix) -> None:
        with Node("ol", "", "pu-versions"):
            for one in found:
                self._proposal(one, saved)

    def _proposal(self, one: ProposalLine, saved: Matrix) -> None:
        screen = self._desk.screen
        waits = one.state is ProposalState.WAITING
        why_not = misfit(saved, one) if waits else None
        with Node("li") as made:
            with Node("div", "", "pu-version-head"):
                title = Node("h3", count_words(len(one.changes), "change"))
                Chip(CHIPS[one.state])
                Node("span", one.asked_by or "somebody who is gone", "is-second")
                Moment(one.created_at, screen.now(), screen.zone, cls="is-second")
                with Node("div", "", "pu-actions"):
                    if waits and one.asked_by_id == screen.person.id:
                        Button("Withdraw", partial(self._withdraw, one), icon="undo", small=True)
                    if waits and self._desk.admin:
                        Button("Reject…", partial(self._reject, one), small=True)
                        Button("Review…", partial(self._review, one), icon="fact_check", small=True).enable(
                            why_not is None, why=why_not
                        )
            Node("p", one.reason, "pu-why-said")
            show_words(one.changes, saved)
            if why_not:
                Node("p", f"It does not fit any more. {why_not}", "is-warn")
            if one.decided_at:
                with Node("p", "", "is-second"):
                    Node("span", f"{CHIPS[one.state].word} by {one.decided_by or 'somebody'} ")
                    Moment(one.decided_at, screen.now(), screen.zone)
                    Node("span", f": {one.note}" if one.note else "")
        made.set(aria_labelledby=title.html_id)

    async def _review(self, one: ProposalLine) -> None:
        async def carry_out(
            session: Session, actor: Actor, reason: str, _base: int, _changes: Sequence[Change]
        ) -> int | None:
            return await decide(session, one.id, accept=True, actor=actor, note=reason)

        await Review(
            self._desk,
            Purpose(
                title=f"Proposed by {one.asked_by}: {{}}",
                verb="Accept and save {}",
                sub=one.reason,
                done="Version {} is saved, in force everywhere within a second",
                carry_out=carry_out,
                again=lambda _saved: Rebased(list(one.changes), []),
                note="On version {}; refused where it does not fit any more.",
            ),
            await matrix(self._desk.purser.database),
        ).open()

    def _reject(self, one: ProposalLine) -> None:
        Form(
            self._desk,
            f"Reject the proposal of {one.asked_by}?",
            lambda session, actor, reason: decide(session, one.id, accept=False, actor=actor, note=reason),
            "The proposal is rejected",
            verb="Reject proposal",
            sub="It is kept with your reason, and nothing is changed.",
        ).open()

    async def _withdraw(self, one: ProposalLine) -> None:
        await self._desk.write(
            lambda session, actor: withdraw(session, one.id, actor=actor),
            "Your proposal is withdrawn",
            roles=MANAGERS,
        )
