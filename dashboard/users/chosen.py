"""The users who were ticked, over all pages of the list, and what can be done with them together."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.toast import toast
from dashboard.credits.bulk_dialog import open_bulk
from dashboard.page import Screen
from dashboard.user.handing import hand_over
from dashboard.users.address import PATH

MOST = 200
"""Users who may be chosen at once; more are a filter's matter."""


class Chosen(Node):
    """The bar that says how many are chosen. `tell` is called with their ids whenever it changes."""

    def __init__(self, screen: Screen, tell: Callable[[Iterable[str]], Any]) -> None:
        super().__init__("div", "", "pu-card pu-chosen", role="region", aria_label="Chosen users")
        self._screen, self._tell = screen, tell
        self._people: dict[str, str] = {}
        with self:
            self._count = Node("b", "", role="status")
            Button("Copy addresses", self._copy, icon="content_copy", small=True)
            self._file = Button("Export as CSV", icon="download", href=PATH, small=True)
            grant = Button("Grant credits…", self._grant, icon="redeem", small=True)
            if screen.person.role is not Role.SUPERADMIN:
                grant.disable("Grants to many are for superadmins; your role is support.")
            Button("Clear", self.clear_all, kind="plain", small=True).set(aria_label="Choose nobody")
        self._show()

    def pick(self, people: dict[str, str], ticked: bool) -> None:
        """Ticks (or no longer) people: ids and addresses."""
        if ticked:
            room = MOST - len(self._people.keys() - people.keys())
            if len(people) > room:
                toast(f"At most {MOST} users are chosen at once. A filter serves more.", "warn")
            self._people |= dict(list(people.items())[:room])
        else:
            for identifier in people:
                self._people.pop(identifier, None)
        self._show()

    def clear_all(self) -> None:
        """Chooses nobody any more."""
        self._people.clear()
        self._show()

    def _show(self) -> None:
        count = len(self._people)
        self._count.set_text(f"{format_count(count)} chosen")
        self._file.set(href=f"{PATH}.csv?{urlencode({'ids': ','.join(self._people)})}")
        self.show(count > 0)
        self._tell(self._people)

    async def _copy(self) -> None:
        addresses = "\n".join(sorted(self._people.values()))
        await hand_over(self._screen, addresses, what="Addresses", title="Addresses of the chosen users")

    def _grant(self) -> None:
        lines = "\n".join(f"{address}," for address in sorted(self._people.values()))
        open_bulk(self._screen, self.clear_all, lines=lines)
