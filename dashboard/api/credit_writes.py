"""Moving the credits of others: by support and superadmins in person, and by service keys with the scope `credits`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

from core.accounts.keys import Scope
from core.accounts.person import Person
from core.credits.limits import LARGEST
from core.credits.models import CreditRequest
from core.credits.packages import LONGEST_REFERENCE, record_purchase
from core.credits.reasons import LONGEST_NOTE, REASONS
from core.credits.service import adjust, refund
from core.database import Session
from core.errors import NotFound, UserRequired
from dashboard.api.answers import Answer, Body, Shape, errors, utc
from dashboard.api.credits import Entry, entry_told
from dashboard.api.identity import Caller, Identified
from dashboard.api.once import IdempotencyKey, Told, once_only

router = APIRouter(prefix="/api/credits", tags=["Credits"])

CODES = f"One of {', '.join(f'`{code}`' for code in REASONS)}."
TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
Whose = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=320,
        pattern=TEXT,
        description="Id or e-mail; a service key may name them in X-User instead.",
    ),
]


class Reasoned(Body):
    """Why, for the books."""

    reason_code: str = Field(min_length=1, max_length=50, description=CODES, examples=["goodwill"])
    note: str = Field("", max_length=LONGEST_NOTE, pattern=TEXT, examples=["Ticket 48213"])


class Adjust(Reasoned):
    """By how much a user's credits change."""

    user_id: Whose = None
    amount: int = Field(
        ge=-LARGEST, le=LARGEST, description="Whole credits; negative ones are taken away.", examples=[120]
    )


class Refund(Reasoned):
    """Which charge is given back, by its generation or its entry."""

    generation_id: UUID | None = Field(None, strict=False)
    entry_id: UUID | None = Field(None, strict=False)
    amount: int | None = Field(
        None, ge=1, le=LARGEST, description="A part of it; all that is left unless given."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Refund":
        if (self.generation_id is None) == (self.entry_id is None):
            raise ValueError("name either generationId or entryId")
        return self


class Buy(Body):
    """What was paid for."""

    user_id: Whose = None
    package_id: UUID = Field(strict=False)
    reference: str = Field(
        min_length=1,
        max_length=LONGEST_REFERENCE,
        pattern=TEXT,
        description="Of the payment; recorded once.",
        examples=["in_1PqK"],
    )
    note: str = Field("", max_length=LONGEST_NOTE, pattern=TEXT)


class Waiting(Shape):
    """An adjustment above the caller's limit: nothing has moved yet."""

    id: UUID
    amount: int
    reason_code: str
    created_at: datetime


class WaitingAnswer(Shape):
    request: Waiting


class PurchaseAnswer(Shape):
    """The entries of the purchase: its credits, and its bonus where there is one."""

    items: list[Entry]
    repeated: bool = Field(description="Whether it had been recorded before.")


@router.post(
    "/adjust",
    summary="Adjust credits",
    responses={
        200: {"model": Entry, "description": "The entry."},
        202: {"model": WaitingAnswer, "description": "Above the limit: it waits for another superadmin."},
        **errors(400, 402, 403, 404, 409, 429),
    },
)
async def adjust_credits(body: Adjust, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Adds to or takes from a user's credits, with a reason; by support, superadmins, and service keys.

    What is above the caller's limit waits for another superadmin (202) and moves nothing yet.
    """
    _require(caller)
    user = await _named(caller, body.user_id)

    async def work(session: Session) -> dict[str, Any] | Told:
        moved = await adjust(
            session, user.id, body.amount, actor=caller.actor, reason_code=body.reason_code, note=body.note
        )
        if moved.request is not None:
            return Told({"request": _waiting(moved.request)}, status=202)
        assert moved.entry is not None, "it is an entry, or a request"
        return entry_told(moved.entry)

    return await once_only(caller, key, {"for": user.id, **body.model_dump(mode="json")}, work)


@router.post(
    "/refund",
    summary="Refund a charge",
    responses={
        200: {"model": Entry, "description": "The entry, linked to the charge by `refundOf`."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def refund_charge(body: Refund, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Gives back what a generation was charged, or a part of it, once over; what was used stays used.

    409 `already_refunded` where nothing is left of the charge.
    """
    _require(caller)

    async def work(session: Session) -> dict[str, Any]:
        return entry_told(
            await refund(
                session,
                actor=caller.actor,
                reason_code=body.reason_code,
                note=body.note,
                generation_id=body.generation_id,
                entry_id=body.entry_id,
                amount=body.amount,
            )
        )

    return await once_only(caller, key, body.model_dump(mode="json"), work)


@router.post(
    "/purchases",
    summary="Record a purchase",
    responses={
        200: {"model": PurchaseAnswer, "description": "What was booked, now or before."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def record_bought(body: Buy, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Books a package that was paid for, once per reference: the same again answers what was booked first.

    409 `reference_used` where the reference belongs to another user or package.
    """
    _require(caller)
    user = await _named(caller, body.user_id)

    async def work(session: Session) -> dict[str, Any]:
        bought = await record_purchase(
            session, user.id, body.package_id, reference=body.reference, actor=caller.actor, note=body.note
        )
        return {"items": [entry_told(entry) for entry in bought.entries], "repeated": bought.repeated}

    return await once_only(caller, key, {"for": user.id, **body.model_dump(mode="json")}, work)


def _require(caller: Caller) -> None:
    caller.require_active()
    caller.require(Scope.CREDITS)


async def _named(caller: Caller, said: str | None) -> Person:
    """Whose credits: the user of the body, else of X-User."""
    found = (
        await caller.purser.identities.resolve_user(said.strip())
        if said
        else caller.user
        if caller.service
        else None
    )
    if found is not None:
        return found
    if said is None and not caller.named:
        raise UserRequired("Whose credits? Name the user in userId, by id or e-mail.")
    raise NotFound("There is no user with this id or e-mail.", code="unknown_user")


def _waiting(request: CreditRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "amount": request.amount,
        "reasonCode": request.reason_code,
        "createdAt": utc(request.created_at),
    }
