"""Exceptions for single users: a feature allowed or denied, or a limit raised, with a reason, until they end.

They end by themselves at `expires_at` (decisions look at the clock), or by hand. There is one at a time of each
feature and limit: another one for the same takes its place.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_manager, require_reason
from core.database import PEOPLE, Database, announce, run
from core.entitlements.fields import LARGEST, PROPERTIES
from core.entitlements.matrix import matrix
from core.entitlements.models import Override
from core.entitlements.rules import Limit, nearest
from core.errors import Conflict, InvalidRequest, NotFound
from core.ids import new_id
from core.spelling import did_you_mean
from core.vocabulary import Role

LIMITS: tuple[Limit, ...] = get_args(Limit)
COUNTED_TO = 10_000
LONGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class OverrideLine:
    """An exception in a list. `created_by` is an e-mail address, empty where Purser made it or they are gone."""

    id: UUID
    user_id: UUID
    email: str
    feature_id: str | None
    limit_name: str | None
    allowed: bool | None
    value: int | None
    reason: str
    expires_at: datetime | None
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    in_force: bool


async def add_override(
    session: AsyncSession,
    user_id: UUID,
    *,
    feature_id: str | None = None,
    allowed: bool | None = None,
    limit_name: str | None = None,
    value: int | None = None,
    expires_at: datetime | None = None,
    actor: Actor,
    reason: str,
) -> Override:
    """Makes an exception: `feature_id` with `allowed`, or `limit_name` with a higher `value`.

    Raises:
        NotAllowed: neither support nor superadmin, or support on a superadmin.
        NotFound: `user_not_found`.
        InvalidRequest: no reason, an end in the past, `unknown_feature`, `unknown_limit`, or a value that the plan
            gives already (`limit_not_raised`): an exception never lowers a limit.
    """
    now = datetime.now(UTC)
    user = await _locked(session, user_id)
    require_manager(actor, user.role, "make exceptions for people")
    reason = require_reason(reason)
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
        raise InvalidRequest("The exception would end in the past.")
    if (feature_id is None) == (limit_name is None):
        raise InvalidRequest("An exception is about a feature or about a limit.")
    if feature_id is not None:
        value = None
        await _require_feature(session, feature_id)
        if allowed is None:
            raise InvalidRequest("A feature is allowed or denied.")
    else:
        allowed = None
        await _require_raised(session, user, limit_name or "", value)
    replaced = await _end_same(session, user_id, feature_id, limit_name, now)
    override = Override(
        id=new_id(),
        user_id=user_id,
        feature_id=feature_id,
        limit_name=limit_name,
        allowed=allowed,
        value=value,
        reason=reason,
        expires_at=expires_at,
        created_by=actor.id,
        created_at=now,
    )
    session.add(override)
    before = _shown(replaced) if replaced else None
    await record(
        session,
        actor,
        "override.add",
        ("user", user_id),
        reason=reason,
        before=before,
        after=_shown(override),
    )
    await announce(session, PEOPLE)
    return override


async def end_override(session: AsyncSession, override_id: UUID, *, actor: Actor, reason: str) -> Override:
    """Ends an exception now.

    Raises:
        NotAllowed: as `add_override` does.
        NotFound: `unknown_override`.
        Conflict: `override_ended`.
    """
    override = await session.get(Override, override_id)
    if override is None:
        raise NotFound("There is no such exception.", code="unknown_override")
    user = await _locked(session, override.user_id)
    require_manager(actor, user.role, "end exceptions of people")
    reason = require_reason(reason)
    await session.refresh(override)
    now = datetime.now(UTC)
    if override.ended_at or (override.expires_at and override.expires_at <= now):
        raise Conflict("This exception has ended already.", code="override_ended")
    override.ended_at = now
    session.add(override)
    await record(
        session, actor, "override.end", ("user", override.user_id), reason=reason, before=_shown(override)
    )
    await announce(session, PEOPLE)
    return override


async def overrides_of(database: Database, user_id: UUID, *, ended: bool = False) -> list[OverrideLine]:
    """A user's exceptions in force, the newest first; with `ended`, those of the past too."""
    rows = await database.fetch_all(
        f"{SELECT} where o.user_id = %(user)s {'' if ended else f'and {OPEN}'} order by o.id desc limit %(limit)s",
        {"user": user_id, "limit": LONGEST_PAGE},
    )
    return [OverrideLine(*row) for row in rows]


