"""Who may serve a request, in which order, and why the others may not: pure decisions over one snapshot.

What changes from one moment to the next (breakers, keys, limits) is asked when a candidate's turn comes; here stands
what holds for the whole request.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.errors import NoProvider, NotFound
from core.providers.config import ProviderConfig
from core.routing.route import Route, Stop, Wish, skip
from core.routing.scores import Scores
from core.routing.tiers import best_place, of_tier
from core.routing.trace import Reason, Step
from core.snapshot import Offer, Snapshot
from core.spelling import did_you_mean, nearest

GENERAL = "general"
"""A provider with this specialisation passes every task filter."""


def plan_route(snapshot: Snapshot, wish: Wish, now: datetime, scores: Scores | None = None) -> Route:
    """The route for a wish.

    A named provider means only that one, unless fallback is allowed; a named model means its providers first and then,
    with fallback, those providers' fallback models and the rest of the order.

    Args:
        scores: this process's experience, for the strategy "score"; without it, all have the start values.

    Raises:
        NotFound: `provider_not_found` or `model_not_found`, with the nearest name.
        NoProvider: nothing is configured, enabled or capable; the steps are among the details.
    """
    named = snapshot.known_provider(wish.provider) if wish.provider is not None else None
    if wish.model is not None:
        _known_model(snapshot, wish)
    stops: list[Stop] = []
    skipped: list[Step] = []
    for provider in _in_order(snapshot, wish, now):
        if not provider.enabled and provider is not named:
            continue  # switched off is no candidate, and no news in every trace
        stop, why_not = _stop(snapshot, provider, wish, named, now)
        if stop:
            stops.append(stop)
        if why_not:
            skipped.append(why_not)
    if wish.strategy == "score":
        stops = _by_score(stops, wish, now, scores or Scores())
    stops = _reordered(stops, wish, named)
    if not stops:
        raise _no_provider(snapshot, wish, skipped)
    return Route(wish.modality, tuple(stops), tuple(skipped))


def _stop(
    snapshot: Snapshot, provider: ProviderConfig, wish: Wish, named: ProviderConfig | None, now: datetime
) -> tuple[Stop | None, Step | None]:
    """The provider as a stop, or the step that says why it is none."""

    def no(reason: Reason, detail: str, model: str | None = None) -> tuple[None, Step]:
        return None, skip(provider, model, reason, detail)

    if not provider.enabled:
        return no(Reason.DISABLED, "switched off")
    if named and provider is not named and not wish.allow_fallback:
        return no(Reason.NO_FALLBACK, "the caller allowed no fallback")
    offers_named = bool(wish.model) and snapshot.offer(provider.id, wish.model or "") is not None
    if wish.model and not offers_named and not wish.allow_fallback:
        if provider is named:
            return no(Reason.NO_MODEL, f"does not offer {wish.model}")
        return no(Reason.NO_FALLBACK, "the caller allowed no fallback")
    if wish.task_type and provider is not named and not {GENERAL, wish.task_type} & provider.specialisations:
        return no(Reason.TASK_TYPE, f"not specialised in {wish.task_type}")
    chosen = _models(snapshot, provider, wish, named, now)
    if not chosen:
        return no(Reason.NO_MODEL, f"has no default model for {wish.modality}")
    kept: list[Offer] = []
    why_not = _why_not_preferred(snapshot, provider, wish, named, now)
    for offer in chosen:
        reason = _refusal(offer, wish, now)
        if reason:
            why_not = skip(provider, offer.model.id, *reason)
        else:
            kept.append(offer.at(wish.own_prices))
    if not kept:
        return None, why_not
    if offers_named:
        first = Reason.NAMED_MODEL
    elif provider is named:
        first = Reason.NAMED_PROVIDER
    else:
        first = Reason.NEXT_IN_ORDER
    return Stop(provider, tuple(kept), first), why_not


def _models(
    snapshot: Snapshot, provider: ProviderConfig, wish: Wish, named: ProviderConfig | None, now: datetime
) -> list[Offer]:
    """The model that this provider would run, then its fallback model."""
    wanted: list[str | None] = []
    if wish.model and snapshot.offer(provider.id, wish.model):
        wanted.append(wish.model)
    elif (preferred := _preferred(snapshot, provider, wish, named)) and not _refusal(preferred, wish, now):
        wanted.append(preferred.model.id)
    elif wish.strategy == "tier" and (offers := of_tier(snapshot, provider, wish.modality, wish.tier)):
        return offers
    else:
        wanted.append(provider.default_models.get(wish.modality))
    if wish.allow_fallback or wish.model is None:
        wanted.append(provider.fallback_models.get(wish.modality))
    offers: list[Offer] = []
    for model_id in wanted:
        offer = snapshot.offer(provider.id, model_id) if model_id else None
        if offer and offer.model.modality == wish.modality and offer not in offers:
            offers.append(offer)
    return offers


def _preferred(
    snapshot: Snapshot, provider: ProviderConfig, wish: Wish, named: ProviderConfig | None
) -> Offer | None:
    """The user's preferred model, where this provider has it and is not another than the preferred one."""
    if named or wish.model or not wish.preferred_model:
        return None
    if wish.preferred_provider not in (None, provider.slug):
        return None
    offer = snapshot.offer(provider.id, wish.preferred_model)
    return offer if offer and offer.model.modality == wish.modality else None


