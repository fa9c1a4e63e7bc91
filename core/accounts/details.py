"""All that the API and the pages tell about users themselves, several at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import UserStatus
from core.database import run
from core.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Details:
    """One user. `balance` in credits, as of now; `trial_uses` is how many generations the trial has in all."""

    id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    status_reason: str | None
    plan_id: str | None
    plan_name: str | None
    plan_expires_at: datetime | None
    trial_ends_at: datetime | None
    trial_uses: int | None
    language: str
    time_zone: str
    created_at: datetime
    last_active_at: datetime
    demo: bool
    balance: int


async def details(session: AsyncSession, ids: Sequence[UUID]) -> list[Details]:
    """The users of these ids in this order, as the session's transaction sees them; who is gone is left out."""
    rows = (await run(session, DETAILS, {"ids": list(ids)})).all()
    return [_details(*row) for row in rows]


def _details(user_id: UUID, email: str, name: str, role: str, status: str, *others: Any) -> Details:
    return Details(user_id, email, name, Role(role), UserStatus(status), *others)


DETAILS = """
select u.id, u.email, u.name, u.role, u.status, u.status_reason, u.plan_id, p.display_name, u.plan_expires_at,
    u.trial_ends_at, u.trial_uses, u.language, u.time_zone, u.created_at, s.last_active_at, s.demo, coalesce(a.balance, 0)
from unnest(cast(:ids as uuid[])) with ordinality wanted (id, place)
join users u on u.id = wanted.id
join user_stats s on s.user_id = u.id
left join plans p on p.id = u.plan_id
left join credit_accounts a on a.user_id = u.id and a.traffic = case when s.demo then 'demo' else 'live' end
order by wanted.place
"""
