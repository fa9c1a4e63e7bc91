"""What the page shows, as its address says it: the tab, every filter, the place in the list, and the row that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.credits.ledger import Filter
from core.credits.models import EntryType
from core.vocabulary import Traffic
from dashboard.credits.meant import Meant
from dashboard.lists.address import RangedAddress
from dashboard.lists.ranges import ALL, ranges
from dashboard.parameters import identifier, one_of, place, stretch, text

PATH = "/credits"
LEDGER, APPROVALS, REFUNDS, BULK, EXPIRING = "ledger", "approvals", "refunds", "bulk", "expiring"
TABS = (LEDGER, APPROVALS, REFUNDS, BULK, EXPIRING)
RANGES = ranges("24h", "7d", "30d", "90d", "1y", ALL)
DEFAULT_RANGE = "30d"
TRAFFIC_WORDS = {Traffic.LIVE: "live", Traffic.TEST: "test", Traffic.DEMO: "demo"}
BY_PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Address(RangedAddress):
    """The state. None is what nobody has chosen: the ledger, any type, anybody, the default range, live.

    `by` is `people` where only what people did is shown; `actor` is the id of one of them.
    """

    path: ClassVar[str] = PATH
    ranges: ClassVar = RANGES
    default_range: ClassVar = DEFAULT_RANGE

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
        begin, end = stretch(query)
        after, before = place(query, identifier)
        return cls(
            tab=one_of(query.get("tab"), TABS),
            q=text(query.get("q")) or "",
            type=one_of(query.get("type"), EntryType),
            by=one_of(query.get("by"), (BY_PEOPLE,)),
            actor=identifier(query.get("actor")),
            traffic=one_of(query.get("traffic"), TRAFFIC_WORDS),
            range=one_of(query.get("range"), RANGES),
            begin=begin,
            end=end,
            after=after,
            before=before,
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
        return (None if chosen == ALL else now - RANGES[chosen].length), None

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
