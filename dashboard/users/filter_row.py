"""The row of filters: search, plan, status, balance, failures, role, demo, and the list as a file."""

from collections.abc import Callable, Mapping

from core.accounts.listing import COUNTED_TO, LOW_BALANCE, NO_PLAN
from core.accounts.models import UserStatus
from dashboard.components.filters import FilterMenu
from dashboard.components.status import ACCOUNT
from dashboard.lists.filter_row import ListFilters, OnChange
from dashboard.parameters import YES
from dashboard.users.address import Address


class FilterRow(ListFilters[Address]):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(
        self,
        address: Address,
        *,
        plans: Mapping[str, str],
        on_change: OnChange,
        tools: Callable[[], object],
    ) -> None:
        super().__init__(address, on_change)
        if address.plan and address.plan not in plans and address.plan != NO_PLAN:
            plans = {**plans, address.plan: address.plan}
        with self:
            self.search("E-mail, name or id", 240, sort=None)
            self.menu("plan", "Plan", {**plans, NO_PLAN: "no plan"})
            self.menu("status", "Status", {one: ACCOUNT[one].word for one in UserStatus})
            self.menu("low", "Balance", {YES: f"below {LOW_BALANCE} cr"})
            self.menu("failing", "Failures", {YES: "in 7 days"})
            self.menu("staff", "Role", {YES: "staff"})
            self.menu("demo", "People", {YES: "of the demo"}, nothing="real")
            with self.end():
                tools()
                self.download(f"Download as CSV ({COUNTED_TO:,} rows at most)")
        self.show_address(address)

    def menu(self, field: str, name: str, options: Mapping[str, str], *, nothing: str = "any") -> FilterMenu:
        """A menu that the style knows by its field: on a phone not all of them are there."""
        return super().menu(field, name, options, nothing=nothing).classes(f"is-{field}")
