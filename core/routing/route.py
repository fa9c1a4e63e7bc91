"""What a request asks of routing, and the route that it gets: the values that all of routing speaks in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from core.entitlements.models import Tier
from core.providers.config import ProviderConfig
from core.routing.trace import Decision, Reason, Step
from core.snapshot import Offer
from core.vocabulary import Modality


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks of routing. Tokens are estimates for the prompt and the cap for the answer; `max_cost` USD.

    `own_prices` are credits per unit by model, where the user has other prices than the catalogue's.
    """

    modality: Modality = Modality.TEXT
    provider: str | None = None
    model: str | None = None
    allow_fallback: bool = True
    strategy: str = "priority"
    task_type: str | None = None
    max_cost: Decimal | None = None
    plan_id: str | None = None  # None: every model, as test runs may
    tier: Tier = Tier.PAID
    streamed: bool = False
    input_tokens: int = 0
    max_tokens: int = 2000
    preferred_provider: str | None = None
    preferred_model: str | None = None
    own_prices: Mapping[str, Decimal] = field(default_factory=lambda: NO_PRICES)


NO_PRICES: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stop:
    """One provider on the way: the model to try first, then its fallback model. `note` says what put it in its place."""

    provider: ProviderConfig
    offers: tuple[Offer, ...]
    reason: Reason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The stops in order, and the steps that say why others are not among them."""

    modality: Modality
    stops: tuple[Stop, ...]
    skipped: tuple[Step, ...] = field(default=())

    def holds(self, wish: Wish) -> tuple[int, ...]:
        """What each candidate would hold, in credits, without repeats."""
        return tuple(
            {offer.hold(wish.input_tokens, wish.max_tokens) for stop in self.stops for offer in stop.offers}
        )

    def within(self, held: int, wish: Wish) -> "Route":
        """The route without the candidates that `held` credits do not cover."""
        stops: list[Stop] = []
        skipped = list(self.skipped)
        for stop in self.stops:
            kept = tuple(o for o in stop.offers if o.hold(wish.input_tokens, wish.max_tokens) <= held)
            skipped += [
                skip(stop.provider, offer.model.id, Reason.CREDITS, "the balance does not cover its price")
                for offer in stop.offers
                if offer not in kept
            ]
            if kept:
                stops.append(replace(stop, offers=kept))
        return replace(self, stops=tuple(stops), skipped=tuple(skipped))


def skip(provider: ProviderConfig, model: str | None, reason: Reason, detail: str) -> Step:
    """The step that says why a provider, or one model of it, is not asked."""
    return Step(provider.slug, model, Decision.SKIPPED, reason, detail)
