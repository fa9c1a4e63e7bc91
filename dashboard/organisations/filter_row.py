"""The row of filters: search by name, and whether the archive is shown."""

from collections.abc import Callable

from dashboard.lists.filter_row import ListFilters, OnChange
from dashboard.organisations.address import Address
from dashboard.parameters import YES


class FilterRow(ListFilters[Address]):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(self, address: Address, *, on_change: OnChange, tools: Callable[[], object]) -> None:
        super().__init__(address, on_change)
        with self:
            self.search("Name or id", 240)
            self.menu("archived", "Archived", {YES: "shown"}, nothing="hidden")
            with self.end():
                tools()
        self.show_address(address)
