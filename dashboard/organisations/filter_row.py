"""The row of filters: search by name, and whether the archive is shown."""

from collections.abc import Awaitable, Callable

from dashboard.components import filters
from dashboard.organisations.address import YES, Address


class FilterRow(filters.Filters):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(
        self, address: Address, *, on_change: Callable[..., Awaitable[None]], tools: Callable[[], object]
    ) -> None:
        super().__init__()
        self._address, self._change = address, on_change
        with self:
            self._search = filters.search("Name or id", value=address.q, width=240, on_search=self._searched)
            self._archived = filters.FilterMenu(
                "Archived", {YES: "shown"}, None, lambda value: on_change(archived=value), nothing="hidden"
            )
            with self.end():
                tools()
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        self._address = address
        if (self._search.value or "").strip() != address.q:
            self._search.set_value(address.q)
        self._archived.set_value(address.archived)

    async def _searched(self, said: str) -> None:
        if said != self._address.q:
            await self._change(q=said)
