"""What the tab shows, as its address says it: the search, the place in the list, the organisation that is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from dashboard.lists.address import ListAddress
from dashboard.parameters import identifier, place, text, yes

TAB = "organisations"


@dataclass(frozen=True, slots=True)
class Address(ListAddress):
    """The state. `archived` is yes or nothing: those in the archive are left out."""

    path: ClassVar[str] = "/users"

    tab: str = TAB
    q: str = ""
    archived: str | None = None
    after: UUID | None = None
    before: UUID | None = None
    sel: UUID | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Address":
        """The state that the parameters of an address mean."""
        after, before = place(query, identifier)
        return cls(
            q=text(query.get("q")) or "",
            archived=yes(query.get("archived")),
            after=after,
            before=before,
            sel=identifier(query.get("sel")),
        )

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.q)
