"""The verbs of the ledger: adjusting and refunding, by people and keys that may, audited, once per key.

What an entry is, and how one is posted, stands in `posting`; reads of many entries in `ledger`; what waits for a
second person in `approvals`.
"""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.credits.approvals import ask
from core.credits.idempotency import Once, once
from core.credits.limits import own_limit, refuse_own, require_amount, require_mover, require_target
from core.credits.models import CreditAccount, CreditEntry, CreditLot, CreditRequest, EntryType
from core.credits.posting import LEASE_SECONDS as LEASE_SECONDS
from core.credits.posting import RELEASE as RELEASE
from core.credits.posting import RESERVE as RESERVE
from core.credits.posting import SETTLE as SETTLE
from core.credits.posting import Balance as Balance
from core.credits.posting import Movement
from core.credits.posting import balance_of as balance_of
from core.credits.posting import open_account as open_account
from core.credits.posting import post as post
from core.credits.queries import entries as entries
from core.credits.reasons import checked_reason, words_of
from core.database import run
from core.errors import Conflict, InsufficientCredits, InvalidRequest, NotFound
from core.vocabulary import Traffic

REFUND_MINIMUM_LIFE = timedelta(days=30)
BY_HAND = frozenset({EntryType.ADJUSTMENT, EntryType.GRANT, EntryType.BONUS})
"""What an adjustment may be booked as; the other types come about otherwise."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of an adjustment: an entry, or a request that waits for another superadmin.

    `repeated`: it had been done before under the same key, and this is what was done then.
    """

    entry: CreditEntry | None
    request: CreditRequest | None = None
    repeated: bool = False


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
    expires_at: datetime | None = None,
    key: str | None = None,
) -> Moved:
    """Adds to or takes from a user's credits. Above the actor's limit, and for live credits of a superadmin's own
    whatever the amount, it is asked for, and nothing moves yet.

    Args:
        amount: credits, not 0; what is taken is burnt in the usual order.
        reason_code: one of `reasons.REASONS`; Purser itself and the command line may say it in their own words.
        type: adjustment, grant or bonus; the latter two only add.
        expires_at: when what was added expires.
        key: makes a repeated call the first one again; the page makes one when its dialog opens.

    Raises:
        NotAllowed: neither superadmin nor support, or support where the user is of the staff.
        InvalidRequest: an amount of nothing, no reason, an end in the past.
        NotFound: no such user.
        InsufficientCredits: below zero, or into what is held.
        Conflict: `idempotency_conflict`, the key was used for another movement.
    """
    require_mover(actor)
    reason_code, note = checked_reason(actor, reason_code, note)
    require_amount(amount)
    _require_kind(type, amount, expires_at)
    movement = Movement(user_id, amount, reason_code, note, type, traffic, expires_at)
    call = await _once(session, "adjust", actor, key, *astuple(movement))
    if call and call.answer is not None:
        return await _moved_before(session, call.answer)
    own = await require_target(session, actor, user_id, traffic)
    limit = await own_limit(session, actor)
    if limit is not None and (own or abs(amount) > limit):
        await _require_carried(session, movement)
        moved = Moved(None, await ask(session, movement, actor=actor))
    else:
        moved = Moved(await _book(session, movement, user_id, actor))
    if call:
        await call.keep(
            {
                "entry": moved.entry and str(moved.entry.id),
                "request": moved.request and str(moved.request.id),
            }
        )
    return moved


