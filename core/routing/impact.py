"""What switching off a provider, or losing a key, would mean: said before anybody does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from core.errors import InvalidRequest, NotFound
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.editing import ProviderChange
from core.snapshot import Snapshot
from core.vocabulary import Modality

NAMED_MODELS = 3


@dataclass(frozen=True, slots=True)
class Impact:
    """What is left without a provider. `only_here` are models that no other provider offers now; `carriers` are those
    that answer in its place, in order, for each modality that it has."""

    provider: ProviderConfig
    models: int
    only_here: tuple[str, ...]
    carriers: Mapping[Modality, tuple[ProviderConfig, ...]]

    def sentences(self) -> tuple[str, ...]:
        """The lines of a review."""
        models = f"{self.provider.name} offers {_counted(self.models, 'model')}"
        if self.only_here:
            named = ", ".join(self.only_here[:NAMED_MODELS])
            more = (
                f" and {len(self.only_here) - NAMED_MODELS} more"
                if len(self.only_here) > NAMED_MODELS
                else ""
            )
            models += f"; nobody else offers {named}{more}"
        lines = [f"{models}."]
        for modality, carriers in self.carriers.items():
            names = ", then ".join(one.name for one in carriers)
            lines.append(
                f"{modality.capitalize()} is carried by {names}."
                if names
                else f"Nobody is left for {modality}."
            )
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class KeyImpact:
    """What is left without a key: how many others of its provider serve now, and `without` where it is the last."""

    provider: ProviderConfig
    key: KeyConfig
    others: int
    without: Impact | None

    def sentences(self) -> tuple[str, ...]:
        """The lines of a review."""
        name = self.provider.name
        if self.without:
            last = f"This is the last usable key of {name}: without it {name} is not called."
            return (last, *self.without.sentences())
        if self.others:
            return (f"{_counted(self.others, 'other key')} of {name} will serve.",)
        if not self.provider.needs_key:
            return (f"{name} is called without a key.",)
        return (f"{name} has no usable key now, with this one or without it.",)


def impact(snapshot: Snapshot, provider_id: UUID, now: datetime | None = None) -> Impact:
    """What is left without the provider.

    Raises:
        NotFound: no such provider.
    """
    now = now or datetime.now(UTC)
    provider = _provider(snapshot, provider_id)
    elsewhere = {
        offer.model.id
        for offer in snapshot.offers
        if offer.provider.id != provider_id and offer.model.available(now) and _answers(offer.provider, now)
    }
    offered = [one.model for one in snapshot.offers_of(provider_id) if one.model.available(now)]
    return Impact(
        provider=provider,
        models=len(offered),
        only_here=tuple(sorted(model.id for model in offered if model.id not in elsewhere)),
        carriers={
            modality: _carriers(snapshot, provider_id, modality, now)
            for modality in Modality
            if modality in provider.ranks
        },
    )


def key_impact(snapshot: Snapshot, provider_id: UUID, key_id: UUID, now: datetime | None = None) -> KeyImpact:
    """What is left without one key of the provider. A provider that needs no key goes on without any.

    Raises:
        NotFound: no such provider, or no such key.
    """
    now = now or datetime.now(UTC)
    provider = _provider(snapshot, provider_id)
    key = next((one for one in provider.keys if one.id == key_id), None)
    if key is None:
        raise NotFound("There is no such key; it may have been removed meanwhile.", code="key_not_found")
    others = sum(1 for one in provider.usable_keys(now) if one.id != key_id)
    last = key.usable(now) and not others and provider.needs_key
    return KeyImpact(provider, key, others, impact(snapshot, provider_id, now) if last else None)


def require_offered(snapshot: Snapshot, provider_id: UUID, change: ProviderChange) -> None:
    """Raises `InvalidRequest` where a change names a default or fallback model that the provider does not offer so."""
    for models in (change.default_models, change.fallback_models):
        for modality, model_id in models.items():
            offer = snapshot.offer(provider_id, model_id) if model_id else None
            if model_id and (offer is None or offer.model.modality != modality):
                raise InvalidRequest(f"{model_id[:100]!r} is no {modality} model of this provider.")


def _carriers(
    snapshot: Snapshot, without: UUID, modality: Modality, now: datetime
) -> tuple[ProviderConfig, ...]:
    """Who answers a request for the modality that names nothing, in order: switched on, with a key and a model."""
    found: Sequence[ProviderConfig] = [
        one
        for one in snapshot.providers
        if one.id != without
        and modality in one.ranks
        and _answers(one, now)
        and _runs(snapshot, one, modality, now)
    ]
    return tuple(sorted(found, key=lambda one: (one.rank(modality), one.slug)))


def _answers(provider: ProviderConfig, now: datetime) -> bool:
    return provider.enabled and (not provider.needs_key or bool(provider.usable_keys(now)))


def _runs(snapshot: Snapshot, provider: ProviderConfig, modality: Modality, now: datetime) -> bool:
    models = (provider.default_models.get(modality), provider.fallback_models.get(modality))
    offers = (snapshot.offer(provider.id, model) for model in models if model)
    return any(offer is not None and offer.model.available(now) for offer in offers)


def _provider(snapshot: Snapshot, provider_id: UUID) -> ProviderConfig:
    found = next((one for one in snapshot.providers if one.id == provider_id), None)
    if found is None:
        raise NotFound("There is no such provider.", code="provider_not_found")
    return found


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
