"""Packages of credits, and what people bought: paid elsewhere, recorded here, once per reference of the payment.

Support records by hand; the same call serves a payment provider's webhook.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import clean_line, require_reason, require_superadmin
from core.credits.limits import LARGEST, refuse_own, require_mover, require_target
from core.credits.models import CreditEntry, EntryType
from core.credits.posting import open_account, post
from core.credits.reasons import LONGEST_NOTE
from core.credits.shop_models import Package, PurchaseRow
from core.database import Database, run
from core.errors import Conflict, InvalidRequest, NotFound
from core.money import Usd
from core.vocabulary import Traffic

LONGEST_NAME, LONGEST_REFERENCE = 100, 200
LARGEST_PRICE = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Purchase:
    """The entries of a purchase: the credits, and the bonus where there is one. `repeated`: it was recorded before."""

    entries: tuple[CreditEntry, ...]
    repeated: bool


async def packages(database: Database, *, retired: bool = False) -> list[Package]:
    """What is sold, in its order; `retired`: what was sold once, too."""
    query = select(Package).order_by(col(Package.rank), col(Package.credits), col(Package.id))
    if not retired:
        query = query.where(col(Package.retired_at).is_(None))
    async with database.transaction() as session:
        return list((await session.exec(query)).all())


async def add_package(
    session: AsyncSession,
    *,
    name: str,
    credits: int,
    bonus: int = 0,
    price_usd: Usd,
    rank: int = 0,
    actor: Actor,
    reason: str,
) -> Package:
    """Adds a package; by superadmins.

    Raises:
        NotAllowed, InvalidRequest, Conflict: `name_taken`, another package that is sold has this name.
    """
    require_superadmin(actor, "change packages")
    reason = require_reason(reason)
    package = Package(**_checked(name, credits, bonus, price_usd), rank=rank)
    await _save(session, package)
    await record(session, actor, "package.add", ("package", package.id), reason=reason, after=_shown(package))
    return package


async def change_package(
    session: AsyncSession,
    package_id: UUID,
    *,
    name: str,
    credits: int,
    bonus: int,
    price_usd: Usd,
    rank: int | None = None,
    actor: Actor,
    reason: str,
) -> Package:
    """Changes what later purchases of a package bring and cost. Raises as `add_package`, and `NotFound`."""
    require_superadmin(actor, "change packages")
    reason = require_reason(reason)
    package = await _package(session, package_id, lock=True)
    before = _shown(package)
    for field, value in _checked(name, credits, bonus, price_usd).items():
        setattr(package, field, value)
    package.rank = package.rank if rank is None else rank
    package.updated_at = datetime.now(UTC)
    await _save(session, package)
    await record(
        session,
        actor,
        "package.change",
        ("package", package.id),
        reason=reason,
        before=before,
        after=_shown(package),
    )
    return package


async def retire_package(session: AsyncSession, package_id: UUID, *, actor: Actor, reason: str) -> None:
    """Takes a package out of what is sold; what was bought stays. Twice is once."""
    require_superadmin(actor, "change packages")
    reason = require_reason(reason)
    package = await _package(session, package_id, lock=True, retired=True)
    if package.retired_at is None:
        package.retired_at = datetime.now(UTC)
        session.add(package)
        await record(
            session, actor, "package.retire", ("package", package.id), reason=reason, before=_shown(package)
        )


async def record_purchase(
    session: AsyncSession, user_id: UUID, package_id: UUID, *, reference: str, actor: Actor, note: str = ""
) -> Purchase:
    """Books what a user has paid for: the package's credits, and its bonus as an entry of its own. They never expire.

    The same reference for the same user and package answers what was recorded first.

    Raises:
        NotAllowed: neither superadmin nor support, or support where the user is of the staff; `own_account`, it would
            be one's own.
        InvalidRequest: no reference.
        NotFound: no such user, or no package that is sold.
        Conflict: `reference_used`, another purchase was recorded under it.
    """
    require_mover(actor, "record purchases")
    reference = clean_line(reference, "A reference", LONGEST_REFERENCE)
    note = clean_line(note, "A note", LONGEST_NOTE)
    if not reference:
        raise InvalidRequest("A purchase needs the reference of its payment.", code="reference_required")
    before = await session.get(PurchaseRow, reference)
    if before is not None:
        return await _recorded(session, before, user_id, package_id)
    package = await _package(session, package_id)
    if await require_target(session, actor, user_id, Traffic.LIVE, "record purchases"):
        raise refuse_own("record this purchase")
    # The reference's row first: who comes second waits here, and finds it.
    claimed = await session.exec(
        insert(PurchaseRow)
        .values(
            reference=reference,
            user_id=user_id,
            package_id=package_id,
            price_usd=package.price_usd,
            note=note,
            recorded_by=actor.id,
            recorded_label=actor.label,
        )
        .on_conflict_do_nothing()
        .returning(col(PurchaseRow.reference))
    )
    if claimed.first() is None:
        first = (await session.exec(select(PurchaseRow).where(PurchaseRow.reference == reference))).one()
        return await _recorded(session, first, user_id, package_id)
    booked = await _book(session, user_id, package, reference, note, actor)
    await record(
        session,
        actor,
        "credits.purchase",
        ("user", user_id),
        reason=f"Package {package.name}",
        before={"balance": booked[0].balance_after - package.credits},
        after={
            "balance": booked[-1].balance_after,
            "credits": package.credits,
            "bonus": package.bonus,
            "reference": reference,
            "note": note,
        },
    )
    return Purchase(booked, repeated=False)


async def _book(
    session: AsyncSession, user_id: UUID, package: Package, reference: str, note: str, actor: Actor
) -> tuple[CreditEntry, ...]:
    account_id = await open_account(session, user_id)
    parts = [(EntryType.PURCHASE, package.credits, f"Package {package.name}")]
    if package.bonus:
        parts.append((EntryType.BONUS, package.bonus, f"Bonus of package {package.name}"))
    booked = [
        await post(
            session,
            account_id,
            type=type,
            amount=amount,
            reason=words,
            reason_code="purchase",
            note=note,
            actor=actor,
            reference=reference,
        )
        for type, amount, words in parts
    ]
    await run(
        session,
        "update purchases set entry_id = :entry, bonus_entry_id = :bonus where reference = :reference",
        {
            "entry": booked[0].id,
            "bonus": booked[1].id if package.bonus else None,
            "reference": reference,
        },
    )
    return tuple(booked)


async def _recorded(session: AsyncSession, first: PurchaseRow, user_id: UUID, package_id: UUID) -> Purchase:
    if (first.user_id, first.package_id) != (user_id, package_id):
        raise Conflict(
            f"The reference {first.reference} was recorded for another user or package.",
            code="reference_used",
        )
    ids = [one for one in (first.entry_id, first.bonus_entry_id) if one]
    found = (
        await session.exec(
            select(CreditEntry).where(col(CreditEntry.id).in_(ids)).order_by(col(CreditEntry.seq))
        )
    ).all()
    return Purchase(tuple(found), repeated=True)


async def _package(
    session: AsyncSession, package_id: UUID, *, lock: bool = False, retired: bool = False
) -> Package:
    package = await session.get(Package, package_id, with_for_update=lock)
    if package is None or (package.retired_at and not retired):
        raise NotFound("There is no such package on sale.", code="unknown_package")
    return package


async def _save(session: AsyncSession, package: Package) -> None:
    try:
        async with session.begin_nested():
            session.add(package)
    except IntegrityError:
        raise Conflict(f"There is a package “{package.name}” already.", code="name_taken") from None


def _checked(name: str, credits: int, bonus: int, price_usd: Usd) -> dict[str, Any]:
    name = clean_line(name, "A name", LONGEST_NAME)
    if not name:
        raise InvalidRequest("A package needs a name.")
    if not 0 < credits <= LARGEST or not 0 <= bonus <= LARGEST:
        raise InvalidRequest(f"A package brings 1 to {LARGEST:,} credits, and a bonus of 0 or more.")
    if not price_usd.is_finite() or not 0 <= price_usd <= LARGEST_PRICE:
        raise InvalidRequest(f"A package costs 0 to {LARGEST_PRICE:,} USD.")
    return {"name": name, "credits": credits, "bonus": bonus, "price_usd": price_usd}


def _shown(package: Package) -> dict[str, object]:
    return {
        "name": package.name,
        "credits": package.credits,
        "bonus": package.bonus,
        "price usd": str(package.price_usd.normalize()),
        "rank": package.rank,
    }
