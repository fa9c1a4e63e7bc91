"""The count of those whom a change set touches, against asking every single user before and after."""

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.entitlements.changes import Change, applied
from core.entitlements.matrix import Matrix
from core.entitlements.rules import Entitlements, check, effective_limit
from core.entitlements.tally import RAISABLE, Exceptional, Somebody, Tally, changed_features, differences
from tests.unit.entitlements.samples import NOW
from tests.unit.entitlements.strategies import FEATURE_IDS, changed

EXCEPTIONS = st.builds(
    Exceptional, st.sampled_from(FEATURE_IDS), st.none(), st.booleans(), st.none()
) | st.builds(Exceptional, st.none(), st.sampled_from(RAISABLE), st.none(), st.integers(1, 1_000_000_000))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Entitlements, Entitlements, list[Somebody]]:
    """Plans before and after, and users on them, some with exceptions. Only what a user alone decides changes."""
    stored, found = draw(changed())
    changes = [one for one in found if not _of_all(one)]
    before = stored.entitlements
    plans = sorted(before.plans)
    users = [
        Somebody(draw(st.sampled_from(plans)), draw(st.lists(EXCEPTIONS, max_size=3)))
        for _ in range(draw(st.integers(0, 6)) if plans else 0)
    ]
    return before, applied(before, changes), users


def _of_all(change: Change) -> bool:
    return change.subject == "plan" and change.field is not None and change.field not in RAISABLE


def can(entitlements: Entitlements, user: Somebody) -> dict[str, float]:
    """All that a user may, by name; plans that have run out are no matter here."""
    plan = replace(entitlements.plans[user.plan_id], trial_days=None, trial_uses=None)
    lasting = replace(entitlements, plans={plan.id: plan})
    features = {one: float(check(lasting, user, one, NOW).allowed) for one in FEATURE_IDS}
    limits = {one: effective_limit(plan, user, one, NOW) for one in RAISABLE}
    return features | {one: math.inf if limit is None else limit for one, limit in limits.items()}


@given(cases())
@settings(max_examples=200)
def test_the_count_is_what_asking_everybody_gives(
    case: tuple[Entitlements, Entitlements, list[Somebody]],
) -> None:
    before, after, users = case
    asked = [(can(before, user), can(after, user)) for user in users]
    gaining = [any(new[name] > old[name] for name in old) for old, new in asked]
    losing = [any(new[name] < old[name] for name in old) for old, new in asked]
    on_plan: dict[str | None, int] = {
        plan_id: sum(user.plan_id == plan_id for user in users) for plan_id in before.plans
    }
    names = changed_features(before, after) | {
        part.name for parts in differences(before, after).values() for part in parts
    }
    people = [
        user
        for user in users
        if any(one.feature_id in names or one.limit_name in names for one in user.overrides)
    ]
    tally = Tally(before, after, on_plan, people, NOW)
    assert (tally.gain, tally.lose) == (sum(gaining), sum(losing))
    assert tally.users == sum(one or other for one, other in zip(gaining, losing, strict=True))
    for (plan_id, name), part in tally.parts.items():
        mine = [pair for user, pair in zip(users, asked, strict=True) if user.plan_id == plan_id]
        assert part.gain == sum(new[name] > old[name] for old, new in mine)
        assert part.lose == sum(new[name] < old[name] for old, new in mine)


def test_a_plan_that_nothing_happens_to_is_not_mentioned() -> None:
    empty = Matrix(0, None, "", (), ()).entitlements
    assert differences(empty, empty) == {}
