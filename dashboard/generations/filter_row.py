"""The row of filters: search, range, status, provider, traffic, cause, and the list as a file."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from core.generation.queries import COUNTED_TO
from core.vocabulary import GenerationStatus, Traffic
from dashboard.components.filters import FilterChip
from dashboard.components.status import GENERATION
from dashboard.generations.address import TRAFFIC_WORDS, Address
from dashboard.lists.filter_row import ListFilters, OnChange, RangeFilter


class FilterRow(ListFilters[Address]):
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
        super().__init__(address, on_change)
        # Where nothing is live yet, what there is stands for an unchosen traffic, and the menu says so.
        live = traffic == Traffic.LIVE
        unchosen = "live" if live else f"{TRAFFIC_WORDS[traffic]}, none live"
        named = {key: word for key, word in TRAFFIC_WORDS.items() if not (live and key == Traffic.LIVE)}
        if address.provider and address.provider not in providers:
            providers = {**providers, address.provider: address.provider}
        with self:
            self.search("Id or e-mail", 160)
            # The range is kept: the chart shows it around the stretch.
            self._range = RangeFilter(
                "Range",
                address,
                zone,
                on_change,
                lambda begin, end: on_change(begin=begin, end=end),
                length=timedelta(hours=1),
            )
            self.menu("status", "Status", {status: GENERATION[status].word for status in GenerationStatus})
            self.menu("provider", "Provider", providers)
            self.menu("traffic", "Traffic", named, nothing=unchosen)
            self._cause = FilterChip(None, lambda: on_change(cause=None))
            self._project = FilterChip(None, lambda: on_change(project=None))
            with self.end():
                tools()
                self._export = self.download("Download as CSV")
        self.show_address(address)

    def show_address(self, address: Address) -> None:
        """Shows what is chosen now."""
        super().show_address(address)
        self._range.show_address(address)
        self._cause.say(f"Cause: {address.cause}" if address.cause else None)
        self._project.say("Project" if address.project else None)
        self.tell_count(None)

    def name_project(self, name: str) -> None:
        """Says which project it is that the list is of."""
        self._project.say(f"Project: {name}")

    def tell_count(self, count: int | None) -> None:
        """Says what the download will hold."""
        most = f"{COUNTED_TO:,}"
        label = f"Download the first {most} as CSV" if count and count > COUNTED_TO else "Download as CSV"
        note = f"{label} ({most} at most)" if count is None else label
        self._export.set(aria_label=label, title=note)
