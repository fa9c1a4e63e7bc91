"""The address of a list: its filters, the place in it, and the row that is open.

The address is the page's whole state: copying it copies the view. What it cannot mean is ignored, never an error.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, ClassVar, Self
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from dashboard.components.time import stretch
from dashboard.lists.ranges import Range
from dashboard.parameters import written

NAMES = {"begin": "from", "end": "to"}
"""Fields that are called otherwise in an address."""


class ListAddress:
    """Base of frozen dataclasses whose fields are the parameters, None or empty where nothing is chosen.

    `q` is what is searched, `after` and `before` are the place in the list, `sel` is the row that is open. The order of
    the fields is that of the parameters.
    """

    __slots__ = ()
    path: ClassVar[str]

    q: str
    after: Any
    before: Any
    sel: UUID | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The state that the parameters of an address mean."""
        raise NotImplementedError

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


class RangedAddress(ListAddress):
    """Of a list over time: `range` is one of `ranges`; a stretch from `begin` to `end` goes before it."""

    __slots__ = ()
    ranges: ClassVar[Mapping[str, Range]]
    default_range: ClassVar[str | None] = None
    """What stands for an unchosen one; without it, all of time."""

    range: str | None
    begin: datetime | None
    end: datetime | None

    def stretch_words(self, zone: ZoneInfo) -> str | None:
        """The chosen stretch in words."""
        return stretch(self.begin, self.end, zone) if self.begin and self.end else None

    def time_words(self, zone: ZoneInfo) -> str | None:
        """What is shown of time in words: the stretch, else the range; None for all of it."""
        shown = self.range or self.default_range
        return self.stretch_words(zone) or (self.ranges[shown].words if shown else None)
