"""The story of a provider as people read it: what happened, why, in whose words, and who did it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.database import Database
from core.ids import first_id_at
from core.providers.editing import Difference
from core.vocabulary import Modality

LONGEST_PAGE = 200
COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `vendor` are the vendor's own words; `actor` is an e-mail, "Purser" or "command line".

    `until` is when a key is tried again, an old one ends, or a drill is over. For superadmins only: `key`, the end of the
    key it is about, and `changes`, the fields of an edit.
    """

    id: UUID
    at: datetime
    modality: Modality | None
    kind: str
    reason: str
    vendor: str
    actor: str
    key: str | None = None
    until: datetime | None = None
    changes: tuple[Difference, ...] = ()


async def events(
    database: Database, provider_id: UUID, *, limit: int = 50, before: UUID | None = None
) -> list[Event]:
    """A provider's events, the newest first; `before` is the last id of the page before."""
    rows = await database.fetch_all(
        "select e.id, e.at, e.modality, e.kind, e.reason, e.detail, u.email, e.actor_id from provider_events e"
        " left join users u on u.id = e.actor_id"
        " where e.provider_id = %(provider)s and (%(before)s::uuid is null or e.id < %(before)s)"
        " order by e.id desc limit %(limit)s",
        {"provider": provider_id, "before": before, "limit": max(1, min(limit, LONGEST_PAGE))},
    )
    return [_event(*row) for row in rows]


async def count_events(database: Database, provider_id: UUID) -> int:
    """How many events a provider has; nobody counts further than a thousand."""
    row = await database.fetch_one(
        "select count(*) from (select from provider_events where provider_id = %s limit %s) e",
        (provider_id, COUNTED),
    )
    return row[0] if row else 0


async def opened_since(database: Database, since: datetime) -> Mapping[tuple[UUID, Modality], int]:
    """How often each breaker has opened since then; a probe that failed is no opening."""
    rows = await database.fetch_all(
        "select p.id, e.modality, count(*) from providers p cross join lateral ("
        "   select modality from provider_events where provider_id = p.id and id >= %s and kind = 'breaker_opened'"
        "   and detail ->> 'before' = 'closed') e group by p.id, e.modality",
        (first_id_at(since),),
    )
    return {(provider_id, Modality(modality)): count for provider_id, modality, count in rows}


def _event(
    identifier: UUID,
    at: datetime,
    modality: str | None,
    kind: str,
    reason: str,
    detail: Mapping[str, Any],
    email: str | None,
    actor_id: UUID | None,
) -> Event:
    until = detail.get("until")
    gone = "somebody who is gone" if actor_id else "Purser"
    return Event(
        id=identifier,
        at=at,
        modality=Modality(modality) if modality else None,
        kind=kind,
        reason=reason,
        vendor=detail.get("vendor") or "",
        actor=email or detail.get("actor") or gone,
        key=detail.get("last_four"),
        until=datetime.fromisoformat(until) if until else None,
        changes=tuple(Difference(**one) for one in detail.get("changes", ())),
    )
