"""Change sets that support asks for, and superadmins decide on.

Accepting saves the change set on the plans as they are then. Where something of it is not any more as its author saw
it, it is refused: the author's reasons were about other plans.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import LONGEST_REASON, clean_line, require_reason
from core.database import Database, run
from core.entitlements.changes import Change
from core.entitlements.checking import check_changes
from core.entitlements.editing import require_newest, require_superadmin, save
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.models import PlanProposal, ProposalState
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound, PurserError
from core.vocabulary import Role

MOST_WAITING = 50
"""Proposals of one person that wait at a time."""
DECIDED_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """A proposal in a list; people by e-mail, empty where they are gone or nobody has decided."""

    id: UUID
    base: int
    changes: tuple[Change, ...]
    reason: str
    asked_by_id: UUID
    asked_by: str
    created_at: datetime
    state: ProposalState
    decided_by: str
    decided_at: datetime | None
    note: str


async def propose(
    session: AsyncSession, changes: Iterable[Change], *, base: int, actor: Actor, reason: str
) -> UUID:
    """Asks for a change set; returns the proposal's id.

    Raises:
        NotAllowed: neither support nor a superadmin, in person.
        InvalidRequest: no reason, too many that wait, or what `check_changes` does not let pass.
        Conflict: `changed_meanwhile`.
    """
    if actor.kind != "user" or actor.id is None or actor.role not in (Role.SUPPORT, Role.SUPERADMIN):
        raise NotAllowed("Only support or a superadmin can propose a change of plans, in the pages.")
    reason = require_reason(reason)
    stored = await matrix(session)
    require_newest(stored, base)
    cleaned = check_changes(stored, changes)
    waiting = await session.exec(
        select(func.count())
        .select_from(PlanProposal)
        .where(PlanProposal.state == ProposalState.WAITING, PlanProposal.asked_by == actor.id)
    )
    if waiting.one() >= MOST_WAITING:
        raise InvalidRequest(f"{MOST_WAITING} proposals of yours wait already. Withdraw one first.")
    said = {"changes": [change.to_json() for change in cleaned]}
    proposal = PlanProposal(base=base, changes=said, reason=reason, asked_by=actor.id)
    session.add(proposal)
    await record(session, actor, "plans.propose", ("proposal", proposal.id), reason=reason, after=said)
    return proposal.id


async def decide(
    session: AsyncSession, proposal_id: UUID, *, accept: bool, actor: Actor, note: str = ""
) -> int | None:
    """Accepts a proposal, which saves it (the new version's number is returned), or rejects it, which needs a note.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: `unknown_proposal`.
        Conflict: `already_decided`; `changed_meanwhile` and the like where it fits no more.
        InvalidRequest: rejected without a note.
    """
    require_superadmin(actor)
    proposal = await _locked(session, proposal_id)
    note = clean_line(note, "A note", LONGEST_REASON) if accept else require_reason(note)
    number = None
    if accept:
        label = await _email(session, proposal.asked_by)
        number = await save(
            session,
            _changes(proposal.changes),
            base=None,
            actor=actor,
            reason=f"Proposed by {label}: {proposal.reason}"[:LONGEST_REASON],
        )
    await _decide(
        session, proposal, ProposalState.ACCEPTED if accept else ProposalState.REJECTED, actor, note
    )
    return number


async def withdraw(session: AsyncSession, proposal_id: UUID, *, actor: Actor) -> None:
    """Takes one's own proposal back. Raises `NotAllowed`, `NotFound` and `Conflict` as `decide` does."""
    proposal = await _locked(session, proposal_id)
    if actor.kind != "user" or actor.id != proposal.asked_by:
        raise NotAllowed("Only who has proposed something can withdraw it.")
    await _decide(session, proposal, ProposalState.WITHDRAWN, actor, "")


async def proposals(database: Database, *, decided: bool = False) -> list[ProposalLine]:
    """Proposals that wait, the newest first; or the last fifty that do not any more."""
    which = "p.state <> 'waiting'" if decided else "p.state = 'waiting'"
    rows = await database.fetch_all(
        f"{SELECT} where {which} order by p.id desc limit %(limit)s",
        {"limit": DECIDED_SHOWN if decided else 1_000},
    )
    return [
        ProposalLine(
            identifier,
            base,
            tuple(_changes(changes)),
            reason,
            by_id,
            by,
            at,
            ProposalState(state),
            decided_by,
            decided_at,
            note,
        )
        for identifier, base, changes, reason, by_id, by, at, state, decided_by, decided_at, note in rows
    ]


async def count_waiting(database: Database) -> int:
    """How many proposals wait."""
    row = await database.fetch_one("select count(*) from plan_proposals where state = 'waiting'")
    assert row is not None, "a count always answers"
    return row[0]


def misfit(stored: Matrix, proposal: ProposalLine) -> str | None:
    """Why a proposal cannot be accepted any more, in a sentence; None where it can."""
    try:
        check_changes(stored, proposal.changes)
    except PurserError as refusal:
        return refusal.message
    return None


async def _locked(session: AsyncSession, proposal_id: UUID) -> PlanProposal:
    proposal = await session.get(PlanProposal, proposal_id, with_for_update=True, populate_existing=True)
    if proposal is None:
        raise NotFound("There is no such proposal.", code="unknown_proposal")
    if proposal.state is not ProposalState.WAITING:
        raise Conflict(f"This proposal was {proposal.state} already.", code="already_decided")
    return proposal


async def _decide(
    session: AsyncSession, proposal: PlanProposal, state: ProposalState, actor: Actor, note: str
) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor.id, datetime.now(UTC)
    proposal.decision_note = note or None
    session.add(proposal)
    await record(
        session,
        actor,
        f"plans.proposal_{state}",
        ("proposal", proposal.id),
        reason=note or None,
        before={"state": ProposalState.WAITING},
        after={"state": state},
    )


def _changes(said: dict[str, list[dict[str, object]]]) -> list[Change]:
    return [Change.of_json(one) for one in said["changes"]]


async def _email(session: AsyncSession, user_id: UUID) -> str:
    row = (await run(session, "select email from users where id = :id", {"id": user_id})).first()
    return row[0] if row else "somebody"


SELECT = """
select p.id, p.base, p.changes, p.reason, p.asked_by, coalesce(a.email, ''), p.created_at, p.state,
    coalesce(d.email, ''), p.decided_at, coalesce(p.decision_note, '')
from plan_proposals p left join users a on a.id = p.asked_by left join users d on d.id = p.decided_by
"""
