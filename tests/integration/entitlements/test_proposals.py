"""Change sets that support asks for and superadmins decide on."""

import asyncio
from uuid import UUID

import pytest

from core.audit import Actor
from core.database import Database
from core.entitlements.changes import Change, cell, plan_property
from core.entitlements.history import versions
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.models import ProposalState
from core.entitlements.proposals import count_waiting, decide, misfit, proposals, propose, withdraw
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role
from tests.integration.entitlements.conftest import Save
from tests.integration.entitlements.test_editing import plan_of

VOICE = cell("premium", "voice-over", True)


async def ask(
    database: Database, actor: Actor, *changes: Change, base: int = 0, reason: str = "users ask for it"
) -> UUID:
    async with database.transaction() as session:
        return await propose(session, changes or (VOICE,), base=base, actor=actor, reason=reason)


async def answer(
    database: Database, actor: Actor, proposal: UUID, *, accept: bool, note: str = ""
) -> int | None:
    async with database.transaction() as session:
        return await decide(session, proposal, accept=accept, actor=actor, note=note)


async def test_a_proposal_waits_changes_nothing_and_is_saved_when_it_is_accepted(
    database: Database, plans: Matrix, support: Actor, admin: Actor
) -> None:
    proposal = await ask(database, support)
    assert await matrix(database) == plans
    (line,) = await proposals(database)
    assert (line.id, line.changes, line.reason, line.asked_by) == (
        proposal, (VOICE,), "users ask for it", "tom@example.com",
    )  # fmt: skip
    assert (misfit(plans, line), await count_waiting(database)) == (None, 1)
    assert await answer(database, admin, proposal, accept=True) == 1
    assert "voice-over" in plan_of(await matrix(database), "premium").features
    (version,) = await versions(database)
    assert (version.saved_by, version.reason) == (
        "mira@example.com",
        "Proposed by tom@example.com: users ask for it",
    )
    (decided,) = await proposals(database, decided=True)
    assert (decided.state, decided.decided_by) == (ProposalState.ACCEPTED, "mira@example.com")
    assert await proposals(database) == []
    actions = await database.fetch_all("select action from audit order by id")
    assert actions == [("plans.propose",), ("plans.save",), ("plans.proposal_accepted",)]


async def test_a_proposal_is_saved_on_the_plans_of_the_day_it_is_accepted(
    database: Database, plans: Matrix, support: Actor, admin: Actor, saving: Save
) -> None:
    proposal = await ask(database, support)
    await saving(plan_property(plan_of(plans, "pro"), "max_projects", 50))
    assert await answer(database, admin, proposal, accept=True) == 2
    stored = await matrix(database)
    assert plan_of(stored, "pro").max_projects == 50
    assert "voice-over" in plan_of(stored, "premium").features


async def test_a_proposal_that_fits_no_more_is_refused_and_waits_on(
    database: Database, plans: Matrix, support: Actor, admin: Actor, saving: Save
) -> None:
    proposal = await ask(database, support, plan_property(plan_of(plans, "pro"), "max_projects", 40))
    await saving(plan_property(plan_of(plans, "pro"), "max_projects", 50))
    (line,) = await proposals(database)
    assert "is “50” by now, not “25”" in (misfit(await matrix(database), line) or "")
    with pytest.raises(Conflict) as refusal:
        await answer(database, admin, proposal, accept=True)
    assert refusal.value.code == "changed_meanwhile"
    assert await count_waiting(database) == 1


async def test_a_rejection_needs_a_note_and_changes_nothing(
    database: Database, plans: Matrix, support: Actor, admin: Actor
) -> None:
    proposal = await ask(database, support)
    with pytest.raises(InvalidRequest):
        await answer(database, admin, proposal, accept=False)
    assert await answer(database, admin, proposal, accept=False, note="Too dear") is None
    (line,) = await proposals(database, decided=True)
    assert (line.state, line.note) == (ProposalState.REJECTED, "Too dear")
    assert await matrix(database) == plans


async def test_a_proposal_is_decided_once(
    database: Database, plans: Matrix, support: Actor, admin: Actor
) -> None:
    proposal = await ask(database, support)
    ended = await asyncio.gather(
        *(answer(database, admin, proposal, accept=True) for _ in range(4)), return_exceptions=True
    )
    assert [end for end in ended if not isinstance(end, Conflict)] == [1]
    with pytest.raises(Conflict, match="was accepted already"):
        await answer(database, admin, proposal, accept=False, note="no")


async def test_only_its_author_withdraws_a_proposal(
    database: Database, plans: Matrix, support: Actor, admin: Actor
) -> None:
    proposal = await ask(database, support)
    with pytest.raises(NotAllowed):
        async with database.transaction() as session:
            await withdraw(session, proposal, actor=admin)
    async with database.transaction() as session:
        await withdraw(session, proposal, actor=support)
    (line,) = await proposals(database, decided=True)
    assert line.state is ProposalState.WITHDRAWN
    with pytest.raises(NotFound):
        async with database.transaction() as session:
            await withdraw(session, new_id(), actor=support)


async def test_who_may_propose_and_who_may_decide(
    database: Database, plans: Matrix, support: Actor, admin: Actor
) -> None:
    for actor in (
        Actor("user", "x", Role.TESTER, support.id),
        Actor("user", "x", Role.USER, support.id),
        Actor("key", "x", Role.SUPERADMIN, admin.id),
    ):
        with pytest.raises(NotAllowed):
            await ask(database, actor)
    proposal = await ask(database, support)
    with pytest.raises(NotAllowed):
        await answer(database, support, proposal, accept=True)
    with pytest.raises(NotAllowed):
        await answer(database, support, proposal, accept=False, note="no")


async def test_a_proposal_is_checked_like_a_save(
    database: Database, plans: Matrix, support: Actor, saving: Save
) -> None:
    with pytest.raises(InvalidRequest):
        await ask(database, support, cell("premium", "voice", True))
    with pytest.raises(InvalidRequest):
        await ask(database, support, reason="")
    await saving(cell("creator", "voice-over", True))
    with pytest.raises(Conflict):
        await ask(database, support, base=0)
    await ask(database, support, base=1)


async def test_nobody_fills_the_list_with_proposals(
    database: Database, plans: Matrix, support: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.entitlements.proposals.MOST_WAITING", 2)
    for _ in range(2):
        await ask(database, support)
    with pytest.raises(InvalidRequest, match="Withdraw one first"):
        await ask(database, support)
