"""API keys: a user key acts for its user, a service key for whomever each call names, within its scopes."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import ApiKey, KeyKind, UserStatus
from core.accounts.queries import get_user
from core.accounts.rules import clean_line, is_self, reason_of, require_manager, require_superadmin
from core.accounts.sessions import hash_token
from core.audit import Actor, record
from core.database import PEOPLE, announce
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import STAFF, Role

KEY_SHAPE = re.compile(r"psr_[us]_[A-Za-z0-9_-]{32}")
PREFIX_LENGTH = len("psr_u_") + 4
"""As much of a key as may be shown: enough to tell keys apart, too little to guess by."""


class Scope(StrEnum):
    """What a service key may be used for."""

    GENERATE = "generate"
    CHECK = "check"
    USERS = "users"
    PLANS = "plans"
    FEATURES = "features"
    CREDITS = "credits"
    COSTS = "costs"
    MODELS = "models"


DEFAULT_SCOPES = frozenset({Scope.GENERATE, Scope.CHECK})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is to be shown once: nobody can find it out again."""

    id: UUID
    secret: str
    prefix: str

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r}, prefix={self.prefix!r})"


async def create_key(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    *,
    name: str,
    kind: KeyKind = KeyKind.USER,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
    reason: str | None = None,
) -> NewKey:
    """Makes a key of `user_id`. A service key belongs to the superadmin who makes it, and works while they are one.

    Keys of the staff are made by themselves or by superadmins: whoever holds one acts under their name.

    Args:
        scopes: of a service key: `generate` and `check` unless given. A user key has none.

    Raises:
        InvalidRequest: an unknown scope, no name, or an end in the past; `reason_required`, where a person makes it for
            another.
        NotAllowed: the actor may not make this key for this user.
        Conflict: `account_suspended`.
    """
    user = await get_user(session, user_id)
    if kind is KeyKind.SERVICE:
        require_superadmin(actor, "make service keys")
        if user.role is not Role.SUPERADMIN or (actor.kind == "user" and not is_self(actor, user_id)):
            raise NotAllowed("A service key belongs to the superadmin who makes it.")
    elif not is_self(actor, user_id):
        require_manager(actor, user.role, "make keys for others")
        if user.role in STAFF:
            require_superadmin(actor, "make keys for staff")
    if user.status is UserStatus.SUSPENDED:
        raise Conflict(
            "This account is suspended; reactivate it before making keys for it.", code="account_suspended"
        )
    name = clean_line(name, "The name of a key", 100)
    if not name:
        raise InvalidRequest("A key needs a name, so that people know later what uses it.")
    if expires_at and expires_at <= datetime.now(UTC):
        raise InvalidRequest("The key would end in the past.")

    reason = reason_of(actor, user_id, reason)
    secret = f"psr_{kind[0]}_{secrets.token_urlsafe(24)}"
    key = ApiKey(
        id=new_id(),
        user_id=user_id,
        kind=kind,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        key_hash=hash_token(secret),
        scopes=_scopes(kind, scopes),
        created_by=actor.id,
        expires_at=expires_at,
    )
    session.add(key)
    await record(session, actor, "key.create", ("user", user_id), reason=reason, after=_shown(key))
    return NewKey(key.id, secret, key.prefix)


async def revoke_key(session: AsyncSession, actor: Actor, key_id: UUID, *, reason: str | None = None) -> None:
    """Ends a key for good, in every process within a second. Twice is once.

    Raises:
        NotFound: no such key.
        NotAllowed: another person's key, and the actor does not manage them.
        InvalidRequest: `reason_required`, where a person revokes another's.
    """
    key = await session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound("There is no such key.")
    if not is_self(actor, key.user_id):
        require_manager(actor, (await get_user(session, key.user_id)).role, "revoke the keys of others")
    if key.revoked_at is None:
        key.revoked_at = datetime.now(UTC)
        reason = reason_of(actor, key.user_id, reason)
        await record(session, actor, "key.revoke", ("user", key.user_id), reason=reason, before=_shown(key))
        await announce(session, PEOPLE)


def _scopes(kind: KeyKind, scopes: Collection[str] | None) -> list[str]:
    if kind is KeyKind.USER:
        if scopes:
            raise InvalidRequest("A user key acts for its user and has no scopes; a service key has.")
        return []
    wanted = DEFAULT_SCOPES if scopes is None else set(scopes)
    unknown = sorted(wanted - set(Scope))
    if unknown:
        raise InvalidRequest(f"Unknown scope {unknown[0][:50]!r}; there are {', '.join(Scope)}.")
    return sorted(str(scope) for scope in wanted)


def _shown(key: ApiKey) -> dict[str, object]:
    return {"key": key.id, "prefix": key.prefix, "name": key.name, "kind": key.kind, "scopes": key.scopes}
