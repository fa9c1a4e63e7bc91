"""Promotional codes: so many credits, for so many people, until a day, once to each."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import clean_line, require_reason, require_superadmin
from core.credits.limits import LARGEST
from core.credits.models import CreditEntry, EntryType
from core.credits.posting import open_account, post
from core.credits.reasons import LONGEST_NOTE
from core.credits.shop_models import PromoCode
from core.database import Database, run
from core.errors import Conflict, InvalidRequest, NotFound

SHAPE = re.compile(r"[A-Z0-9][A-Z0-9-]{2,39}")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of codes thought out here: none that is read for another."""
MOST_USES = 10_000_000
MOST_DAYS = 3_650
LONGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Use:
    """Who has redeemed a code, and when."""

    user_id: UUID
    email: str
    entry_id: UUID
    at: datetime


async def codes(database: Database, *, retired: bool = False, limit: int = LONGEST_PAGE) -> list[PromoCode]:
    """The codes, the newest first; `retired`: those that are no longer taken, too."""
    query = select(PromoCode).order_by(col(PromoCode.created_at).desc(), col(PromoCode.code)).limit(limit)
    if not retired:
        query = query.where(col(PromoCode.retired_at).is_(None))
    async with database.transaction() as session:
        return list((await session.exec(query)).all())


async def uses_of(database: Database, code: str, *, limit: int = 50) -> list[Use]:
    """Who has redeemed a code, the newest first."""
    rows = await database.fetch_all(
        "select p.user_id, u.email, p.entry_id, p.created_at from promo_uses p join users u on u.id = p.user_id"
        " where p.code = %s order by p.created_at desc, p.user_id limit %s",
        (code, min(limit, LONGEST_PAGE)),
    )
    return [Use(*row) for row in rows]


async def make_code(
    session: AsyncSession,
    *,
    code: str | None = None,
    credits: int,
    most_uses: int | None = None,
    expires_at: datetime | None = None,
    credits_last_days: int | None = None,
    note: str = "",
    actor: Actor,
) -> PromoCode:
    """Makes a code; by superadmins.

    Args:
        code: 3 to 40 letters, digits and dashes, whatever their case; thought out where it is None.
        most_uses: people who may redeem it; None is everybody.
        expires_at: until when it is taken.
        credits_last_days: the credits expire so many days after they were redeemed; None is never.

    Raises:
        NotAllowed, InvalidRequest, Conflict: `code_taken`, there is or was such a code.
    """
    require_superadmin(actor, "make promotional codes")
    code = (
        _normal(code)
        if code
        else "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    )
    if not SHAPE.fullmatch(code):
        raise InvalidRequest("A code has 3 to 40 letters, digits and dashes.")
    if not 0 < credits <= LARGEST:
        raise InvalidRequest(f"A code gives 1 to {LARGEST:,} credits.")
    if most_uses is not None and not 0 < most_uses <= MOST_USES:
        raise InvalidRequest(f"A code may be used 1 to {MOST_USES:,} times, or without limit.")
    if credits_last_days is not None and not 0 < credits_last_days <= MOST_DAYS:
        raise InvalidRequest(f"The credits of a code last 1 to {MOST_DAYS:,} days, or for ever.")
    if expires_at and expires_at <= datetime.now(UTC):
        raise InvalidRequest("This code would end in the past.")
    values = {
        "code": code,
        "credits": credits,
        "most_uses": most_uses,
        "expires_at": expires_at,
        "credits_last_days": credits_last_days,
        "note": clean_line(note, "A note", LONGEST_NOTE),
        "created_by": actor.id,
    }
    made = await session.exec(
        insert(PromoCode).values(**values).on_conflict_do_nothing().returning(col(PromoCode.code))
    )
    if made.first() is None:
        raise Conflict(f"There is a code {code} already, or was once.", code="code_taken")
    await record(
        session,
        actor,
        "code.make",
        ("code", code),
        reason=str(values["note"]) or None,
        after={name: value for name, value in values.items() if name not in ("code", "created_by", "note")},
    )
    return (await session.exec(select(PromoCode).where(PromoCode.code == code))).one()


async def retire_code(session: AsyncSession, code: str, *, actor: Actor, reason: str) -> None:
    """Ends a code; what was redeemed stays. Twice is once. Raises `NotFound`, `NotAllowed`, `InvalidRequest`."""
    require_superadmin(actor, "end promotional codes")
    reason = require_reason(reason)
    found = await session.get(PromoCode, _normal(code), with_for_update=True)
    if found is None:
        raise NotFound("There is no such code.", code="unknown_code")
    if found.retired_at is None:
        found.retired_at = datetime.now(UTC)
        session.add(found)
        await record(
            session, actor, "code.retire", ("code", found.code), reason=reason, before={"uses": found.uses}
        )


async def redeem(session: AsyncSession, user_id: UUID, code: str, *, actor: Actor) -> CreditEntry:
    """Gives a user a code's credits: once to each user, and to no more people than it is for.

    Raises:
        NotFound: `unknown_code`; there is none, or it is no longer taken.
        Conflict: `code_redeemed`, this user has had it; `code_used_up`; `code_expired`.
    """
    code = _normal(code)
    account_id = await open_account(session, user_id)
    # The account before the code, as everywhere; the code's own row then lets one after another through.
    await run(session, "select from credit_accounts where id = :id for update", {"id": account_id})
    taken = (
        await run(
            session,
            "update promo_codes set uses = uses + 1 where code = :code and retired_at is null"
            " and (expires_at is null or expires_at > now()) and (most_uses is null or uses < most_uses)"
            " and not exists (select from promo_uses p where p.code = :code and p.user_id = :user)"
            " returning credits, credits_last_days",
            {"code": code, "user": user_id},
        )
    ).first()
    if taken is None:
        raise await _refusal(session, user_id, code)
    credits, days = taken
    entry = await post(
        session,
        account_id,
        type=EntryType.BONUS,
        amount=credits,
        reason=f"Code {code}",
        reason_code="code",
        actor=actor,
        reference=f"code:{code}",
        expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
    )
    await run(
        session,
        "insert into promo_uses (code, user_id, entry_id) values (:code, :user, :entry)",
        {"code": code, "user": user_id, "entry": entry.id},
    )
    await record(
        session,
        actor,
        "credits.redeem",
        ("user", user_id),
        reason=f"Code {code}",
        before={"balance": entry.balance_after - credits},
        after={"balance": entry.balance_after, "amount": credits, "entry": entry.id},
    )
    return entry


async def _refusal(session: AsyncSession, user_id: UUID, code: str) -> NotFound | Conflict:
    found = await session.get(PromoCode, code)
    if found is None or found.retired_at:
        return NotFound("There is no such code.", code="unknown_code")
    had = await run(
        session,
        "select from promo_uses where code = :code and user_id = :user",
        {"code": code, "user": user_id},
    )
    if had.first() is not None:
        return Conflict("This code has been redeemed by this user already.", code="code_redeemed")
    if found.expires_at and found.expires_at <= datetime.now(UTC):
        return Conflict("This code has expired.", code="code_expired")
    return Conflict("This code has been used as often as it may be.", code="code_used_up")


def _normal(code: str) -> str:
    """A code as it is stored; what could be none is cut."""
    return "".join(letter for letter in code.strip().upper() if letter.isprintable())[:40]
