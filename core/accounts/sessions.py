"""Signing in, and the sessions that it opens: one per browser, ended by time, by its owner or by an administrator."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.attempts import count_attempt, forgive_account
from core.accounts.models import Session, UserStatus
from core.accounts.passwords import verify_password
from core.accounts.person import PERSON_COLUMNS, PERSON_WIDTH, Person, person_from
from core.accounts.queries import get_user
from core.accounts.rules import (
    SESSION_IDLE,
    SESSION_LONGEST,
    SESSION_TOUCH,
    cut_line,
    first_end,
    is_self,
    normal_email,
    reason_of,
    require_manager,
)
from core.audit import Actor, record
from core.config import Rate
from core.database import PEOPLE, Database, announce
from core.errors import InvalidRequest, NotAllowed, NotFound, NotSignedIn
from core.ids import new_id
from core.log import get_logger
from core.vocabulary import STAFF

log = get_logger(__name__)

ENDED_SESSIONS_KEPT = timedelta(days=30)


async def sign_in(
    database: Database,
    email: str,
    password: str,
    *,
    address: str | None,
    user_agent: str | None,
    keep: bool,
    rate: Rate,
    now: datetime | None = None,
) -> tuple[str, Person]:
    """Opens a session of the pages for one of the staff.

    Args:
        address: where the request came from; `rate` holds for it as well as for the account.
        keep: 12 hours at least, rather than 4 hours after the last use.

    Returns:
        The token for the cookie, which is stored nowhere in clear, and the person.

    Raises:
        NotSignedIn: `wrong_credentials`: unknown, suspended, or the wrong password; the answer does not tell which.
        NotAllowed: `staff_only`: the credentials are right, but the pages are for staff.
        LimitReached: too many attempts, with `retry_after` in seconds.
    """
    now = now or datetime.now(UTC)
    email = _as_stored(email)
    await count_attempt(database, email, address, rate, now)

    found = await database.fetch_one(
        "select id, password_hash, status from users where lower(email) = %s", (email,)
    )
    user_id, stored, status = found or (None, None, None)
    right, renewed = await verify_password(password, stored)
    if user_id is None or not right or status != UserStatus.ACTIVE:
        log.info("sign-in refused", user_id=str(user_id))
        raise _refused()

    token = secrets.token_urlsafe(32)
    async with database.transaction() as session:
        user = await get_user(session, user_id, lock=True)
        if user.status is not UserStatus.ACTIVE or user.password_hash != stored:
            raise _refused()  # suspended, or given another password, while ours was being verified
        if user.role not in STAFF:
            raise NotAllowed(
                "The password is right, but these pages are for staff; this account has the API only.",
                code="staff_only",
            )
        opened = Session(
            id=new_id(),
            token_hash=hash_token(token),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            expires_at=first_end(now, keep=keep),
            address=cut_line(address, 100),
            user_agent=cut_line(user_agent),
        )
        session.add(opened)
        if renewed:
            user.password_hash = renewed
        await forgive_account(session, email)
        actor = Actor("user", user.email, user.role, user.id, address)
        await record(
            session, actor, "session.open", ("user", user.id), after={"session": opened.id, "keep": keep}
        )
    person = await authenticate_session(database, token, now=now)
    if person is None:
        raise _refused()
    return token, person


async def authenticate_session(
    database: Database, token: str, *, now: datetime | None = None
) -> Person | None:
    """Whose session this is: an active member of staff, or None. One prepared statement, and once a minute another."""
    now = now or datetime.now(UTC)
    row = await database.fetch_one(AUTHENTICATE, {"hash": hash_token(token), "now": now})
    if row is None:
        return None
    session_id, last_seen = row[PERSON_WIDTH:]
    if now - last_seen >= SESSION_TOUCH:
        await database.execute(
            TOUCH,
            {
                "id": session_id,
                "now": now,
                "before": now - SESSION_TOUCH,
                "idle": SESSION_IDLE,
                "longest": SESSION_LONGEST,
            },
        )
    return person_from(row, session_id=session_id)


AUTHENTICATE = f"""
select {PERSON_COLUMNS}, s.id, s.last_seen_at
from sessions s join users u on u.id = s.user_id
where s.token_hash = %(hash)s and s.revoked_at is null and s.expires_at > %(now)s
    and u.status = 'active' and u.role <> 'user'