async def refund(
    session: AsyncSession,
    *,
    actor: Actor,
    reason_code: str,
    note: str = "",
    generation_id: UUID | None = None,
    entry_id: UUID | None = None,
    amount: int | None = None,
    key: str | None = None,
) -> CreditEntry:
    """Gives back what a generation was charged: the whole of what is left, or `amount` credits of it.

    A refund up to the charge needs no approval. What was used stays used: it is an entry of its own, linked to the
    charge. `key` makes a repeated call the first one again.

    Raises:
        NotAllowed: neither superadmin nor support, or support where the user is of the staff; `own_account`, one's
            own live credits.
        NotFound: the generation or entry was never charged.
        Conflict: `already_refunded`, nothing of the charge is left; `idempotency_conflict`.
        InvalidRequest: more than what is left, or not positive; no reason.
    """
    require_mover(actor, "refund charges")
    reason_code, note = checked_reason(actor, reason_code, note)
    call = await _once(session, "refund", actor, key, generation_id, entry_id, amount, reason_code, note)
    if call and call.answer is not None:
        return (
            await session.exec(select(CreditEntry).where(CreditEntry.id == UUID(call.answer["entry"])))
        ).one()
    charge = await _charge_to_refund(session, generation_id, entry_id)
    # The account's lock first: two refunds of one charge see each other.
    whose, traffic = (
        await session.exec(
            select(CreditAccount.user_id, CreditAccount.traffic)
            .where(CreditAccount.id == charge.account_id)
            .with_for_update()
        )
    ).one()
    if await require_target(session, actor, whose, Traffic(traffic), "refund charges"):
        raise refuse_own("refund this charge")
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
    entry = await post(
        session,
        charge.account_id,
        type=EntryType.REFUND,
        amount=amount,
        reason=words_of(reason_code),
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
        reason=words_of(reason_code),
        before={"refunded": int(refunded)},
        after={
            "refunded": int(refunded) + amount,
            "charged": -charge.amount,
            "entry": entry.id,
            "note": note,
        },
    )
    if call:
        await call.keep({"entry": str(entry.id)})
    return entry


def _require_kind(type: EntryType, amount: int, expires_at: datetime | None) -> None:
    if type not in BY_HAND:
        raise InvalidRequest(f"Nobody books an entry of type {type} by hand.")
    if amount < 0 and (type is not EntryType.ADJUSTMENT or expires_at):
        raise InvalidRequest("Only an adjustment takes credits away, and it does not expire.")
    if expires_at and expires_at <= datetime.now(UTC):
        raise InvalidRequest("These credits would expire in the past.")


async def _once(session: AsyncSession, deed: str, actor: Actor, key: str | None, *body: Any) -> Once | None:
    if key is None:
        return None
    return await once(
        session, f"{deed}:{actor.id or actor.kind}", key, [None if one is None else str(one) for one in body]
    )


async def _moved_before(session: AsyncSession, answer: dict[str, Any]) -> Moved:
    entry = request = None
    if answer["entry"]:
        entry = (await session.exec(select(CreditEntry).where(CreditEntry.id == UUID(answer["entry"])))).one()
    if answer["request"]:
        request = await session.get(CreditRequest, UUID(answer["request"]))
    return Moved(entry, request, repeated=True)


async def _require_carried(session: AsyncSession, movement: Movement) -> None:
    """What the account cannot carry now need not be asked for; it is looked at again when it is approved."""
    found = (
        await run(
            session,
            "select balance - held from credit_accounts where user_id = :user and traffic = :traffic",
            {"user": movement.user_id, "traffic": str(movement.traffic)},
        )
    ).first()
    available = found[0] if found else 0
    if available + movement.amount < 0:
        raise InsufficientCredits(-movement.amount, available)


async def _book(session: AsyncSession, movement: Movement, user_id: UUID, actor: Actor) -> CreditEntry:
    entry = await post(
        session,
        await open_account(session, user_id, movement.traffic),
        type=movement.type,
        amount=movement.amount,
        reason=words_of(movement.reason_code),
        reason_code=movement.reason_code,
        note=movement.note,
        actor=actor,
        expires_at=movement.expires_at,
    )
    await record(
        session,
        actor,
        f"credits.{movement.type}",
        ("user", user_id),
        reason=words_of(movement.reason_code),
        before={"balance": entry.balance_after - entry.amount},
        after={
            "balance": entry.balance_after,
            "amount": entry.amount,
            "entry": entry.id,
            "note": movement.note,
        },
    )
    return entry


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
