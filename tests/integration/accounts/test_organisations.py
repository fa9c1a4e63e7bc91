"""Organisations: members and roles, an owner always, the list by name."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.accounts.models import User
from core.accounts.organisation_lists import organisation, organisations, organisations_of
from core.accounts.organisations import (
    MemberRole,
    add_member,
    archive_organisation,
    create_organisation,
    remove_member,
    rename_organisation,
    restore_organisation,
    set_member_role,
)
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.system.integrity import differences
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.integration.accounts.companies import Company, audited

OWNER, ADMIN, MEMBER = MemberRole.OWNER, MemberRole.ADMIN, MemberRole.MEMBER


async def members(database: Database, company: Company) -> list[tuple[str, MemberRole]]:
    found = await organisation(database, company.id)
    assert found is not None
    return [(one.email, one.role) for one in found.members]


async def do(database: Database, verb: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
    async with database.transaction() as session:
        return await verb(session, *args, **({"reason": "Asked by mail"} | more))


async def test_members_come_go_and_change_their_role(database: Database) -> None:
    company = await Company.found(database)
    actor, ann = company.support, await make_user(database, email="ann@example.com")
    await company.join(MEMBER, ann)
    await do(database, set_member_role, company.id, ann.id, ADMIN, actor=actor)
    assert await members(database, company) == [(company.owner.email, OWNER), (ann.email, ADMIN)]
    assert [(one.name, one.role) for one in await organisations_of(database, ann.id)] == [("Acme", ADMIN)]

    await do(database, remove_member, company.id, ann.id, actor=actor)

    assert await members(database, company) == [(company.owner.email, OWNER)]
    assert [row[0] for row in await audited(database, company.id)] == [
        "organisation.create", "organisation.member_add", "organisation.member_role", "organisation.member_remove",
    ]  # fmt: skip
    assert (await audited(database, company.id))[2][1:] == (
        {"member": "ann@example.com", "role": "member"},
        {"member": "ann@example.com", "role": "admin"},
    )


async def test_the_last_owner_neither_leaves_nor_steps_down(database: Database) -> None:
    company = await Company.found(database)
    await company.join(ADMIN)
    for verb, role in ((remove_member, ()), (set_member_role, (MEMBER,))):
        with pytest.raises(Conflict) as refusal:
            await do(database, verb, company.id, company.owner.id, *role, actor=company.support)
        assert refusal.value.code == "last_owner"
    second = await company.join(OWNER)
    await do(database, remove_member, company.id, company.owner.id, actor=company.support)
    assert (second.email, OWNER) in await members(database, company)


async def test_two_owners_who_leave_at_once_leave_one(database: Database) -> None:
    company = await Company.found(database)
    second = await company.join(OWNER)

    outcomes = await asyncio.gather(
        *(
            do(database, remove_member, company.id, user.id, actor=company.support)
            for user in (company.owner, second)
        ),
        return_exceptions=True,
    )

    assert [type(one) for one in outcomes if one is not None] == [Conflict]
    assert [role for _, role in await members(database, company)] == [OWNER]


async def test_the_same_member_is_taken_in_once_however_often_at_once(database: Database) -> None:
    company, ann = await Company.found(database), await make_user(database)
    outcomes = await asyncio.gather(
        *(do(database, add_member, company.id, ann.id, MEMBER, actor=company.support) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) and one.code == "member_already" for one in outcomes) == 4


@pytest.mark.parametrize("role", [Role.TESTER, Role.USER])
async def test_only_support_and_superadmins_keep_organisations(database: Database, role: Role) -> None:
    company = await Company.found(database)
    actor = actor_of(await make_user(database, role=role))
    deeds: list[tuple[Callable[..., Awaitable[Any]], tuple[Any, ...]]] = [
        (create_organisation, ("Other", company.owner.id)),
        (rename_organisation, (company.id, "Other")),
        (archive_organisation, (company.id,)),
        (restore_organisation, (company.id,)),
        (add_member, (company.id, actor.id, OWNER)),
        (remove_member, (company.id, company.owner.id)),
        (set_member_role, (company.id, company.owner.id, MEMBER)),
    ]
    for verb, args in deeds:
        with pytest.raises(NotAllowed):
            await do(database, verb, *args, actor=actor)


async def test_support_leaves_superadmins_alone_and_takes_nobody_of_the_staff_in(database: Database) -> None:
    company, admin = await Company.found(database), await make_user(database, role=Role.SUPERADMIN)
    tester = await make_user(database, role=Role.TESTER)
    for staff_id in (admin.id, tester.id, company.support.id):
        with pytest.raises(NotAllowed):
            await do(database, add_member, company.id, staff_id, MEMBER, actor=company.support)
    await do(database, add_member, company.id, admin.id, MEMBER, actor=actor_of(admin))
    with pytest.raises(NotAllowed):
        await do(database, remove_member, company.id, admin.id, actor=company.support)


async def test_every_deed_needs_its_reason_and_something_to_be_done_to(database: Database) -> None:
    company = await Company.found(database)
    with pytest.raises(InvalidRequest):
        await do(database, rename_organisation, company.id, "Other", actor=company.support, reason=" ")
    with pytest.raises(NotFound):
        await do(database, rename_organisation, new_id(), "Other", actor=company.support)
    with pytest.raises(NotFound):
        await do(database, remove_member, company.id, new_id(), actor=company.support)
    with pytest.raises(InvalidRequest):
        await do(database, rename_organisation, company.id, " \x00 ", actor=company.support)


async def test_an_archived_organisation_takes_nobody_in_until_it_is_restored(database: Database) -> None:
    company = await Company.found(database)
    await do(database, archive_organisation, company.id, actor=company.support)
    with pytest.raises(Conflict):
        await company.join(MEMBER)
    assert (await organisations(database)).lines == ()
    assert [one.name for one in (await organisations(database, archived=True)).lines] == ["Acme"]
    await do(database, restore_organisation, company.id, actor=company.support)
    await company.join(MEMBER)
    assert [(one.members, one.owners) for one in (await organisations(database)).lines] == [
        (2, (company.owner.email,))
    ]


async def test_an_organisation_without_members_is_a_finding(database: Database, database_url: str) -> None:
    company = await Company.found(database)
    await database.execute("delete from members")
    found = [one.detail for one in await differences(database_url) if one.check == "organisation-has-members"]
    assert found == [f"organisation {company.id}"]


# The list


async def several(database: Database, *names: str) -> User:
    owner, support = await make_user(database), await make_user(database, role=Role.SUPPORT)
    for name in names:
        await do(database, create_organisation, name, owner.id, actor=actor_of(support))
    return owner


async def test_a_search_finds_by_the_names_beginning_or_the_id(database: Database) -> None:
    await several(database, "Acme", "acme north", "Zeta 100%", "Åland", "A_b")
    for text, names in {
        "ACM": ["Acme", "acme north"],
        " acme  n": ["acme north"],
        "zeta 100%": ["Zeta 100%"],
        "a_": ["A_b"],
        "%": [],
        "åL": ["Åland"],
        "\x00": [],
        "x" * 500: [],
    }.items():
        assert [one.name for one in (await organisations(database, text)).lines] == names, text
    (first, *_) = (await organisations(database)).lines
    assert [one.id for one in (await organisations(database, str(first.id))).lines] == [first.id]


async def test_pages_follow_one_another_both_ways_also_where_names_are_the_same(database: Database) -> None:
    await several(database, *["Same"] * 4, "Alpha", "zulu", "Mike")
    whole = [one.id for one in (await organisations(database)).lines]
    assert len(whole) == 7

    page = await organisations(database, limit=3)
    assert page.previous is None
    seen = [one.id for one in page.lines]
    pages = [page]
    while page.next:
        page = await organisations(database, limit=3, after=page.next)
        pages.append(page)
        seen += [one.id for one in page.lines]
    assert seen == whole

    back = await organisations(database, limit=3, before=pages[2].previous)
    assert back.lines == pages[1].lines
    assert back.next
    assert back.previous
    first = await organisations(database, limit=3, before=back.previous)
    assert first.lines == pages[0].lines
    assert first.previous is None


async def test_a_search_of_many_goes_by_the_index(database: Database) -> None:
    await database.execute(
        "insert into organisations (id, name) select gen_random_uuid(), 'Company ' || n from generate_series(1, 5000) n"
    )
    await database.execute("analyze organisations")
    page = await organisations(database, "company 49", limit=5)
    assert len(page.lines) == 5
    plan = await database.fetch_all(
        "explain select id from organisations o where o.archived_at is null and lower(o.name) ~>=~ 'company 49'"
        " and lower(o.name) ~<~ 'company 49z' order by lower(o.name) using ~<~, o.id limit 6"
    )
    assert "organisations_name" in " ".join(line for (line,) in plan)