async def list_overrides(
    database: Database,
    *,
    feature_id: str | None = None,
    ended: bool = False,
    limit: int = 50,
    after: UUID | None = None,
) -> list[OverrideLine]:
    """Exceptions of all users in force, the newest first; those older than `after` for the next page.

    Args:
        feature_id: only those about one feature.
        ended: those of the past too.
    """
    where = [] if ended else [OPEN]
    params: dict[str, Any] = {"limit": max(1, min(limit, LONGEST_PAGE))}
    if feature_id is not None:
        where.append("o.feature_id = %(feature)s")
        params["feature"] = feature_id
    if after is not None:
        where.append("o.id < %(after)s")
        params["after"] = after
    condition = f"where {' and '.join(where)}" if where else ""
    rows = await database.fetch_all(f"{SELECT} {condition} order by o.id desc limit %(limit)s", params)
    return [OverrideLine(*row) for row in rows]


async def count_overrides(database: Database, *, feature_id: str | None = None) -> int:
    """How many are in force, exactly up to 10,000; beyond, 10,001 stands for "more"."""
    one = "" if feature_id is None else "and o.feature_id = %(feature)s"
    row = await database.fetch_one(
        f"select count(*) from (select from overrides o where {OPEN} {one} limit {COUNTED_TO + 1}) t",
        {"feature": feature_id},
    )
    assert row is not None, "a count always answers"
    return row[0]


async def end_due(database: Database) -> int:
    """Notes the end of exceptions whose time is over, which had no effect any more; returns how many."""
    return await database.execute(
        "update overrides set ended_at = expires_at where ended_at is null and expires_at <= now()"
    )


class _User(NamedTuple):
    role: Role
    plan_id: str | None
    trial_uses: int | None


async def _locked(session: AsyncSession, user_id: UUID) -> _User:
    """The user, held until the transaction ends: two exceptions for one thing are made one after the other."""
    found = await run(
        session,
        "select role, plan_id, trial_uses from users where id = :id for no key update",
        {"id": user_id},
    )
    row = found.first()
    if row is None:
        raise NotFound("There is no such user.", code="user_not_found")
    return _User(Role(row[0]), row[1], row[2])


async def _require_feature(session: AsyncSession, feature_id: str) -> None:
    defined = (await matrix(session)).entitlements.features
    if feature_id not in defined:
        near = did_you_mean(nearest(feature_id, defined))
        raise InvalidRequest(f"There is no feature {feature_id[:50]!r}.{near}", code="unknown_feature")


async def _require_raised(session: AsyncSession, user: _User, limit_name: str, value: int | None) -> None:
    if limit_name not in LIMITS:
        raise InvalidRequest(
            f"There is no limit {limit_name[:50]!r} to raise; there are {', '.join(LIMITS)}.",
            code="unknown_limit",
        )
    label = PROPERTIES[limit_name].label
    if value is None or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise InvalidRequest(f"{label}: a whole number from 1 to {LARGEST:,}.")
    plan = (await matrix(session)).plan(user.plan_id)
    if plan is None:
        return
    limit: int | None = getattr(plan, limit_name)
    if limit is None:
        raise InvalidRequest(
            f"{label}: the plan {plan.display_name} has no limit to be raised.", code="limit_not_raised"
        )
    own = (user.trial_uses if limit_name == "trial_uses" else None) or 0
    if value <= max(limit, own):
        raise InvalidRequest(
            f"{label}: this user may have {max(limit, own):,} already, by the plan {plan.display_name}. An exception"
            " only raises a limit.",
            code="limit_not_raised",
        )


async def _end_same(
    session: AsyncSession, user_id: UUID, feature_id: str | None, limit_name: str | None, now: datetime
) -> Override | None:
    """Ends what stands for the same feature or limit; the one that was in force, if any."""
    same = select(Override).where(
        Override.user_id == user_id,
        col(Override.ended_at).is_(None),
        col(Override.feature_id) == feature_id
        if feature_id is not None
        else col(Override.limit_name) == limit_name,
    )
    in_force = None
    for override in await session.exec(same):
        over = override.expires_at is not None and override.expires_at <= now
        override.ended_at = override.expires_at if over else now
        session.add(override)
        in_force = in_force if over else override
    return in_force


def _shown(override: Override) -> dict[str, Any]:
    about = (
        {"feature": override.feature_id, "allowed": override.allowed}
        if override.feature_id is not None
        else {"limit": override.limit_name, "value": override.value}
    )
    return about | {"expires_at": override.expires_at, "reason": override.reason}


OPEN = "o.ended_at is null and (o.expires_at is null or o.expires_at > now())"
SELECT = f"""
select o.id, o.user_id, u.email, o.feature_id, o.limit_name, o.allowed, o.value, o.reason, o.expires_at,
    coalesce((select c.email from users c where c.id = o.created_by), ''), o.created_at, o.ended_at, {OPEN}
from overrides o join users u on u.id = o.user_id
"""
