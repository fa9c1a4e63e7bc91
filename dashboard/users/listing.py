"""The list of users: one page of rows, and what stands there where there are none."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from core.accounts.listing import COUNTED_TO, Line
from core.accounts.listing import Listing as Page
from core.entitlements.rules import PlanView
from dashboard.components import states, table
from dashboard.components.button import Button
from dashboard.components.status import ACCOUNT
from dashboard.components.table import DataTable, Row
from dashboard.lists.table import PagedTable, Steps
from dashboard.users.address import Address
from dashboard.users.rows import COLUMNS, rows


class UserSteps(Steps, Protocol):
    """What people do with this list besides."""

    async def sort(self, key: str) -> None: ...
    def add(self) -> None: ...


class Listing(PagedTable[Address, Line]):
    """The table and its states. Rows are links to their users; ticked ones are kept by `on_pick`."""

    def __init__(
        self,
        zone: ZoneInfo,
        steps: UserSteps,
        plans: Callable[[], Mapping[str, PlanView]],
        on_pick: Callable[[list[str], bool], Awaitable[None] | None],
    ) -> None:
        made = DataTable("Users", COLUMNS, skeletons=14).classes("pu-users")
        super().__init__(made, Address(), steps, counted_to=COUNTED_TO)
        made.on_sort(steps.sort).on_pick(on_pick)
        self._zone, self._plans, self._add = zone, plans, steps.add

    def show_page(self, page: Page, address: Address) -> None:
        """Shows rows, or why there are none."""
        self.show_lines(page.lines, address, before=page.previous, after=page.next)

    def refuse(self, words: str) -> None:
        """Says why this combination is not listed, and a way out."""
        self.lines = ()
        with self.table.show_state():
            states.empty(
                "Too much to look through",
                words,
                icon="filter_alt",
                action=Button("Clear filters", self.steps.clear, icon="close"),
            )

    def rows(self) -> list[Row]:
        return rows(self.lines, self._plans(), now=datetime.now(UTC), zone=self._zone)

    def sort(self) -> table.Sort | None:
        order = self.address.order
        shown = {column.key for column in COLUMNS if column.sort}
        return table.Sort(order, down=self.address.descending) if order in shown else None

    def show_none(self) -> None:
        if self.address.filtered:
            states.no_match("user", chosen_words(self.address, self._plans()), self.steps.clear)
        else:
            states.empty(
                "No users yet",
                "Everybody who uses the product stands here: what they have, what they use, and what fails for them.",
                icon="group",
                action=Button("Add user…", self._add, icon="person_add", kind="primary"),
            )


def chosen_words(address: Address, plans: Mapping[str, PlanView]) -> list[str]:
    """The filters in words."""
    plan = plans.get(address.plan or "")
    chosen = {
        "": f"“{address.q}”" if address.q else None,
        "plan ": plan.display_name if plan else address.plan,
        "status ": ACCOUNT[address.status].word if address.status else None,
        "balance ": "low" if address.low else None,
        "failures ": "in 7 days" if address.failing else None,
        "role ": "staff" if address.staff else None,
        "people ": "of the demo" if address.demo else None,
    }
    return [f"{name}{word}" for name, word in chosen.items() if word]
