"""The credits that a plan brings each month: with the first day, then once a month, and more when the plan changes.

A person's months are counted from their first day (`period_anchor`): who began on the 31st has the last day of shorter
months. Each month is granted once, and only the one that runs, however long Purser was away; what is left of it expires
with its end. Suspended people get nothing until they return, and then the month that runs. So do people whose plan or
trial has ended: their grants sleep (`next_grant_at` is null) until `top_up` wakes them (docs/decisions/0011).
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import User
from core.audit import SYSTEM, Actor
from core.credits.models import EntryType
from core.credits.posting import Post, open_account, post, post_all
from core.database import Database, run
from core.entitlements.models import Plan
from core.queue.batches import in_batch

AT_ONCE = 100
"""People that one transaction grants their month: their accounts wait for it."""


async def begin_period(session: AsyncSession, user: User, plan: Plan, *, actor: Actor, now: datetime) -> None:
    """Begins a new user's first month on a plan, with its first grant. Their account is open."""
    _, ends = period_at(now, now)
    user.period_anchor, user.next_grant_at, user.period_granted = now, ends, plan.monthly_credits
    session.add(user)
    if plan.monthly_credits:
        await post(
            session,
            await open_account(session, user.id),
            type=EntryType.GRANT,
            amount=plan.monthly_credits,
            reason=f"First grant of plan {plan.display_name}",
            actor=actor,
            expires_at=ends,
        )


async def top_up(
    session: AsyncSession, user: User, plan: Plan, *, actor: Actor, now: datetime | None = None
) -> int:
    """Grants what a plan brings in a month, less what the running month has granted; never takes anything back.

    For a change of plan, and for everybody whose ended plan or trial goes on: it wakes grants that sleep. The account
    is locked first, then the user, as everywhere in this package.

    Returns:
        The credits granted now.
    """
    now = now or datetime.now(UTC)
    account_id = await open_account(session, user.id)
    await run(session, "select from credit_accounts where id = :id for update", {"id": account_id})
    anchor, next_grant, granted = (
        await run(
            session,
            "select period_anchor, next_grant_at, period_granted from users where id = :id for no key update",
            {"id": user.id},
        )
    ).one()
    anchor = anchor or now
    _, ends = period_at(anchor, now)
    before = granted if next_grant is not None and next_grant > now else 0
    amount = max(0, plan.monthly_credits - before)
    if amount:
        await post(
            session,
            account_id,
            type=EntryType.GRANT,
            amount=amount,
            reason=f"Credits of plan {plan.display_name}",
            actor=actor,
            expires_at=ends,
        )
    fields = {"period_anchor": anchor, "next_grant_at": ends, "period_granted": before + amount}
    await run(session, SET_PERIOD, {"id": user.id, **fields})
    for name, value in fields.items():
        # What was just written is what the row holds: nothing of it is to be written again from memory.
        set_committed_value(user, name, value)
    return amount


async def grant_due(database: Database, now: datetime) -> int:
    """Grants the running month to all whose month has begun; returns to how many people.

    It may be repeated, killed, and run twice at once: a month is granted in the transaction that moves `next_grant_at`.
    Somebody whose account cannot be booked is logged and left out.
    """

    async def grant(ids: Sequence[UUID]) -> int:
        async with database.transaction() as session:
            return await _grant(session, ids, now)

    granted = 0
    after, seen = datetime.min.replace(tzinfo=UTC), UUID(int=0)
    while True:
        rows = await database.fetch_all(DUE, {"now": now, "after": after, "seen": seen, "most": AT_ONCE})
        if not rows:
            return granted
        granted += await in_batch("monthly grant", [user_id for user_id, _ in rows], grant)
        seen, after = rows[-1]


def period_at(anchor: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The month of somebody's that runs: its beginning and its end, counted in UTC from their first one."""
    anchor, now = anchor.astimezone(UTC), now.astimezone(UTC)
    months = max(0, (now.year - anchor.year) * 12 + now.month - anchor.month)
    if months and months_after(anchor, months) > now:
        months -= 1
    return months_after(anchor, months), months_after(anchor, months + 1)


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and time some months later, or that month's last day where it is shorter."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class _Due:
    """Somebody whose month has begun, with their plan; `stands` is whether plan and trial carry now."""

    user_id: UUID
    account_id: UUID
    anchor: datetime
    plan_name: str | None
    credits: int
    stands: bool


async def _grant(session: AsyncSession, users: Sequence[UUID], now: datetime) -> int:
    """One batch; returns how many of them were granted something."""
    ids = list(users)
    await run(session, OPEN_ACCOUNTS, {"ids": ids})
    accounts: dict[UUID, UUID] = {
        user_id: account_id for account_id, user_id in (await run(session, LOCK_ACCOUNTS, {"ids": ids})).all()
    }
    rows = (await run(session, LOCK_DUE, {"ids": ids, "now": now})).all()
    due = [_Due(row[0], accounts[row[0]], *row[1:]) for row in rows]
    await post_all(session, _posts((one for one in due if one.stands and one.credits), now))
    await run(session, SET_PERIODS, _periods(due, now))
    return sum(one.stands and one.credits > 0 for one in due)


def _posts(due: Iterable[_Due], now: datetime) -> list[Post]:
    return [
        Post(
            one.account_id,
            EntryType.GRANT,
            one.credits,
            f"Monthly credits of plan {one.plan_name}",
            SYSTEM,
            expires_at=period_at(one.anchor, now)[1],
        )
        for one in due
    ]


def _periods(due: Iterable[_Due], now: datetime) -> dict[str, list[Any]]:
    lines = [
        (one.user_id, period_at(one.anchor, now)[1] if one.stands else None, one.credits if one.stands else 0)
        for one in due
    ]
    return {
        "ids": [user_id for user_id, _, _ in lines],
        "ends": [ends for _, ends, _ in lines],
        "granted": [credits for _, _, credits in lines],
    }


SET_PERIOD = (
    "update users set period_anchor = :period_anchor, next_grant_at = :next_grant_at, period_granted = :period_granted"
    " where id = :id"
)
DUE = (
    "select id, next_grant_at from users where next_grant_at <= %(now)s and next_grant_at is not null"
    " and status = 'active' and (next_grant_at, id) > (%(after)s, %(seen)s)"
    " order by next_grant_at, id limit %(most)s"
)
# In the order of the people: nobody who opens many accounts waits in a circle.
OPEN_ACCOUNTS = (
    "insert into credit_accounts (id, user_id, traffic) select uuid_v7(), one, 'live' from unnest(cast(:ids as uuid[])) one"
    " order by one on conflict (user_id, traffic) do nothing"
)
LOCK_ACCOUNTS = "select id, user_id from credit_accounts where user_id = any(:ids) and traffic = 'live' order by id for update"
LOCK_DUE = """
select u.id, coalesce(u.period_anchor, u.created_at), p.display_name, coalesce(p.monthly_credits, 0),
    p.id is not null and (u.plan_expires_at is null or u.plan_expires_at > :now)
        and (u.trial_ends_at is null or u.trial_ends_at > :now or (p.trial_days is null and p.trial_uses is null))
from users u left join plans p on p.id = u.plan_id
where u.id = any(:ids) and u.next_grant_at <= :now and u.status = 'active'
order by u.id for no key update of u
"""
SET_PERIODS = """
update users u set next_grant_at = t.ends, period_granted = t.granted
from unnest(cast(:ids as uuid[]), cast(:ends as timestamptz[]), cast(:granted as bigint[])) t (id, ends, granted)
where u.id = t.id
"""
