"""Snapshots for the tests of routing: a few providers, their models, and prices in USD per million tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from core.catalogue.catalogue import Model, Unit
from core.catalogue.prices import DatedPrice, PriceBook
from core.entitlements.rules import Entitlements
from core.ids import new_id
from core.providers.config import ProviderConfig
from core.snapshot import Offer, Snapshot
from core.vocabulary import Modality

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def provider(slug: str, rank: int = 1, *models: str, **fields: Any) -> ProviderConfig:
    """A provider of text; its first model is the default, its second the fallback."""
    chosen: dict[str, Any] = {
        "default_models": {Modality.TEXT: models[0]} if models else {},
        "fallback_models": {Modality.TEXT: models[1]} if len(models) > 1 else {},
        "ranks": {Modality.TEXT: rank},
        "specialisations": frozenset({"general"}),
    }
    return ProviderConfig(new_id(), slug, slug.title(), f"test-{slug}", **(chosen | fields))


def model(kind: str, model_id: str, **fields: Any) -> Model:
    values: dict[str, Any] = {"modality": Modality.TEXT, "credits": Decimal(1), "unit": Unit.TOKENS} | fields
    return Model(kind, model_id, display_name=model_id, **values)


def snapshot(
    providers: Iterable[ProviderConfig],
    models: Mapping[str, Mapping[str, Any]],
    usd: Mapping[str, str] | None = None,
) -> Snapshot:
    """`models`: by id, the fields that differ; each is offered by every provider that names it as default, fallback or
    in `offered_by`. `usd`: by model id; what is not there is unpriced."""
    chosen = tuple(providers)
    prices = [
        DatedPrice(one.kind, model_id, unit, Decimal(price), LONG_AGO)
        for one in chosen
        for model_id, price in (usd or {}).items()
        for unit in ("input", "output")
    ]
    book = PriceBook(prices)
    offers = [
        Offer(one, built, book.resolve(one.kind, model_id, NOW), book)
        for one in chosen
        for model_id, fields in models.items()
        if model_id in named_by(one) or one.slug in fields.get("offered_by", ())
        for built in [model(one.kind, model_id, **{k: v for k, v in fields.items() if k != "offered_by"})]
    ]
    return Snapshot(
        taken_at=NOW,
        providers=chosen,
        offers=tuple(offers),
        entitlements=Entitlements({}, {}),
        _offers=MappingProxyType({(offer.provider.id, offer.model.id): offer for offer in offers}),
        _by_slug=MappingProxyType({one.slug: one for one in chosen}),
    )


def named_by(one: ProviderConfig) -> set[str]:
    return {*one.default_models.values(), *one.fallback_models.values()}


def changed(taken: Snapshot, slug: str, **fields: Any) -> Snapshot:
    """The snapshot with one provider changed."""
    new = {one.id: replace(one, **fields) if one.slug == slug else one for one in taken.providers}
    offers = tuple(replace(offer, provider=new[offer.provider.id]) for offer in taken.offers)
    return replace(
        taken,
        providers=tuple(new.values()),
        offers=offers,
        _offers=MappingProxyType({(offer.provider.id, offer.model.id): offer for offer in offers}),
        _by_slug=MappingProxyType({one.slug: one for one in new.values()}),
    )
