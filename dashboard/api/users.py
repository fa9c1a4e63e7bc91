"""Users, for the product's backend to keep in step, and for staff: list, one, create, change."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BeforeValidator, Field

from core.accounts.details import Details, details
from core.accounts.keys import Scope
from core.accounts.listing import NO_PLAN, Filter, Sort, listing
from core.accounts.models import UserStatus
from core.accounts.queries import find_user
from core.accounts.rules import require_manager
from core.database import Session
from core.generation.user_figures import recount
from core.membership.editing import UserChange, change_user
from core.membership.trial import MOST_DAYS, MOST_USES
from core.signup import sign_up
from core.vocabulary import Role
from dashboard.api.answers import LINE, Answer, Body, Shape, errors, utc
from dashboard.api.identity import Caller, Identified
from dashboard.api.once import IdempotencyKey, Told, once_only

router = APIRouter(prefix="/api/users", tags=["Users"])


def _text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a text as 2027-01-31T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime | None, Field(strict=False), BeforeValidator(_text)]
"""A moment with its offset from UTC, or null."""


class PlanName(Shape):
    id: str = Field(examples=["creator"])
    display_name: str = Field(examples=["Creator"])


class UserEntry(Shape):
    """One user."""

    id: str = Field(examples=["0198c2f0-4d1e-7a55-8c39-5e1f2a3b4c5d"])
    email: str = Field(examples=["mara@example.com"])
    name: str
    role: Role
    status: UserStatus
    status_reason: str | None = Field(description="Why they are suspended.")
    plan: PlanName | None
    plan_expires_at: datetime | None
    trial_ends_at: datetime | None
    trial_uses: int | None = Field(description="Generations that the trial has in all; null off a trial.")
    language: str = Field(examples=["pt-BR"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    balance: int = Field(description="Credits.", examples=[1480])
    created_at: datetime
    last_active_at: datetime


class UserList(Shape):
    """One page of users."""

    items: list[UserEntry]
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")


class NewUser(Body):
    """Whom to create. Plan, trial and first credits come with them."""

    email: str = Field(min_length=3, max_length=320, pattern=LINE, examples=["mara@example.com"])
    name: str = Field("", max_length=200, pattern=LINE, examples=["Mara Okafor"])
    plan: str | None = Field(None, max_length=100, pattern=LINE, description="`trial` unless given.")
    language: str = Field("en", max_length=35, pattern=LINE, examples=["pt-BR"])
    time_zone: str = Field("UTC", max_length=64, pattern=LINE, examples=["Europe/Berlin"])
    company: str | None = Field(
        None, max_length=200, pattern=LINE, description="An organisation is made of it, owned by the user."
    )


class TrialExtension(Body):
    """What is added to a trial: to what is left of it, or from now on where it had ended."""

    days: int = Field(0, ge=0, le=MOST_DAYS)
    uses: int = Field(0, ge=0, le=MOST_USES, description="Generations.")


class UserPatch(Body):
    """What is to be different; what is left out stays."""

    name: str | None = Field(None, max_length=200, pattern=LINE)
    language: str | None = Field(None, max_length=35, pattern=LINE)
    time_zone: str | None = Field(None, max_length=64, pattern=LINE)
    plan: str | None = Field(
        None,
        max_length=100,
        pattern=LINE,
        description="Another plan brings the credits by which its month is richer, and has no end unless one is given.",
    )
    plan_expires_at: Moment = Field(None, description="When the plan ends; null takes the end away.")
    status: UserStatus | None = Field(None, strict=False)
    extend_trial: TrialExtension | None = None
    reason: str = Field(
        "", max_length=500, pattern=LINE, description="For the audit; plan, trial and status need one."
    )


@router.get(
    "",
    summary="List users",
    responses={200: {"model": UserList, "description": "A page of users."}, **errors(400, 403, 429)},
)
async def list_users(
    caller: Identified,
    q: Annotated[
        str,
        Query(
            max_length=320,
            pattern=LINE,
            description="An id, or beginnings of the e-mail address and of words of the name.",
        ),
    ] = "",
    plan: Annotated[
        str | None, Query(max_length=100, pattern=LINE, description=f"A plan's id, or `{NO_PLAN}`.")
    ] = None,
    status: UserStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Users on a page.")] = 50,
    after: Annotated[str | None, Query(max_length=1_000, description="`next` of the page before.")] = None,
) -> Answer:
    """The newest first; where something is searched, in the order of the words that were found.

    400 `unlisted_combination` where a search means so many that filtering them takes too long.
    """
    _require(caller)
    database = caller.purser.database
    found = await listing(
        database,
        Filter(text=q, plan=plan or None, status=status),
        sort=Sort.MATCH if q.strip() else Sort.NEWEST,
        descending=not q.strip(),
        limit=limit,
        after=after,
    )
    async with database.transaction() as session:
        entries = await details(session, [line.id for line in found.lines])
    return Answer({"items": [_told(entry) for entry in entries], "next": found.next})


@router.get(
    "/{id_or_email}",
    summary="One user",
    responses={200: {"model": UserEntry, "description": "As they are now."}, **errors(403, 404, 429)},
)
async def get_user(id_or_email: Annotated[str, Path(max_length=320)], caller: Identified) -> Answer:
    """A user by id or e-mail address."""
    _require(caller)
    async with caller.purser.database.transaction() as session:
        user = await find_user(session, id_or_email)
        return Answer(await _entry(session, user.id))


@router.post(
    "",
    summary="Create a user",
    responses={
        201: {"model": UserEntry, "description": "The user, on their plan and with their first credits."},
        **errors(400, 403, 409, 429),
    },
    status_code=201,
)
async def create_user(body: NewUser, caller: Identified, key: IdempotencyKey = None) -> Answer:
    """Creates a user with plan, trial and first credits, all or nothing. They have no password: they use the API.

    409 `email_taken` where there is a user with this address already.
    """
    _require(caller)

    async def work(session: Session) -> Told:
        user = await sign_up(
            session,
            email=body.email,
            actor=caller.actor,
            name=body.name,
            plan_id=body.plan,
            language=body.language,
            time_zone=body.time_zone,
            company=body.company,
        )
        return Told(await _entry(session, user.id), status=201)

    answer = await once_only(caller, key, body.model_dump(mode="json"), work)
    await _news(caller, body.email)
    return answer


@router.patch(
    "/{id_or_email}",
    summary="Change a user",
    responses={
        200: {"model": UserEntry, "description": "As they are now, in every process within a second."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def patch_user(
    id_or_email: Annotated[str, Path(max_length=320)],
    body: UserPatch,
    caller: Identified,
    key: IdempotencyKey = None,
) -> Answer:
    """Changes profile, plan, trial or status: all that is given, or nothing.

    A suspended user's keys and open pages stop within a second; nothing of theirs is lost.
    """
    _require(caller)
    change = UserChange(
        name=body.name,
        language=body.language,
        time_zone=body.time_zone,
        plan=body.plan,
        ends="plan_expires_at" in body.model_fields_set,
        plan_expires_at=body.plan_expires_at,
        trial_days=body.extend_trial.days if body.extend_trial else 0,
        trial_uses=body.extend_trial.uses if body.extend_trial else 0,
        status=body.status,
        reason=body.reason,
    )

    async def work(session: Session) -> dict[str, Any]:
        user = await find_user(session, id_or_email)
        await change_user(session, user.id, change, actor=caller.actor)
        return await _entry(session, user.id)

    asked = body.model_dump(mode="json", exclude_unset=True)
    answer = await once_only(caller, key, asked, work)
    await _news(caller, id_or_email)
    return answer


def _require(caller: Caller) -> None:
    """Users are read and written by support, superadmins, and service keys with the scope `users`."""
    caller.require_active()
    caller.require(Scope.USERS)
    require_manager(caller.actor, Role.USER, "read and change users")


async def _entry(session: Session, user_id: Any) -> dict[str, Any]:
    return _told((await details(session, [user_id]))[0])


async def _news(caller: Caller, id_or_email: str) -> None:
    """This process knows at once, and the list of users too."""
    purser = caller.purser
    await purser.changes.refresh()
    person = await purser.identities.resolve_user(id_or_email)
    if person:
        await recount(purser.database, [person.id], datetime.now(UTC))


def _told(user: Details) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "status": user.status,
        "statusReason": user.status_reason,
        "plan": {"id": user.plan_id, "displayName": user.plan_name} if user.plan_id else None,
        "planExpiresAt": utc(user.plan_expires_at),
        "trialEndsAt": utc(user.trial_ends_at),
        "trialUses": user.trial_uses,
        "language": user.language,
        "timeZone": user.time_zone,
        "balance": user.balance,
        "createdAt": utc(user.created_at),
        "lastActiveAt": utc(user.last_active_at),
    }
