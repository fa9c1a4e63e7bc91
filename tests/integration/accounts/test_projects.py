"""Projects: the plan's places, exactly; who may; what generations may be attributed to."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from core.accounts.models import Project, User
from core.accounts.organisations import (
    MemberRole,
    add_member,
    archive_organisation,
    create_organisation,
    remove_member,
)
from core.accounts.project_lists import count_owned, projects_in, projects_of, require_project
from core.accounts.projects import change_project, create_project
from core.audit import SYSTEM, Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound, PurserError
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import actor_of, make_user, somebody_waits
from tests.integration.accounts.companies import Company, audited


async def make(database: Database, owner: User, name: str = "Autumn", **more: Any) -> Project:
    given: dict[str, Any] = {"limit": None, "actor": actor_of(owner), **more}
    async with database.transaction() as session:
        return await create_project(session, owner.id, name, **given)


async def change(database: Database, project: Project, by: User, **what: Any) -> Project:
    given: dict[str, Any] = {"limit": None, "by": by.id, "actor": actor_of(by), **what}
    async with database.transaction() as session:
        return await change_project(session, project.id, **given)


async def names_of(database: Database, user: User, *, archived: bool = False) -> list[str]:
    return [project.name for project in await projects_of(database, user.id, archived=archived)]


async def test_twenty_at_once_take_exactly_the_plans_places(database: Database) -> None:
    user = await make_user(database)

    made = await asyncio.gather(
        *(make(database, user, f"Project {number}", limit=3) for number in range(20)), return_exceptions=True
    )

    assert Counter(type(one) for one in made) == {Project: 3, NotAllowed: 17}
    details = {"reason": "project_limit", "limit": 3, "used": 3}
    assert all(one.details == details for one in made if isinstance(one, NotAllowed))
    assert await count_owned(database, user.id) == 3


async def test_archiving_frees_a_place_and_coming_back_needs_one(database: Database) -> None:
    user = await make_user(database)
    first = await make(database, user, "First", limit=1)
    with pytest.raises(NotAllowed, match="1 project, and there is 1"):
        await make(database, user, "Second", limit=1)

    await change(database, first, user, archived=True)
    await make(database, user, "Second", limit=1)

    with pytest.raises(NotAllowed) as refusal:
        await change(database, first, user, archived=False, limit=1)
    assert refusal.value.code == "project_limit"
    await change(database, first, user, archived=False, limit=2)
    assert await names_of(database, user) == ["Second", "First"]


async def test_an_archived_project_takes_no_generations_and_is_listed_when_asked(database: Database) -> None:
    user = await make_user(database)
    project = await make(database, user)
    await require_project(database, user.id, project.id)
    await change(database, project, user, archived=True)

    with pytest.raises(Conflict) as refusal:
        await require_project(database, user.id, project.id)
    assert refusal.value.code == "project_archived"
    assert await names_of(database, user) == []
    assert await names_of(database, user, archived=True) == ["Autumn"]


async def test_other_peoples_projects_are_told_as_little_as_none(database: Database) -> None:
    user, stranger = await make_user(database), await make_user(database)
    project = await make(database, user)
    for wanted in (project.id, new_id()):
        with pytest.raises(NotFound) as refusal:
            await require_project(database, stranger.id, wanted)
        assert refusal.value.code == "unknown_project"
    with pytest.raises(NotFound):
        await change(database, project, stranger, name="Mine")


async def test_members_share_the_organisations_projects_and_its_managers_change_them(
    database: Database,
) -> None:
    company = await Company.found(database)
    author, other = await company.join(MemberRole.MEMBER), await company.join(MemberRole.MEMBER)
    project = await make(database, author, organisation_id=company.id)
    await require_project(database, other.id, project.id)
    assert await names_of(database, other) == ["Autumn"]

    with pytest.raises(NotAllowed):
        await change(database, project, other, name="Winter")
    await change(database, project, company.owner, name="Winter")
    await change(database, project, await company.join(MemberRole.ADMIN), archived=True)

    assert [(one.name, bool(one.archived_at)) for one in await projects_in(database, company.id)] == [
        ("Winter", True)
    ]


async def test_only_members_make_projects_of_an_organisation(database: Database) -> None:
    company = await Company.found(database)
    with pytest.raises(NotFound) as refusal:
        await make(database, await make_user(database), organisation_id=company.id)
    assert refusal.value.code == "unknown_organisation"


async def test_an_archived_organisation_takes_neither_projects_nor_generations(database: Database) -> None:
    company = await Company.found(database)
    project = await make(database, company.owner, organisation_id=company.id)
    async with database.transaction() as session:
        await archive_organisation(session, company.id, actor=company.support, reason="Contract ended")
    with pytest.raises(Conflict):
        await make(database, company.owner, "Another", organisation_id=company.id)
    with pytest.raises(Conflict):
        await require_project(database, company.owner.id, project.id)


async def test_a_member_who_leaves_leaves_the_organisations_projects_behind(database: Database) -> None:
    company = await Company.found(database)
    member = await company.join(MemberRole.MEMBER)
    shared = await make(database, member, "Shared", organisation_id=company.id)
    await make(database, member, "Own")

    async with database.transaction() as session:
        await remove_member(session, company.id, member.id, actor=company.support, reason="Left")

    assert await names_of(database, member) == ["Own"]
    with pytest.raises(NotFound):
        await require_project(database, member.id, shared.id)
    assert [one.owner_id for one in await projects_in(database, company.id)] == [company.owner.id]


async def test_a_project_made_while_its_maker_is_let_go_is_not_theirs_afterwards(database: Database) -> None:
    company = await Company.found(database)
    member = await company.join(MemberRole.MEMBER)
    async with database.transaction() as session:
        await create_project(
            session, member.id, "Late", limit=None, actor=actor_of(member), organisation_id=company.id
        )
        await session.flush()

        async def let_go() -> None:
            async with database.transaction() as other:
                await remove_member(other, company.id, member.id, actor=company.support, reason="Left")

        letting_go = asyncio.create_task(let_go())
        await somebody_waits(database)
    await letting_go
    assert [one.owner_id for one in await projects_in(database, company.id)] == [company.owner.id]


async def test_staff_act_for_others_with_a_reason_and_nobody_else_does(database: Database) -> None:
    user, support = await make_user(database), await make_user(database, role=Role.SUPPORT)
    tester, admin = (
        await make_user(database, role=Role.TESTER),
        await make_user(database, role=Role.SUPERADMIN),
    )
    await make(database, user, actor=actor_of(support), reason="Asked by mail")
    with pytest.raises(InvalidRequest):
        await make(database, user, actor=actor_of(support))
    for actor, owner in ((tester, user), (user, tester), (support, admin)):
        with pytest.raises(NotAllowed):
            await make(database, owner, actor=actor_of(actor), reason="Because")


async def test_a_key_acts_for_whom_it_names_without_a_reason(database: Database) -> None:
    user = await make_user(database)
    project = await make(database, user, actor=Actor("key", "a@x by key “b”", Role.SUPERADMIN, new_id()))
    assert (await audited(database, project.id))[0][0] == "project.create"


async def test_every_change_is_in_the_audit_and_no_change_is_not(database: Database) -> None:
    user = await make_user(database)
    project = await make(database, user)
    for what in (
        {"name": " Winter  time "},
        {"name": "Winter time"},
        {"archived": True},
        {"archived": False},
    ):
        await change(database, project, user, **what)
    told = await audited(database, project.id)
    assert [action for action, *_ in told] == [
        "project.create", "project.rename", "project.archive", "project.restore",
    ]  # fmt: skip
    assert told[1][1:] == ({"name": "Autumn", "archived": False}, {"name": "Winter time", "archived": False})


@pytest.mark.parametrize("name", ["", "  ", "\x00\n", "x" * 101])
async def test_a_name_must_be_one(database: Database, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await make(database, await make_user(database), name)


async def test_pages_follow_one_another_without_gap_or_repeat(database: Database) -> None:
    company = await Company.found(database)
    for number in range(7):
        await make(database, company.owner, f"{number}", organisation_id=company.id if number % 2 else None)
    seen: list[str] = []
    after: UUID | None = None
    while page := await projects_of(database, company.owner.id, limit=3, after=after):
        seen += [one.name for one in page]
        after = page[-1].id
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_a_user_who_is_gone_has_no_projects(database: Database) -> None:
    with pytest.raises(PurserError) as refusal:
        async with database.transaction() as session:
            await create_project(session, new_id(), "Nobody's", limit=None, actor=SYSTEM, reason="Test")
    assert refusal.value.code == "user_not_found"


async def test_an_organisation_may_be_made_with_a_project_of_its_owner(database: Database) -> None:
    user, support = await make_user(database), await make_user(database, role=Role.SUPPORT)
    async with database.transaction() as session:
        made = await create_organisation(session, "Acme", user.id, actor=actor_of(support), reason="Sold")
        await create_project(
            session,
            user.id,
            "Launch",
            limit=1,
            organisation_id=made.id,
            actor=actor_of(support),
            reason="Sold",
        )
        helper = await make_user(database)
        await add_member(
            session, made.id, helper.id, MemberRole.ADMIN, actor=actor_of(support), reason="Helps"
        )
    assert await names_of(database, helper) == ["Launch"]
