"""The row of filters: search, range, type, by whom, books, and the list as a file."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from core.vocabulary import Traffic
from dashboard.components.filters import FilterChip
from dashboard.components.status import ENTRY
from dashboard.credits.address import BY_PEOPLE, REFUNDS, TRAFFIC_WORDS, Address
from dashboard.lists.filter_row import ListFilters, OnChange, RangeFilter


class FilterRow(ListFilters[Address]):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(
        self,
        address: Address,
        *,
        zone: ZoneInfo,
        on_change: OnChange,
        tools: Callable[[], object],
        exported_to: int,
    ) -> None:
        super().__init__(address, on_change)
        with self:
            self.search("User or generation", 200)
            self._range = RangeFilter(
                "Range",
                address,
                zone,
                on_change,
                lambda begin, end: on_change(begin=begin, end=end, range=None),
            )
            types = self.menu("type", "Type", {key: status.word for key, status in ENTRY.items()})
            types.show(address.shown != REFUNDS)
            self._by = self.menu("by", "By", {BY_PEOPLE: "people"})
            self._actor = FilterChip(None, lambda: on_change(actor=None))
            books: dict[str, str] = {
                key: word for key, word in TRAFFIC_WORDS.items() if key is not Traffic.LIVE
            }
            self.menu("traffic", "Traffic", books, nothing="live")
            with self.end():
                tools()
                self.download(f"Download as CSV ({exported_to:,} rows at most)")
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        super().show_address(address)
        self._range.show_address(address)
        self._by.show(address.actor is None)
        self._actor.say(f"Actor {str(address.actor)[-8:]}" if address.actor else None)

    def name_actor(self, label: str) -> None:
        """Calls the actor of the address by name, once a row has told it."""
        if self.address.actor:
            self._actor.say(f"Actor {label}")
