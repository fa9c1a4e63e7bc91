"""A decision in words: the sentence for the person, and the chain of steps for those who ask why."""

from datetime import datetime

from core.entitlements.rules import (
    LONGEST_ID,
    Decision,
    Entitlements,
    Person,
    PlanView,
    Reason,
    Step,
    feature_override,
    nearest,
)


def message(decision: Decision) -> str:
    """One sentence or two, for the person; the feature's id may be hostile and is only ever quoted."""
    plan = decision.plan.display_name if decision.plan else "the plan"
    feature = _feature(decision)
    person = decision.person
    match decision.reason:
        case Reason.OK:
            return f"{feature} is part of the plan {plan}."
        case Reason.UNKNOWN_USER:
            return "There is no such user."
        case Reason.ACCOUNT_SUSPENDED:
            return "This account is suspended."
        case Reason.NO_PLAN:
            return "This account has no plan."
        case Reason.PLAN_EXPIRED:
            return f"The plan {plan} ended on {_day(person.plan_expires_at if person else None)}."
        case Reason.TRIAL_EXPIRED:
            return f"The trial ended on {_day(person.trial_ends_at if person else None)}."
        case Reason.FEATURE_UNDEFINED:
            return f"There is no feature {feature}.{_did_you_mean(decision)}"
        case Reason.FEATURE_NOT_IN_PLAN:
            return f"{feature} is not part of the plan {plan}.{_comes_with(decision)}"
        case Reason.OVERRIDE_ALLOWS:
            return f"{feature} is not part of the plan {plan}, but allowed for this account."
        case Reason.OVERRIDE_DENIES:
            return f"{feature} is part of the plan {plan}, but switched off for this account."
        case Reason.DATABASE_UNAVAILABLE:
            return "This cannot be decided now: the database does not answer. Try again in a moment."


STEPS = ("user", "active", "plan", "not expired", "feature defined", "feature on plan", "override")

FAILS_AT: dict[Reason, str] = {
    Reason.DATABASE_UNAVAILABLE: "user",
    Reason.UNKNOWN_USER: "user",
    Reason.ACCOUNT_SUSPENDED: "active",
    Reason.NO_PLAN: "plan",
    Reason.PLAN_EXPIRED: "not expired",
    Reason.TRIAL_EXPIRED: "not expired",
    Reason.FEATURE_UNDEFINED: "feature defined",
}
"""Where the chain ends early."""


def chain(decision: Decision) -> tuple[Step, ...]:
    """The seven steps, up to where the chain ended and "not reached" beyond."""
    steps: list[Step] = []
    end = STEPS.index(FAILS_AT.get(decision.reason, STEPS[-1]))
    for number, name in enumerate(STEPS):
        if number > end:
            steps.append(Step(name, "not reached"))
        elif decision.reason in FAILS_AT and number == end:
            steps.append(Step(name, "failed", message(decision)))
        else:
            steps.append(_passed(name, decision))
    return tuple(steps)


def _passed(name: str, decision: Decision) -> Step:
    entitlements, person, plan = decision.entitlements, decision.person, decision.plan
    if name == "feature on plan" and plan is not None:
        on_plan = decision.feature_id in plan.features
        return Step(name, "passed" if on_plan else "failed", plan.display_name)
    if name == "override" and person is not None and decision.now is not None:
        return _override(person, decision.feature_id, decision.now)
    return Step(name, "passed", _detail(name, entitlements, person, plan, decision.feature_id))


def _override(person: Person, feature_id: str, now: datetime) -> Step:
    override = feature_override(person, feature_id, now)
    if override is None:
        return Step("override", "none")
    until = f"until {_day(override.expires_at)}" if override.expires_at else "without end"
    return Step("override", "allows" if override.allowed else "denies", until)


def _detail(
    name: str,
    entitlements: Entitlements | None,
    person: Person | None,
    plan: PlanView | None,
    feature_id: str,
) -> str:
    if name == "plan" and plan is not None:
        return plan.display_name
    if name == "not expired" and person is not None and plan is not None:
        ends = [person.plan_expires_at, person.trial_ends_at if plan.is_trial else None]
        known = [end for end in ends if end is not None]
        return f"until {_day(min(known))}" if known else "no end"
    if name == "feature defined" and entitlements is not None:
        return entitlements.features.get(feature_id, "")
    return ""


def _feature(decision: Decision) -> str:
    names = decision.entitlements.features if decision.entitlements else {}
    return names.get(decision.feature_id) or f'"{decision.feature_id[:LONGEST_ID]}"'


def _did_you_mean(decision: Decision) -> str:
    near = nearest(decision.feature_id, decision.entitlements.features) if decision.entitlements else None
    return f' Did you mean "{near}"?' if near else ""


def _comes_with(decision: Decision) -> str:
    if decision.entitlements is None:
        return ""
    offered = [p for p in decision.entitlements.plans.values() if not p.retired and not p.is_trial]
    having = [p for p in offered if decision.feature_id in p.features]
    names = [p.display_name for p in sorted(having, key=lambda p: p.rank)]
    return (
        f" It comes with {' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}." if names else ""
    )


def _day(moment: datetime | None) -> str:
    return f"{moment.day} {moment:%B %Y}" if moment else "an unknown day"
