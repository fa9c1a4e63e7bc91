"""Reads of people."""

from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import ApiKey, User, UserStatus
from core.errors import InvalidRequest, NotFound
from core.vocabulary import Role

PAGE_LONGEST = 200


async def get_user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> User:
    """The user as stored now; with `lock`, held until the transaction ends.

    Raises:
        NotFound: `user_not_found`.
    """
    # Only the row's own fields are locked: rows that refer to it (entries, keys) may be written meanwhile.
    held: Any = {"key_share": True} if lock else None
    user = await session.get(User, user_id, with_for_update=held, populate_existing=lock)
    if user is None:
        raise NotFound("There is no such user.", code="user_not_found")
    return user


async def find_user(session: AsyncSession, id_or_email: str) -> User:
    """The user of this id or e-mail address.

    Raises:
        NotFound: `user_not_found`.
    """
    identifier = parse_id(id_or_email)
    if identifier:
        return await get_user(session, identifier)
    email = id_or_email.strip().lower()
    user = (
        (await session.exec(select(User).where(func.lower(User.email) == email))).first()
        if email.isprintable()
        else None
    )
    if user is None:
        raise NotFound("There is no user with this id or e-mail address.", code="user_not_found")
    return user


async def list_users(
    session: AsyncSession, *, role: Role | None = None, limit: int = 50, after: UUID | None = None
) -> tuple[list[User], UUID | None]:
    """Users in the order they were made.

    Returns:
        At most `limit` (up to 200) of them, and what to pass as `after` for the next ones; None at the end.
    """
    if not 1 <= limit <= PAGE_LONGEST:
        raise InvalidRequest(f"limit is between 1 and {PAGE_LONGEST}.")
    wanted = select(User).order_by(col(User.id)).limit(limit + 1)
    if role:
        wanted = wanted.where(User.role == role)
    if after:
        wanted = wanted.where(col(User.id) > after)
    found = list(await session.exec(wanted))
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def list_keys(session: AsyncSession, user_id: UUID) -> list[ApiKey]:
    """The keys of a user, newest first, revoked ones included. Their secrets are stored nowhere."""
    return list(
        await session.exec(select(ApiKey).where(ApiKey.user_id == user_id).order_by(col(ApiKey.id).desc()))
    )


def parse_id(text: str) -> UUID | None:
    """A UUID in any of its spellings, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def count_staff(session: AsyncSession) -> int:
    """How many people may open pages."""
    query = (
        select(func.count()).select_from(User).where(User.role != Role.USER, User.status == UserStatus.ACTIVE)
    )
    return (await session.exec(query)).one()


async def has_one_time_password(session: AsyncSession, user_id: UUID) -> bool:
    """Whether a person still signs in with the password that was handed to them."""
    return (await session.exec(select(User.password_one_time).where(User.id == user_id))).one()
