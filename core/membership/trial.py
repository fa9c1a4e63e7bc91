"""Making a user's trial longer."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import User
from core.accounts.rules import require_manager, require_reason
from core.audit import Actor, record
from core.database import PEOPLE, announce
from core.entitlements.models import Plan
from core.errors import Conflict, InvalidRequest
from core.membership.periods import top_up
from core.membership.plan import lock_member, trial_used

MOST_DAYS = 366
MOST_USES = 10_000


async def extend_trial(
    session: AsyncSession,
    user_id: UUID,
    *,
    days: int = 0,
    uses: int = 0,
    actor: Actor,
    reason: str,
    now: datetime | None = None,
) -> User:
    """Adds days or generations, or both, to a trial: to what is left of it, or from now on where it had ended.

    Raises:
        NotAllowed: not a superadmin, nor support where the user is no superadmin.
        NotFound: `user_not_found`.
        Conflict: `not_on_trial`.
        InvalidRequest: nothing to add, or too much; days for a trial that has no end; `reason_required`.
    """
    reason, now = require_reason(reason), now or datetime.now(UTC)
    if not (0 <= days <= MOST_DAYS and 0 <= uses <= MOST_USES and (days or uses)):
        raise InvalidRequest(
            f"A trial is extended by up to {MOST_DAYS} days, up to {MOST_USES:,} generations, or both."
        )
    user = await lock_member(session, user_id)
    require_manager(actor, user.role, "extend trials")
    plan = await session.get(Plan, user.plan_id) if user.plan_id else None
    if plan is None or (plan.trial_days is None and plan.trial_uses is None):
        raise Conflict("This user is not on a trial.", code="not_on_trial")
    before = _shown(user)
    if days:
        if user.trial_ends_at is None:
            raise InvalidRequest("This trial has no end that could be later.")
        user.trial_ends_at = max(now, user.trial_ends_at) + timedelta(days=days)
    if uses:
        allowed = plan.trial_uses if user.trial_uses is None else user.trial_uses
        if allowed is None:
            raise InvalidRequest("This trial is not counted by generations.")
        user.trial_uses = max(allowed, await trial_used(session, user_id)) + uses
    user.updated_at = now
    granted = 0
    if user.trial_ends_at is None or user.trial_ends_at > now:
        granted = await top_up(
            session, user, plan, actor=actor, now=now
        )  # the months of an ended trial sleep
    await record(
        session,
        actor,
        "user.trial",
        ("user", user_id),
        reason=reason,
        before=before,
        after=_shown(user) | ({"granted": granted} if granted else {}),
    )
    await announce(session, PEOPLE)
    return user


def _shown(user: User) -> dict[str, object]:
    return {"trial_ends_at": user.trial_ends_at, "trial_uses": user.trial_uses}