def _why_not_preferred(
    snapshot: Snapshot, provider: ProviderConfig, wish: Wish, named: ProviderConfig | None, now: datetime
) -> Step | None:
    """The step that says why the user's preference makes way for the provider's default model."""
    preferred = _preferred(snapshot, provider, wish, named)
    refused = preferred and _refusal(preferred, wish, now)
    if not preferred or not refused:
        return None
    return skip(provider, preferred.model.id, refused[0], f"the user's preferred model: {refused[1]}")


def _refusal(offer: Offer, wish: Wish, now: datetime) -> tuple[Reason, str] | None:
    model = offer.model
    if not model.available(now):
        return Reason.DISABLED, "the model is switched off or has ended"
    if wish.streamed and not model.streams:
        return Reason.NO_STREAMING, "the model does not stream"
    if wish.plan_id is not None and not model.allows(wish.plan_id):
        return Reason.PLAN, f"not part of plan {wish.plan_id}"
    if wish.max_cost is not None:
        estimate = offer.estimated_cost(wish.input_tokens, wish.max_tokens, now)
        if estimate is None:
            return Reason.MAX_COST, "has no price, so its cost cannot be promised"
        if estimate > wish.max_cost:
            return (
                Reason.MAX_COST,
                f"may cost ${estimate.normalize():f}, above the limit of ${wish.max_cost.normalize():f}",
            )
    return None


def _in_order(snapshot: Snapshot, wish: Wish, now: datetime) -> list[ProviderConfig]:
    """All providers that know the modality: by rank, the cheapest first, or as the tier's table says."""
    providers = sorted(
        (p for p in snapshot.providers if wish.modality in p.ranks),
        key=lambda p: (p.rank(wish.modality), p.slug),
    )
    if wish.strategy == "cost":
        return sorted(providers, key=lambda provider: _cheapest(snapshot, provider, wish, now))
    if wish.strategy == "tier":
        return sorted(
            providers, key=lambda provider: best_place(snapshot, provider, wish.modality, wish.tier)
        )
    return providers


def _cheapest(
    snapshot: Snapshot, provider: ProviderConfig, wish: Wish, now: datetime
) -> tuple[bool, Decimal]:
    """The estimated cost of the provider's model; unpriced ones come last."""
    offers = _models(snapshot, provider, wish, None, now)
    cost = offers[0].estimated_cost(wish.input_tokens, wish.max_tokens, now) if offers else None
    return cost is None, cost or Decimal(0)


def _by_score(stops: list[Stop], wish: Wish, now: datetime, scores: Scores) -> list[Stop]:
    """The best score first, each with its score as a note; equal ones stay in the order of their rank."""
    rated = scores.parts(
        [stop.offers[0] for stop in stops],
        tier=wish.tier,
        input_tokens=wish.input_tokens,
        max_tokens=wish.max_tokens,
        now=now,
    )
    noted = [replace(stop, note=score.words()) for stop, score in zip(stops, rated, strict=True)]
    return [noted[place] for place in sorted(range(len(noted)), key=lambda place: -rated[place].total)]


def _reordered(stops: list[Stop], wish: Wish, named: ProviderConfig | None) -> list[Stop]:
    """The named provider first, then those with the named model, then the user's preferred one; the first of the rest
    is "first in order"."""

    def place(stop: Stop) -> int:
        if named and stop.provider.id == named.id:
            return 0
        if stop.reason is Reason.NAMED_MODEL:
            return 1
        return 2 if preferred(stop) else 3

    def preferred(stop: Stop) -> bool:
        if wish.preferred_provider is not None:
            return stop.provider.slug == wish.preferred_provider
        return stop.offers[0].model.id == wish.preferred_model

    ordered = sorted(stops, key=place)
    if ordered and ordered[0].reason is Reason.NEXT_IN_ORDER:
        first = Reason.PREFERRED if preferred(ordered[0]) else Reason.FIRST_IN_ORDER
        ordered[0] = replace(ordered[0], reason=first)
    return ordered


def _known_model(snapshot: Snapshot, wish: Wish) -> None:
    """A model that nobody offers is the caller's mistake, said with the nearest name."""
    names = [offer.model.id for offer in snapshot.offers if offer.model.modality == wish.modality]
    if wish.model not in names:
        near = nearest(wish.model or "", names)
        raise NotFound(f"There is no model {wish.model!r}.{did_you_mean(near)}", code="model_not_found")


def _no_provider(snapshot: Snapshot, wish: Wish, skipped: list[Step]) -> NoProvider:
    causes = [step.as_json() for step in skipped]
    if any(p.enabled and wish.modality in p.ranks for p in snapshot.providers):
        plan_only = skipped and all(
            step.reason in (Reason.PLAN, Reason.NO_FALLBACK, Reason.DISABLED) for step in skipped
        )
        if plan_only and any(step.reason is Reason.PLAN for step in skipped):
            return NoProvider(
                f"The plan {wish.plan_id} includes no model that could serve this.",
                code="model_not_in_plan", status=403, retryable=False, details={"causes": causes},
            )  # fmt: skip
        return NoProvider(
            "No provider fits this request: " + "; ".join(f"{s.provider}: {s.detail}" for s in skipped) + ".",
            retryable=False,
            details={"causes": causes},
        )
    return NoProvider(
        f"No provider for {wish.modality} is configured. Set OPENAI_API_KEY, GOOGLE_AI_API_KEY, ANTHROPIC_API_KEY or"
        " DEEPSEEK_API_KEY before the first start, or switch a provider on in the page Providers.",
        retryable=False,
        details={"causes": causes},
    )
