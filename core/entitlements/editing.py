"""Saving a change set of plans and features: whole or not at all, numbered, with its reason, in force within a second.

All who save wait for one lock. Whoever has seen an older version than the newest one is refused, and told who saved.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_reason
from core.database import CONFIG, announce, run
from core.entitlements.changes import Change, State, feature_values, plan_values
from core.entitlements.checking import check_changes
from core.entitlements.matrix import Matrix as Matrix
from core.entitlements.matrix import matrix as matrix
from core.entitlements.models import Feature, Plan, PlanFeature, PlanVersion
from core.entitlements.rules import FeatureView as FeatureView
from core.entitlements.seed import lock_plans
from core.errors import Conflict, NotAllowed
from core.vocabulary import Role


async def save(
    session: AsyncSession,
    changes: Iterable[Change],
    *,
    base: int | None,
    actor: Actor,
    reason: str,
    reverts: int | None = None,
) -> int:
    """Saves a change set in the session's transaction; returns the number of the version it makes.

    Args:
        base: the version that the changes were made on; None takes whatever is the newest.
        reverts: the version that this one undoes.

    Raises:
        NotAllowed: the actor is no superadmin.
        InvalidRequest: no reason, or what `check_changes` does not let pass.
        Conflict: `changed_meanwhile`, somebody saved since `base` (details: by, version, at); `plan_in_use`.
    """
    require_superadmin(actor)
    reason = require_reason(reason)
    before = await locked_matrix(session)
    if base is not None:
        require_newest(before, base)
    cleaned = check_changes(before, changes)
    after = State.of(before)
    for change in cleaned:
        await _carry_out(session, change)
        after.put(change)
    number = before.version + 1
    session.add(
        PlanVersion(
            number=number,
            diff={"changes": [change.to_json() for change in cleaned]},
            reason=reason,
            actor_id=actor.id,
            actor_label=actor.label,
            reverts=reverts,
        )
    )
    await record(
        session,
        actor,
        "plans.save" if reverts is None else "plans.revert",
        ("plans", str(number)),
        reason=reason,
        before=_shown(State.of(before), cleaned),
        after=_shown(after, cleaned),
    )
    await announce(session, CONFIG)
    return number


async def locked_matrix(session: AsyncSession) -> Matrix:
    """The plans as they are, and as they stay until the transaction ends: changes are made on them without a `base`."""
    await lock_plans(session)
    return await matrix(session)


def require_superadmin(actor: Actor) -> None:
    """Raises `NotAllowed` unless a superadmin acts, in person or by a key of theirs (whose scope the API has seen)."""
    if actor.role is not Role.SUPERADMIN:
        raise NotAllowed("Only a superadmin can change plans and features. Support can propose a change.")


def require_newest(stored: Matrix, base: int) -> None:
    """Raises `Conflict` (`changed_meanwhile`) where somebody has saved since `base`."""
    if stored.version != base:
        at = stored.saved_at.astimezone(UTC) if stored.saved_at else None
        when = f" at {at:%H:%M} UTC on {at.day} {at:%B}" if at else ""
        raise Conflict(
            f"{stored.saved_by or 'Somebody'} saved version {stored.version} meanwhile{when}. Look at the changes again.",
            code="changed_meanwhile",
            details={"by": stored.saved_by, "version": stored.version, "at": at.isoformat() if at else None},
        )


async def _carry_out(session: AsyncSession, change: Change) -> None:
    match change.subject:
        case "cell":
            await _put_cell(session, change.plan_id or "", change.feature_id or "", on=change.after)
        case "plan" if change.adds:
            await _add_plan(session, change.plan_id or "", change.after)
        case "plan" if change.removes:
            await _remove_plan(session, change.plan_id or "", change.before)
        case "plan":
            await _set(session, await session.get_one(Plan, change.plan_id), change)
        case "feature" if change.adds:
            values = dict(change.after)
            session.add(Feature(id=change.feature_id or "", retired_at=_retired(values), **values))
        case "feature" if change.removes:
            await session.exec(delete(Feature).where(col(Feature.id) == change.feature_id))
        case "feature":
            await _set(session, await session.get_one(Feature, change.feature_id), change)
    await session.flush()


async def _put_cell(session: AsyncSession, plan_id: str, feature_id: str, *, on: bool) -> None:
    if on:
        session.add(PlanFeature(plan_id=plan_id, feature_id=feature_id))
    else:
        await session.exec(
            delete(PlanFeature).where(
                col(PlanFeature.plan_id) == plan_id, col(PlanFeature.feature_id) == feature_id
            )
        )


async def _add_plan(session: AsyncSession, plan_id: str, values: Mapping[str, Any]) -> None:
    own = dict(values)
    features = own.pop("features")
    own["modalities"] = list(own["modalities"])
    session.add(Plan(id=plan_id, retired_at=_retired(own), **own))
    await session.flush()
    session.add_all(PlanFeature(plan_id=plan_id, feature_id=feature_id) for feature_id in features)


async def _remove_plan(session: AsyncSession, plan_id: str, values: Mapping[str, Any]) -> None:
    in_use = Conflict(
        f"There are users on {values['display_name']}: it can be retired, not removed.", code="plan_in_use"
    )
    if (await run(session, ANYBODY, {"plan": plan_id})).first():
        raise in_use
    await session.exec(delete(PlanFeature).where(col(PlanFeature.plan_id) == plan_id))
    try:
        async with session.begin_nested():
            await session.exec(delete(Plan).where(col(Plan.id) == plan_id))
    except IntegrityError:  # somebody joined it at this moment
        raise in_use from None


ANYBODY = """
select from user_stats where demo = false and plan_id = :plan
union all select from user_stats where demo = true and plan_id = :plan limit 1
"""


async def _set(session: AsyncSession, row: Plan | Feature, change: Change) -> None:
    now = datetime.now(UTC)
    if change.field == "retired":
        row.retired_at = now if change.after else None
    else:
        value = list(change.after) if isinstance(change.after, tuple) else change.after
        setattr(row, change.field or "", value)
    if isinstance(row, Plan):
        row.updated_at = now
    session.add(row)


def _retired(values: dict[str, Any]) -> datetime | None:
    return datetime.now(UTC) if values.pop("retired") else None


def _shown(state: State, changes: Sequence[Change]) -> dict[str, Any]:
    """What the audit keeps of one side: of each plan and feature that is touched, the fields that are.

    Features stand in lists, and ids never end a name: the audit strikes out what is named like a secret.
    """
    shown: dict[str, Any] = {}
    for change in changes:
        if change.plan_id is not None:
            plan = state.plans.get(change.plan_id)
            fields = ["features"] if change.subject == "cell" else [change.field] if change.field else None
            _show(shown, f"{change.plan_id} (plan)", plan and plan_values(plan), fields)
        else:
            feature = state.features.get(change.feature_id or "")
            fields = [change.field] if change.field else None
            _show(shown, f"{change.feature_id} (feature)", feature and feature_values(feature), fields)
    return shown


def _show(
    shown: dict[str, Any], name: str, values: dict[str, Any] | None, fields: Sequence[str] | None
) -> None:
    if values is not None:
        shown.setdefault(name, {}).update(
            {field: value for field, value in values.items() if fields is None or field in fields}
        )
