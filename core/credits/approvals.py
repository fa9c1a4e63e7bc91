"""What waits for another superadmin: movements above a person's limit, and large bulk grants.

Nobody approves what they asked for, or what goes to their own account; but for the people of a bulk grant, the database
refuses it, too. Where nobody else could, it is done on the audited command line (`credits approve ID`). The balance is
looked at again when it is approved.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import clean_line, require_superadmin
from core.credits.bulk_jobs import names, set_going
from core.credits.bulk_models import BulkGrant, BulkState
from core.credits.limits import LIMITS
from core.credits.models import CreditEntry, CreditRequest, EntryType, RequestState
from core.credits.posting import Movement, open_account, post
from core.credits.reasons import LONGEST_NOTE, words_of
from core.database import Database, run
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.vocabulary import Role, Traffic

LONGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request as a list shows it. `balance` and `held` are the account's now; None for a bulk grant, whose `title`
    and `people` are given instead."""

    id: UUID
    kind: str
    state: RequestState
    user_id: UUID | None
    email: str | None
    bulk_id: UUID | None
    title: str | None
    people: int | None
    traffic: Traffic
    type: EntryType
    amount: int
    balance: int | None
    held: int | None
    reason_code: str
    note: str
    expires_at: datetime | None
    asked_by: UUID
    asked_label: str
    created_at: datetime
    decided_label: str | None
    decided_at: datetime | None
    decision_note: str | None
    entry_id: UUID | None

    @property
    def reason(self) -> str:
        """The reason in words."""
        return words_of(self.reason_code)


async def ask(
    session: AsyncSession, movement: Movement, *, actor: Actor, bulk_id: UUID | None = None
) -> CreditRequest:
    """Puts a movement before another superadmin. For the verbs of the ledger, which have checked it."""
    if actor.id is None:
        raise NotAllowed("Who asks must be somebody.")
    request = CreditRequest(
        kind="adjustment" if bulk_id is None else "bulk",
        bulk_id=bulk_id,
        **asdict(movement),
        asked_by=actor.id,
        asked_label=actor.label,
        asked_kind=actor.kind,
    )
    session.add(request)
    await session.flush()
    await session.refresh(request)
    await record(
        session,
        actor,
        "credits.ask",
        _subject(request),
        reason=words_of(movement.reason_code),
        after={
            "request": request.id,
            "amount": movement.amount,
            "type": movement.type,
            "note": movement.note,
        },
    )
    return request


async def approve(
    session: AsyncSession, request_id: UUID, *, actor: Actor, note: str = ""
) -> CreditEntry | None:
    """Does what was asked for: the entry, or None for a bulk grant, whose job begins.

    Raises:
        NotFound: no such request.
        NotAllowed: not a superadmin in person; `own_request`, they asked for it themselves; `own_account`, it is theirs.
        Conflict: `decided_already`; `expired`, the credits would expire in the past by now; `asker_gone`, who asked may
            move no credits any more.
        InsufficientCredits: the account does not carry it any more; the request goes on waiting.
    """
    require_superadmin(actor, "approve movements of credits")
    request = await _waiting(session, request_id)
    if actor.id == request.asked_by:
        raise NotAllowed("Another superadmin must approve this: you asked for it.", code="own_request")
    if await _is_theirs(session, request, actor.id):
        raise NotAllowed("Another superadmin must approve this: it goes to your account.", code="own_account")
    await _require_asker(session, request)
    if request.bulk_id is not None:
        bulk = await _bulk(session, request.bulk_id)
        await set_going(session, bulk, approved_by=actor.id)
        entry, before, after = None, None, {"people": bulk.people, "amount": request.amount}
    else:
        entry = await _book(session, request, actor)
        before = {"balance": entry.balance_after - request.amount}
        after = {"balance": entry.balance_after, "amount": request.amount, "entry": entry.id}
    _decide(session, request, RequestState.APPROVED, actor, note)
    request.entry_id = entry.id if entry else None
    await record(
        session,
        actor,
        "credits.approve",
        _subject(request),
        reason=words_of(request.reason_code),
        before=before,
        after={
            "request": request.id,
            **after,
            "asked by": request.asked_label,
            "note": request.decision_note,
        },
    )
    return entry


async def reject(session: AsyncSession, request_id: UUID, *, actor: Actor, note: str = "") -> None:
    """Ends a request without doing it; superadmins do, their own too. Raises as `approve`, a note being asked for."""
    require_superadmin(actor, "reject movements of credits")
    if not note.strip():
        raise InvalidRequest("Say why, for the person who asked.", code="note_required")
    await _end(session, request_id, RequestState.REJECTED, actor, note)


async def withdraw(session: AsyncSession, request_id: UUID, *, actor: Actor, note: str = "") -> None:
    """Takes back one's own request. Raises `NotFound`, `Conflict` (`decided_already`), `NotAllowed` for another's."""
    await _end(session, request_id, RequestState.WITHDRAWN, actor, note)


async def waiting(database: Database, *, limit: int = LONGEST_PAGE) -> list[RequestLine]:
    """What waits, the oldest first."""
    rows = await database.fetch_all(
        f"{SELECT} where r.state = 'waiting' order by r.id limit %s", (min(limit, LONGEST_PAGE),)
    )
    return [_line(row) for row in rows]


