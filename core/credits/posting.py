"""Entries and accounts, as every verb of the ledger writes and reads them.

The rules themselves (locks, burn order, no balance below zero) are the functions of functions.sql. `core.generation`
calls them within its own beginning and end, so that a generation and its money are one transaction each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor
from core.credits.models import CreditAccount, CreditEntry, EntryType
from core.database import Database, run
from core.errors import InsufficientCredits, NotFound
from core.ids import new_id
from core.vocabulary import Traffic

LEASE_SECONDS = 60

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


@dataclass(frozen=True, slots=True)
class Movement:
    """What somebody wants booked by hand, checked by the verb it was given to. `user_id` None is a bulk grant's."""

    user_id: UUID | None
    amount: int
    reason_code: str
    note: str = ""
    type: EntryType = EntryType.ADJUSTMENT
    traffic: Traffic = Traffic.LIVE
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One entry of many that are posted at once; `amount` is positive."""

    account_id: UUID
    type: EntryType
    amount: int
    reason: str
    actor: Actor
    expires_at: datetime | None = None
    reason_code: str | None = None
    note: str | None = None
    reference: str | None = None
    approved_by: UUID | None = None
    id: UUID = field(default_factory=new_id)


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
    approved_by: UUID | None = None,
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
            " :reason, :reason_code, :note, :actor_kind, :actor_id, :generation_id, :refund_of, :reference,"
            " :approved_by)",
            {
                "account_id": account_id,
                "id": entry_id,
                "type": str(type),
                "amount": amount,
                "expires_at": expires_at,
                "reason": reason,
                "reason_code": reason_code,
                "note": note or None,
                "actor_kind": actor.kind,
                "actor_id": actor.id,
                "generation_id": generation_id,
                "refund_of": refund_of,
                "reference": reference,
                "approved_by": approved_by,
            },
        )
    ).one()
    if outcome == "no_account":
        raise NotFound("There is no such credit account.")
    if outcome == "insufficient_credits":
        raise InsufficientCredits(-amount, available)
    return (await session.exec(select(CreditEntry).where(CreditEntry.id == entry_id))).one()


async def post_all(session: AsyncSession, posts: Sequence[Post]) -> None:
    """Posts gifts to many accounts in one statement, in the order of the accounts: nobody who does so waits in a circle."""
    if not posts:
        return
    ordered = sorted(posts, key=lambda one: (one.account_id, one.id))
    found = await run(
        session,
        POST_ALL,
        {
            "accounts": [one.account_id for one in ordered],
            "ids": [one.id for one in ordered],
            "types": [one.type.value for one in ordered],
            "amounts": [one.amount for one in ordered],
            "ends": [one.expires_at for one in ordered],
            "reasons": [one.reason for one in ordered],
            "codes": [one.reason_code for one in ordered],
            "notes": [one.note or None for one in ordered],
            "kinds": [one.actor.kind for one in ordered],
            "actors": [one.actor.id for one in ordered],
            "references": [one.reference for one in ordered],
            "approvers": [one.approved_by for one in ordered],
        },
    )
    if any(outcome != "posted" for (outcome,) in found.all()):
        raise NotFound("There is no such credit account.")


POST_ALL = """
select p.outcome from unnest(cast(:accounts as uuid[]), cast(:ids as uuid[]), cast(:types as varchar[]),
    cast(:amounts as bigint[]), cast(:ends as timestamptz[]), cast(:reasons as varchar[]), cast(:codes as varchar[]),
    cast(:notes as varchar[]), cast(:kinds as varchar[]), cast(:actors as uuid[]), cast(:references as varchar[]),
    cast(:approvers as uuid[]))
    as t (account, id, type, amount, ends, reason, code, note, kind, actor, reference, approver)
cross join lateral ledger_post(t.account, t.id, t.type, t.amount, t.ends, t.reason, t.code, t.note, t.kind, t.actor,
    null, null, t.reference, t.approver) p
"""
