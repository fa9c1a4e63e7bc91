"""What the page shows, as its address says it: every filter, the place in the list, and the row that is open."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.audit.asking import Filter
from dashboard.lists.address import RangedAddress
from dashboard.lists.ranges import ranges
from dashboard.parameters import identifier, one_of, place, stretch, text

PATH = "/audit"
RANGES = ranges("1h", "24h", "7d", "30d", "1y")
ACTOR_KINDS = {"user": "people", "key": "API keys", "command_line": "command line", "system": "Purser itself"}
WORD = re.compile(r"[a-z0-9_.\-]{1,80}")
"""How actions and kinds of subjects are written."""


@dataclass(frozen=True, slots=True)
class Address(RangedAddress):
    """The state. None is what nobody has chosen: any time, any action, any kind of subject.

    `actor` is a kind of actors, or the id of one.
    """

    path: ClassVar[str] = PATH
    ranges: ClassVar = RANGES

    q: str = ""
    actor: str | UUID | None = None
    action: str | None = None
    subject: str | None = None
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
            q=text(query.get("q")) or "",
            actor=one_of(query.get("actor"), ACTOR_KINDS) or identifier(query.get("actor")),
            action=_word(query.get("action")),
            subject=_word(query.get("subject")),
            range=one_of(query.get("range"), RANGES),
            begin=begin,
            end=end,
            after=after,
            before=before,
            sel=identifier(query.get("sel")),
        )

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.q or self.actor or self.action or self.subject or self.range or self.begin)

    def filter(self, now: datetime) -> Filter:
        """What the list reads."""
        return Filter(
            text=self.q,
            actor_kind=self.actor if isinstance(self.actor, str) else None,
            actor_id=self.actor if isinstance(self.actor, UUID) else None,
            action=self.action,
            subject_kind=self.subject,
            begin=self.begin or (now - RANGES[self.range].length if self.range else None),
            end=self.end,
        )


def _word(said: str | None) -> str | None:
    return said if said and WORD.fullmatch(said) else None
