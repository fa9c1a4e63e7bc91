"""What is done to people: roles, suspension, passwords, preferences. Each verb checks its actor, audits, announces.

Making a user is `core.signup`, since it takes a plan and a credit account as well.
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import User, UserStatus
from core.accounts.passwords import hash_password, verify_password
from core.accounts.queries import get_user
from core.accounts.rules import (
    acts_for,
    clean_line,
    is_self,
    reason_of,
    require_language,
    require_manager,
    require_password,
    require_reason,
    require_superadmin,
    require_time_zone,
)
from core.accounts.sessions import end_sessions
from core.audit import Actor, record
from core.database import PEOPLE, announce
from core.errors import Conflict, NotAllowed
from core.vocabulary import Role

SUPERADMINS_LOCK = 0x53555052  # "SUPR"


async def set_role(session: AsyncSession, actor: Actor, user_id: UUID, role: Role, *, reason: str) -> User:
    """Changes what a person may do; in open pages within a second. Losing the pages ends the sessions.

    `core.signup.appoint` does this and gives new staff their test account.

    Raises:
        NotAllowed: not a superadmin.
        Conflict: `last_superadmin`.
    """
    require_superadmin(actor, "change roles")
    reason = require_reason(reason)
    await lock_superadmins(session)
    user = await get_user(session, user_id, lock=True)
    if user.role is role:
        return user
    if user.role is Role.SUPERADMIN:
        await _require_another_superadmin(session, user)
    before, user.role, user.updated_at = user.role, role, datetime.now(UTC)
    if role is Role.USER:
        await end_sessions(session, user_id)
    await record(
        session,
        actor,
        "user.role",
        ("user", user_id),
        reason=reason,
        before={"role": before},
        after={"role": role},
    )
    await announce(session, PEOPLE)
    return user


async def suspend(session: AsyncSession, actor: Actor, user_id: UUID, *, reason: str) -> User:
    """Shuts a person out, pages and API, within a second; nothing of theirs is lost.

    Raises:
        NotAllowed: not a superadmin, nor support where the person is none of the staff.
        Conflict: `last_superadmin`; `already_suspended`.
    """
    reason = require_reason(reason)
    await lock_superadmins(session)
    user = await get_user(session, user_id, lock=True)
    require_manager(actor, user.role, "suspend people")
    if user.status is UserStatus.SUSPENDED:
        raise Conflict("This account is suspended already.", code="already_suspended")
    if user.role is Role.SUPERADMIN:
        await _require_another_superadmin(session, user)
    user.status, user.status_reason, user.updated_at = UserStatus.SUSPENDED, reason, datetime.now(UTC)
    await end_sessions(session, user_id)
    await _record_status(session, actor, "user.suspend", user, UserStatus.ACTIVE, reason)
    return user


async def reactivate(session: AsyncSession, actor: Actor, user_id: UUID, *, reason: str) -> User:
    """Lets a suspended person in again; their keys work as before, sessions are opened anew.

    Raises:
        NotAllowed: as for `suspend`.
        Conflict: `not_suspended`.
    """
    reason = require_reason(reason)
    user = await get_user(session, user_id, lock=True)
    require_manager(actor, user.role, "reactivate people")
    if user.status is UserStatus.ACTIVE:
        raise Conflict("This account is not suspended.", code="not_suspended")
    user.status, user.status_reason, user.updated_at = UserStatus.ACTIVE, None, datetime.now(UTC)
    await _record_status(session, actor, "user.reactivate", user, UserStatus.SUSPENDED, reason)
    return user


async def set_password(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    password: str,
    *,
    old: str | None = None,
    keep_session: UUID | None = None,
    one_time: bool = False,
) -> None:
    """Sets a password: one's own, with the old one; anybody's, by the command line. Other sessions end.

    Args:
        keep_session: the session in which the change is made, which stays.
        one_time: whether it must be changed soon.

    Raises:
        InvalidRequest: `weak_password`.
        NotAllowed: `wrong_password`, or another person's password.
    """
    require_password(password)
    user = await get_user(session, user_id)
    stored = user.password_hash
    if actor.kind not in ("command_line", "system"):
        if not is_self(actor, user_id):
            raise NotAllowed("A password is changed by its owner, or by a superadmin on the command line.")
        right, _ = await verify_password(old or "", stored)
        if not right:
            raise NotAllowed("The old password is wrong.", code="wrong_password")
    hashed = await hash_password(password)
    user = await get_user(session, user_id, lock=True)
    if user.password_hash != stored:
        raise Conflict("The password was changed meanwhile.")
    user.password_hash, user.password_one_time, user.updated_at = hashed, one_time, datetime.now(UTC)
    ended = await end_sessions(session, user_id, but=keep_session)
    await record(
        session,
        actor,
        "user.password",
        ("user", user_id),
        after={"one_time": one_time, "sessions_ended": ended},
    )
    await announce(session, PEOPLE)


async def set_preferences(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    *,
    provider: str | None,
    model: str | None,
    reason: str | None = None,
) -> User:
    """Sets the preferred provider (its slug) and model; None is no preference. Whether they exist is seen when used.

    Raises:
        InvalidRequest: `reason_required`, where a person changes another's.
        NotAllowed: another person's, and the actor does not manage them.
    """
    provider = clean_line(provider, "A provider's name", 100) or None if provider else None
    model = clean_line(model, "A model's name", 200) or None if model else None
    return await _change(
        session,
        actor,
        user_id,
        "user.preferences",
        {"preferred_provider": provider, "preferred_model": model},
        reason,
    )


async def set_profile(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    *,
    name: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    reason: str | None = None,
) -> User:
    """Changes what is given of name, language (a tag as `pt-BR`) and time zone (IANA).

    Raises:
        InvalidRequest: no such language or time zone; `reason_required`, where a person changes another's.
        NotAllowed: another person's, and the actor does not manage them.
    """
    fields: dict[str, str | None] = {}
    if name is not None:
        fields["name"] = clean_line(name, "A name")
    if language is not None:
        fields["language"] = require_language(language)
    if time_zone is not None:
        fields["time_zone"] = require_time_zone(time_zone)
    return await _change(session, actor, user_id, "user.profile", fields, reason)


async def lock_superadmins(session: AsyncSession) -> None:
    """Held to the transaction's end by all who make or unmake superadmins: two who demote each other would leave none."""
    await session.exec(select(func.pg_advisory_xact_lock(SUPERADMINS_LOCK)))


