"""What the head of a user's page shows, read at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.accounts.lookup import presence
from core.accounts.person import Person
from core.bootstrap import Purser
from core.credits.queries import accounts_of
from core.credits.service import Balance
from core.database.reading import TOO_SLOW
from core.entitlements.rules import Reason
from core.errors import PurserError
from core.generation.lookup import latest
from core.generation.timeline import Timeline, Week, timeline_of, week_of
from core.generation.usage import UsageReport, usage_of
from core.vocabulary import Traffic


@dataclass(frozen=True, slots=True)
class Reading:
    """A user with their account, their usage, their last day and week.

    `traffic` is whose books these are: live unless another was asked for, or there is only another. `active_at` is when
    they were last here, by session, key or generation; `renews_at` when the plan grants credits again. `timeline` and
    `week` are None where they would take too long.
    """

    user: Person
    since: datetime
    active_at: datetime | None
    renews_at: datetime | None
    accounts: Mapping[Traffic, Balance]
    traffic: Traffic
    usage: UsageReport
    timeline: Timeline | None
    week: Week | None

    @property
    def balance(self) -> Balance:
        """What the chosen books hold; of live ones the free credits of today too, though not taken yet."""
        if self.traffic is Traffic.LIVE:
            return self.usage.credits
        return self.accounts.get(self.traffic, Balance(0, 0))


async def read(
    purser: Purser, user_id: UUID, now: datetime, *, traffic: Traffic | None = None
) -> Reading | None:
    """Everything for the head; None where there is no such user."""
    database = purser.database
    user, here = await purser.identities.resolve_user(str(user_id)), await presence(database, user_id)
    if user is None or here is None:
        return None
    accounts = (await accounts_of(database, [user_id])).get(user_id, {})
    chosen = _books(accounts, traffic)
    since, seen, renews = here
    newest = await latest(database, user_id, limit=1)
    timeline, week = await _drawn(purser, user_id, chosen, now)
    return Reading(
        user,
        since,
        max((at for at in (seen, *(hit.created_at for hit in newest)) if at), default=None),
        renews,
        accounts,
        chosen,
        await usage_of(database, purser.snapshots.current, user, now, purser.settings.zone, take=False),
        timeline,
        week,
    )


def _books(accounts: Mapping[Traffic, Balance], wanted: Traffic | None) -> Traffic:
    """Those that were asked for, else the first that there are."""
    if wanted is not None and wanted in accounts:
        return wanted
    return next((one for one in Traffic if one in accounts), Traffic.LIVE)


async def _drawn(
    purser: Purser, user_id: UUID, traffic: Traffic, now: datetime
) -> tuple[Timeline | None, Week | None]:
    try:
        timeline = await timeline_of(purser.database, user_id, traffic, now)
        return timeline, await week_of(purser.database, user_id, traffic, now)
    except PurserError as refusal:
        if refusal.code != TOO_SLOW:
            raise
        return None, None


def plan_words(found: Reading, zone: ZoneInfo, now: datetime) -> tuple[str, str]:
    """The plan, and what is left of it: of a trial its days and generations, else until when or when it renews."""
    plan, ends = found.usage.plan, found.user.plan_expires_at
    if plan is None:
        return "No plan", "nothing can be generated"
    if ends is not None and ends <= now:
        return plan.display_name, f"expired {ends.astimezone(zone):%Y-%m-%d}"
    if found.usage.trial is not None:
        return plan.display_name, trial_words(found)
    if ends is not None:
        return plan.display_name, f"until {ends.astimezone(zone):%Y-%m-%d}"
    if found.renews_at is not None:
        return plan.display_name, f"renews {found.renews_at.astimezone(zone):%Y-%m-%d}"
    return plan.display_name, f"tier {plan.tier}"


def trial_words(found: Reading) -> str:
    """What is left of a trial."""
    trial = found.usage.trial
    if trial is None:
        return "not on a trial"
    if trial.days == 0:
        return "over: its days have passed"
    if trial.uses == 0:
        return "over: its generations are used up"
    parts: Sequence[str] = [
        _counted(count, word)
        for count, word in ((trial.days, "day"), (trial.uses, "generation"))
        if count is not None
    ]
    return f"{', '.join(parts)} left" if parts else "without end"


def trouble(found: Reading) -> str | None:
    """In two words why nothing can be generated though the account is active; None where it can."""
    trial = found.usage.trial
    if found.usage.standing is Reason.TRIAL_EXPIRED or (trial is not None and trial.uses == 0):
        return "Trial ended"
    words = {Reason.NO_PLAN: "No plan", Reason.PLAN_EXPIRED: "Plan expired"}
    return words.get(found.usage.standing)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
