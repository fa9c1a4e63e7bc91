"""The bar at the lower edge: how much is changed and not saved, whom it touches, and the way to the review."""

from collections.abc import Awaitable, Callable
from typing import Any

from core.entitlements.impact import Impact
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.status import Chip, Status
from dashboard.plans.change_list import count_words

Do = Callable[[], Awaitable[Any] | Any]


class SaveBar(Node):
    """Hidden while nothing is changed. As long as it shows, leaving the page asks first (purser.js)."""

    def __init__(self, verb: str, review: Do, discard: Do) -> None:
        super().__init__(
            "section", "", "pu-savebar", aria_label="Not saved yet", data_unsaved="true", hidden=True
        )
        with self:
            self._count = Chip(Status("", "edit", "info"))
            with Node("p", role="status"):
                self._users = Node("b", "", "is-strong")
                self._ways = Node("span", "", "is-second")
            with Node("div", "", "pu-actions"):
                Button("Discard", discard, kind="plain")
                Button(verb, review, kind="primary")

    def show_draft(self, changes: int) -> None:
        """So many changes; whom they touch is told when it has been counted."""
        self.show(changes > 0)
        self._count.set_status(Status(count_words(changes, "change"), "edit", "info"))

    def show_impact(self, found: Impact | None) -> None:
        """Whom they touch; None where that is not known."""
        if found is None:
            self._users.set_text("")
            self._ways.set_text("")
            return
        ways = [
            f"{format_count(count)} {word}"
            for count, word in ((found.gain, "gain"), (found.lose, "lose"))
            if count
        ]
        self._users.set_text(count_words(found.users, "user"))
        self._ways.set_text(f" · {', '.join(ways)}" if ways else "")
