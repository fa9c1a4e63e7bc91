"""Putting a user on another plan, or setting when the one they are on ends."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import User
from core.accounts.queries import get_user
from core.accounts.rules import require_manager, require_reason
from core.audit import Actor, record
from core.credits.models import CreditAccount
from core.database import PEOPLE, announce, run
from core.entitlements.models import Plan
from core.errors import InvalidRequest
from core.membership.periods import top_up
from core.vocabulary import Traffic


async def change_plan(
    session: AsyncSession,
    user_id: UUID,
    plan_id: str,
    *,
    actor: Actor,
    reason: str,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> User:
    """Puts a user on a plan until `expires_at`, and grants what it brings more than this period has granted already.

    Who comes off a trial has none any more; who is put on one begins it now, whatever they used before. On the plan
    that the user has already, only the end is set (one that had ended goes on); where that is the same too, nothing is
    changed.

    Raises:
        NotAllowed: not a superadmin, nor support where the user is no superadmin.
        NotFound: `user_not_found`.
        InvalidRequest: `unknown_plan`: there is none, or it is retired; `end_in_past`; `reason_required`.
    """
    reason, now = require_reason(reason), now or datetime.now(UTC)
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("This plan would end in the past.", code="end_in_past")
    user = await lock_member(session, user_id)
    require_manager(actor, user.role, "change plans of users")
    if (user.plan_id, user.plan_expires_at) == (plan_id, expires_at):
        return user
    before = _shown(user)
    plan = await _plan_for(session, user, plan_id)
    if user.plan_id != plan.id:
        user.plan_id = plan.id
        user.trial_ends_at = None if plan.trial_days is None else now + timedelta(days=plan.trial_days)
        user.trial_uses = (
            None if plan.trial_uses is None else await trial_used(session, user_id) + plan.trial_uses
        )
    user.plan_expires_at, user.updated_at = expires_at, now
    granted = await top_up(session, user, plan, actor=actor, now=now)
    await record(
        session,
        actor,
        "user.plan",
        ("user", user_id),
        reason=reason,
        before=before,
        after=_shown(user) | ({"granted": granted} if granted else {}),
    )
    await announce(session, PEOPLE)
    return user


async def lock_member(session: AsyncSession, user_id: UUID) -> User:
    """The user as stored now, held with their live account until the transaction ends: the account first, as everywhere.

    Raises:
        NotFound: `user_not_found`.
    """
    account = select(CreditAccount.id).where(
        CreditAccount.user_id == user_id, CreditAccount.traffic == Traffic.LIVE
    )
    await session.exec(account.with_for_update())
    return await get_user(session, user_id, lock=True)


async def trial_used(session: AsyncSession, user_id: UUID) -> int:
    """How many generations of trials a user has ever used; certain while the user is held by `lock_member`."""
    row = await run(
        session,
        "select used from quota_counters where subject = :subject and name = 'trial' and period = ''",
        {"subject": str(user_id)},
    )
    return row.scalar() or 0


async def _plan_for(session: AsyncSession, user: User, plan_id: str) -> Plan:
    plan = await session.get(Plan, plan_id) if plan_id.isprintable() else None
    if plan is None or (plan.retired_at and plan.id != user.plan_id):
        raise InvalidRequest(f"There is no plan {plan_id[:50]!r} to join.", code="unknown_plan")
    return plan


def _shown(user: User) -> dict[str, object]:
    return {
        "plan": user.plan_id,
        "expires_at": user.plan_expires_at,
        "trial_ends_at": user.trial_ends_at,
        "trial_uses": user.trial_uses,
    }
