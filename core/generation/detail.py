"""One generation with everything that is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.database import Database
from core.ids import first_id_at, time_of
from core.vocabulary import Role

LONGEST_RUN = timedelta(hours=2)
"""What belongs to a generation is made within this: the bound lets the planner leave out other months."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One generation with all that is known of it; rows as mappings of their columns.

    `openings` are the breakers that opened while it ran; `content_withheld` says that the reader may not see it.
    """

    row: Mapping[str, Any]
    email: str | None
    user_name: str | None
    user_role: Role | None
    attempts: tuple[Mapping[str, Any], ...]
    reservation: Mapping[str, Any] | None
    entries: tuple[Mapping[str, Any], ...] = field(default=())
    openings: tuple[Mapping[str, Any], ...] = field(default=())
    prompt: Mapping[str, Any] | None = None
    answer: str | None = None
    content_withheld: bool = False

    @property
    def created_at(self) -> datetime:
        return time_of(self.row["id"])


async def detail(
    database: Database,
    generation_id: UUID,
    *,
    content: bool,
    reader: UUID | None = None,
    user_id: UUID | None = None,
) -> Detail | None:
    """One generation with its attempts, reservation, entries, and content.

    Args:
        content: whether prompt and answer may be read, whosever they are.
        reader: who asks; what is their own they may always read.
        user_id: only if it is this person's; None is anybody's.
    """
    row = await database.fetch_one(
        "select to_jsonb(g) - 'id' - 'cost' - 'revenue', g.cost, g.revenue, u.email, u.name, u.role,"
        " (select to_jsonb(r) from reservations r where r.generation_id = g.id),"
        " (select jsonb_agg(to_jsonb(e) order by e.seq) from credit_entries e where e.generation_id = g.id),"
        " %(content)s or coalesce(g.user_id = %(reader)s::uuid, false),"
        " (select to_jsonb(c) from generation_content c where c.id = g.id"
        "  and (%(content)s or g.user_id = %(reader)s::uuid))"
        " from generations g left join users u on u.id = g.user_id where g.id = %(id)s"
        " and (%(own)s::uuid is null or g.user_id = %(own)s::uuid)",
        {"id": generation_id, "content": content, "reader": reader, "own": user_id},
    )
    if row is None:
        return None
    fields, cost, revenue, email, name, role, reservation, entries, may_read, kept = row
    while_it_ran = {"id": generation_id, "end": first_id_at(time_of(generation_id) + LONGEST_RUN)}
    calls = await database.fetch_all(
        "select to_jsonb(a) - 'cost', a.cost from attempts a where a.generation_id = %(id)s and a.id >= %(id)s"
        " and a.id < %(end)s order by a.number",
        while_it_ran,
    )
    failed_at = list({call["provider_id"] for call, _ in calls if call["error_class"]} - {None})
    openings = failed_at and await database.fetch_all(
        "select to_jsonb(e) from provider_events e where e.provider_id = any(%(providers)s::uuid[])"
        " and e.kind = 'breaker_opened' and e.modality = %(modality)s and e.id > %(id)s and e.id < %(end)s"
        " and e.at <= coalesce(%(finished)s::timestamptz, now()) order by e.id limit 10",
        {**while_it_ran, "providers": failed_at, "modality": fields["modality"], "finished": fields["finished_at"]},
    )  # fmt: skip
    return Detail(
        row={**fields, "id": generation_id, "cost": cost, "revenue": revenue},
        email=email,
        user_name=name,
        user_role=Role(role) if role else None,
        attempts=tuple({**call, "cost": price} for call, price in calls),
        reservation=reservation,
        entries=tuple(entries or ()),
        openings=tuple(event for (event,) in openings),
        prompt=kept["prompt"] if kept else None,
        answer=kept["answer"] if kept else None,
        content_withheld=not may_read,
    )
