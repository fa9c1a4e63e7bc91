"""The row of filters: search, range, status, provider, traffic, cause, and the list as a file."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from core.generation.queries import COUNTED_TO
from core.vocabulary import GenerationStatus, Traffic
from dashboard.components import filters
from dashboard.components.button import IconButton
from dashboard.components.status import GENERATION
from dashboard.components.stretch import ask_for_stretch
from dashboard.generations.address import DEFAULT_RANGE, RANGE_LABELS, TRAFFIC_WORDS, Address
from dashboard.generations.window import span

OnChange = Callable[..., Awaitable[None]]
CUSTOM = "custom"


class FilterRow(filters.Filters):
    """Shows an `Address`, and calls `on_change(**changes)` with what a person chooses; `tools` adds buttons at the right."""

    def __init__(
        self,
        address: Address,
        *,
        providers: Mapping[str, str],
        traffic: str,
        zone: ZoneInfo,
        on_change: OnChange,
        tools: Callable[[], object],
    ) -> None:
        super().__init__()
        self._address, self._zone, self._change = address, zone, on_change
        # Where nothing is live yet, what there is stands for an unchosen traffic, and the menu says so.
        unchosen = "live" if traffic == Traffic.LIVE else f"{TRAFFIC_WORDS[traffic]}, none live"
        named = {word: word for word in TRAFFIC_WORDS if word != Traffic.LIVE or traffic != Traffic.LIVE}
        if address.provider and address.provider not in providers:
            providers = {**providers, address.provider: address.provider}
        with self:
            self._search = filters.search(
                "Id or e-mail", value=address.q, width=160, on_search=self._searched
            )
            self._range = _Menu(
                "Range",
                {key: word for key, word in RANGE_LABELS.items() if key != DEFAULT_RANGE}
                | {CUSTOM: "from … to …"},
                self._ranged,
                unchosen=RANGE_LABELS[DEFAULT_RANGE],
            )
            self._stretch = filters.filter_chip("", lambda: on_change(begin=None, end=None))
            self._status = _Menu(
                "Status",
                {status: GENERATION[status].word for status in GenerationStatus},
                lambda value: on_change(status=value),
            )
            self._provider = _Menu("Provider", providers, lambda value: on_change(provider=value))
            self._traffic = _Menu(
                "Traffic",
                {key: TRAFFIC_WORDS[key] for key in named},
                lambda value: on_change(traffic=value),
                unchosen=unchosen,
            )
            self._cause = filters.filter_chip("", lambda: on_change(cause=None))
            self._project = filters.filter_chip("", lambda: on_change(project=None))
            with self.end():
                tools()
                self._export = IconButton("download", "Download as CSV", href="/generations.csv")
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        self._address = address
        if (self._search.value or "").strip() != address.q:
            self._search.set_value(address.q)
        stretch = address.begin is not None and address.end is not None
        self._range.set_value(address.range).show(not stretch)
        _say(
            self._stretch,
            span(address.begin, address.end, self._zone) if address.begin and address.end else None,
        )
        self._status.set_value(address.status)
        self._provider.set_value(address.provider)
        self._traffic.set_value(address.traffic)
        _say(self._cause, f"Cause: {address.cause}" if address.cause else None)
        _say(self._project, "Project" if address.project else None)
        self._export.set(href=address.file)
        self.tell_count(None)

    def name_project(self, name: str) -> None:
        """Says which project it is that the list is of."""
        _say(self._project, f"Project: {name}")

    def tell_count(self, count: int | None) -> None:
        """Says what the download will hold."""
        most = f"{COUNTED_TO:,}"
        label = f"Download the first {most} as CSV" if count and count > COUNTED_TO else "Download as CSV"
        note = f"{label} ({most} at most)" if count is None else label
        self._export.set(aria_label=label, title=note)

    async def _searched(self, text: str) -> None:
        if text != self._address.q:
            await self._change(q=text)

    def _ranged(self, value: str | None) -> Any:
        if value != CUSTOM:
            return self._change(range=value)
        self._range.set_value(self._address.range)
        return ask_for_stretch(self._zone, lambda begin, end: self._change(begin=begin, end=end))


class _Menu(filters.FilterMenu):
    """A filter menu whose unchosen value may have a word of its own."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, str],
        on_choice: Callable[[str | None], Any],
        *,
        unchosen: str = "any",
    ) -> None:
        words: dict[Any, str] = {None: unchosen, **options}
        super().__init__(name, words, None, on_choice)


def _say(chip: Any, text: str | None) -> None:
    chip.set_text(text or "").set(aria_label=f"{text}: remove this filter").show(bool(text))
