"""May this user use this feature?"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from core.accounts.keys import Scope
from core.entitlements.rules import LONGEST_ID, Decision, Reason, check, unavailable
from core.errors import DatabaseUnavailable, UserRequired
from dashboard.access import purser_of
from dashboard.api.answers import Answer, Body, Shape, errors
from dashboard.api.identity import Caller, identify

router = APIRouter(prefix="/api/features", tags=["Features"])


class FeatureCheck(Body):
    """Which feature is asked about."""

    feature_id: str = Field(min_length=1, max_length=LONGEST_ID, examples=["script-generator"])


class FeatureAnswer(Shape):
    """Whether it is allowed, and why."""

    has_access: bool
    reason: Reason = Field(description="One word for programs.")
    message: str = Field(description="The same as a sentence.")


class FeatureAccess(Shape):
    """One feature of the list."""

    id: str
    display_name: str
    has_access: bool
    reason: Reason


class FeatureList(Shape):
    """All defined features."""

    features: list[FeatureAccess]


async def identify_or_not(request: Request) -> Caller | None:
    """The caller; None where the database that knows them is away, which is an answer here and no error."""
    try:
        return await identify(request)
    except DatabaseUnavailable:
        return None


@router.post(
    "/check",
    summary="Check one feature",
    responses={200: {"model": FeatureAnswer, "description": "The decision."}, **errors(400, 403, 429)},
)
async def check_feature(
    body: FeatureCheck, caller: Annotated[Caller | None, Depends(identify_or_not)]
) -> Answer:
    """Whether the user may use a feature, and why.

    An unknown or suspended user, an undefined feature or a database fault is `hasAccess: false` with its own reason,
    never an error. Features that are asked for and not defined are counted and shown to superadmins.
    """
    if caller is None:
        return Answer(_said(unavailable(body.feature_id)))
    _require_scope_and_name(caller)
    decision = _decide(caller, body.feature_id)
    if decision.reason is Reason.FEATURE_UNDEFINED:
        caller.purser.undefined_features.record(body.feature_id)
    return Answer(_said(decision))


@router.get(
    "/check",
    summary="Check all features",
    responses={200: {"model": FeatureList, "description": "Every defined feature."}, **errors(400, 403, 429)},
)
async def check_all(request: Request, caller: Annotated[Caller | None, Depends(identify_or_not)]) -> Answer:
    """All defined features, each with whether the user may use it, and why.

    A database fault is `hasAccess: false` for each of them, never an error.
    """
    if caller is not None:
        _require_scope_and_name(caller)
    defined = purser_of(request).snapshots.current.entitlements.features
    return Answer(
        {
            "features": [
                _entry(feature, name, _decide(caller, feature) if caller else unavailable(feature))
                for feature, name in defined.items()
            ]
        }
    )


def _require_scope_and_name(caller: Caller) -> None:
    caller.require(Scope.CHECK)
    if caller.user is None and not caller.named and not caller.visitor:
        raise UserRequired("Whose access? A service key names the user in X-User, by id or e-mail.")


def _decide(caller: Caller, feature_id: str) -> Decision:
    asked_for = caller.user or caller.visitor
    return check(caller.purser.snapshots.current.entitlements, asked_for, feature_id, datetime.now(UTC))


def _said(decision: Decision) -> dict[str, Any]:
    return {"hasAccess": decision.allowed, "reason": decision.reason.value, "message": decision.message}


def _entry(feature_id: str, name: str, decision: Decision) -> dict[str, Any]:
    return {
        "id": feature_id,
        "displayName": name,
        "hasAccess": decision.allowed,
        "reason": decision.reason.value,
    }
