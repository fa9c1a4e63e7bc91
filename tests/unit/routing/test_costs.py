"""What a request may cost, which provider is the cheapest, and what a balance can carry."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.routing.candidates import plan_route
from core.routing.route import Route, Wish
from core.routing.trace import Reason
from core.snapshot import Snapshot
from tests.unit.routing.samples import NOW, provider, snapshot

TOKENS: dict[str, Any] = {"input_tokens": 500, "max_tokens": 500}  # at 1 USD per million: 0.001 USD


def taken(**usd: str) -> Snapshot:
    return snapshot(
        [provider("alpha", 1, "big", "small"), provider("beta", 2, "mid"), provider("gamma", 3, "code")],
        {
            "big": {"credits": Decimal(8)},
            "small": {"credits": Decimal(1)},
            "mid": {"credits": Decimal(3)},
            "code": {"credits": Decimal(3), "max_output_tokens": 100},
        },
        usd,
    )


PRICED = taken(big="10", small="0.2", mid="1", code="3")


def route(snap: Snapshot, **wish: Any) -> Route:
    return plan_route(snap, Wish(**(TOKENS | wish)), NOW)


def slugs(found: Route) -> list[str]:
    return [stop.provider.slug for stop in found.stops]


def test_a_cost_limit_leaves_out_what_may_cost_more() -> None:
    found = route(PRICED, max_cost=Decimal("0.002"))

    assert [(s.provider.slug, [o.model.id for o in s.offers]) for s in found.stops] == [
        ("alpha", ["small"]),
        ("beta", ["mid"]),
    ]
    assert [(step.model, step.detail) for step in found.skipped] == [
        ("big", "may cost $0.01, above the limit of $0.002"),
        ("code", "may cost $0.003, above the limit of $0.002"),
    ]


def test_a_cost_limit_is_kept_to_the_last_decimal() -> None:
    assert "beta" in slugs(route(PRICED, max_cost=Decimal("0.001")))
    assert "beta" not in slugs(route(PRICED, max_cost=Decimal("0.000999999")))


def test_what_has_no_price_cannot_promise_a_cost() -> None:
    found = route(taken(big="10", small="0.2", code="3"), max_cost=Decimal(5))

    assert slugs(found) == ["alpha", "gamma"]
    (step,) = found.skipped
    assert (step.provider, step.reason) == ("beta", Reason.MAX_COST)
    assert "has no price" in step.detail


def test_by_strategy_cost_the_cheapest_comes_first_and_the_unpriced_last() -> None:
    assert slugs(route(PRICED, strategy="cost")) == ["beta", "gamma", "alpha"]
    assert slugs(route(taken(big="10", code="3"), strategy="cost")) == ["gamma", "alpha", "beta"]


def test_by_strategy_cost_a_named_provider_still_goes_first() -> None:
    assert slugs(route(PRICED, strategy="cost", provider="alpha")) == ["alpha", "beta", "gamma"]


def test_each_candidate_holds_its_own_price_for_all_it_may_use() -> None:
    # 1,000 tokens; code gives 100 at most, so 600.
    assert sorted(route(PRICED).holds(Wish(**TOKENS))) == [1, 2, 3, 8]


@given(st.integers(0, 10), st.integers(0, 5_000), st.integers(1, 5_000))
def test_within_a_hold_only_candidates_that_it_covers_are_left_and_the_others_are_told(
    held: int, input_tokens: int, max_tokens: int
) -> None:
    wish = Wish(input_tokens=input_tokens, max_tokens=max_tokens)
    whole = plan_route(PRICED, wish, NOW)

    kept = whole.within(held, wish)

    left = {offer.model.id for stop in kept.stops for offer in stop.offers}
    told = {step.model for step in kept.skipped if step.reason is Reason.CREDITS}
    for stop in whole.stops:
        for offer in stop.offers:
            covered = offer.hold(input_tokens, max_tokens) <= held
            assert (offer.model.id in left) is covered
            assert (offer.model.id in told) is not covered
    assert all(stop.offers for stop in kept.stops)


def test_a_hold_that_covers_all_changes_nothing() -> None:
    wish = Wish(**TOKENS)
    whole = plan_route(PRICED, wish, NOW)

    assert whole.within(max(whole.holds(wish)), wish) == whole
