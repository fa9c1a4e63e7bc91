"""The tab History: saved change sets in words, the newest first, and the way back from each."""

from core.audit import Actor
from core.database import Session
from core.entitlements.history import Version, reversal, revert, version, versions
from core.entitlements.matrix import Matrix, matrix
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.status import tag
from dashboard.components.time import Moment
from dashboard.plans.change_list import show_words
from dashboard.plans.desk import Desk
from dashboard.plans.draft import Rebased
from dashboard.plans.review import Purpose, Review

PAGE = 25
OVERTAKEN = "It was changed again since; it stays as it is."


class HistoryTab:
    """`await show(number)` reads it again; the version that somebody was sent to is marked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shown: tuple[list[Version], int | None] | None = None
        self._size = PAGE
        self._place = Card(flush=True).body

    async def show(self, chosen: int | None) -> None:
        """The newest versions, in place; what has not changed stays untouched."""
        database = self._desk.purser.database
        found = await versions(database, limit=self._size + 1)
        if chosen and not any(one.number == chosen for one in found[: self._size]):
            found = [
                *found[: self._size],
                *await versions(database, limit=1, before=chosen + 1),
                *found[self._size :],
            ]
        if (found, chosen) == self._shown:
            return
        self._shown = found, chosen
        self._place.clear()
        with self._place:
            if not found:
                states.empty(
                    "Nothing was changed yet",
                    "Plans and features are as Purser brings them. Every change that is saved stands here, and can be reverted.",
                    icon="history",
                )
                return
            kept = list(
                {one.number: one for one in found[: self._size + 1 if chosen else self._size]}.values()
            )
            with Node("ol", "", "pu-versions"):
                for one in sorted(kept, key=lambda one: -one.number):
                    self._version(one, chosen=one.number == chosen)
            if len(found) > self._size:
                with Node("div", "", "pu-table-foot"):
                    Button("Older", self._older, icon="expand_more", small=True)

    async def _older(self) -> None:
        self._size += PAGE
        await self.show(self._shown[1] if self._shown else None)

    def _version(self, one: Version, *, chosen: bool) -> None:
        screen = self._desk.screen
        with Node("li", "", "is-shown" if chosen else "") as made:
            with Node("div", "", "pu-version-head"):
                title = Node("h3", f"Version {one.number}")
                Moment(one.saved_at, screen.now(), screen.zone, cls="is-second")
                Node("span", one.saved_by, "is-second")
                if one.reverts:
                    tag(f"reverts {one.reverts}", "info")
                if one.reverted_by:
                    tag(f"reverted by {one.reverted_by}")
                if self._desk.admin:
                    with Node("div", "", "pu-actions"):
                        Button("Revert…", lambda: self._revert(one), icon="undo", small=True).set(
                            aria_label=f"Revert version {one.number}…"
                        )
            Node("p", one.reason, "pu-why-said")
            show_words(one.changes, self._desk.draft.saved)
        made.set(aria_labelledby=title.html_id)

    async def _revert(self, one: Version) -> None:
        """Its own review: what goes back, whom that touches, and why."""
        database = self._desk.purser.database
        undone = await version(database, one.number)

        def again(saved: Matrix) -> Rebased:
            found = reversal(saved, undone)
            return Rebased(list(found.changes), [(change, OVERTAKEN) for change in found.overtaken])

        saved = await matrix(database)
        partly = bool(reversal(saved, undone).overtaken)

        async def carry_out(session: Session, actor: Actor, reason: str, base: int, _changes: object) -> int:
            return await revert(session, one.number, base=base, actor=actor, reason=reason, partly=partly)

        await Review(
            self._desk,
            Purpose(
                title=f"Revert version {one.number}: {{}}",
                verb="Revert {}",
                sub="A new version that undoes an old one, in force everywhere within a second.",
                done=f"Version {one.number} is reverted, by version {{}}",
                carry_out=carry_out,
                again=again,
            ),
            saved,
            reason="",
        ).open()
