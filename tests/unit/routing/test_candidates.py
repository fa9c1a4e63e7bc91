"""Who may serve a request, in which order, and why the others may not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import NoProvider, NotFound
from core.routing.candidates import plan_route
from core.routing.route import Route, Wish
from core.routing.trace import Reason
from core.snapshot import Snapshot
from tests.unit.routing.samples import NOW, changed, provider, snapshot

MODELS: dict[str, dict[str, Any]] = {name: {} for name in ("big", "small", "mid", "fast", "code")}


def three(**usd: str) -> Snapshot:
    """alpha (big, then small), beta (mid), gamma (code, for code only; offers fast, too)."""
    return snapshot(
        [
            provider("alpha", 1, "big", "small"),
            provider("beta", 2, "mid"),
            provider("gamma", 3, "code", specialisations=frozenset({"code"})),
        ],
        MODELS | {"fast": {"offered_by": ("gamma",)}},
        usd,
    )


def route(taken: Snapshot, **wish: Any) -> Route:
    return plan_route(taken, Wish(**wish), NOW)


def order(found: Route) -> list[tuple[str, list[str]]]:
    return [(stop.provider.slug, [offer.model.id for offer in stop.offers]) for stop in found.stops]


def slugs(found: Route) -> list[str]:
    return [stop.provider.slug for stop in found.stops]


def skipped(found: Route) -> dict[str, str]:
    return {step.provider: step.reason.value for step in found.skipped}


def test_the_superadmins_rank_decides_and_each_brings_its_model_then_its_fallback() -> None:
    found = route(three())

    assert order(found) == [("alpha", ["big", "small"]), ("beta", ["mid"]), ("gamma", ["code"])]
    assert [stop.reason for stop in found.stops] == [Reason.FIRST_IN_ORDER, *[Reason.NEXT_IN_ORDER] * 2]


def test_a_changed_rank_changes_the_order() -> None:
    assert slugs(route(changed(three(), "gamma", ranks={"text": 0}))) == ["gamma", "alpha", "beta"]


def test_what_is_switched_off_is_no_candidate_and_no_news() -> None:
    found = route(changed(three(), "alpha", enabled=False))

    assert slugs(found) == ["beta", "gamma"]
    assert found.skipped == ()
    assert found.stops[0].reason is Reason.FIRST_IN_ORDER


# Named providers and models


def test_a_named_provider_means_only_that_one() -> None:
    found = route(three(), provider="beta", allow_fallback=False)

    assert order(found) == [("beta", ["mid"])]
    assert found.stops[0].reason is Reason.NAMED_PROVIDER
    assert skipped(found) == {"alpha": "no_fallback", "gamma": "no_fallback"}


def test_a_named_provider_with_fallback_goes_first() -> None:
    found = route(three(), provider="beta")

    assert slugs(found) == ["beta", "alpha", "gamma"]
    assert [stop.reason.value for stop in found.stops] == ["named_provider", "next_in_order", "next_in_order"]


def test_a_named_provider_that_is_switched_off_is_told_and_the_others_may_follow() -> None:
    off = changed(three(), "beta", enabled=False)

    assert slugs(route(off, provider="beta")) == ["alpha", "gamma"]
    with pytest.raises(NoProvider, match="beta: switched off"):
        route(off, provider="beta", allow_fallback=False)


def test_a_named_model_goes_to_its_own_providers_then_to_their_fallback_model_and_on() -> None:
    found = route(three(), model="fast")

    assert order(found) == [("gamma", ["fast"]), ("alpha", ["big", "small"]), ("beta", ["mid"])]
    assert found.stops[0].reason is Reason.NAMED_MODEL


def test_a_named_model_is_followed_by_the_fallback_model_of_its_own_provider() -> None:
    taken = snapshot([provider("alpha", 1, "big", "small")], MODELS | {"fast": {"offered_by": ("alpha",)}})

    assert order(route(taken, model="fast")) == [("alpha", ["fast", "small"])]
    assert order(route(taken, model="small")) == [("alpha", ["small"])]


def test_a_named_model_without_fallback_means_only_that_model() -> None:
    found = route(three(), model="big", allow_fallback=False)

    assert order(found) == [("alpha", ["big"])]
    assert skipped(found) == {"beta": "no_fallback", "gamma": "no_fallback"}


def test_a_named_provider_and_model_that_go_together_come_first_and_alone() -> None:
    found = route(three(), provider="alpha", model="small", allow_fallback=False)

    assert order(found) == [("alpha", ["small"])]


def test_a_named_provider_that_does_not_offer_the_named_model_is_told_as_such() -> None:
    with pytest.raises(NoProvider, match="alpha: does not offer fast"):
        route(three(), provider="alpha", model="fast", allow_fallback=False)


@pytest.mark.parametrize(
    ("wish", "code", "near"),
    [
        ({"provider": "aplha"}, "provider_not_found", "'alpha'"),
        ({"model": "bigg"}, "model_not_found", "'big'"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_one(wish: dict[str, str], code: str, near: str) -> None:
    with pytest.raises(NotFound) as raised:
        route(three(), **wish)

    assert raised.value.code == code
    assert f"Did you mean {near}?" in raised.value.message


# Preferences


def test_the_users_preferred_provider_and_model_come_first() -> None:
    found = route(three(), preferred_provider="gamma", preferred_model="fast")

    assert order(found)[0] == ("gamma", ["fast"])
    assert [stop.reason.value for stop in found.stops] == ["preferred", "next_in_order", "next_in_order"]


def test_a_preference_yields_to_what_the_request_names() -> None:
    found = route(three(), provider="beta", preferred_provider="gamma", preferred_model="fast")

    assert slugs(found)[0] == "beta"


def test_a_preferred_provider_that_is_gone_changes_nothing() -> None:
    assert slugs(route(three(), preferred_provider="delta")) == ["alpha", "beta", "gamma"]


# Task types


def test_a_task_goes_to_those_who_are_good_at_it_or_at_everything() -> None:
    found = route(three(), task_type="analysis")

    assert slugs(found) == ["alpha", "beta"]
    assert skipped(found) == {"gamma": "task_type"}
    assert slugs(route(three(), task_type="code")) == ["alpha", "beta", "gamma"]


def test_a_named_provider_serves_any_task_and_its_fallbacks_must_be_good_at_it() -> None:
    taken = changed(three(), "beta", specialisations=frozenset({"creative"}))

    found = route(taken, provider="gamma", task_type="analysis")

    assert slugs(found) == ["gamma", "alpha"]
    assert skipped(found) == {"beta": "task_type"}


# Plans, switches, ends, streams


def test_a_model_that_the_plan_does_not_include_is_left_out() -> None:
    models = MODELS | {"big": {"plans": frozenset({"pro"})}, "mid": {"plans": frozenset({"pro"})}}
    taken = snapshot([provider("alpha", 1, "big", "small"), provider("beta", 2, "mid")], models)

    free = route(taken, plan_id="free")
    assert order(free) == [("alpha", ["small"])]
    assert skipped(free) == {"alpha": "plan", "beta": "plan"}
    assert (
        order(route(taken, plan_id="pro"))
        == order(route(taken))
        == [
            ("alpha", ["big", "small"]),
            ("beta", ["mid"]),
        ]
    )
    with pytest.raises(NoProvider) as refused:
        route(taken, plan_id="free", model="mid", allow_fallback=False)
    assert (refused.value.code, refused.value.status) == ("model_not_in_plan", 403)


@pytest.mark.parametrize(
    ("fields", "wish", "reason"),
    [
        ({"active": False}, {}, "disabled"),
        ({"ends_at": NOW - timedelta(seconds=1)}, {}, "disabled"),
        ({"streams": False}, {"streamed": True}, "no_streaming"),
    ],
)
def test_a_model_that_cannot_serve_is_skipped_with_its_reason(
    fields: dict[str, Any], wish: dict[str, Any], reason: str
) -> None:
    taken = snapshot(
        [provider("alpha", 1, "big", "small"), provider("beta", 2, "mid")], MODELS | {"mid": fields}
    )

    found = route(taken, **wish)

    assert slugs(found) == ["alpha"]
    assert skipped(found) == {"beta": reason}


def test_without_a_default_model_a_provider_is_skipped_with_that_reason() -> None:
    taken = snapshot([provider("alpha", 1, "big"), provider("beta", 2)], MODELS)

    assert skipped(route(taken)) == {"beta": "no_model"}


def test_none_configured_says_which_variables_and_page_to_fill_in() -> None:
    for taken in (snapshot([], {}), changed(snapshot([provider("a", 1, "big")], MODELS), "a", enabled=False)):
        with pytest.raises(NoProvider) as refused:
            route(taken)
        assert (refused.value.code, refused.value.status) == ("no_provider", 503)
        for name in (
            "OPENAI_API_KEY",
            "GOOGLE_AI_API_KEY",
            "ANTHROPIC_API_KEY",
            "DEEPSEEK_API_KEY",
            "Providers",
        ):
            assert name in refused.value.message


def test_what_none_can_do_is_told_provider_by_provider() -> None:
    with pytest.raises(NoProvider) as refused:
        route(three(big="1", mid="9"), max_cost=Decimal("0.0000001"))

    assert refused.value.message.startswith("No provider fits this request: ")
    assert {cause["provider"] for cause in refused.value.details["causes"]} == {"alpha", "beta", "gamma"}
