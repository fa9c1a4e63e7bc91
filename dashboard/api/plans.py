"""Plans and features as they are defined, for a product's backend to show and to keep in step."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic.alias_generators import to_camel

from core.accounts.keys import Scope
from core.database import Session
from core.entitlements.changes import (
    Change,
    cell,
    feature_property,
    feature_values,
    new_plan,
    plan_property,
    plan_values,
)
from core.entitlements.editing import locked_matrix, require_newest, save
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.rules import LONGEST_ID, FeatureView, PlanView, nearest
from core.errors import InvalidRequest, NotAllowed, NotFound
from core.spelling import did_you_mean
from core.vocabulary import Role
from dashboard.api.answers import Answer, errors
from dashboard.api.identity import Caller, Identified
from dashboard.api.once import IdempotencyKey, once_only
from dashboard.api.plan_shapes import (
    FeatureAnswer,
    FeatureChange,
    FeatureList,
    NewFeature,
    NewPlan,
    PlanAnswer,
    PlanChange,
    PlanList,
    Write,
)

router = APIRouter(tags=["Plans"])

PlanId = Annotated[str, Path(alias="planId", min_length=1, max_length=LONGEST_ID)]
FeatureId = Annotated[str, Path(alias="featureId", min_length=1, max_length=LONGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries on a page.")]
After = Annotated[str | None, Query(max_length=LONGEST_ID, description="`next` of the page before.")]

Row = TypeVar("Row", PlanView, FeatureView)


@router.get(
    "/api/plans",
    summary="Plans",
    responses={200: {"model": PlanList, "description": "A page of plans."}, **errors(400, 403, 429)},
)
async def list_plans(caller: Identified, limit: Limit = 50, after: After = None) -> Answer:
    """All plans by rank, retired ones too. For superadmins, support, and service keys with scope `plans`."""
    _require_reader(caller, Scope.PLANS)
    stored = await matrix(caller.purser.database)
    page, following = _page(stored.plans, limit, after)
    return Answer({"items": [_plan(one) for one in page], "next": following, "version": stored.version})


@router.get(
    "/api/plans/{planId}",
    summary="One plan",
    responses={200: {"model": PlanAnswer, "description": "The plan."}, **errors(403, 404, 429)},
)
async def get_plan(caller: Identified, plan_id: PlanId) -> Answer:
    """A plan with its features. For the same callers as the list."""
    _require_reader(caller, Scope.PLANS)
    return Answer(_plan_answer(await matrix(caller.purser.database), plan_id))


@router.post(
    "/api/plans",
    summary="Add a plan",
    responses={
        200: {"model": PlanAnswer, "description": "In force within a second."},
        **errors(400, 403, 409, 429),
    },
)
async def add_plan(body: NewPlan, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Adds a plan. For superadmins, and their service keys with scope `plans`."""
    caller.require_superadmin("change plans", Scope.PLANS)
    given = _given(body)
    return await _saved(
        caller, key, body, lambda _: [new_plan(body.id, **given)], lambda now: _plan_answer(now, body.id)
    )


