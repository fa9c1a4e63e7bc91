"""A user's credits: the balance, the entries it is the sum of, codes and packages."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from core.accounts.keys import Scope
from core.credits.codes import redeem
from core.credits.models import CreditEntry, EntryType
from core.credits.packages import packages
from core.credits.queries import entries, expiring
from core.database import Session
from core.generation.usage import credits_now
from dashboard.api.answers import Answer, Body, Shape, errors, utc
from dashboard.api.identity import Identified
from dashboard.api.once import IdempotencyKey, once_only

router = APIRouter(prefix="/api/credits", tags=["Credits"])

LARGEST_SEQ = 2**63 - 1


class CreditsAnswer(Shape):
    """Whole credits."""

    balance: int = Field(examples=[1480])
    held: int = Field(description="Set aside for what runs now.", examples=[20])
    available: int = Field(description="What a new request may take: balance less held.", examples=[1460])


class ExpiringPart(Shape):
    """Credits that end at one moment where they are not spent before."""

    amount: int = Field(examples=[1000])
    expires_at: datetime


class CreditsNow(CreditsAnswer):
    """The balance, and what of it will expire."""

    expiring: list[ExpiringPart] = Field(
        description="The soonest first, at most ten; they are spent in this order, before what never expires."
    )


class Entry(Shape):
    """One movement. Entries are never changed; a refund is an entry of its own."""

    id: UUID
    seq: int = Field(description="Counts within the account without a gap.")
    type: EntryType
    amount: int = Field(description="Negative where credits were spent.", examples=[-3])
    balance_after: int
    reason: str = Field(examples=["Text by gpt-6.1-sol"])
    note: str | None = None
    generation_id: UUID | None = None
    refund_of: UUID | None = None
    created_at: datetime


class EntryList(Shape):
    """One page of entries, newest first."""

    items: list[Entry]
    next: int | None = Field(description="Send it as `after` for the next page; null at the end.")


class PackageEntry(Shape):
    """Credits as they are sold; they never expire."""

    id: UUID
    name: str = Field(examples=["Starter"])
    credits: int
    bonus: int = Field(description="Credits on top, booked as an entry of their own.")
    price: float = Field(description="USD.", examples=[9.0])


class PackageList(Shape):
    items: list[PackageEntry]


class Redeem(Body):
    """A promotional code, in whatever case."""

    code: str = Field(min_length=1, max_length=40, examples=["WELCOME-2026"])


@router.get(
    "",
    summary="Balance",
    responses={200: {"model": CreditsNow, "description": "The balance."}, **errors(400, 403, 404, 429)},
)
async def get_credits(caller: Identified) -> Answer:
    """The user's credits as of now; the free ones of today are among them."""
    caller.require(Scope.CREDITS)
    user, purser = caller.active_user(), caller.purser
    snapshot, zone = purser.snapshots.current, purser.settings.zone
    found = await credits_now(purser.database, snapshot, user, datetime.now(UTC), zone, take=not caller.looks)
    ends = await expiring(purser.database, user.id)
    return Answer(
        {
            "balance": found.balance,
            "held": found.held,
            "available": found.available,
            "expiring": [{"amount": one.amount, "expiresAt": utc(one.expires_at)} for one in ends],
        }
    )


@router.get(
    "/entries",
    summary="Entries of the ledger",
    responses={200: {"model": EntryList, "description": "A page of entries."}, **errors(400, 403, 404, 429)},
)
async def list_entries(
    caller: Identified,
    limit: Annotated[int, Query(ge=1, le=200, description="Entries on a page.")] = 50,
    after: Annotated[
        int | None, Query(ge=1, le=LARGEST_SEQ, description="`next` of the page before.")
    ] = None,
) -> Answer:
    """Every movement of the user's credits, newest first."""
    caller.require(Scope.CREDITS)
    user = caller.active_user()
    found = await entries(caller.purser.database, user.id, limit=limit + 1, after=after)
    page = found[:limit]
    for entry in page:
        entry["createdAt"] = utc(entry["createdAt"])
    return Answer({"items": page, "next": page[-1]["seq"] if len(found) > limit else None})


@router.get(
    "/packages",
    summary="Packages on sale",
    responses={200: {"model": PackageList, "description": "What is sold now."}, **errors(400, 403, 404, 429)},
)
async def list_packages(caller: Identified) -> Answer:
    """What a user may buy; the purchase itself is recorded by `POST /api/credits/purchases` once it is paid."""
    caller.require(Scope.CREDITS)
    found = await packages(caller.purser.database)
    return Answer(
        {
            "items": [
                {
                    "id": one.id,
                    "name": one.name,
                    "credits": one.credits,
                    "bonus": one.bonus,
                    "price": one.price_usd,
                }
                for one in found
            ]
        }
    )


@router.post(
    "/redeem",
    summary="Redeem a code",
    responses={
        200: {"model": Entry, "description": "The entry that the code brought."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def redeem_code(body: Redeem, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Gives the user the credits of a promotional code, once to each user.

    409 says why not: `code_redeemed`, `code_used_up`, `code_expired`; 404 `unknown_code`.
    """
    caller.require(Scope.CREDITS)
    user = caller.active_user()

    async def work(session: Session) -> dict[str, Any]:
        return entry_told(await redeem(session, user.id, body.code, actor=caller.actor))

    return await once_only(caller, key, body.model_dump(mode="json"), work)


def entry_told(entry: CreditEntry) -> dict[str, Any]:
    """An entry as the API tells it."""
    return {
        "id": entry.id,
        "seq": entry.seq,
        "type": entry.type.value,
        "amount": entry.amount,
        "balanceAfter": entry.balance_after,
        "reason": entry.reason,
        "note": entry.note,
        "generationId": entry.generation_id,
        "refundOf": entry.refund_of,
        "createdAt": utc(entry.created_at),
    }
