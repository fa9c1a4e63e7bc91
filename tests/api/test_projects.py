"""`/api/projects`: a user's projects, within the places of their plan; and what generations are attributed to."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from core.accounts.organisations import MemberRole, add_member, create_organisation
from core.audit import SYSTEM
from core.ids import new_id
from tests.api.conftest import USER, Site, error_of

OTHER = "other@example.com"


async def make(site: Site, name: str = "Autumn", **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    return await site.client.post("/api/projects", json={"name": name, **more}, headers=headers)


async def change(
    site: Site, project_id: Any, headers: dict[str, str] | None = None, **what: Any
) -> httpx.Response:
    return await site.client.patch(f"/api/projects/{project_id}", json=what, headers=headers or {})


async def listed(site: Site, headers: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    answer = await site.client.get("/api/projects", params=params, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def creator(site: Site, email: str = "creator@example.com") -> dict[str, str]:
    """The headers of a user on plan creator, who may have five projects."""
    return site.with_key(await site.make_user(email, plan="creator"))


async def test_a_project_is_made_renamed_archived_and_taken_back(sandbox: Site) -> None:
    headers = await creator(sandbox)
    made = (await make(sandbox, "  Autumn   campaign", headers=headers)).json()
    assert made.pop("createdAt").endswith("Z")
    assert made == {
        "id": made["id"],
        "name": "Autumn campaign",
        "own": True,
        "organisationId": None,
        "organisation": None,
        "archivedAt": None,
    }
    assert (await change(sandbox, made["id"], headers, name="Winter")).json()["name"] == "Winter"
    assert (await change(sandbox, made["id"], headers, archived=True)).json()["archivedAt"]
    assert await listed(sandbox, headers) == {"items": [], "next": None, "used": 0, "limit": 5}
    assert (await change(sandbox, made["id"], headers, archived=False)).json()["archivedAt"] is None
    assert (await listed(sandbox, headers))["used"] == 1


async def test_the_plans_places_hold_however_many_come_at_once(sandbox: Site) -> None:
    headers = await creator(sandbox)
    answers = await asyncio.gather(*(make(sandbox, f"P{number}", headers=headers) for number in range(12)))
    assert Counter(answer.status_code for answer in answers) == {200: 5, 403: 7}
    refused = next(answer for answer in answers if answer.status_code == 403)
    assert error_of(refused, 403, "project_limit")["details"] == {
        "reason": "project_limit", "limit": 5, "used": 5,
    }  # fmt: skip


async def test_an_override_gives_more_places(sandbox: Site) -> None:
    headers = sandbox.with_key(await sandbox.make_user("free@example.com", plan="free"))
    await make(sandbox, headers=headers)
    error_of(await make(sandbox, headers=headers), 403, "project_limit")
    await sandbox.sql(
        "insert into overrides (id, user_id, limit_name, value, reason) select gen_random_uuid(), id, 'max_projects', 2,"
        " 'test' from users where email = 'free@example.com'"
    )
    assert (await make(sandbox, headers=headers)).is_success


async def test_without_a_plan_there_are_no_places(sandbox: Site) -> None:
    await sandbox.sql("update users set plan_id = null where email = %s", USER)
    assert error_of(await make(sandbox), 403, "project_limit")["details"]["limit"] == 0


async def test_the_same_idempotency_key_makes_one_project(sandbox: Site) -> None:
    headers = {"Idempotency-Key": "order-1"}
    answers = await asyncio.gather(*(make(sandbox, headers=headers) for _ in range(5)))
    assert answers[0].is_success
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert (await listed(sandbox))["used"] == 1
    error_of(await make(sandbox, "Another", headers=headers), 409, "idempotency_conflict")
    made = answers[0].json()["id"]
    error_of(
        await change(sandbox, made, {"Idempotency-Key": "order-1"}, name="Autumn"),
        409,
        "idempotency_conflict",
    )


async def test_a_service_key_with_the_scope_acts_for_the_user_it_names(sandbox: Site) -> None:
    other = await creator(sandbox, OTHER)
    for scopes, status in ((("generate",), 403), (("users",), 200)):
        service = sandbox.with_key(await sandbox.service_key(*scopes), **{"X-User": OTHER})
        assert (await make(sandbox, headers=service)).status_code == status
    assert [one["name"] for one in (await listed(sandbox, other))["items"]] == ["Autumn"]
    row = await sandbox.purser.database.fetch_one(
        "select actor_kind, after ->> 'owner' from audit where action = 'project.create'"
    )
    assert row == ("key", OTHER)
    nobody = sandbox.with_key(await sandbox.service_key("users"))
    error_of(await make(sandbox, headers=nobody), 400, "user_required")


async def test_other_peoples_projects_are_told_as_little_as_none(sandbox: Site) -> None:
    other = await creator(sandbox, OTHER)
    theirs = (await make(sandbox, headers=other)).json()["id"]
    for project in (theirs, new_id()):
        error_of(await change(sandbox, project, name="Mine"), 404, "unknown_project")
        error_of(await sandbox.generate(projectId=str(project)), 404, "unknown_project")
    assert (await listed(sandbox))["items"] == []


async def test_generations_are_attributed_until_the_project_is_archived(sandbox: Site) -> None:
    project = (await make(sandbox)).json()["id"]
    made = (await sandbox.generate(projectId=project)).json()
    row = await sandbox.purser.database.fetch_one(
        "select project_id::varchar from generations where id = %s", (made["id"],)
    )
    assert row == (project,)
    await change(sandbox, project, archived=True)
    error_of(await sandbox.generate(projectId=project), 409, "project_archived")
    assert [one["id"] for one in (await listed(sandbox, archived=True))["items"]] == [project]


async def test_an_organisations_projects_are_its_members(sandbox: Site) -> None:
    other = await creator(sandbox, OTHER)
    member = await sandbox.purser.identities.resolve_user(OTHER)
    assert member is not None
    async with sandbox.purser.database.transaction() as session:
        acme = await create_organisation(session, "Acme", sandbox.user.id, actor=SYSTEM, reason="Sold")
        await add_member(session, acme.id, member.id, MemberRole.MEMBER, actor=SYSTEM, reason="Sold")
    project = (await make(sandbox, organisationId=str(acme.id))).json()
    assert (project["organisation"], project["own"]) == ("Acme", True)

    seen = await listed(sandbox, other)

    assert [(one["id"], one["own"]) for one in seen["items"]] == [(project["id"], False)]
    assert seen["used"] == 0
    assert (await sandbox.generate(projectId=project["id"], headers=other)).is_success
    error_of(await change(sandbox, project["id"], other, name="Mine"), 403, "not_allowed")
    error_of(await make(sandbox, organisationId=str(new_id())), 404, "unknown_organisation")


async def test_projects_are_paged_by_cursor(sandbox: Site) -> None:
    for number in range(5):
        await make(sandbox, f"P{number}")
    first = await listed(sandbox, limit=2)
    second = await listed(sandbox, limit=2, after=first["next"])
    third = await listed(sandbox, limit=2, after=second["next"])
    names = [one["name"] for page in (first, second, third) for one in page["items"]]
    assert (names, third["next"]) == (["P4", "P3", "P2", "P1", "P0"], None)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 101}, {"name": "a\x00b"}, {"name": "A", "limit": 9}, {"name": 5}],
)
async def test_a_wrong_body_is_refused(sandbox: Site, body: dict[str, Any]) -> None:
    error_of(await sandbox.client.post("/api/projects", json=body), 422, "invalid_request")


async def test_a_change_must_change_something(sandbox: Site) -> None:
    project = (await make(sandbox)).json()["id"]
    error_of(await change(sandbox, project), 400, "invalid_request")
    error_of(await make(sandbox, "   "), 400, "name_required")