async def requests_of(database: Database, user_id: UUID, *, limit: int = 50) -> list[RequestLine]:
    """The requests about one user, the newest first, decided ones too."""
    rows = await database.fetch_all(
        f"{SELECT} where r.user_id = %s order by r.id desc limit %s", (user_id, min(limit, LONGEST_PAGE))
    )
    return [_line(row) for row in rows]


async def decided(database: Database, *, limit: int = 50, before: UUID | None = None) -> list[RequestLine]:
    """What was decided or taken back, the newest first, a page at a time: `before` is the last one seen."""
    rows = await database.fetch_all(
        f"{SELECT} where r.state <> 'waiting' and (%(before)s::uuid is null or r.id < %(before)s::uuid) order by r.id desc limit %(limit)s",
        {"before": before, "limit": min(limit, LONGEST_PAGE)},
    )
    return [_line(row) for row in rows]


async def count_waiting(database: Database) -> int:
    """How many wait."""
    row = await database.fetch_one("select count(*) from credit_requests where state = 'waiting'")
    return row[0] if row else 0


async def _is_theirs(session: AsyncSession, request: CreditRequest, actor_id: UUID | None) -> bool:
    """Whether the credits go to this person, alone or among others."""
    if actor_id is None:
        return False
    if request.bulk_id is not None:
        return await names(session, request.bulk_id, actor_id)
    return actor_id == request.user_id


async def _require_asker(session: AsyncSession, request: CreditRequest) -> None:
    """Two people stand for a movement: who asked must still be one of those who could."""
    found = (
        await run(
            session, "select role from users where id = :id and status = 'active'", {"id": request.asked_by}
        )
    ).first()
    able = LIMITS.keys() if request.bulk_id is None else {Role.SUPERADMIN}
    if found is None or found[0] not in able:
        raise Conflict(f"{request.asked_label} may move no credits any more. Reject it.", code="asker_gone")


async def _book(session: AsyncSession, request: CreditRequest, actor: Actor) -> CreditEntry:
    if request.expires_at and request.expires_at <= datetime.now(UTC):
        raise Conflict("These credits would expire in the past by now. Reject it.", code="expired")
    assert request.user_id is not None, "an adjustment is about somebody"
    return await post(
        session,
        await open_account(session, request.user_id, request.traffic),
        type=request.type,
        amount=request.amount,
        reason=words_of(request.reason_code),
        reason_code=request.reason_code,
        note=request.note,
        actor=Actor(request.asked_kind, request.asked_label, id=request.asked_by),
        expires_at=request.expires_at,
        approved_by=actor.id,
    )


async def _end(session: AsyncSession, request_id: UUID, state: RequestState, actor: Actor, note: str) -> None:
    request = await _waiting(session, request_id)
    if state is RequestState.WITHDRAWN and actor.id != request.asked_by:
        raise NotAllowed("Only who asked can take it back; a superadmin rejects it.")
    if request.bulk_id is not None:
        bulk = await _bulk(session, request.bulk_id)
        bulk.state, bulk.finished_at = BulkState(state.value), datetime.now(UTC)
        session.add(bulk)
    _decide(session, request, state, actor, note)
    await record(
        session,
        actor,
        f"credits.{'reject' if state is RequestState.REJECTED else 'withdraw'}",
        _subject(request),
        reason=request.decision_note,
        after={"request": request.id, "amount": request.amount, "asked by": request.asked_label},
    )


async def _waiting(session: AsyncSession, request_id: UUID) -> CreditRequest:
    """The request, locked: of two who decide at once, the second finds it decided."""
    request = await session.get(CreditRequest, request_id, with_for_update=True)
    if request is None:
        raise NotFound("There is no such request.")
    if request.state is not RequestState.WAITING:
        raise Conflict(
            f"This was {request.state} by {request.decided_label} already.", code="decided_already"
        )
    return request


async def _bulk(session: AsyncSession, bulk_id: UUID) -> BulkGrant:
    bulk = await session.get(BulkGrant, bulk_id, with_for_update=True)
    assert bulk is not None, "a request goes with its bulk grant"
    return bulk


def _decide(
    session: AsyncSession, request: CreditRequest, state: RequestState, actor: Actor, note: str
) -> None:
    request.state = state
    request.decided_by, request.decided_label = actor.id, actor.label
    request.decided_at = datetime.now(UTC)
    request.decision_note = clean_line(note, "A note", LONGEST_NOTE) or None
    session.add(request)


def _subject(request: CreditRequest) -> tuple[str, UUID | None]:
    return ("user", request.user_id) if request.bulk_id is None else ("bulk_grant", request.bulk_id)


def _line(row: tuple[Any, ...]) -> RequestLine:
    values = list(row)
    values[2], values[8], values[9] = RequestState(row[2]), Traffic(row[8]), EntryType(row[9])
    return RequestLine(*values)


SELECT = """
select r.id, r.kind, r.state, r.user_id, u.email, r.bulk_id, b.title, b.people, r.traffic, r.type, r.amount,
    case when r.user_id is not null then coalesce(a.balance, 0) end, case when r.user_id is not null then coalesce(a.held, 0) end,
    r.reason_code, r.note, r.expires_at, r.asked_by, r.asked_label, r.created_at, r.decided_label, r.decided_at,
    r.decision_note, r.entry_id
from credit_requests r
left join users u on u.id = r.user_id
left join credit_accounts a on a.user_id = r.user_id and a.traffic = r.traffic
left join bulk_grants b on b.id = r.bulk_id
"""
