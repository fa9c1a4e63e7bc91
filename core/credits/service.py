"""The verbs of the ledger.

The rules themselves (locks, burn order, no balance below zero) are the functions of functions.sql; here they are
called, refusals become errors with a sentence, and writes by people are audited. `RESERVE`, `SETTLE` and `RELEASE`
are also embedded by `core.generation` into its own two statements, so that a generation and its money are one
transaction each time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.credits.models import CreditAccount, CreditEntry, CreditLot, EntryType
from core.database import Database, run
from core.errors import Conflict, InsufficientCredits, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role, Traffic

LEASE_SECONDS = 60
SUPPORT_ADJUSTMENT_LIMIT = 5_000
"""Credits that support may adjust by without approval (DATA, Defaults)."""
REFUND_MINIMUM_LIFE = timedelta(days=30)

RESERVE = (
    "select * from ledger_reserve(%(user_id)s, %(traffic)s, %(id)s, %(amounts)s, %(lease_seconds)s,"
    " %(day)s, %(day_cap)s, %(month)s, %(month_cap)s, %(trial_cap)s)"
)
SETTLE = "select * from ledger_settle(%(id)s, %(charge)s, %(reason)s)"
RELEASE = "select * from ledger_release(%(id)s)"


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has; `available` is what a new reservation may take."""

    balance: int
    held: int

    @property
    def available(self) -> int:
        return self.balance - self.held


async def balance_of(database: Database, user_id: UUID, traffic: Traffic = Traffic.LIVE) -> Balance:
    """The balance of a user; zero where no account was opened."""
    row = await database.fetch_one(
        "select balance, held from credit_accounts where user_id = %s and traffic = %s", (user_id, traffic)
    )
    return Balance(*row) if row else Balance(0, 0)


async def open_account(session: AsyncSession, user_id: UUID, traffic: Traffic = Traffic.LIVE) -> UUID:
    """The user's account for this traffic, opened where there is none."""
    await run(
        session,
        "insert into credit_accounts (id, user_id, traffic) values (:id, :user_id, :traffic)"
        " on conflict (user_id, traffic) do nothing",
        {"id": new_id(), "user_id": user_id, "traffic": str(traffic)},
    )
    return (
        await session.exec(
            select(CreditAccount.id).where(CreditAccount.user_id == user_id, CreditAccount.traffic == traffic)
        )
    ).one()


async def post(
    session: AsyncSession,
    account_id: UUID,
    *,
    type: EntryType,
    amount: int,
    reason: str,
    actor: Actor,
    expires_at: datetime | None = None,
    reason_code: str | None = None,
    note: str | None = None,
    generation_id: UUID | None = None,
    refund_of: UUID | None = None,
    reference: str | None = None,
) -> CreditEntry:
    """Posts one entry other than usage; `amount` in credits, negative ones burn lots.

    Raises:
        NotFound: no such account.
        InsufficientCredits: the amount would reach below zero or into what is held.
    """
    entry_id = new_id()
    outcome, _, available = (
        await run(
            session,
            "select outcome, seq, balance_after from ledger_post(:account_id, :id, :type, :amount, :expires_at,"
            " :reason, :reason_code, :note, :actor_kind, :actor_id, :generation_id, :refund_of, :reference)",
            {
                "account_id": account_id,
                "id": entry_id,
                "type": str(type),
                "amount": amount,
                "expires_at": expires_at,
                "reason": reason,
                "reason_code": reason_code,
                "note": note,
                "actor_kind": actor.kind,
                "actor_id": actor.id,
                "generation_id": generation_id,
                "refund_of": refund_of,
                "reference": reference,
            },
        )
    ).one()
    if outcome == "no_account":
        raise NotFound("There is no such credit account.")
    if outcome == "insufficient_credits":
        raise InsufficientCredits(-amount, available)
    return (await session.exec(select(CreditEntry).where(CreditEntry.id == entry_id))).one()


async def adjust(
    session: AsyncSession,
    user_id: UUID,
    amount: int,
    *,
    actor: Actor,
    reason_code: str,
    note: str = "",
    type: EntryType = EntryType.ADJUSTMENT,
    traffic: Traffic = Traffic.LIVE,
) -> CreditEntry:
    """Adds to or takes from a user's credits, by a person or key that may, with a reason for the books.

    Raises:
        NotAllowed: not superadmin or support, or above support's limit.
        InvalidRequest: an amount of zero, or no reason code.
        InsufficientCredits: below zero, or into what is held.
    """
    _may_move_money(actor, amount)
    if amount == 0:
        raise InvalidRequest("An adjustment of 0 credits changes nothing.")
    if not reason_code.strip():
        raise InvalidRequest("An adjustment needs a reason.")
    account_id = await open_account(session, user_id, traffic)
    entry = await post(
        session,
        account_id,
        type=type,
        amount=amount,
        reason=reason_code,
        reason_code=reason_code,
        note=note,
        actor=actor,
    )
    await record(
        session,
        actor,
        f"credits.{type}",
        ("user", user_id),
        reason=reason_code,
        before={"balance": entry.balance_after - amount},
        after={"balance": entry.balance_after, "amount": amount, "entry": entry.id, "note": note},
    )
    return entry


