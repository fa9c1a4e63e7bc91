"""The row of filters: search, range, actor, action, kind of subject, and the list as a file."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from core.audit.queries import EXPORTED_TO
from dashboard.audit import words
from dashboard.audit.address import ACTOR_KINDS, Address
from dashboard.components.filters import FilterChip
from dashboard.lists.filter_row import ListFilters, OnChange, RangeFilter


class FilterRow(ListFilters[Address]):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(
        self,
        address: Address,
        *,
        actions: Sequence[str],
        kinds: Sequence[str],
        zone: ZoneInfo,
        on_change: OnChange,
        tools: Callable[[], object],
    ) -> None:
        super().__init__(address, on_change)
        self.classes("pu-audit-filters")
        with self:
            self.search("Id or e-mail", 200)
            self._range = RangeFilter(
                "Time",
                address,
                zone,
                on_change,
                lambda begin, end: on_change(begin=begin, end=end, range=None),
            )
            self._actor = self.menu("actor", "Actor", ACTOR_KINDS)
            self._person = FilterChip(None, lambda: on_change(actor=None))
            self.menu("action", "Action", _named(actions, address.action, _deed))
            self.menu("subject", "Subject", _named(kinds, address.subject, words.kind))
            with self.end():
                tools()
                self.download(f"Download as CSV ({EXPORTED_TO:,} rows at most)")
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        super().show_address(address)
        self._range.show_address(address)
        person = address.actor if isinstance(address.actor, UUID) else None
        self._actor.show(person is None)
        self._person.say(f"Actor {str(person)[-8:]}" if person else None)

    def name_actor(self, label: str) -> None:
        """Calls the actor of the address by name, once a row has told it."""
        if isinstance(self.address.actor, UUID):
            self._person.say(f"Actor {label}")


def _named(values: Sequence[str], chosen: str | None, name: Callable[[str], str]) -> Mapping[str, str]:
    """What there is to choose from, in words and in their order; with what the address has chosen already."""
    known = {*values, *([chosen] if chosen else [])}
    return dict(sorted(((value, name(value)) for value in known), key=lambda pair: pair[1]))


def _deed(action: str) -> str:
    return words.deed(action).words