@router.patch(
    "/api/plans/{planId}",
    summary="Change a plan",
    responses={
        200: {"model": PlanAnswer, "description": "In force within a second."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def change_plan(
    body: PlanChange, caller: Identified, plan_id: PlanId, key: IdempotencyKey = None
) -> Answer:
    """Changes a plan, all or nothing; what is so already changes nothing. For the same callers as adding one."""
    caller.require_superadmin("change plans", Scope.PLANS)
    given = _given(body)
    return await _saved(
        caller,
        key,
        body,
        lambda now: _plan_changes(_known_plan(now, plan_id), given),
        lambda now: _plan_answer(now, plan_id),
        plan_id,
    )


@router.get(
    "/api/features",
    summary="Features",
    responses={200: {"model": FeatureList, "description": "A page of features."}, **errors(400, 403, 429)},
)
async def list_features(caller: Identified, limit: Limit = 50, after: After = None) -> Answer:
    """All features as they are defined, retired ones too. For superadmins, support, and service keys with scope `features`.

    Whether a user may use one is `/api/features/check`.
    """
    _require_reader(caller, Scope.FEATURES)
    stored = await matrix(caller.purser.database)
    page, following = _page(stored.features, limit, after)
    items = [_feature(stored, one) for one in page]
    return Answer({"items": items, "next": following, "version": stored.version})


@router.post(
    "/api/features",
    summary="Define a feature",
    responses={
        200: {"model": FeatureAnswer, "description": "In force within a second."},
        **errors(400, 403, 409, 429),
    },
)
async def add_feature(body: NewFeature, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Defines a feature, and puts it on plans. For superadmins, and their service keys with scope `features`."""
    caller.require_superadmin("change features", Scope.FEATURES)

    def changes(_: Matrix) -> list[Change]:
        own = {"display_name": body.display_name, "description": body.description, "retired": body.retired}
        added = Change("feature", None, body.id, None, None, own)
        return [added, *(cell(one, body.id, True) for one in sorted(set(body.plans)))]

    return await _saved(caller, key, body, changes, lambda now: _feature_answer(now, body.id))


@router.patch(
    "/api/features/{featureId}",
    summary="Change a feature",
    responses={
        200: {"model": FeatureAnswer, "description": "In force within a second."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def change_feature(
    body: FeatureChange, caller: Identified, feature_id: FeatureId, key: IdempotencyKey = None
) -> Answer:
    """Renames, describes or retires a feature, or says which plans it is on. For the same callers as defining one."""
    caller.require_superadmin("change features", Scope.FEATURES)
    given = _given(body)
    return await _saved(
        caller,
        key,
        body,
        lambda now: _feature_changes(now, _known_feature(now, feature_id), given),
        lambda now: _feature_answer(now, feature_id),
        feature_id,
    )


# Reading


def _require_reader(caller: Caller, scope: Scope) -> None:
    caller.require_active()
    caller.require(scope)
    if not caller.service and caller.person.role not in (Role.SUPERADMIN, Role.SUPPORT):
        raise NotAllowed("Plans are read by superadmins, support, and service keys.")


def _page(rows: Sequence[Row], limit: int, after: str | None) -> tuple[Sequence[Row], str | None]:
    start = 0
    if after is not None:
        ids = [row.id for row in rows]
        if after not in ids:
            raise InvalidRequest("after: send `next` of the page before.")
        start = ids.index(after) + 1
    page = rows[start : start + limit]
    return page, page[-1].id if start + limit < len(rows) else None


def _plan(plan: PlanView) -> dict[str, Any]:
    return {"id": plan.id, **_camel(plan_values(plan))}


def _feature(stored: Matrix, feature: FeatureView) -> dict[str, Any]:
    plans = [plan.id for plan in stored.plans if feature.id in plan.features]
    return {"id": feature.id, **_camel(feature_values(feature)), "plans": plans}


def _plan_answer(stored: Matrix, plan_id: str) -> dict[str, Any]:
    return {**_plan(_known_plan(stored, plan_id)), "version": stored.version}


def _feature_answer(stored: Matrix, feature_id: str) -> dict[str, Any]:
    return {**_feature(stored, _known_feature(stored, feature_id)), "version": stored.version}


def _camel(values: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in values.items()}


def _known_plan(stored: Matrix, plan_id: str) -> PlanView:
    if found := stored.plan(plan_id):
        return found
    near = nearest(plan_id, [one.id for one in stored.plans])
    raise NotFound(f"There is no plan {plan_id!r}.{did_you_mean(near)}", code="unknown_plan")


def _known_feature(stored: Matrix, feature_id: str) -> FeatureView:
    if found := stored.feature(feature_id):
        return found
    near = nearest(feature_id, [one.id for one in stored.features])
    raise NotFound(f"There is no feature {feature_id!r}.{did_you_mean(near)}", code="unknown_feature")


# Writing


async def _saved(
    caller: Caller,
    key: str | None,
    body: Write,
    changes: Callable[[Matrix], Iterable[Change]],
    answer: Callable[[Matrix], dict[str, Any]],
    subject: str | None = None,
) -> Answer:
    """Saves what `changes` makes of the plans as they are, and answers with what has become of them."""

    async def work(session: Session) -> Mapping[str, Any]:
        now = await locked_matrix(session)
        if body.version is not None:
            require_newest(now, body.version)
        if wanted := list(changes(now)):
            await save(session, wanted, base=now.version, actor=caller.actor, reason=body.reason)
        return answer(await matrix(session))

    said = {
        "call": type(body).__name__,
        "subject": subject,
        **body.model_dump(mode="json", exclude_unset=True),
    }
    answered = await once_only(caller, key, said, work)
    await caller.purser.changes.refresh()
    return answered


def _given(body: Write) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.model_fields_set - {"id", "reason", "version"}}


def _plan_changes(plan: PlanView, given: Mapping[str, Any]) -> Iterator[Change]:
    own = dict(given)
    features = own.pop("features", plan.features)
    yield from _differing(plan_property(plan, name, value) for name, value in own.items())
    for feature_id in sorted(set(features) ^ plan.features):
        yield cell(plan.id, feature_id, feature_id not in plan.features)


def _feature_changes(stored: Matrix, feature: FeatureView, given: Mapping[str, Any]) -> Iterator[Change]:
    having = {plan.id for plan in stored.plans if feature.id in plan.features}
    own = dict(given)
    plans = own.pop("plans", having)
    yield from _differing(feature_property(feature, name, value) for name, value in own.items())
    for plan_id in sorted(set(plans) ^ having):
        yield cell(plan_id, feature.id, plan_id not in having)


def _differing(changes: Iterable[Change]) -> Iterator[Change]:
    return (change for change in changes if change.before != change.after)
