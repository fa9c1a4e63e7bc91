"""Whether a person may generate at all, and up to which limits: from memory, with the reason where not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.accounts.person import Person
from core.entitlements.rules import PlanView, Reason, effective_limit, standing
from core.errors import LimitReached, NotAllowed, TrialOver
from core.generation.visitors import allowance
from core.snapshot import Snapshot
from core.vocabulary import Modality, Traffic

DEFAULT_CONTACT = "the support of the product you are using"


@dataclass(frozen=True, slots=True)
class Quota:
    """The periods a generation counts in, and their caps; None is no cap, or not counted."""

    day: str | None = None
    day_cap: int | None = None
    month: str | None = None
    month_cap: int | None = None
    trial_cap: int | None = None


NO_QUOTA = Quota()


def admit(snapshot: Snapshot, person: Person, modality: Modality, now: datetime) -> PlanView:
    """The plan under which a person generates.

    Raises:
        NotAllowed: account_suspended, no_plan, plan_expired, modality_not_in_plan.
        TrialOver: trial_expired.
    """
    plan = snapshot.entitlements.plans.get(person.plan_id) if person.plan_id else None
    reason = standing(person, plan, now)
    if reason is Reason.OK and plan is not None:
        if modality in plan.modalities:
            return plan
        raise NotAllowed(
            f"The plan {plan.display_name} does not include {modality}.",
            code="modality_not_in_plan",
            details={"reason": "modality_not_in_plan", "plan": plan.id, "contact": contact(snapshot)},
        )
    raise _refusal(snapshot, person, reason)


def quota(plan: PlanView, person: Person, traffic: Traffic, now: datetime, zone: ZoneInfo) -> Quota:
    """What a generation counts against. Test runs count against the test account alone."""
    if traffic is not Traffic.LIVE:
        return NO_QUOTA
    today = now.astimezone(zone)
    trial_cap = None
    if plan.trial_uses is not None:
        allowed = plan.trial_uses if person.trial_uses is None else person.trial_uses
        raised = effective_limit(plan, person, "trial_uses", now)
        trial_cap = allowed if raised is None else max(allowed, raised)
    return Quota(
        day=today.strftime("%Y-%m-%d"),
        day_cap=effective_limit(plan, person, "daily_generations", now),
        month=today.strftime("%Y-%m"),
        month_cap=allowance(plan)
        if person.visitor
        else effective_limit(plan, person, "monthly_ceiling", now),
        trial_cap=trial_cap,
    )


def over_quota(
    outcome: str,
    snapshot: Snapshot,
    plan: PlanView,
    limits: Quota,
    used: int | None,
    now: datetime,
    zone: ZoneInfo,
) -> LimitReached | TrialOver:
    """The refusal for a quota that the reservation ran into."""
    if outcome == "trial_used":
        return TrialOver(
            f"The trial's {limits.trial_cap} generations are used up. To go on, contact {contact(snapshot)}.",
            code="trial_used",
            details={"reason": "usage_limit", "contact": contact(snapshot), "limit": limits.trial_cap},
        )
    if outcome == "daily_limit":
        return LimitReached(
            f"The {limits.day_cap} generations a day of plan {plan.display_name} are used; the count starts anew at midnight"
            f" ({zone.key}).",
            code="daily_limit",
            retry_after=seconds_to_midnight(now, zone),
            details={"limit": limits.day_cap, "used": used},
        )
    return LimitReached(
        f"The plan {plan.display_name} may spend {limits.month_cap:,} credits a calendar month; {used:,} are spent or held.",
        code="monthly_ceiling",
        retryable=False,  # no matter of waiting a moment, though `Retry-After` says when the month ends
        retry_after=seconds_to_month(now, zone),
        details={"limit": limits.month_cap, "used": used},
    )


def contact(snapshot: Snapshot) -> str:
    """Whom to turn to, as superadmins have set it."""
    return str(snapshot.settings.get("support_contact") or DEFAULT_CONTACT)


def midnight_after(now: datetime, zone: ZoneInfo) -> datetime:
    """When the day ends in `zone`, and its counts start anew; a day there has 23 to 25 hours."""
    return (now.astimezone(zone) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0, fold=0
    )


def seconds_to_midnight(now: datetime, zone: ZoneInfo) -> float:
    """Seconds until the day ends in `zone`."""
    # By timestamps: the difference of two local times would leave out a change of the clocks between them.
    return max(1.0, midnight_after(now, zone).timestamp() - now.timestamp())


def seconds_to_month(now: datetime, zone: ZoneInfo) -> float:
    """Seconds until the calendar month ends in `zone`."""
    local = now.astimezone(zone)
    year, month = divmod(local.year * 12 + local.month, 12)
    first = local.replace(
        year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0
    )
    return max(1.0, first.timestamp() - now.timestamp())


def _refusal(snapshot: Snapshot, person: Person, reason: Reason) -> NotAllowed | TrialOver:
    details = {"reason": reason.value, "contact": contact(snapshot)}
    if reason is Reason.TRIAL_EXPIRED:
        return TrialOver(
            f"The trial ended on {person.trial_ends_at:%Y-%m-%d}. To go on, contact {contact(snapshot)}.",
            details={**details, "reason": "expired"},
        )
    sentence = {
        Reason.ACCOUNT_SUSPENDED: "This account is suspended"
        + (f": {person.status_reason}." if person.status_reason else "."),
        Reason.NO_PLAN: "This account has no plan.",
        Reason.PLAN_EXPIRED: f"The plan ended on {person.plan_expires_at:%Y-%m-%d}."
        if person.plan_expires_at
        else "",
    }[reason]
    return NotAllowed(
        f"{sentence} To go on, contact {contact(snapshot)}.", code=reason.value, details=details
    )
