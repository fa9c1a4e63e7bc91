"""The address of a list: its filters, the place in it, and the row that is open.

The address is the page's whole state: copying it copies the view.
"""

from dataclasses import fields, replace
from typing import Any, ClassVar, Self
from urllib.parse import urlencode
from uuid import UUID

from dashboard.parameters import written

NAMES = {"begin": "from", "end": "to"}
"""Fields that are called otherwise in an address."""


class ListAddress:
    """Base of frozen dataclasses whose fields are the parameters, None or empty where nothing is chosen.

    `after` and `before` are the place in the list, `sel` is the row that is open. The order of the fields is that of
    the parameters.
    """

    __slots__ = ()
    path: ClassVar[str]

    @property
    def url(self) -> str:
        """The address; what is not chosen is not in it."""
        chosen = self.query
        return f"{self.path}?{chosen}" if chosen else self.path

    @property
    def query(self) -> str:
        """What stands behind the `?`."""
        pairs = [
            (NAMES.get(field.name, field.name), written(value))
            for field in fields(self)  # pyright: ignore[reportArgumentType] - the subclasses are dataclasses
            if (value := getattr(self, field.name))
        ]
        return urlencode(pairs)

    def changed(self, **changes: Any) -> Self:
        """With other filters: that is another list, from its first page."""
        return replace(self, after=None, before=None, **changes)  # pyright: ignore[reportArgumentType] - as above

    def turned(self, *, after: Any = None, before: Any = None) -> Self:
        """At another page of the same list."""
        return replace(self, after=after, before=before)  # pyright: ignore[reportArgumentType] - as above

    def opened(self, row: UUID | None) -> Self:
        """With another row open, or none."""
        return replace(self, sel=row)  # pyright: ignore[reportArgumentType] - as above

    @property
    def kept(self) -> str:
        """What a saved view keeps: not the place in the list, nor the row that is open."""
        return self.turned().opened(None).query

    @property
    def file(self) -> str:
        """Where the list is to be had as a file."""
        kept = self.kept
        return f"{self.path}.csv?{kept}" if kept else f"{self.path}.csv"
