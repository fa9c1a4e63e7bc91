"""A feature decision in process: snapshot and user at hand."""

import timeit
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from core.accounts.models import UserStatus
from core.accounts.person import ActiveOverride, Person
from core.entitlements.models import Tier
from core.entitlements.rules import Entitlements, PlanView, check
from core.ids import new_id
from core.vocabulary import Role
from tests.bench.measure import Figure

COUNT = 20_000


def measure() -> list[Figure]:
    now = datetime.now(UTC)
    features = {f"feature-{number}": f"Feature {number}" for number in range(9)}
    plan = PlanView("pro", "Pro", Tier.PREMIUM, features=frozenset(features))
    entitlements = Entitlements(MappingProxyType({"pro": plan}), MappingProxyType(features))
    person = Person(
        id=new_id(), email="a@example.com", name="", role=Role.USER, status=UserStatus.ACTIVE, status_reason=None,
        plan_id="pro", plan_expires_at=now + timedelta(days=3), trial_ends_at=None, trial_uses=None, time_zone="UTC",
        language="en", preferred_provider=None, preferred_model=None,
        overrides=(ActiveOverride("feature-3", None, True, None, now + timedelta(days=1)),),
    )  # fmt: skip

    def decide() -> object:
        return check(entitlements, person, "feature-3", now)

    each = min(timeit.repeat(decide, number=COUNT, repeat=5)) / COUNT * 1e6
    return [Figure("feature decision in process", f"{each:.2f} µs", "", "", "≤ 10 µs", "≤ 2 µs", each <= 10)]