"""

TOUCH = """
update sessions
set last_seen_at = %(now)s,
    expires_at = least(created_at + %(longest)s, greatest(expires_at, %(now)s + %(idle)s))
where id = %(id)s and last_seen_at <= %(before)s
"""


async def revoke_session(
    session: AsyncSession, actor: Actor, session_id: UUID, *, reason: str | None = None
) -> None:
    """Ends one session: one's own (signing out), or another's by those who manage them. Twice is once.

    Raises:
        NotFound: no such session.
        NotAllowed: another person's, and the actor does not manage them.
        InvalidRequest: `reason_required`, where a person ends another's.
    """
    found = await session.get(Session, session_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such session.")
    await _require_own_or_managed(session, actor, found.user_id)
    if found.revoked_at is None:
        reason = reason_of(actor, found.user_id, reason)
        found.revoked_at = datetime.now(UTC)
        await record(
            session,
            actor,
            "session.revoke",
            ("user", found.user_id),
            reason=reason,
            after={"session": session_id},
        )
        await announce(session, PEOPLE)


async def revoke_sessions_of(
    session: AsyncSession, actor: Actor, user_id: UUID, *, but: UUID | None = None, reason: str | None = None
) -> int:
    """Ends all sessions of a user, except `but`; returns how many were open.

    Raises:
        NotFound: no such user.
        NotAllowed: another person's, and the actor does not manage them.
        InvalidRequest: `reason_required`, where a person ends another's.
    """
    await _require_own_or_managed(session, actor, user_id)
    count = await end_sessions(session, user_id, but=but)
    if count:
        reason = reason_of(actor, user_id, reason)
        await record(
            session, actor, "session.revoke_all", ("user", user_id), reason=reason, after={"sessions": count}
        )
        await announce(session, PEOPLE)
    return count


async def end_sessions(session: AsyncSession, user_id: UUID, *, but: UUID | None = None) -> int:
    """Ends open sessions as part of another deed, which checks, records and announces."""
    now = datetime.now(UTC)
    open_ones = (
        update(Session)
        .where(
            col(Session.user_id) == user_id, col(Session.revoked_at).is_(None), col(Session.expires_at) > now
        )
        .values(revoked_at=now)
        .returning(col(Session.id))
    )
    if but is not None:
        open_ones = open_ones.where(col(Session.id) != but)
    return len((await session.exec(open_ones)).all())


async def list_sessions(
    session: AsyncSession, actor: Actor, user_id: UUID, *, now: datetime | None = None
) -> list[Session]:
    """The open sessions of a user, last used first; refuses as `revoke_session` does."""
    await _require_own_or_managed(session, actor, user_id)
    rows = await session.exec(
        select(Session)
        .where(
            Session.user_id == user_id,
            col(Session.revoked_at).is_(None),
            col(Session.expires_at) > (now or datetime.now(UTC)),
        )
        .order_by(col(Session.last_seen_at).desc())
    )
    return list(rows)


async def forget_sessions(database: Database, now: datetime) -> int:
    """Removes sessions that ended more than 30 days ago; returns how many. For a schedule."""
    return await database.execute(
        "delete from sessions where least(expires_at, revoked_at) < %s", (now - ENDED_SESSIONS_KEPT,)
    )


def hash_token(token: str) -> bytes:
    """What is stored of a session's token or an API key: they are random, so no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def _require_own_or_managed(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    if not is_self(actor, user_id):
        role = (await get_user(session, user_id)).role
        require_manager(actor, role, "see or end another person's sessions", colleagues=True)


def _as_stored(email: str) -> str:
    try:
        return normal_email(email)
    except InvalidRequest:
        # Not an address, so nobody's: it takes the same way to the same refusal. No NUL, which a database refuses.
        return email.replace("\0", "").encode("utf-8", "replace").decode().strip().lower()[:300]


def _refused() -> NotSignedIn:
    return NotSignedIn("E-mail or password is wrong, or the account is suspended.", code="wrong_credentials")
