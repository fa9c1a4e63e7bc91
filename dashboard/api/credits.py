"""A user's credits: the balance, and the entries it is the sum of."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from core.accounts.keys import Scope
from core.credits.models import EntryType
from core.credits.service import balance_of, entries
from dashboard.api.answers import Answer, Shape, errors, utc
from dashboard.api.identity import Identified

router = APIRouter(prefix="/api/credits", tags=["Credits"])

LARGEST_SEQ = 2**63 - 1


class CreditsAnswer(Shape):
    """Whole credits."""

    balance: int = Field(examples=[1480])
    held: int = Field(description="Set aside for what runs now.", examples=[20])
    available: int = Field(description="What a new request may take: balance less held.", examples=[1460])


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


@router.get(
    "",
    summary="Balance",
    responses={200: {"model": CreditsAnswer, "description": "The balance."}, **errors(400, 403, 404, 429)},
)
async def get_credits(caller: Identified) -> Answer:
    """The user's credits, as of now."""
    caller.require(Scope.CREDITS)
    found = await balance_of(caller.purser.database, caller.active_user().id)
    return Answer({"balance": found.balance, "held": found.held, "available": found.available})


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
