"""What a user's page shows, read at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.accounts.lookup import presence
from core.accounts.person import Person
from core.bootstrap import Purser
from core.credits.queries import accounts_of
from core.credits.service import Balance, entries
from core.generation import queries
from core.generation.queries import Filter, Line
from core.generation.usage import UsageReport, usage_of
from core.vocabulary import Traffic

LATEST = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """A user with their account, their usage, and the newest of their generations and entries.

    `traffic` is whose books these are: live, but for demo users and colleagues who have only others. `active_at` is
    when they were last here, by session, key or generation.
    """

    user: Person
    since: datetime
    active_at: datetime | None
    traffic: Traffic
    balance: Balance
    usage: UsageReport
    lines: Sequence[Line]
    entries: Sequence[dict[str, Any]]


async def read(purser: Purser, user_id: UUID, now: datetime) -> Reading | None:
    """Everything for the page; None where there is no such user."""
    database = purser.database
    user, here = await purser.identities.resolve_user(str(user_id)), await presence(database, user_id)
    if user is None or here is None:
        return None
    owned = (await accounts_of(database, [user_id])).get(user_id, {})
    traffic = next((traffic for traffic in Traffic if traffic in owned), Traffic.LIVE)
    every = Filter(text=str(user_id), traffic=tuple(Traffic))
    lines = (await queries.listing(database, every, limit=LATEST)).lines
    since, seen = here
    return Reading(
        user,
        since,
        max((at for at in (seen, lines[0].created_at if lines else None) if at), default=None),
        traffic,
        owned.get(traffic, Balance(0, 0)),
        await usage_of(database, purser.snapshots.current, user, now, purser.settings.zone),
        lines,
        await entries(database, user_id, traffic=traffic, limit=LATEST),
    )


def trial_words(found: Reading) -> tuple[str, str]:
    """What is left of a trial, and what that means."""
    trial = found.usage.trial
    if trial is None:
        return "—", "not on a trial"
    if trial.days == 0 or trial.uses == 0:
        return "Over", "its days have passed" if trial.days == 0 else "its generations are used up"
    parts = [] if trial.days is None else [f"{trial.days} {'day' if trial.days == 1 else 'days'}"]
    uses = "no limit of generations" if trial.uses is None else f"{trial.uses} generations left"
    return parts[0] if parts else "No end", uses


def plan_words(found: Reading, zone: ZoneInfo, now: datetime) -> tuple[str, str]:
    """The plan, and until when."""
    plan, ends = found.usage.plan, found.user.plan_expires_at
    if plan is None:
        return "No plan", "nothing can be generated"
    if ends is None:
        return plan.display_name, f"tier {plan.tier}"
    return plan.display_name, f"{'expired' if ends <= now else 'until'} {ends.astimezone(zone):%Y-%m-%d}"
