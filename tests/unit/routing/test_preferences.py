"""What one user prefers, and pays: honoured where plan and health allow, by nobody else's leave and for nobody else."""

from decimal import Decimal
from typing import Any

import pytest

from core.providers.base import Usage
from core.routing.candidates import plan_route
from core.routing.route import Route, Wish
from core.routing.trace import Reason
from core.snapshot import Snapshot
from tests.unit.routing.samples import NOW, provider, snapshot


def two(**fields: dict[str, Any]) -> Snapshot:
    """alpha (big, then small) and beta (mid, then tiny); both offer fine."""
    models: dict[str, dict[str, Any]] = {
        name: fields.get(name, {}) for name in ("big", "small", "mid", "tiny")
    }
    return snapshot(
        [provider("alpha", 1, "big", "small"), provider("beta", 2, "mid", "tiny")],
        models | {"fine": {"offered_by": ("alpha", "beta"), **fields.get("fine", {})}},
    )


def route(taken: Snapshot, **wish: Any) -> Route:
    return plan_route(taken, Wish(**wish), NOW)


def order(found: Route) -> list[tuple[str, list[str]]]:
    return [(stop.provider.slug, [offer.model.id for offer in stop.offers]) for stop in found.stops]


def test_a_preferred_model_alone_is_asked_of_all_who_offer_it() -> None:
    found = route(two(), preferred_model="fine")

    assert order(found) == [("alpha", ["fine", "small"]), ("beta", ["fine", "tiny"])]
    assert found.stops[0].reason is Reason.PREFERRED


def test_a_preferred_model_that_only_a_later_provider_offers_brings_that_one_first() -> None:
    found = route(two(), preferred_model="tiny")

    assert order(found) == [("beta", ["tiny"]), ("alpha", ["big", "small"])]
    assert [stop.reason for stop in found.stops] == [Reason.PREFERRED, Reason.NEXT_IN_ORDER]


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], Reason]] = {
    "not on the plan": ({"plans": frozenset({"pro"})}, {"plan_id": "free"}, Reason.PLAN),
    "switched off": ({"active": False}, {}, Reason.DISABLED),
    "ended": ({"ends_at": NOW}, {}, Reason.DISABLED),
    "not for streams": ({"streams": False}, {"streamed": True}, Reason.NO_STREAMING),
}


@pytest.mark.parametrize("why", list(REFUSALS))
def test_a_preferred_model_that_may_not_serve_makes_way_for_the_providers_default(why: str) -> None:
    model, wish, reason = REFUSALS[why]
    found = route(two(fine=model), preferred_provider="alpha", preferred_model="fine", **wish)

    assert order(found) == [("alpha", ["big", "small"]), ("beta", ["mid", "tiny"])]
    assert found.stops[0].reason is Reason.PREFERRED
    (step,) = found.skipped
    assert (step.model, step.reason) == ("fine", reason)
    assert step.detail.startswith("the user's preferred model: ")


@pytest.mark.parametrize("named", [{"model": "mid"}, {"provider": "beta"}])
def test_what_a_request_names_goes_before_what_its_user_prefers(named: dict[str, str]) -> None:
    found = route(two(), preferred_model="fine", **named)

    assert found.stops[0].provider.slug == "beta"
    assert found.stops[0].offers[0].model.id == "mid"


def test_a_model_of_another_provider_than_the_preferred_one_is_not_preferred() -> None:
    found = route(two(), preferred_provider="alpha", preferred_model="tiny")

    assert order(found)[0] == ("alpha", ["big", "small"])


def test_a_preference_holds_under_any_strategy() -> None:
    for strategy in ("priority", "cost", "score", "tier"):
        assert order(route(two(), preferred_model="tiny", strategy=strategy))[0] == ("beta", ["tiny"])


def test_a_price_of_ones_own_is_held_and_charged_for_that_model_alone() -> None:
    wish: dict[str, Any] = {"input_tokens": 1_000, "max_tokens": 1_000}
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    usual, own = route(two(), **wish), route(two(), own_prices={"big": Decimal("2.5")}, **wish)

    def prices(found: Route) -> dict[str, tuple[int, int]]:
        return {
            offer.model.id: (offer.hold(1_000, 1_000), offer.charge(usage))
            for stop in found.stops
            for offer in stop.offers
        }

    assert prices(usual) == dict.fromkeys(("big", "small", "mid", "tiny"), (2, 2))
    assert prices(own) == prices(usual) | {"big": (5, 5)}
    said = {offer.model.id: offer.price_words for stop in own.stops for offer in stop.offers}
    assert said["big"] == "at this user's price of 2.5 credits per 1k tokens"
    assert set(said.values()) == {"", said["big"]}
    assert max(own.holds(Wish(**wish))) == 5


def test_a_price_of_nothing_holds_nothing() -> None:
    found = route(two(), own_prices={"big": Decimal(0)}, model="big", allow_fallback=False)

    assert found.holds(Wish()) == (0,)
