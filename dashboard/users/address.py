"""What the list of users shows, as its address says it: every filter, the order, and the place in the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.accounts.listing import LOW_BALANCE, Filter, Sort
from core.accounts.models import UserStatus
from core.accounts.queries import parse_id
from dashboard.lists.address import ListAddress
from dashboard.parameters import one_of, place, text, yes

PATH = "/users"
USERS, ORGANISATIONS = "users", "organisations"
RISING = frozenset({Sort.EMAIL})
"""Orders that begin with the smallest; all others begin with the largest, or the newest."""
SORTS = (Sort.EMAIL, Sort.BALANCE, Sort.USED, Sort.FAILURES, Sort.ACTIVE, Sort.NEWEST)
LONGEST_CURSOR = 700


@dataclass(frozen=True, slots=True)
class Address(ListAddress):
    """The state. None is what nobody has chosen: any plan, any status, who was last active first.

    `low`, `failing`, `staff` and `demo` are yes or nothing. `sort` is an order, with a `-` in front when it is turned.
    """

    path: ClassVar[str] = PATH

    tab: str | None = None
    q: str = ""
    plan: str | None = None
    status: str | None = None
    low: str | None = None
    failing: str | None = None
    staff: str | None = None
    demo: str | None = None
    sort: str | None = None
    after: str | None = None
    before: str | None = None
    sel: UUID | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Address":
        """The state that the parameters of an address mean."""
        sort = query.get("sort") or ""
        after, before = place(query, _cursor)
        return cls(
            tab=one_of(query.get("tab"), (ORGANISATIONS,)),
            q=text(query.get("q")) or "",
            plan=text(query.get("plan")),
            status=one_of(query.get("status"), UserStatus),
            low=yes(query.get("low")),
            failing=yes(query.get("failing")),
            staff=yes(query.get("staff")),
            demo=yes(query.get("demo")),
            sort=sort if one_of(sort.removeprefix("-"), SORTS) else None,
            after=after,
            before=before,
        )

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.q or self.plan or self.status or self.low or self.failing or self.staff or self.demo)

    @property
    def order(self) -> Sort:
        """The order: the chosen one, else of a search the nearest words, else who was last active."""
        if self.sort:
            return Sort(self.sort.removeprefix("-"))
        return Sort.MATCH if self.q and parse_id(self.q) is None else Sort.ACTIVE

    @property
    def descending(self) -> bool:
        """Whether the largest (or the newest) comes first."""
        natural = self.order not in RISING and self.order is not Sort.MATCH
        return natural is not (self.sort or "").startswith("-")

    def sorted_by(self, sort: str) -> "Address":
        """By a column; pressed again, the other way round."""
        turned = sort == self.order and not (self.sort or "").startswith("-")
        return self.changed(sort=f"-{sort}" if turned else sort)

    @property
    def filter(self) -> Filter:
        """What the list reads."""
        return Filter(
            text=self.q,
            plan=self.plan,
            status=self.status,
            low_balance=LOW_BALANCE if self.low else None,
            failing=bool(self.failing),
            staff=bool(self.staff),
            demo=bool(self.demo),
        )


def _cursor(said: str | None) -> str | None:
    """A place in the list, as far as it can be one; the list itself says whether it is."""
    return said if said and len(said) <= LONGEST_CURSOR and said.isascii() and said.isprintable() else None
