"""The row of filters over a list: it shows an address, and tells what a person chooses."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from dashboard.components import filters
from dashboard.components.button import IconButton
from dashboard.components.filters import FilterChip, FilterMenu
from dashboard.components.stretch import ask_for_stretch
from dashboard.lists.address import ListAddress, RangedAddress

A = TypeVar("A", bound=ListAddress)
OnChange = Callable[..., Awaitable[None]]
"""Called with the fields of the address that are other now: `on_change(status="failed")`."""
CUSTOM = "custom"


class ListFilters(filters.Filters, Generic[A]):
    """Base of the rows. A subclass puts in what it needs, by the methods below and besides, then calls `show_address`."""

    def __init__(self, address: A, on_change: OnChange) -> None:
        super().__init__()
        self.address, self.on_change = address, on_change
        self._menus: dict[str, FilterMenu] = {}
        self._download: IconButton | None = None

    def search(self, label: str, width: int, **besides: object) -> None:
        """The search field; `besides` is what a search changes too."""

        async def searched(said: str) -> None:
            if said != self.address.q:
                await self.on_change(q=said, **besides)

        self._search = filters.search(label, value=self.address.q, width=width, on_search=searched)

    def menu(self, field: str, name: str, options: Mapping[str, str], *, nothing: str = "any") -> FilterMenu:
        """A menu of the values of one field of the address."""

        def choose(value: str | None) -> Any:
            return self.on_change(**{field: value})

        made = self._menus[field] = FilterMenu(name, options, None, choose, nothing=nothing)
        return made

    def download(self, label: str) -> IconButton:
        """The list as a file."""
        self._download = IconButton("download", label, href=self.address.file)
        return self._download

    def show_address(self, address: A) -> None:
        """Shows what is chosen now."""
        self.address = address
        if (self._search.value or "").strip() != address.q:
            self._search.set_value(address.q)
        for field, menu in self._menus.items():
            menu.set_value(getattr(address, field))
        if self._download:
            self._download.set(href=address.file)


class RangeFilter:
    """The menu of an address's ranges, whose last entry asks for a stretch; a chosen stretch is a chip in its place.

    `on_stretch` is told the stretch, `length` is what is asked about at first.
    """

    def __init__(
        self,
        name: str,
        address: RangedAddress,
        zone: ZoneInfo,
        on_change: OnChange,
        on_stretch: Callable[[datetime, datetime], Awaitable[None]],
        *,
        length: timedelta = timedelta(days=1),
    ) -> None:
        self._zone, self._change = zone, on_change
        self._ask = lambda: ask_for_stretch(zone, on_stretch, length=length)
        unchosen = address.default_range
        options = {key: one.label for key, one in address.ranges.items() if key != unchosen}
        nothing = address.ranges[unchosen].label if unchosen else "any"
        self._menu = FilterMenu(name, {**options, CUSTOM: "from … to …"}, None, self._chosen, nothing=nothing)
        self._chip = FilterChip(None, lambda: on_change(begin=None, end=None))

    def show_address(self, address: RangedAddress) -> None:
        """Shows what is chosen now."""
        self._address = address
        stretch = address.stretch_words(self._zone)
        self._menu.set_value(address.range).show(stretch is None)
        self._chip.say(stretch)

    def _chosen(self, value: str | None) -> Any:
        if value != CUSTOM:
            return self._change(range=value)
        self._menu.set_value(self._address.range)
        return self._ask()
