"""The strategy "tier": for some modalities a table says which families of models a plan's tier is served with.

The last resort is any other provider of the modality, by rank. Where there is no table, tier is the same as priority.
"""

from collections.abc import Mapping

from core.entitlements.models import Tier
from core.providers.config import ProviderConfig
from core.snapshot import Offer, Snapshot
from core.vocabulary import Modality

FLUX, SDXL, GEMINI = "flux", "sdxl", "gemini"
"""Families, by what their models' ids contain at every vendor."""

TIERS: Mapping[Modality, Mapping[Tier, tuple[str, ...]]] = {
    Modality.IMAGE: {
        Tier.FREE: (FLUX, SDXL),
        Tier.PAID: (SDXL, GEMINI),
        Tier.PREMIUM: (GEMINI, SDXL),
    }
}


def of_tier(snapshot: Snapshot, provider: ProviderConfig, modality: Modality, tier: Tier) -> list[Offer]:
    """What a provider offers of the tier's families: one model of each, in the table's order.

    Of several models of a family, the provider's default comes first, then its fallback model, then any other.
    """

    def rank(offer: Offer) -> int:
        if offer.model.id == provider.default_models.get(modality):
            return 0
        return 1 if offer.model.id == provider.fallback_models.get(modality) else 2

    found = (_members(snapshot, provider, modality, family) for family in _families(modality, tier))
    return [min(members, key=rank) for members in found if members]


def best_place(snapshot: Snapshot, provider: ProviderConfig, modality: Modality, tier: Tier) -> int:
    """Where in the tier's table the provider's best family stands; behind all of it where it offers none."""
    families = _families(modality, tier)
    for place, family in enumerate(families):
        if _members(snapshot, provider, modality, family):
            return place
    return len(families)


def _families(modality: Modality, tier: Tier) -> tuple[str, ...]:
    return TIERS.get(modality, {}).get(tier, ())


def _members(snapshot: Snapshot, provider: ProviderConfig, modality: Modality, family: str) -> list[Offer]:
    """The provider's models of a family that are switched on."""
    return [
        offer
        for offer in snapshot.offers_of(provider.id)
        if offer.model.modality == modality and offer.model.active and family in offer.model.id.lower()
    ]
