"""The address of a user's page: whose it is, the tab, whose books, the place in a list, and the feature asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from core.vocabulary import Traffic
from dashboard.parameters import identifier, one_of, place, text

TABS: Mapping[str, str] = {
    "activity": "Activity",
    "ledger": "Ledger",
    "generations": "Generations",
    "features": "Features",
    "overrides": "Overrides",
    "keys": "Keys & sessions",
    "projects": "Projects",
    "audit": "Audit",
    "api": "API view",
}
FIRST = "activity"


@dataclass(frozen=True, slots=True)
class Address:
    """The state of one page. None is what nobody has chosen."""

    user_id: UUID
    tab: str = FIRST
    traffic: Traffic | None = None
    after: UUID | None = None
    before: UUID | None = None
    feature: str | None = None

    @classmethod
    def of(cls, user_id: UUID, query: Mapping[str, str]) -> "Address":
        """The state that the parameters of an address mean."""
        traffic = one_of(query.get("traffic"), Traffic)
        after, before = place(query, identifier)
        return cls(
            user_id,
            one_of(query.get("tab"), TABS) or FIRST,
            Traffic(traffic) if traffic else None,
            after,
            before,
            text(query.get("feature")),
        )

    @property
    def url(self) -> str:
        """The address; what is not chosen is not in it."""
        chosen = {
            "tab": self.tab if self.tab != FIRST else None,
            "traffic": self.traffic,
            "after": self.after,
            "before": self.before,
            "feature": self.feature,
        }
        query = urlencode({name: str(value) for name, value in chosen.items() if value})
        return f"/users/{self.user_id}{f'?{query}' if query else ''}"

    def at(self, tab: str) -> "Address":
        """Another tab, from its first page."""
        return replace(self, tab=tab, after=None, before=None, feature=None)

    def turned(self, *, after: UUID | None = None, before: UUID | None = None) -> "Address":
        """Another page of the same list."""
        return replace(self, after=after, before=before)

    def asking(self, feature: str | None) -> "Address":
        """About another feature."""
        return replace(self, feature=feature)

    def of_books(self, traffic: Traffic) -> "Address":
        """The same tab over another account of the user's."""
        return replace(self, traffic=traffic, after=None, before=None)
