"""What a user has used, and what is left: today, this month, of the trial, in credits."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.accounts.person import Person
from core.credits.daily import take_daily, with_daily
from core.credits.service import Balance, balance_of
from core.database import Database
from core.entitlements.rules import PlanView, Reason, standing
from core.generation.admission import NO_QUOTA, Quota, contact, midnight_after, quota
from core.generation.visitors import subject
from core.ids import first_id_at
from core.snapshot import Snapshot
from core.vocabulary import Traffic


@dataclass(frozen=True, slots=True)
class TrialLeft:
    """What is left of a trial; None is without end. `upgrade_url` is set by superadmins, or None."""

    days: int | None
    uses: int | None
    contact: str
    upgrade_url: str | None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Counts of generations, credits, and `cost_today` in USD (None: unpriced or not asked for).

    `remaining` is how many generations are left now, by day and trial; None is unlimited. `standing` says why nothing
    is left where the plan itself does not carry (`ok` otherwise).
    """

    plan: PlanView | None
    standing: Reason
    today: int
    daily_limit: int | None
    remaining: int | None
    resets_at: datetime
    monthly_used: int
    monthly_ceiling: int | None
    credits: Balance
    trial: TrialLeft | None
    cost_today: Decimal | None


USED = """
select name, used from quota_counters
where subject = %(subject)s
    and ((name = 'day' and period = %(day)s) or (name = 'month' and period = %(month)s) or (name = 'trial' and period = ''))
"""

COST = """
select coalesce(sum(cost), 0) from generations where user_id = %s and traffic = 'live' and id >= %s
"""


async def usage_of(
    database: Database,
    snapshot: Snapshot,
    person: Person,
    now: datetime,
    zone: ZoneInfo,
    *,
    with_cost: bool = False,
    take: bool = True,
) -> UsageReport:
    """The report of a user or visitor, as of now; days and months are those of `zone`. A visitor has no credits.

    `take` as for `credits_now`.
    """
    plan = snapshot.entitlements.plans.get(person.plan_id) if person.plan_id else None
    limits = quota(plan, person, Traffic.LIVE, now, zone) if plan else NO_QUOTA
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    counters = {
        "subject": subject(person),
        "day": local.strftime("%Y-%m-%d"),
        "month": local.strftime("%Y-%m"),
    }
    used: dict[str, int] = dict(await database.fetch_all(USED, counters))
    credits = await credits_now(database, snapshot, person, now, zone, take=take)
    cost = await _cost(database, person, midnight) if with_cost and not person.visitor else None
    reason = standing(person, plan, now)
    return UsageReport(
        plan=plan,
        standing=reason,
        today=used.get("day", 0),
        daily_limit=limits.day_cap if plan else 0,
        remaining=_remaining(limits, used) if reason is Reason.OK else 0,
        resets_at=midnight_after(now, zone),
        monthly_used=used.get("month", 0),
        monthly_ceiling=limits.month_cap if plan else 0,
        credits=credits,
        trial=_trial(snapshot, person, limits, used, now) if plan and plan.is_trial else None,
        cost_today=cost,
    )


async def credits_now(
    database: Database,
    snapshot: Snapshot,
    person: Person,
    now: datetime,
    zone: ZoneInfo,
    *,
    take: bool = True,
) -> Balance:
    """A user's credits, the free ones of today among them where their plan gives any and carries. A visitor has none.

    Args:
        take: whether these are taken, as when the user asks. Others look without: nothing is written, and the answer
            is the same.
    """
    if person.visitor:
        return Balance(0, 0)
    plan = snapshot.entitlements.plans.get(person.plan_id) if person.plan_id else None
    if plan and plan.daily_credits and standing(person, plan, now) is Reason.OK:
        until = midnight_after(now, zone)
        if not take:
            return await with_daily(database, person.id, plan.daily_credits, now, until)
        await take_daily(database, person.id, plan.daily_credits, now, until)
    return await balance_of(database, person.id)


async def _cost(database: Database, person: Person, midnight: datetime) -> Decimal:
    row = await database.fetch_one(COST, (person.id, first_id_at(midnight)))
    assert row is not None, "a sum always answers"
    return row[0]


def _remaining(limits: Quota, used: dict[str, int]) -> int | None:
    left = [
        max(0, cap - used.get(name, 0))
        for name, cap in (("day", limits.day_cap), ("trial", limits.trial_cap))
        if cap is not None
    ]
    return min(left, default=None)


def _trial(
    snapshot: Snapshot, person: Person, limits: Quota, used: dict[str, int], now: datetime
) -> TrialLeft:
    days = None
    if person.trial_ends_at is not None:
        days = max(0, math.ceil((person.trial_ends_at - now) / timedelta(days=1)))
    uses = None if limits.trial_cap is None else max(0, limits.trial_cap - used.get("trial", 0))
    url = snapshot.settings.get("upgrade_url")
    return TrialLeft(days, uses, contact(snapshot), str(url) if url else None)
