"""The configuration that hot paths read: one immutable object per process, replaced whole when anything changes.

A request takes the snapshot once and uses it to its end: nobody reads half an update.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from core.catalogue import charging, queries
from core.catalogue.catalogue import Catalogue, Model
from core.catalogue.prices import PriceBook, ResolvedPrice, next_change
from core.catalogue.usage import Usage
from core.database import Database
from core.entitlements import service as entitlements_service
from core.entitlements.rules import Entitlements
from core.errors import DatabaseUnavailable, NotFound
from core.log import get_logger
from core.money import Credits, Usd
from core.providers import config
from core.providers.config import ProviderConfig
from core.providers.registry import KINDS
from core.providers.vault import Vault
from core.spelling import did_you_mean, nearest

log = get_logger(__name__)

LONGEST_AGE = timedelta(hours=1)
"""A snapshot is made anew at the latest after this, whatever the price table says."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as one provider offers it, with its price resolved.

    `own_price`: its credits are not the catalogue's but one person's.
    """

    provider: ProviderConfig
    model: Model
    price: ResolvedPrice
    book: PriceBook = field(repr=False, compare=False)
    own_price: bool = False

    def at(self, own_prices: Mapping[str, Decimal]) -> "Offer":
        """As somebody pays it who has prices of their own: credits per unit by model."""
        credits = own_prices.get(self.model.id)
        if credits is None:
            return self
        return replace(self, model=replace(self.model, credits=credits), own_price=True)

    @property
    def price_words(self) -> str:
        """What is to be said of the price, where it is one person's own."""
        credits = f"{self.model.credits.normalize():f}"
        return f"at this user's price of {credits} credits per {self.model.unit}" if self.own_price else ""

    def hold(self, input_tokens: int, max_tokens: int) -> Credits:
        """Credits to set aside for so many tokens at most; the answer is never longer than the model gives."""
        return charging.hold(
            self.model, input_tokens, min(max_tokens, self.model.max_output_tokens or max_tokens)
        )

    def charge(self, usage: Usage) -> Credits:
        """Credits for what was used."""
        return charging.charge(self.model, usage)

    def cost(self, usage: Usage, moment: datetime) -> Usd | None:
        """What the vendor charges, in USD; None is unpriced."""
        return self.book.cost(self.price, usage, moment)

    def estimated_cost(self, input_tokens: int, max_tokens: int, moment: datetime) -> Usd | None:
        """What a call costs in USD that uses all it may; None is unpriced."""
        return self.book.cost(self.price, _Estimate(input_tokens, max_tokens), moment)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Providers, what they offer, plans and features, and the settings that people changed."""

    taken_at: datetime
    providers: tuple[ProviderConfig, ...]
    offers: tuple[Offer, ...]
    entitlements: Entitlements
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    _offers: Mapping[tuple[UUID, str], Offer] = field(default_factory=dict, repr=False)
    _by_slug: Mapping[str, ProviderConfig] = field(default_factory=dict, repr=False)

    def offer(self, provider_id: UUID, model_id: str) -> Offer | None:
        """A provider's model, by its id."""
        return self._offers.get((provider_id, model_id))

    def offers_of(self, provider_id: UUID) -> tuple[Offer, ...]:
        """All that a provider offers."""
        return tuple(offer for offer in self.offers if offer.provider.id == provider_id)

    def provider(self, slug: str) -> ProviderConfig | None:
        """A provider by its slug."""
        return self._by_slug.get(slug)

    def known_provider(self, slug: str) -> ProviderConfig:
        """The same of a slug that somebody wrote; raises `NotFound` (`provider_not_found`), with the nearest one."""
        found = self.provider(slug)
        if found is None:
            near = nearest(slug, (provider.slug for provider in self.providers))
            raise NotFound(f"There is no provider {slug!r}.{did_you_mean(near)}", code="provider_not_found")
        return found

    @property
    def real_providers(self) -> tuple[ProviderConfig, ...]:
        """The providers that are switched on, the sandbox left out."""
        return tuple(p for p in self.providers if p.enabled and p.kind != "sandbox")

    @property
    def sandbox_only(self) -> bool:
        """Whether nothing but the sandbox would answer."""
        return not self.real_providers


class SnapshotHolder:
    """Keeps the process's snapshot up to date."""

    def __init__(self, database: Database, catalogue: Catalogue, vault: Vault) -> None:
        self._database = database
        self._catalogue = catalogue
        self._vault = vault
        self._current: Snapshot | None = None
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._expiry: asyncio.TimerHandle | None = None
        self._renewal: asyncio.Task[None] | None = None

    @property
    def current(self) -> Snapshot:
        """The snapshot of now; `rebuild` has run before."""
        assert self._current is not None, "the snapshot is built before anything is served"
        return self._current

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def on_change(self, listener: Callable[[Snapshot], None]) -> None:
        """`listener` is called with each new snapshot; it must be quick and must not raise."""
        self._listeners.append(listener)

    async def rebuild(self) -> None:
        """Reads everything anew, and replaces the snapshot in one assignment."""
        now = datetime.now(UTC)
        needs_key = {kind: provider.needs_key for kind, provider in KINDS.items()}
        providers = await config.load(self._database, self._vault, needs_key)
        async with self._database.transaction() as session:
            stored = await queries.load(session)
            entitlements = await entitlements_service.load(session)
        settings = dict(await self._database.fetch_all("select key, value from settings"))
        book = PriceBook(self._catalogue.prices, stored.prices, free_kinds=self._catalogue.free_kinds)
        offers = tuple(
            Offer(
                provider, model, book.resolve(provider.kind, model.id, now, base_url=provider.base_url), book
            )
            for provider in providers
            for model in self._catalogue.effective(provider.kind, stored.models.get(provider.id, ())).values()
        )
        self._current = Snapshot(
            taken_at=now,
            providers=providers,
            offers=offers,
            entitlements=entitlements,
            settings=MappingProxyType(settings),
            _offers=MappingProxyType({(offer.provider.id, offer.model.id): offer for offer in offers}),
            _by_slug=MappingProxyType({provider.slug: provider for provider in providers}),
        )
        for listener in self._listeners:
            listener(self._current)
        self._renew_at(next_change(offer.price for offer in offers), now)

    def stop(self) -> None:
        """No more renewals."""
        if self._expiry:
            self._expiry.cancel()
        if self._renewal:
            self._renewal.cancel()

    def _renew_at(self, change: datetime | None, now: datetime) -> None:
        """The next price change makes the snapshot stale; so does a long time."""
        if self._expiry:
            self._expiry.cancel()
        age = min(LONGEST_AGE, max(timedelta(seconds=1), change - now)) if change else LONGEST_AGE
        self._expiry = asyncio.get_running_loop().call_later(age.total_seconds(), self._renew)

    def _renew(self) -> None:
        self._renewal = asyncio.create_task(self._rebuild_quietly())

    async def _rebuild_quietly(self) -> None:
        try:
            await self.rebuild()
        except DatabaseUnavailable:
            log.warning("snapshot not renewed, the database does not answer")
            self._renew_at(None, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What a call may use at most, as the price book wants to see it."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost: Decimal | None = None
