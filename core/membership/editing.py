"""Several things about one user changed at once, as the API's PATCH does: all of them or none."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import User, UserStatus
from core.accounts.service import lock_superadmins, reactivate, set_profile, suspend
from core.audit import Actor
from core.errors import InvalidRequest
from core.membership.plan import change_plan, lock_member
from core.membership.trial import extend_trial


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different; None stays as it is. `ends` says that `plan_expires_at` is meant, None then being no end."""

    name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    plan: str | None = None
    ends: bool = False
    plan_expires_at: datetime | None = None
    trial_days: int = 0
    trial_uses: int = 0
    status: UserStatus | None = None
    reason: str = ""


async def change_user(session: AsyncSession, user_id: UUID, change: UserChange, *, actor: Actor) -> User:
    """Makes the change. A plan without an end of its own keeps its end where the user has it already, else has none.

    A status that the user has already is no change.

    Raises:
        InvalidRequest: nothing is to be changed; `reason_required` for plan, trial and status; as the verbs say.
        NotAllowed, NotFound, Conflict: as `set_profile`, `change_plan`, `extend_trial`, `suspend` and `reactivate` say.
    """
    if change == UserChange(reason=change.reason):
        raise InvalidRequest("Nothing is to be changed.")
    if change.status is UserStatus.SUSPENDED:
        await lock_superadmins(session)  # before any row, as `suspend` alone takes them
    user = await lock_member(session, user_id)
    if (change.name, change.language, change.time_zone) != (None, None, None):
        user = await set_profile(
            session,
            actor,
            user_id,
            name=change.name,
            language=change.language,
            time_zone=change.time_zone,
            reason=change.reason,
        )
    if change.plan is not None or change.ends:
        user = await _put_on_plan(session, user, change, actor)
    if change.trial_days or change.trial_uses:
        user = await extend_trial(
            session,
            user_id,
            days=change.trial_days,
            uses=change.trial_uses,
            actor=actor,
            reason=change.reason,
        )
    if change.status is not None and change.status is not user.status:
        verb = suspend if change.status is UserStatus.SUSPENDED else reactivate
        user = await verb(session, actor, user_id, reason=change.reason)
    return user


async def _put_on_plan(session: AsyncSession, user: User, change: UserChange, actor: Actor) -> User:
    plan_id = change.plan or user.plan_id
    if plan_id is None:
        raise InvalidRequest("This user has no plan that could end.")
    ends = change.plan_expires_at if change.ends or plan_id != user.plan_id else user.plan_expires_at
    if (plan_id, ends) == (user.plan_id, user.plan_expires_at):
        return user  # also where that end is past: nobody has asked for another
    return await change_plan(session, user.id, plan_id, actor=actor, reason=change.reason, expires_at=ends)
