"""The strategy "tier": images by the families of the plan's tier, everything else by rank."""

from decimal import Decimal
from typing import Any

import pytest

from core.catalogue.catalogue import Unit
from core.entitlements.models import Tier
from core.providers.config import ProviderConfig
from core.routing.candidates import plan_route
from core.routing.route import Route, Wish
from core.snapshot import Snapshot
from core.vocabulary import STRATEGIES, Modality
from tests.unit.routing.samples import NOW, provider, snapshot

IMAGE: dict[str, Any] = {"modality": Modality.IMAGE, "unit": Unit.IMAGE, "credits": Decimal(5)}
FLUX, SDXL = "black-forest-labs/flux-schnell", "stability-ai/sdxl"


def painter(slug: str, rank: int, default: str, fallback: str | None = None) -> ProviderConfig:
    return provider(
        slug,
        ranks={Modality.IMAGE: rank},
        default_models={Modality.IMAGE: default},
        fallback_models={Modality.IMAGE: fallback} if fallback else {},
    )


def painters(**changed: dict[str, Any]) -> Snapshot:
    """By rank: openai, gemini, replicate (SDXL by default, FLUX as well)."""
    return snapshot(
        [
            painter("openai", 1, "gpt-image"),
            painter("gemini", 2, "gemini-3-pro-image", "gemini-3.1-flash-image"),
            painter("replicate", 3, SDXL),
        ],
        {
            "gpt-image": IMAGE,
            "gemini-3-pro-image": IMAGE,
            "gemini-3.1-flash-image": IMAGE,
            SDXL: IMAGE | changed.get("sdxl", {}),
            FLUX: IMAGE | {"offered_by": ("replicate",)} | changed.get("flux", {}),
        },
    )


def route(taken: Snapshot, **wish: Any) -> Route:
    return plan_route(taken, Wish(modality=Modality.IMAGE, strategy="tier", **wish), NOW)


def order(found: Route) -> list[tuple[str, list[str]]]:
    return [(stop.provider.slug, [offer.model.id for offer in stop.offers]) for stop in found.stops]


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (
            Tier.FREE,
            [
                ("replicate", [FLUX, SDXL]),
                ("openai", ["gpt-image"]),
                ("gemini", ["gemini-3-pro-image", "gemini-3.1-flash-image"]),
            ],
        ),
        (
            Tier.PAID,
            [("replicate", [SDXL]), ("gemini", ["gemini-3-pro-image"]), ("openai", ["gpt-image"])],
        ),
        (
            Tier.PREMIUM,
            [("gemini", ["gemini-3-pro-image"]), ("replicate", [SDXL]), ("openai", ["gpt-image"])],
        ),
    ],
)
def test_each_tier_has_its_families_and_the_others_are_the_last_resort(
    tier: Tier, expected: list[tuple[str, list[str]]]
) -> None:
    assert order(route(painters(), tier=tier)) == expected


def test_a_family_that_is_switched_off_gives_way_to_the_next() -> None:
    found = route(painters(flux={"active": False}), tier=Tier.FREE)

    assert order(found)[0] == ("replicate", [SDXL])


def test_a_family_that_the_plan_excludes_is_told_and_the_next_serves() -> None:
    found = route(painters(flux={"plans": frozenset({"pro"})}), tier=Tier.FREE, plan_id="free")

    assert order(found)[0] == ("replicate", [SDXL])


def test_a_named_model_or_provider_still_goes_first() -> None:
    assert order(route(painters(), tier=Tier.FREE, model="gpt-image"))[0] == ("openai", ["gpt-image"])
    assert order(route(painters(), tier=Tier.FREE, provider="gemini"))[0][0] == "gemini"


def test_where_there_is_no_table_tier_is_the_same_as_priority() -> None:
    taken = snapshot(
        [provider("alpha", 2, "flux-text", "sdxl-text"), provider("beta", 1, "gemini-text")],
        {"flux-text": {}, "sdxl-text": {}, "gemini-text": {}},
    )
    by_tier, by_rank = (
        plan_route(taken, Wish(strategy=strategy, tier=Tier.FREE), NOW) for strategy in ("tier", "priority")
    )

    assert (
        order(by_tier) == order(by_rank) == [("beta", ["gemini-text"]), ("alpha", ["flux-text", "sdxl-text"])]
    )


def test_it_is_among_the_strategies_that_a_request_or_a_plan_may_choose() -> None:
    assert STRATEGIES == ("priority", "cost", "score", "tier")
