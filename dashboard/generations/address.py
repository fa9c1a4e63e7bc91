"""What the page shows, as its address says it: every filter, the place in the list, and the row that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from core.accounts.person import Person
from core.generation.queries import Filter
from core.vocabulary import GenerationStatus, Role, Traffic
from dashboard.lists.address import RangedAddress
from dashboard.lists.ranges import ranges
from dashboard.parameters import identifier, one_of, place, stretch, text

PATH = "/generations"
RANGES = ranges("1h", "24h", "7d", "30d")
DEFAULT_RANGE = "24h"
ALL = "all"
TRAFFIC_WORDS = {Traffic.LIVE: "live", Traffic.TEST: "test", Traffic.DEMO: "demo", ALL: "all"}


@dataclass(frozen=True, slots=True)
class Address(RangedAddress):
    """The state. None is what nobody has chosen: any status, any provider, the default range, the traffic there is."""

    path: ClassVar[str] = PATH
    ranges: ClassVar = RANGES
    default_range: ClassVar = DEFAULT_RANGE

    q: str = ""
    status: str | None = None
    provider: str | None = None
    cause: str | None = None
    project: UUID | None = None
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
        begin, end = stretch(query)
        after, before = place(query, identifier)
        return cls(
            q=text(query.get("q")) or "",
            status=one_of(query.get("status"), GenerationStatus),
            provider=text(query.get("provider")),
            cause=text(query.get("cause")),
            project=identifier(query.get("project")),
            traffic=one_of(query.get("traffic"), TRAFFIC_WORDS),
            range=one_of(query.get("range"), RANGES),
            begin=begin,
            end=end,
            sort=one_of(query.get("sort"), ("oldest",)),
            after=after,
            before=before,
            sel=identifier(query.get("sel")),
        )

    @property
    def filtered(self) -> bool:
        """Whether anything but the range narrows the list."""
        return bool(
            self.q or self.status or self.provider or self.cause or self.project or self.begin or self.traffic
        )

    @property
    def oldest_first(self) -> bool:
        return self.sort == "oldest"

    @property
    def length(self) -> timedelta:
        """The chosen range."""
        return RANGES[self.range or DEFAULT_RANGE].length

    def filter(self, begin: datetime, *, traffic: str, user_id: UUID | None) -> Filter:
        """What the list reads. `begin` is where the chosen range begins, `traffic` what stands for an unchosen one."""
        chosen = self.traffic or traffic
        return Filter(
            text=self.q,
            status=self.status,
            provider=self.provider,
            cause=self.cause,
            project_id=self.project,
            begin=self.begin or begin,
            end=self.end,
            traffic=tuple(Traffic) if chosen == ALL else (chosen,),
            user_id=user_id,
        )


def own(person: Person) -> UUID | None:
    """Whose generations alone a person may see: testers their own, superadmins and support everybody's (None)."""
    return None if person.role in (Role.SUPERADMIN, Role.SUPPORT) else person.id
