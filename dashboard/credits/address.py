"""What the page shows, as its address says it: the tab, every filter, the place in the list, and the row that is open.

The address is the page's whole state: copying it copies the view. What it cannot mean is ignored, never an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from core.credits.ledger import Filter
from core.credits.models import EntryType
from core.vocabulary import Traffic
from dashboard.credits.meant import Meant
from dashboard.lists.address import ListAddress
from dashboard.parameters import identifier, moment, one_of, text

PATH = "/credits"
LEDGER, APPROVALS, REFUNDS, BULK, EXPIRING = "ledger", "approvals", "refunds", "bulk", "expiring"
TABS = (LEDGER, APPROVALS, REFUNDS, BULK, EXPIRING)
ALL = "all"
RANGES: Mapping[str, timedelta] = {
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
    ALL: timedelta.max,
}
RANGE_WORDS = {
    "24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days", "90d": "last 90 days", "1y": "last year",
    ALL: "whole time",
}  # fmt: skip
RANGE_LABELS = {"24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "1y": "1 year", ALL: "all"}
DEFAULT_RANGE = "30d"
TRAFFIC_WORDS = {Traffic.LIVE: "live", Traffic.TEST: "test", Traffic.DEMO: "demo"}
BY_PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Address(ListAddress):
    """The state. None is what nobody has chosen: the ledger, any type, anybody, the default range, live.

    `by` is `people` where only what people did is shown; `actor` is the id of one of them.
    """

    path: ClassVar[str] = PATH

    tab: str | None = None
    q: str = ""
    type: str | None = None
    by: str | None = None
    actor: UUID | None = None
    traffic: str | None = None
    range: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    after: UUID | None = None
    before: UUID | None = None
    sel: UUID | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Address":
        """The state that the parameters of an address mean."""
        begin, end = moment(query.get("from")), moment(query.get("to"))
        whole = begin is not None and end is not None and begin < end
        after = identifier(query.get("after"))
        return cls(
            tab=one_of(query.get("tab"), TABS),
            q=text(query.get("q")) or "",
            type=one_of(query.get("type"), EntryType),
            by=one_of(query.get("by"), (BY_PEOPLE,)),
            actor=identifier(query.get("actor")),
            traffic=one_of(query.get("traffic"), TRAFFIC_WORDS),
            range=one_of(query.get("range"), RANGES),
            begin=begin if whole else None,
            end=end if whole else None,
            after=after,
            before=None if after else identifier(query.get("before")),
            sel=identifier(query.get("sel")),
        )

    @property
    def shown(self) -> str:
        """The tab that is shown."""
        return self.tab or LEDGER

    @property
    def books(self) -> Traffic:
        """Whose books are shown."""
        return Traffic(self.traffic) if self.traffic else Traffic.LIVE

    @property
    def filtered(self) -> bool:
        """Whether anything but the range narrows the list."""
        return bool(self.q or self.type or self.by or self.actor or self.begin or self.traffic)

    def stretch(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """From when to when; None where there is no end to it."""
        if self.begin and self.end:
            return self.begin, self.end
        chosen = self.range or DEFAULT_RANGE
        return (None if chosen == ALL else now - RANGES[chosen]), None

    def filter(self, now: datetime, meant: Meant | None) -> Filter:
        """What the list reads, of whom the search means or of all; refunds alone where those are the tab."""
        begin, end = self.stretch(now)
        kind = EntryType.REFUND if self.shown == REFUNDS else EntryType(self.type) if self.type else None
        return Filter(
            user_id=meant.user_id if meant else None,
            type=kind,
            traffic=self.books,
            actor_id=self.actor,
            begin=begin,
            end=end,
            people_only=self.by == BY_PEOPLE,
        )

    def of_tab(self, tab: str) -> "Address":
        """Another tab, of the same range and books."""
        return Address(
            tab=None if tab == LEDGER else tab,
            traffic=self.traffic,
            range=self.range,
            begin=self.begin,
            end=self.end,
        )
