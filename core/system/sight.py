"""What a look at everything has seen, and what of it needs somebody: as values. What follows from what, `needs` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.credits.approvals import RequestLine
from core.entitlements.service import Undefined
from core.routing.meter import Use
from core.system.board import BoardState
from core.system.parts import Report
from core.system.reports import Proof
from core.vocabulary import STAFF, Modality, Role

Severity = Literal["critical", "warning", "waiting", "notice"]
ORDER: tuple[Severity, ...] = ("critical", "warning", "waiting", "notice")
SUPERADMINS = frozenset({Role.SUPERADMIN})
FAR = datetime.max.replace(tzinfo=UTC)
"""Later than anything."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody.

    `title` ends with its own full stop or comma and reads on into `text`. `since` is None where nobody knows; `href`
    is empty where there is nothing to open. Two are equal when a page would show the same.
    """

    key: str
    severity: Severity
    title: str
    text: str
    since: datetime | None = None
    action: str = ""
    href: str = ""
    roles: frozenset[Role] = STAFF


@dataclass(frozen=True, slots=True)
class FailedGrant:
    """A bulk grant whose job has failed: it goes on only when somebody says so."""

    id: UUID
    title: str
    people: int
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Sight:
    """All that a look has seen.

    `openings` counts those of the last hour, `aside_since` is by key, `near` has the limits of which most is used by
    provider. Times in sentences are of `zone`, the reporting zone.
    """

    board: BoardState
    now: datetime
    zone: ZoneInfo
    report: Report | None = None
    undefined: Sequence[Undefined] = ()
    openings: Mapping[tuple[UUID, Modality], int] = field(default_factory=dict[tuple[UUID, Modality], int])
    aside_since: Mapping[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    near: Mapping[UUID, Sequence[Use]] = field(default_factory=dict[UUID, Sequence[Use]])
    requests: Sequence[RequestLine] = ()
    proposals: int = 0
    failed_grants: Sequence[FailedGrant] = ()
    proof: Proof | None = None

    def when(self, moment: datetime) -> str:
        """The time of day, or the day where it is another one."""
        local = moment.astimezone(self.zone)
        same = local.date() == self.now.astimezone(self.zone).date()
        return f"{local:%H:%M}" if same else f"{local.day} {local:%B}"
