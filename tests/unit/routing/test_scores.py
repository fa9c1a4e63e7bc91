"""The strategy "score": moving averages, weights by tier, and figures that can be followed by hand."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entitlements.models import Tier
from core.routing.candidates import plan_route
from core.routing.route import Route, Wish
from core.routing.scores import WEIGHTS, Candidate, Score, Scores, Track, Weights, rate
from core.snapshot import Snapshot
from tests.unit.routing.samples import NOW, provider, snapshot

candidates = st.builds(
    Candidate,
    cost=st.none() | st.decimals(0, 10, places=6),
    quality=st.floats(0, 1),
    latency=st.floats(0.001, 600),
    success=st.floats(0, 1),
)


def candidate(
    cost: str | None = "1", quality: float = 0.7, latency: float = 15, success: float = 0.9
) -> Candidate:
    return Candidate(None if cost is None else Decimal(cost), quality, latency, success)


def test_what_was_never_called_has_the_start_values() -> None:
    assert Scores().track(provider("alpha").id, "big") == Track(success=0.9, latency=15.0)


def test_success_keeps_nine_tenths_and_latency_eight_of_what_was() -> None:
    after = Track(0.9, 15.0).after(5.0)

    assert after.success == pytest.approx(0.91)
    assert after.latency == pytest.approx(13.0)


def test_a_failure_says_nothing_of_how_long_an_answer_takes() -> None:
    after = Track(0.9, 15.0).after(None)

    assert after.success == pytest.approx(0.81)
    assert after.latency == 15.0


def test_the_weights_follow_the_tier() -> None:
    assert WEIGHTS[Tier.FREE] == Weights(cost=0.7, quality=0.3, speed=0.2, reliability=0.4)
    assert WEIGHTS[Tier.PAID] == Weights(cost=0.3, quality=0.3, speed=0.2, reliability=0.4)
    assert WEIGHTS[Tier.PREMIUM] == Weights(cost=0.3, quality=0.7, speed=0.2, reliability=0.4)


def test_the_parts_are_relative_to_the_cheapest_and_the_quickest() -> None:
    cheap, dear = rate([candidate("1", latency=20), candidate("4", latency=5)], Weights())

    assert (cheap.cost, cheap.speed) == (1.0, 0.25)
    assert (dear.cost, dear.speed) == (0.25, 1.0)
    assert cheap.total == pytest.approx((0.3 * 1 + 0.3 * 0.7 + 0.2 * 0.25 + 0.4 * 0.9) / 1.2)


def test_the_unpriced_counts_as_the_dearest_and_the_free_as_the_cheapest() -> None:
    unknown, cheap, dear = rate([candidate(None), candidate("1"), candidate("5")], Weights())
    assert unknown.cost == dear.cost == 0.2
    assert cheap.cost == 1.0
    free, priced = rate([candidate("0"), candidate("1")], Weights())
    assert (free.cost, priced.cost) == (1.0, 0.0)
    assert [score.cost for score in rate([candidate(None), candidate(None)], Weights())] == [1.0, 1.0]


def test_nobody_has_no_score() -> None:
    assert rate([], Weights()) == []


@given(st.lists(candidates, min_size=1, max_size=6), st.sampled_from(list(Tier)))
def test_every_figure_lies_between_0_and_1_and_somebody_is_cheapest_and_quickest(
    several: list[Candidate], tier: Tier
) -> None:
    scores = rate(several, WEIGHTS[tier])

    for score in scores:
        for part in (score.total, score.cost, score.quality, score.speed, score.reliability):
            assert 0 <= part <= 1.000001
    assert max(score.speed for score in scores) == 1.0
    assert max(score.cost for score in scores) == 1.0


@given(candidates, candidates, st.sampled_from(list(Tier)))
def test_who_is_better_in_one_part_and_worse_in_none_has_the_better_total(
    one: Candidate, other: Candidate, tier: Tier
) -> None:
    first, second = rate([one, other], WEIGHTS[tier])

    def parts(score: Score) -> tuple[float, ...]:
        return score.cost, score.quality, score.speed, score.reliability

    if all(a >= b for a, b in zip(parts(first), parts(second), strict=True)):
        assert first.total >= second.total - 1e-9


# In the route


def three(usd: dict[str, str] | None = None, **quality: float) -> Snapshot:
    names = ("big", "mid", "small")
    return snapshot(
        [provider("alpha", 1, "big"), provider("beta", 2, "mid"), provider("gamma", 3, "small")],
        {name: {"quality": quality.get(name, 0.7)} for name in names},
        {"big": "8", "mid": "4", "small": "1"} if usd is None else usd,
    )


def route(taken: Snapshot, scores: Scores | None = None, **wish: Any) -> Route:
    return plan_route(taken, Wish(strategy="score", input_tokens=500, max_tokens=500, **wish), NOW, scores)


def slugs(found: Route) -> list[str]:
    return [stop.provider.slug for stop in found.stops]


def test_the_best_score_goes_first_and_says_its_parts() -> None:
    found = route(three())

    assert slugs(found) == ["gamma", "beta", "alpha"]
    assert found.stops[0].note == "score 0.89: cost 1.00, quality 0.70, speed 1.00, reliability 0.90"


def test_equal_scores_stay_in_the_order_of_their_rank() -> None:
    assert slugs(route(three({}))) == ["alpha", "beta", "gamma"]


def test_the_free_tier_looks_at_the_price_and_the_premium_tier_at_the_quality() -> None:
    taken = three({"big": "2", "mid": "2", "small": "1"}, big=0.97, mid=0.7, small=0.5)

    assert slugs(route(taken, tier=Tier.FREE))[0] == "gamma"
    assert slugs(route(taken, tier=Tier.PREMIUM))[0] == "alpha"


def test_who_failed_of_late_or_is_slow_falls_behind() -> None:
    taken = three({})
    alpha, beta, _ = taken.providers
    scores = Scores()
    for _ in range(10):
        scores.learn(alpha.id, "big", None)
        scores.learn(beta.id, "mid", 60.0)

    assert slugs(route(taken, scores)) == ["gamma", "beta", "alpha"]


def test_a_named_provider_still_goes_first() -> None:
    assert slugs(route(three(), provider="alpha")) == ["alpha", "gamma", "beta"]


def test_only_those_who_may_serve_are_compared() -> None:
    found = route(three(), max_cost=Decimal("0.005"))

    assert slugs(found) == ["gamma", "beta"]
    assert "cost 0.25" in found.stops[1].note


def test_a_page_gets_the_parts_of_the_offers_that_compete() -> None:
    taken = three()

    dear, _, cheap = Scores().parts(taken.offers, tier=Tier.PAID, now=NOW)

    assert (dear.cost, cheap.cost) == (0.125, 1.0)
    assert cheap.total > dear.total
