"""Which provider and model a user would rather have."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from core.accounts.keys import Scope
from core.accounts.service import set_preferences
from core.database import Session
from core.errors import NotFound
from core.snapshot import Snapshot
from core.spelling import did_you_mean, nearest
from dashboard.api.answers import LINE, Answer, Body, Shape, errors
from dashboard.api.identity import Identified
from dashboard.api.once import IdempotencyKey, once_only

router = APIRouter(prefix="/api/preferences", tags=["Models"])


class PreferencesAnswer(Shape):
    """null is no preference."""

    preferred_provider: str | None = Field(examples=["openai"])
    preferred_model: str | None = Field(examples=["gpt-6-luna"])


class Preferences(Body):
    """Both as they are to be from now on; what is left out or null is no preference."""

    preferred_provider: str | None = Field(
        None, min_length=1, max_length=100, pattern=LINE, description="A provider's id.", examples=["openai"]
    )
    preferred_model: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=LINE,
        description="A model's id; of the preferred provider, where there is one.",
        examples=["gpt-6-luna"],
    )
    reason: str | None = Field(None, max_length=500, pattern=LINE, description="For the audit; optional.")


@router.get(
    "",
    summary="Preferences",
    responses={200: {"model": PreferencesAnswer, "description": "As of now."}, **errors(400, 403, 404, 429)},
)
async def get_preferences(caller: Identified) -> Answer:
    """The provider and model that the user prefers."""
    caller.require(Scope.USERS, Scope.GENERATE)
    user = caller.active_user()
    return Answer(_told(user.preferred_provider, user.preferred_model))


@router.put(
    "",
    summary="Set preferences",
    responses={
        200: {"model": PreferencesAnswer, "description": "From the next request on."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def put_preferences(body: Preferences, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Sets what the user prefers. It is honoured where plan and health allow, and where a request names nothing itself.

    404 `provider_not_found`, `model_not_found`: nobody offers it, or the preferred provider does not.
    """
    caller.require(Scope.USERS, Scope.GENERATE)
    user, purser = caller.active_user(), caller.purser
    _require_known(purser.snapshots.current, body.preferred_provider, body.preferred_model)

    async def work(session: Session) -> dict[str, Any]:
        changed = await set_preferences(
            session,
            caller.actor,
            user.id,
            provider=body.preferred_provider,
            model=body.preferred_model,
            reason=body.reason,
        )
        return _told(changed.preferred_provider, changed.preferred_model)

    answer = await once_only(caller, key, body.model_dump(mode="json"), work)
    await purser.changes.refresh()
    return answer


def _told(provider: str | None, model: str | None) -> dict[str, Any]:
    return {"preferredProvider": provider, "preferredModel": model}


def _require_known(snapshot: Snapshot, slug: str | None, model_id: str | None) -> None:
    """Raises `NotFound`, with the nearest name, for what can't be preferred."""
    provider = snapshot.known_provider(slug) if slug is not None else None
    if model_id is None:
        return
    offers = snapshot.offers_of(provider.id) if provider else snapshot.offers
    models = {offer.model.id for offer in offers}
    if model_id not in models:
        whose = f"{provider.name} has" if provider else "There is"
        near = nearest(model_id, sorted(models))
        raise NotFound(f"{whose} no model {model_id!r}.{did_you_mean(near)}", code="model_not_found")
