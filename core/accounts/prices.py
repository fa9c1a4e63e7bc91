"""Another price of a model for one person: credits per unit instead of the catalogue's, with a reason and an end.

A price counts for holds, charges and estimates of that person's generations from the next one on, in every process
within a second. What a generation has been charged stays as it was.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import PriceOverride
from core.accounts.queries import get_user
from core.accounts.rules import clean_line, require_reason, require_superadmin
from core.audit import Actor, record
from core.database import PEOPLE, Database, announce
from core.errors import Conflict, InvalidRequest, NotFound
from core.ids import new_id

HIGHEST = Decimal(1_000_000)
FINEST = Decimal("0.000000001")
"""As exact as the column that keeps it."""
LONGEST_MODEL = 200


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A price of one person's, in credits per the model's unit. `created_by` is an e-mail address, None for nobody's."""

    id: UUID
    model_id: str
    credits: Decimal
    reason: str
    expires_at: datetime | None
    created_at: datetime
    created_by: str | None
    ended_at: datetime | None
    in_force: bool


async def set_price(
    session: AsyncSession,
    user_id: UUID,
    model_id: str,
    credits: Decimal,
    *,
    expires_at: datetime | None = None,
    actor: Actor,
    reason: str,
) -> PriceOverride:
    """Sets what one unit of a model costs a person, in place of the price that they had for it.

    The model is taken by its id wherever it is offered; whether it is, is seen when used.

    Raises:
        NotAllowed: not a superadmin: a price of nothing is worth more than support may grant.
        InvalidRequest: `invalid_price`; no model; an end in the past; no reason.
        NotFound: `user_not_found`.
    """
    require_superadmin(actor, "set prices for single users")
    reason = require_reason(reason)
    model_id = clean_line(model_id, "A model's id", LONGEST_MODEL)
    if not model_id:
        raise InvalidRequest("A price is a model's: name one.")
    _require_price(credits)
    if expires_at and expires_at <= datetime.now(UTC):
        raise InvalidRequest("This price would end in the past.")
    await get_user(session, user_id, lock=True)
    before = await _open(session, user_id, model_id)
    if before:
        before.ended_at = datetime.now(UTC)
        await session.flush()
    price = PriceOverride(
        id=new_id(),
        user_id=user_id,
        model_id=model_id,
        credits=credits,
        reason=reason,
        expires_at=expires_at,
        created_by=actor.id,
    )
    session.add(price)
    await record(
        session,
        actor,
        "user.price",
        ("user", user_id),
        reason=reason,
        before=_shown(before) if before else None,
        after=_shown(price),
    )
    await announce(session, PEOPLE)
    return price


async def end_price(session: AsyncSession, price_id: UUID, *, actor: Actor, reason: str) -> PriceOverride:
    """Ends a price; the catalogue's counts again.

    Raises:
        NotAllowed: not a superadmin.
        NotFound: `price_not_found`.
        Conflict: `already_ended`.
    """
    require_superadmin(actor, "end prices of single users")
    reason = require_reason(reason)
    price = await session.get(PriceOverride, price_id, with_for_update=True, populate_existing=True)
    if price is None:
        raise NotFound("There is no such price.", code="price_not_found")
    if price.ended_at is not None:
        raise Conflict("This price has ended already.", code="already_ended")
    price.ended_at = datetime.now(UTC)
    await record(
        session, actor, "user.price_end", ("user", price.user_id), reason=reason, before=_shown(price)
    )
    await announce(session, PEOPLE)
    return price


async def prices_of(database: Database, user_id: UUID, *, ended: bool = False) -> list[PriceLine]:
    """A person's prices by model, the newest first of each; with `ended` those too that count no more."""
    rows = await database.fetch_all(
        "select p.id, p.model_id, p.credits, p.reason, p.expires_at, p.created_at, u.email, p.ended_at,"
        " p.ended_at is null and (p.expires_at is null or p.expires_at > now())"
        " from price_overrides p left join users u on u.id = p.created_by where p.user_id = %(user)s"
        " and (%(ended)s or (p.ended_at is null and (p.expires_at is null or p.expires_at > now())))"
        " order by p.model_id, p.id desc limit 500",
        {"user": user_id, "ended": ended},
    )
    return [PriceLine(*row) for row in rows]


def _require_price(credits: Decimal) -> None:
    if not credits.is_finite() or not 0 <= credits <= HIGHEST:
        raise InvalidRequest(f"A price is between 0 and {HIGHEST:,} credits.", code="invalid_price")
    if credits != credits.quantize(FINEST):
        raise InvalidRequest("A price has at most nine decimals.", code="invalid_price")


async def _open(session: AsyncSession, user_id: UUID, model_id: str) -> PriceOverride | None:
    query = select(PriceOverride).where(
        PriceOverride.user_id == user_id,
        PriceOverride.model_id == model_id,
        col(PriceOverride.ended_at).is_(None),
    )
    return (await session.exec(query)).first()


def _shown(price: PriceOverride) -> dict[str, object]:
    return {
        "model": price.model_id,
        "credits": f"{price.credits.normalize():f}",
        "expires_at": price.expires_at,
    }
