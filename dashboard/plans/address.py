"""What the page shows, as its address says it: the tab, which rows of the matrix, which version, which exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode
from uuid import UUID

from dashboard.parameters import identifier, one_of, text, written

PATH = "/plans"
TABS = {
    "matrix": "Matrix",
    "history": "History",
    "overrides": "Overrides",
    "undefined": "Undefined",
    "proposals": "Proposals",
    "file": "Export and import",
}
ROWS = {"differ": "where plans differ", "changed": "changed ones"}
"""Which rows of the matrix are shown, where it is not all of them."""


@dataclass(frozen=True, slots=True)
class Address:
    """The state; what is not chosen is not in the address.

    `version` is the one of the history that somebody was sent to; `feature` and `after` are of the list of exceptions.
    """

    tab: str = "matrix"
    rows: str | None = None
    version: int | None = None
    feature: str | None = None
    after: UUID | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Address":
        """The state that the parameters of an address mean; what they cannot mean is ignored."""
        tab = one_of(query.get("tab"), TABS) or "matrix"
        exceptions = tab == "overrides"
        version = query.get("version", "")
        return cls(
            tab=tab,
            rows=one_of(query.get("rows"), ROWS),
            version=int(version) if tab == "history" and version.isdecimal() and len(version) < 10 else None,
            feature=text(query.get("feature")) if exceptions else None,
            after=identifier(query.get("after")) if exceptions else None,
        )

    @property
    def url(self) -> str:
        """The address."""
        pairs = [
            (field.name, written(value))
            for field in fields(self)
            if (value := getattr(self, field.name)) and (field.name, value) != ("tab", "matrix")
        ]
        return f"{PATH}?{urlencode(pairs)}" if pairs else PATH

    def turned(self, tab: str) -> "Address":
        """At another tab; which rows of the matrix are shown stays."""
        return Address(tab=tab, rows=self.rows)

    def showing(self, rows: str | None) -> "Address":
        """With other rows of the matrix."""
        return replace(self, rows=rows)