async def _require_another_superadmin(session: AsyncSession, user: User) -> None:
    others = await session.exec(
        select(func.count())
        .select_from(User)
        .where(User.role == Role.SUPERADMIN, User.status == UserStatus.ACTIVE, col(User.id) != user.id)
    )
    if others.one() == 0:
        raise Conflict("This is the last active superadmin; name another one first.", code="last_superadmin")


async def _record_status(
    session: AsyncSession, actor: Actor, action: str, user: User, before: UserStatus, reason: str
) -> None:
    await record(
        session,
        actor,
        action,
        ("user", user.id),
        reason=reason,
        before={"status": before},
        after={"status": user.status},
    )
    await announce(session, PEOPLE)


async def _change(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    action: str,
    fields: dict[str, str | None],
    reason: str | None,
) -> User:
    """Sets plain fields of a user, one's own or a managed person's."""
    user = await get_user(session, user_id, lock=True)
    if not acts_for(actor, user_id):
        require_manager(actor, user.role, "change other people's accounts")
    before = {name: getattr(user, name) for name in fields}
    if before == fields:
        return user
    reason = reason_of(actor, user_id, reason)
    for name, value in fields.items():
        setattr(user, name, value)
    user.updated_at = datetime.now(UTC)
    await record(session, actor, action, ("user", user_id), reason=reason, before=before, after=fields)
    await announce(session, PEOPLE)
    return user
