"""The row of filters: search, range, type, by whom, books, and the list as a file."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.vocabulary import Traffic
from dashboard.components import filters
from dashboard.components.button import Button, IconButton
from dashboard.components.status import ENTRY
from dashboard.components.stretch import ask_for_stretch
from dashboard.credits.address import (
    BY_PEOPLE,
    DEFAULT_RANGE,
    RANGE_LABELS,
    REFUNDS,
    TRAFFIC_WORDS,
    Address,
)
from dashboard.generations.window import span

OnChange = Callable[..., Awaitable[None]]
CUSTOM = "custom"


class FilterRow(filters.Filters):
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
        super().__init__()
        self._address, self._zone, self._change = address, zone, on_change
        with self:
            self._search = filters.search(
                "User or generation", value=address.q, width=200, on_search=self._searched
            )
            ranges = {key: word for key, word in RANGE_LABELS.items() if key != DEFAULT_RANGE}
            self._range = filters.FilterMenu(
                "Range",
                {**ranges, CUSTOM: "from … to …"},
                None,
                self._ranged,
                nothing=RANGE_LABELS[DEFAULT_RANGE],
            )
            self._stretch = filters.filter_chip("", lambda: on_change(begin=None, end=None))
            types = {key: status.word for key, status in ENTRY.items()}
            self._type = filters.FilterMenu("Type", types, None, lambda value: on_change(type=value))
            self._type.show(address.shown != REFUNDS)
            self._by = filters.FilterMenu(
                "By", {BY_PEOPLE: "people"}, None, lambda value: on_change(by=value)
            )
            self._actor = filters.filter_chip("", lambda: on_change(actor=None))
            books: dict[str, str] = {
                key: word for key, word in TRAFFIC_WORDS.items() if key is not Traffic.LIVE
            }
            self._traffic = filters.FilterMenu(
                "Traffic", books, None, lambda value: on_change(traffic=value), nothing="live"
            )
            with self.end():
                tools()
                label = f"Download as CSV ({exported_to:,} rows at most)"
                self._export = IconButton("download", label, href=address.file)
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        self._address = address
        if (self._search.value or "").strip() != address.q:
            self._search.set_value(address.q)
        stretch = span(address.begin, address.end, self._zone) if address.begin and address.end else None
        self._range.set_value(address.range).show(stretch is None)
        _say(self._stretch, stretch)
        self._type.set_value(address.type)
        self._by.set_value(address.by).show(address.actor is None)
        _say(self._actor, f"Actor {str(address.actor)[-8:]}" if address.actor else None)
        self._traffic.set_value(address.traffic)
        self._export.set(href=address.file)

    def name_actor(self, label: str) -> None:
        """Calls the actor of the address by name, once a row has told it."""
        if isinstance(self._address.actor, UUID):
            _say(self._actor, f"Actor {label}")

    async def _searched(self, text: str) -> None:
        if text != self._address.q:
            await self._change(q=text)

    def _ranged(self, value: str | None) -> Any:
        if value != CUSTOM:
            return self._change(range=value)
        self._range.set_value(self._address.range)
        return ask_for_stretch(
            self._zone,
            lambda begin, end: self._change(begin=begin, end=end, range=None),
            length=timedelta(days=1),
        )


def _say(chip: Button, text: str | None) -> None:
    chip.set_text(text or "").set(aria_label=f"{text}: remove this filter").show(bool(text))
