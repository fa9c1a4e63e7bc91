"""Who may move credits, and how many without a second person."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor
from core.audit.rules import require_manager
from core.database import run
from core.errors import InvalidRequest, NotAllowed, NotFound
from core.vocabulary import Role, Traffic

LIMITS: Mapping[Role, tuple[str, int]] = {
    Role.SUPPORT: ("support_adjustment_limit", 5_000),
    Role.SUPERADMIN: ("superadmin_adjustment_limit", 10_000),
}
"""The setting that holds a role's limit in credits, and what it is unless set (DATA, Defaults)."""

LARGEST = 1_000_000_000
"""Credits of one movement: what is more is a slip of the keyboard."""


def limit_of(role: Role, settings: Mapping[str, Any]) -> int:
    """Credits that somebody of this role moves without approval; 0 for those who may move none."""
    if role not in LIMITS:
        return 0
    name, default = LIMITS[role]
    value = settings.get(name)
    return value if isinstance(value, int) and value >= 0 else default


async def own_limit(session: AsyncSession, actor: Actor) -> int | None:
    """The actor's limit as it is set now; None for Purser itself and the command line, which have none."""
    if actor.kind not in ("user", "key"):
        return None
    name, _ = LIMITS.get(actor.role, ("", 0))
    found = (await run(session, "select value from settings where key = :name", {"name": name})).first()
    return limit_of(actor.role, {name: found[0]} if found else {})


def require_mover(actor: Actor, deed: str = "change credits") -> None:
    """Raises `NotAllowed` unless support or a superadmin acts, in person or by key."""
    if actor.role not in LIMITS:
        raise NotAllowed(f"Only support and superadmins may {deed}.")


async def require_target(
    session: AsyncSession, actor: Actor, user_id: UUID, traffic: Traffic, deed: str = "change credits"
) -> bool:
    """Sees that the actor may move this user's credits, as `require_manager` says; test credits buy nothing, and only
    those of superadmins are guarded.

    Returns:
        Whether they are live credits of the actor's own, which nobody moves alone.

    Raises:
        NotFound: `unknown_user`.
        NotAllowed: the user is of the staff.
    """
    found = (await run(session, "select role from users where id = :id", {"id": user_id})).first()
    if found is None:
        raise NotFound("There is no such user.", code="unknown_user")
    role, own = Role(found[0]), actor.id == user_id
    if traffic is Traffic.TEST and (own or role is not Role.SUPERADMIN):
        return False
    require_manager(actor, role, deed)
    return own


def refuse_own(deed: str) -> NotAllowed:
    """What somebody is told who would do alone to their own credits what takes another superadmin."""
    return NotAllowed(f"Another superadmin must {deed}: it is your own account.", code="own_account")


def require_amount(amount: int) -> None:
    """Raises `InvalidRequest` for an amount of nothing, or of more than anybody means."""
    if amount == 0:
        raise InvalidRequest("An adjustment of 0 credits changes nothing.")
    if abs(amount) > LARGEST:
        raise InvalidRequest(f"At most {LARGEST:,} credits are moved at once.")
