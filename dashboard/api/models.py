"""The providers and what they run, with their health; setting a provider's default model."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints

from core.accounts.keys import Scope
from core.errors import InvalidRequest, NotFound
from core.providers.registry import KINDS
from core.providers.service import set_default_model
from core.routing.health import Health
from core.snapshot import Offer, Snapshot
from core.spelling import did_you_mean, nearest
from core.system.parts import Report
from core.vocabulary import Modality
from dashboard.api.answers import Answer, Body, Shape, errors, utc
from dashboard.api.health import parts_of
from dashboard.api.identity import Caller, Identified

router = APIRouter(prefix="/api/ai", tags=["Models"])

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
MILLION = 1_000_000


class Capabilities(Shape):
    """What the model can do; null is unknown."""

    streaming: bool
    sampling: bool = Field(description="Whether it takes a temperature.")
    context_tokens: int | None
    max_output_tokens: int | None


class Price(Shape):
    """USD per million tokens; null is unpriced."""

    input: float | None
    cached_input: float | None
    output: float | None
    source: str


class ModelEntry(Shape):
    id: str = Field(examples=["gpt-6.1-sol"])
    display_name: str = Field(examples=["GPT-6.1 Sol"])
    description: str
    modality: Modality
    credits: float = Field(description="Per unit; the user's own price, where they have one.", examples=[2])
    unit: str = Field(examples=["1k tokens"])
    capabilities: Capabilities
    available: bool
    deprecated: bool
    ends_at: datetime | None
    price: Price | None = Field(None, description="Only for superadmins and service keys with scope `costs`.")


class Breaker(Shape):
    state: str = Field(examples=["closed"])
    open_until: datetime | None


class ProviderEntry(Shape):
    id: str = Field(description="What requests name as `provider`.", examples=["openai"])
    name: str
    kind: str
    enabled: bool
    sandbox: bool = Field(description="Built in, costs nothing, answers without meaning.")
    health: Health
    breaker: Breaker = Field(description="Of text.")
    modalities: list[Modality]
    default_models: dict[str, str] = Field(description="By modality.")
    fallback_models: dict[str, str] = Field(description="By modality.")
    models: list[ModelEntry]


class ModelsAnswer(Shape):
    """All providers in their order, with what they run."""

    providers: list[ProviderEntry]
    sandbox_only: bool = Field(description="Whether nothing but the sandbox would answer.")


class DefaultModel(Body):
    """What a provider shall run where a request names no model."""

    provider: Name = Field(examples=["openai"])
    model: Name = Field(examples=["gpt-6-luna"])
    modality: Modality | None = Field(None, strict=False, description="The model's own unless given.")


class DefaultAnswer(Shape):
    success: bool
    provider: str
    model: str
    modality: Modality


@router.get(
    "/models",
    summary="Providers and models",
    responses={200: {"model": ModelsAnswer, "description": "As configured now."}, **errors(403, 429)},
)
async def list_models(request: Request, caller: Identified) -> Answer:
    """Every provider with its health and what it runs; prices only for those who may see costs."""
    caller.require_active()
    caller.require(Scope.MODELS, Scope.GENERATE)
    snapshot, report = caller.purser.snapshots.current, await parts_of(request).report()
    return Answer(
        {
            "providers": _providers(caller, snapshot, report, datetime.now(UTC)),
            "sandboxOnly": snapshot.sandbox_only,
        }
    )


@router.post(
    "/models",
    summary="Set a default model",
    responses={
        200: {"model": DefaultAnswer, "description": "In effect from the next request on."},
        **errors(400, 403, 404, 429),
    },
)
async def set_default(body: DefaultModel, caller: Identified) -> Answer:
    """Makes a model what a provider runs where a request names none. For superadmins, and their service keys with scope `models`."""
    caller.require_superadmin("set a provider's default model", Scope.MODELS)
    purser = caller.purser
    offer = _offered(purser.snapshots.current, body.provider, body.model)
    modality = body.modality or offer.model.modality
    if modality is not offer.model.modality:
        raise InvalidRequest(f"{offer.model.id} is a model for {offer.model.modality}, not for {modality}.")
    if not offer.model.available(datetime.now(UTC)):
        raise InvalidRequest(f"{offer.model.id} is switched off or has ended.", code="model_unavailable")
    async with purser.database.transaction() as session:
        await set_default_model(session, body.provider, offer.model.id, modality, actor=caller.actor)
    await purser.changes.refresh()
    return Answer(
        {"success": True, "provider": body.provider, "model": offer.model.id, "modality": modality.value}
    )


def _offered(snapshot: Snapshot, slug: str, model_id: str) -> Offer:
    provider = snapshot.known_provider(slug)
    offer = snapshot.offer(provider.id, model_id)
    if offer is None:
        near = nearest(model_id, [one.model.id for one in snapshot.offers_of(provider.id)])
        raise NotFound(
            f"{provider.name} has no model {model_id!r}.{did_you_mean(near)}", code="model_not_found"
        )
    return offer


def _providers(caller: Caller, snapshot: Snapshot, report: Report, now: datetime) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    own_prices = caller.user.own_prices(now) if caller.user else {}
    for provider in snapshot.providers:
        breaker = caller.purser.breakers.status(provider.id, Modality.TEXT)
        part = report.providers.get(provider.slug)
        entries.append(
            {
                "id": provider.slug,
                "name": provider.name,
                "kind": provider.kind,
                "enabled": provider.enabled,
                "sandbox": provider.kind == "sandbox",
                "health": part.state if part else Health.UNKNOWN,
                "breaker": {"state": breaker.state.value, "openUntil": utc(breaker.open_until)},
                "modalities": sorted(KINDS[provider.kind].modalities),
                "defaultModels": dict(provider.default_models),
                "fallbackModels": dict(provider.fallback_models),
                "models": [
                    _model(offer.at(own_prices), now, priced=caller.sees_costs)
                    for offer in snapshot.offers_of(provider.id)
                ],
            }
        )
    return entries


def _model(offer: Offer, now: datetime, *, priced: bool) -> dict[str, Any]:
    model, price = offer.model, offer.price
    entry: dict[str, Any] = {
        "id": model.id,
        "displayName": model.display_name,
        "description": model.description,
        "modality": model.modality.value,
        "credits": model.credits,
        "unit": model.unit.value,
        "capabilities": {
            "streaming": model.streams,
            "sampling": model.takes_sampling,
            "contextTokens": model.context_tokens,
            "maxOutputTokens": model.max_output_tokens,
        },
        "available": model.available(now),
        "deprecated": model.deprecated(now),
        "endsAt": utc(model.ends_at),
    }
    if priced:
        entry["price"] = {
            "input": None if price.input is None else price.input * MILLION,
            "cachedInput": None if price.cached_input is None else price.cached_input * MILLION,
            "output": None if price.output is None else price.output * MILLION,
            "source": price.source.value,
        }
    return entry
