"""The row of filters: search, range, actor, action, kind of subject, and the list as a file."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.audit.queries import EXPORTED_TO
from dashboard.audit import words
from dashboard.audit.address import ACTOR_KINDS, PATH, RANGE_LABELS, Address
from dashboard.components import filters
from dashboard.components.button import Button, IconButton
from dashboard.components.stretch import ask_for_stretch
from dashboard.generations.window import span

OnChange = Callable[..., Awaitable[None]]
CUSTOM = "custom"


class FilterRow(filters.Filters):
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
        super().__init__()
        self.classes("pu-audit-filters")
        self._address, self._zone, self._change = address, zone, on_change
        with self:
            self._search = filters.search(
                "Id or e-mail", value=address.q, width=200, on_search=self._searched
            )
            self._range = filters.FilterMenu(
                "Time", {**RANGE_LABELS, CUSTOM: "from … to …"}, None, self._ranged
            )
            self._stretch = filters.filter_chip("", lambda: on_change(begin=None, end=None))
            self._actor = filters.FilterMenu("Actor", ACTOR_KINDS, None, lambda value: on_change(actor=value))
            self._person = filters.filter_chip("", lambda: on_change(actor=None))
            self._action = filters.FilterMenu(
                "Action", _named(actions, address.action, _deed), None, lambda value: on_change(action=value)
            )
            self._subject = filters.FilterMenu(
                "Subject",
                _named(kinds, address.subject, words.kind),
                None,
                lambda value: on_change(subject=value),
            )
            with self.end():
                tools()
                label = f"Download as CSV ({EXPORTED_TO:,} rows at most)"
                self._export = IconButton("download", label, href=f"{PATH}.csv")
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        self._address = address
        if (self._search.value or "").strip() != address.q:
            self._search.set_value(address.q)
        stretch = span(address.begin, address.end, self._zone) if address.begin and address.end else None
        self._range.set_value(address.range).show(stretch is None)
        _say(self._stretch, stretch)
        person = address.actor if isinstance(address.actor, UUID) else None
        self._actor.set_value(None if person else str(address.actor)).show(person is None)
        _say(self._person, f"Actor {str(person)[-8:]}" if person else None)
        self._action.set_value(address.action)
        self._subject.set_value(address.subject)
        self._export.set(href=address.file)

    def name_actor(self, label: str) -> None:
        """Calls the actor of the address by name, once a row has told it."""
        if isinstance(self._address.actor, UUID):
            _say(self._person, f"Actor {label}")

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


def _named(values: Sequence[str], chosen: str | None, name: Callable[[str], str]) -> Mapping[str, str]:
    """What there is to choose from, in words and in their order; with what the address has chosen already."""
    known = {*values, *([chosen] if chosen else [])}
    return dict(sorted(((value, name(value)) for value in known), key=lambda pair: pair[1]))


def _deed(action: str) -> str:
    return words.deed(action).words


def _say(chip: Button, text: str | None) -> None:
    chip.set_text(text or "").set(aria_label=f"{text}: remove this filter").show(bool(text))
