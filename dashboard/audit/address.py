"""What the page shows, as its address says it: every filter, the place in the list, and the row that is open.

The address is the page's whole state: copying it copies the view. What it cannot mean is ignored, never an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from core.audit.asking import Filter
from dashboard.lists.address import ListAddress
from dashboard.parameters import identifier, moment, one_of, text

PATH = "/audit"
RANGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "1y": timedelta(days=365),
}
RANGE_WORDS = {
    "1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days", "1y": "last year",
}  # fmt: skip
RANGE_LABELS = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d", "1y": "1 year"}
ACTOR_KINDS = {"user": "people", "key": "API keys", "command_line": "command line", "system": "Purser itself"}
WORD = re.compile(r"[a-z0-9_.\-]{1,80}")
"""How actions and kinds of subjects are written."""


@dataclass(frozen=True, slots=True)
class Address(ListAddress):
    """The state. None is what nobody has chosen: any time, any action, any kind of subject.

    `actor` is a kind of actors, or the id of one.
    """

    path: ClassVar[str] = PATH

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
        begin, end = moment(query.get("from")), moment(query.get("to"))
        whole = begin is not None and end is not None and begin < end
        after = identifier(query.get("after"))
        return cls(
            q=text(query.get("q")) or "",
            actor=one_of(query.get("actor"), ACTOR_KINDS) or identifier(query.get("actor")),
            action=_word(query.get("action")),
            subject=_word(query.get("subject")),
            range=one_of(query.get("range"), RANGES),
            begin=begin if whole else None,
            end=end if whole else None,
            after=after,
            before=None if after else identifier(query.get("before")),
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
            begin=self.begin or (now - RANGES[self.range] if self.range else None),
            end=self.end,
        )


def _word(said: str | None) -> str | None:
    return said if said and WORD.fullmatch(said) else None
