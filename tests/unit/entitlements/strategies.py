"""Plans, features and change sets of all kinds, for properties that hold for every one of them."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from core.entitlements.changes import (
    Change,
    cell,
    feature_property,
    new_feature,
    new_plan,
    plan_property,
)
from core.entitlements.matrix import Matrix
from core.entitlements.models import Tier
from core.entitlements.rules import FeatureView, PlanView
from core.vocabulary import STRATEGIES, Modality

IDS = ("alpha", "beta-2", "gamma", "delta", "a1")
FEATURE_IDS = ("voice-over", "stock.media", "x_ray", "chat", "token")
WORDS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20
) | st.sampled_from(('say "hi"', "none", "# no comment", "a\\b", "[plans.free]", "'''"))
LIMIT = st.none() | st.integers(0, 1_000_000_000)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "tier": st.sampled_from(Tier),
    "rank": st.integers(0, 10_000),
    "daily_generations": LIMIT,
    "monthly_credits": st.integers(0, 1_000_000_000),
    "monthly_ceiling": LIMIT,
    "daily_credits": st.integers(0, 1_000_000_000),
    "trial_days": st.none() | st.integers(1, 3_650),
    "trial_uses": st.none() | st.integers(1, 1_000_000_000),
    "max_projects": LIMIT,
    "modalities": st.sets(st.sampled_from([str(one) for one in Modality]), min_size=1).map(
        lambda chosen: tuple(sorted(chosen))
    ),
    "watermark": st.booleans(),
    "routing_strategy": st.sampled_from(STRATEGIES),
    "retired": st.booleans(),
}


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    """Some plans and features; names differ by their number."""
    features = [
        FeatureView(one, f"{number} {draw(WORDS)}", draw(WORDS), draw(st.booleans()))
        for number, one in enumerate(draw(st.sets(st.sampled_from(FEATURE_IDS))))
    ]
    ids = [feature.id for feature in features]
    plans: list[PlanView] = []
    for number, one in enumerate(draw(st.sets(st.sampled_from(IDS)))):
        values = {name: draw(strategy) for name, strategy in VALUES.items()}
        values["modalities"] = frozenset(values["modalities"])
        on_plan = frozenset(draw(st.sets(st.sampled_from(ids)))) if ids else frozenset[str]()
        plans.append(PlanView(id=one, display_name=f"{number} {draw(WORDS)}", features=on_plan, **values))
    plans.sort(key=lambda plan: (plan.rank, plan.id))
    features.sort(key=lambda feature: feature.id)
    return Matrix(
        draw(st.integers(0, 99)), datetime(2026, 11, 21, tzinfo=UTC), "mira", tuple(plans), tuple(features)
    )


@st.composite
def changed(draw: st.DrawFn) -> tuple[Matrix, list[Change]]:
    """A matrix and a change set that it takes: everything in it may change, and what is missing may be added."""
    stored = draw(matrices())
    found: list[Change] = []
    plans, features = {one.id: one for one in stored.plans}, {one.id: one for one in stored.features}
    for feature_id in FEATURE_IDS:
        if feature_id not in features and draw(st.booleans()):
            found.append(new_feature(feature_id, f"new {feature_id}", draw(st.just("") | WORDS)))
        elif feature_id in features and draw(st.booleans()):
            feature = features[feature_id]
            found.append(feature_property(feature, "retired", not feature.retired))
    known = sorted({*features, *(one.feature_id or "" for one in found)})
    for plan_id in IDS:
        if plan_id not in plans:
            if draw(st.booleans()):
                values = {name: draw(strategy) for name, strategy in VALUES.items()}
                on_plan = draw(st.sets(st.sampled_from(known))) if known else set[str]()
                found.append(new_plan(plan_id, display_name=f"new {plan_id}", features=on_plan, **values))
            continue
        plan = plans[plan_id]
        for name, strategy in VALUES.items():
            change = plan_property(plan, name, draw(strategy))
            if change.before != change.after and draw(st.booleans()):
                found.append(change)
        for feature_id in known:
            if draw(st.booleans()):
                found.append(cell(plan_id, feature_id, feature_id not in plan.features))
    return stored, draw(st.permutations(found))
