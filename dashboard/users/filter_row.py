"""The row of filters: search, plan, status, balance, failures, role, demo, and the list as a file."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.accounts.listing import COUNTED_TO, LOW_BALANCE, NO_PLAN
from core.accounts.models import UserStatus
from dashboard.components import filters
from dashboard.components.button import IconButton
from dashboard.components.status import ACCOUNT
from dashboard.users.address import YES, Address

OnChange = Callable[..., Awaitable[None]]


class FilterRow(filters.Filters):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(
        self,
        address: Address,
        *,
        plans: Mapping[str, str],
        on_change: OnChange,
        tools: Callable[[], object],
    ) -> None:
        super().__init__()
        self._address, self._change = address, on_change
        if address.plan and address.plan not in plans and address.plan != NO_PLAN:
            plans = {**plans, address.plan: address.plan}
        with self:
            self._search = filters.search(
                "E-mail, name or id", value=address.q, width=240, on_search=self._searched
            )
            self._menus = {
                "plan": self._menu("plan", "Plan", {**plans, NO_PLAN: "no plan"}),
                "status": self._menu("status", "Status", {one: ACCOUNT[one].word for one in UserStatus}),
                "low": self._menu("low", "Balance", {YES: f"below {LOW_BALANCE} cr"}),
                "failing": self._menu("failing", "Failures", {YES: "in 7 days"}),
                "staff": self._menu("staff", "Role", {YES: "staff"}),
                "demo": self._menu("demo", "People", {YES: "of the demo"}, nothing="real"),
            }
            with self.end():
                tools()
                label = f"Download as CSV ({COUNTED_TO:,} rows at most)"
                self._export = IconButton("download", label, href=address.file)
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        self._address = address
        if (self._search.value or "").strip() != address.q:
            self._search.set_value(address.q)
        for name, menu in self._menus.items():
            menu.set_value(getattr(address, name))
        self._export.set(href=address.file)

    def _menu(
        self, name: str, label: str, options: Mapping[str, str], *, nothing: str = "any"
    ) -> filters.FilterMenu:
        def choose(value: str | None) -> Any:
            return self._change(**{name: value})

        return filters.FilterMenu(label, options, None, choose, nothing=nothing).classes(f"is-{name}")

    async def _searched(self, said: str) -> None:
        if said != self._address.q:
            await self._change(q=said, sort=None)
