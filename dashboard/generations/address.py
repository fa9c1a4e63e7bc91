"""What the page shows, as its address says it: every filter, the place in the list, and the row that is open.

The address is the page's whole state: copying it copies the view. What it cannot mean is ignored, never an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from core.accounts.person import Person
from core.generation.queries import Filter
from core.vocabulary import GenerationStatus, Role, Traffic
from dashboard.parameters import identifier, moment, one_of, text, written

PATH = "/generations"
RANGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
RANGE_WORDS = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days"}
RANGE_LABELS = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}
DEFAULT_RANGE = "24h"
ALL = "all"
TRAFFIC_WORDS = {Traffic.LIVE: "live", Traffic.TEST: "test", Traffic.DEMO: "demo", ALL: "all"}


@dataclass(frozen=True, slots=True)
class Address:
    """The state. None is what nobody has chosen: any status, any provider, the default range, the traffic there is."""

    q: str = ""
    status: str | None = None
    provider: str | None = None
    cause: str | None = None
    traffic: str | None = None
    range: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    sort: str | None = None
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
            q=text(query.get("q")) or "",
            status=one_of(query.get("status"), GenerationStatus),
            provider=text(query.get("provider")),
            cause=text(query.get("cause")),
            traffic=one_of(query.get("traffic"), TRAFFIC_WORDS),
            range=one_of(query.get("range"), RANGES),
            begin=begin if whole else None,
            end=end if whole else None,
            sort=one_of(query.get("sort"), ("oldest",)),
            after=after,
            before=None if after else identifier(query.get("before")),
            sel=identifier(query.get("sel")),
        )

    @property
    def url(self) -> str:
        """The address; what is not chosen is not in it."""
        names = {"begin": "from", "end": "to"}
        pairs = [
            (names.get(field.name, field.name), written(value))
            for field in fields(self)
            if (value := getattr(self, field.name))
        ]
        return f"{PATH}?{urlencode(pairs)}" if pairs else PATH

    @property
    def filtered(self) -> bool:
        """Whether anything but the range narrows the list."""
        return bool(self.q or self.status or self.provider or self.cause or self.begin or self.traffic)

    @property
    def oldest_first(self) -> bool:
        return self.sort == "oldest"

    @property
    def length(self) -> timedelta:
        """The chosen range."""
        return RANGES[self.range or DEFAULT_RANGE]

    def changed(self, **changes: Any) -> Self:
        """With other filters: that is another list, from its first page."""
        return replace(self, after=None, before=None, **changes)

    def turned(self, *, after: UUID | None = None, before: UUID | None = None) -> Self:
        """At another page of the same list."""
        return replace(self, after=after, before=before)

    def opened(self, generation_id: UUID | None) -> Self:
        """With another row open, or none."""
        return replace(self, sel=generation_id)

    def filter(self, begin: datetime, *, traffic: str, user_id: UUID | None) -> Filter:
        """What the list reads. `begin` is where the chosen range begins, `traffic` what stands for an unchosen one."""
        chosen = self.traffic or traffic
        return Filter(
            text=self.q,
            status=self.status,
            provider=self.provider,
            cause=self.cause,
            begin=self.begin or begin,
            end=self.end,
            traffic=tuple(Traffic) if chosen == ALL else (chosen,),
            user_id=user_id,
        )


def own(person: Person) -> UUID | None:
    """Whose generations alone a person may see: testers their own, superadmins and support everybody's (None)."""
    return None if person.role in (Role.SUPERADMIN, Role.SUPPORT) else person.id