async def refund(
    session: AsyncSession,
    *,
    actor: Actor,
    reason_code: str,
    note: str = "",
    generation_id: UUID | None = None,
    entry_id: UUID | None = None,
    amount: int | None = None,
) -> CreditEntry:
    """Gives back what a generation was charged: the whole of what is left, or `amount` credits of it.

    Raises:
        NotFound: the generation or entry was never charged.
        Conflict: `already_refunded`, nothing of the charge is left.
        InvalidRequest: more than what is left, or not positive.
    """
    charge = await _charge_to_refund(session, generation_id, entry_id)
    # The account's lock first: two refunds of one charge see each other.
    await session.exec(
        select(CreditAccount.id).where(CreditAccount.id == charge.account_id).with_for_update()
    )
    refunded = (
        await session.exec(
            select(func.coalesce(func.sum(CreditEntry.amount), 0)).where(CreditEntry.refund_of == charge.id)
        )
    ).one()
    left = -charge.amount - int(refunded)
    if left == 0:
        raise Conflict("This charge has been refunded in full already.", code="already_refunded")
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise InvalidRequest(
            f"A refund of {amount:,} credits is not possible: {left:,} of {-charge.amount:,} are left to refund.",
            details={"left": left, "charged": -charge.amount},
        )
    _may_move_money(
        actor, min(amount, SUPPORT_ADJUSTMENT_LIMIT)
    )  # a refund up to the charge needs no approval
    entry = await post(
        session,
        charge.account_id,
        type=EntryType.REFUND,
        amount=amount,
        reason=reason_code,
        reason_code=reason_code,
        note=note,
        actor=actor,
        generation_id=charge.generation_id,
        refund_of=charge.id,
        expires_at=await _refund_expiry(session, charge),
    )
    await record(
        session,
        actor,
        "credits.refund",
        ("generation", charge.generation_id),
        reason=reason_code,
        before={"refunded": int(refunded)},
        after={
            "refunded": int(refunded) + amount,
            "charged": -charge.amount,
            "entry": entry.id,
            "note": note,
        },
    )
    return entry


async def entries(
    database: Database,
    user_id: UUID,
    *,
    traffic: Traffic = Traffic.LIVE,
    limit: int = 50,
    after: int | None = None,
) -> list[dict[str, Any]]:
    """A user's entries, newest first; `after` is the `seq` of the last one seen."""
    names = (
        "id",
        "seq",
        "type",
        "amount",
        "balanceAfter",
        "reason",
        "note",
        "generationId",
        "refundOf",
        "createdAt",
    )
    rows = await database.fetch_all(
        "select e.id, e.seq, e.type, e.amount, e.balance_after, e.reason, e.note, e.generation_id, e.refund_of,"
        " e.created_at from credit_accounts a join credit_entries e on e.account_id = a.id"
        " where a.user_id = %(user_id)s and a.traffic = %(traffic)s and e.seq < coalesce(%(after)s, 9223372036854775807)"
        " order by e.seq desc limit %(limit)s",
        {"user_id": user_id, "traffic": traffic, "after": after, "limit": limit},
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _may_move_money(actor: Actor, amount: int) -> None:
    if actor.role == Role.SUPERADMIN:
        return
    if actor.role != Role.SUPPORT:
        raise NotAllowed("Only support and superadmins may change credits.")
    if abs(amount) > SUPPORT_ADJUSTMENT_LIMIT:
        raise NotAllowed(
            f"Support may adjust by up to {SUPPORT_ADJUSTMENT_LIMIT:,} credits; ask a superadmin for more.",
            code="approval_needed",
        )


async def _charge_to_refund(
    session: AsyncSession, generation_id: UUID | None, entry_id: UUID | None
) -> CreditEntry:
    query = select(CreditEntry).where(CreditEntry.type == EntryType.USAGE)
    if entry_id is not None:
        query = query.where(CreditEntry.id == entry_id)
    else:
        query = query.where(CreditEntry.generation_id == generation_id)
    charge = (await session.exec(query)).first()
    if charge is None:
        raise NotFound("Nothing was charged there, so there is nothing to refund.")
    return charge


async def _refund_expiry(session: AsyncSession, charge: CreditEntry) -> datetime | None:
    """The latest expiry among the lots that paid, at least thirty days from now; None where one of them never expires."""
    expiries = (
        await session.exec(select(CreditLot.expires_at).where(col(CreditLot.id).in_(charge.lots)))
    ).all()
    if not expiries or None in expiries:
        return None
    latest = max(expiry for expiry in expiries if expiry is not None)
    return max(latest, datetime.now(UTC) + REFUND_MINIMUM_LIFE)
