"""`/api/plans` and `/api/features`: how a product's backend keeps its plans in step."""

import asyncio
from typing import Any

import httpx
import pytest

from core.vocabulary import Role
from tests.api.conftest import ADMIN, USER, Site, error_of

REASON = {"reason": "In step with the shop"}


async def backend(site: Site, *scopes: str) -> dict[str, str]:
    return site.with_key(await site.service_key(*(scopes or ("plans", "features"))))


async def check(site: Site, feature: str) -> dict[str, Any]:
    answer = await site.client.post("/api/features/check", json={"featureId": feature})
    return answer.json()


async def send(
    site: Site, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    return await site.anonymous.request(method, path, json=body, headers=headers)


async def test_plans_are_listed_by_rank_with_all_that_is_set_of_them(sandbox: Site) -> None:
    headers = await backend(sandbox)
    answer = (await sandbox.anonymous.get("/api/plans", headers=headers)).json()
    assert [plan["id"] for plan in answer["items"]] == [
        "free",
        "trial",
        "creator",
        "premium",
        "pro",
        "unlimited",
    ]
    assert (answer["next"], answer["version"]) == (None, 0)
    assert answer["items"][1] == {
        "id": "trial", "displayName": "Trial", "tier": "free", "rank": 20, "dailyGenerations": None,
        "monthlyCredits": 50, "monthlyCeiling": 50, "dailyCredits": 0, "trialDays": 14, "trialUses": 2,
        "maxProjects": 1, "modalities": ["image", "text"], "watermark": True, "routingStrategy": "priority",
        "retired": False, "features": sorted(answer["items"][1]["features"]),
    }  # fmt: skip
    one = (await sandbox.anonymous.get("/api/plans/trial", headers=headers)).json()
    assert one == {**answer["items"][1], "version": 0}


async def test_lists_come_in_pages(sandbox: Site) -> None:
    headers = await backend(sandbox)
    for path, count in (("/api/plans", 6), ("/api/features", 9)):
        found: list[str] = []
        after = ""
        while after is not None:
            answer = (
                await sandbox.anonymous.get(f"{path}?limit=4{after and f'&after={after}'}", headers=headers)
            ).json()
            found += [one["id"] for one in answer["items"]]
            after = answer["next"]
        assert len(found) == len(set(found)) == count
    error_of(await sandbox.anonymous.get("/api/plans?after=nowhere", headers=headers), 400, "invalid_request")


@pytest.mark.parametrize("who", ["key", "session", "service"])
async def test_a_plan_changed_is_in_force_at_once_with_version_history_and_audit(
    sandbox: Site, who: str
) -> None:
    headers = {
        "key": sandbox.with_key((await sandbox.make_key(ADMIN)).secret),
        "session": {**await sandbox.session_of(), "Sec-Fetch-Site": "same-origin"},
        "service": await backend(sandbox),
    }[who]
    assert (await check(sandbox, "voice-over"))["hasAccess"] is True
    features = [one for one in (await check_all(sandbox)) if one != "voice-over"]
    body = {**REASON, "features": features, "maxProjects": 50, "version": 0}
    answer = await send(sandbox, "PATCH", "/api/plans/unlimited", body, headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["maxProjects"], answer.json()["version"]) == (50, 1)
    assert sorted(answer.json()["features"]) == sorted(features)
    assert (await check(sandbox, "voice-over"))["reason"] == "feature_not_in_plan"
    version = await sandbox.purser.database.fetch_one("select number, reason, actor_label from plan_versions")
    assert version is not None
    assert version[:2] == (1, REASON["reason"])
    assert version[2].startswith(ADMIN)
    row = await sandbox.purser.database.fetch_one(
        "select action, actor_kind, reason, before -> 'unlimited (plan)' ->> 'max_projects',"
        " after -> 'unlimited (plan)' ->> 'max_projects', request_id from audit order by id desc limit 1"
    )
    kind = "user" if who == "session" else "key"
    assert row == ("plans.save", kind, REASON["reason"], None, "50", answer.headers["X-Request-ID"])


async def check_all(site: Site) -> list[str]:
    answer = await site.client.get("/api/features/check")
    return [one["id"] for one in answer.json()["features"]]


async def test_what_is_so_already_makes_no_version(sandbox: Site) -> None:
    headers = await backend(sandbox)
    body = {
        **REASON,
        "maxProjects": 25,
        "displayName": "Pro",
        "modalities": ["audio", "video", "text", "image"],
    }
    answer = await send(sandbox, "PATCH", "/api/plans/pro", body, headers)
    assert (answer.status_code, answer.json()["version"]) == (200, 0)


async def test_a_plan_is_added_with_defaults_and_can_be_retired(sandbox: Site) -> None:
    headers = await backend(sandbox)
    body = {**REASON, "id": "team", "displayName": "Team", "monthlyCredits": 500, "features": ["voice-over"]}
    answer = await send(sandbox, "POST", "/api/plans", body, headers)
    assert answer.status_code == 200, answer.text
    added = answer.json()
    assert (added["monthlyCredits"], added["features"], added["modalities"], added["tier"]) == (
        500, ["voice-over"], ["text"], "paid",
    )  # fmt: skip
    error_of(await send(sandbox, "POST", "/api/plans", body, headers), 409, "plan_exists")
    retired = await send(sandbox, "PATCH", "/api/plans/team", {**REASON, "retired": True}, headers)
    assert retired.json()["retired"] is True


async def test_a_feature_is_defined_put_on_plans_renamed_and_retired(sandbox: Site) -> None:
    headers = await backend(sandbox)
    assert (await check(sandbox, "subtitles"))["reason"] == "feature_undefined"
    body = {**REASON, "id": "subtitles", "displayName": "Subtitles", "plans": ["unlimited", "pro"]}
    answer = await send(sandbox, "POST", "/api/features", body, headers)
    assert answer.json() == {
        "id": "subtitles", "displayName": "Subtitles", "description": "", "retired": False,
        "plans": ["pro", "unlimited"], "version": 1,
    }  # fmt: skip
    assert (await check(sandbox, "subtitles"))["hasAccess"] is True
    changed = {**REASON, "displayName": "Captions", "description": "Texts under videos.", "plans": ["pro"]}
    answer = await send(sandbox, "PATCH", "/api/features/subtitles", changed, headers)
    assert (answer.json()["displayName"], answer.json()["plans"]) == ("Captions", ["pro"])
    assert (await check(sandbox, "subtitles"))["reason"] == "feature_not_in_plan"
    await send(sandbox, "PATCH", "/api/features/subtitles", {**REASON, "retired": True}, headers)
    assert (await check(sandbox, "subtitles"))["reason"] == "feature_undefined"
    listed = (await sandbox.anonymous.get("/api/features", headers=headers)).json()["items"]
    assert [one["retired"] for one in listed if one["id"] == "subtitles"] == [True]


async def test_a_version_that_is_not_the_newest_is_refused_with_who_saved(sandbox: Site) -> None:
    headers = await backend(sandbox)
    await send(sandbox, "PATCH", "/api/plans/pro", {**REASON, "rank": 51}, headers)
    answer = await send(sandbox, "PATCH", "/api/plans/pro", {**REASON, "rank": 52, "version": 0}, headers)
    details = error_of(answer, 409, "changed_meanwhile")["details"]
    assert details["version"] == 1
    assert details["by"].startswith(ADMIN)


async def test_of_two_backends_on_one_version_exactly_one_saves(sandbox: Site) -> None:
    headers = await backend(sandbox)
    answers = await asyncio.gather(
        *(
            send(sandbox, "PATCH", "/api/plans/pro", {**REASON, "maxProjects": most, "version": 0}, headers)
            for most in (30, 40, 50)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_an_idempotency_key_brings_the_first_answer_again_and_takes_no_other_body(
    sandbox: Site,
) -> None:
    headers = {**await backend(sandbox), "Idempotency-Key": "sync-1"}
    body = {**REASON, "maxProjects": 30}
    first, again = [await send(sandbox, "PATCH", "/api/plans/pro", body, headers) for _ in range(2)]
    assert first.json() == again.json()
    assert first.json()["version"] == 1
    for path, other in (("/api/plans/pro", {**body, "maxProjects": 31}), ("/api/plans/creator", body)):
        error_of(await send(sandbox, "PATCH", path, other, headers), 409, "idempotency_conflict")


async def test_only_superadmins_and_their_keys_with_the_scope_write_and_only_staff_read(
    sandbox: Site,
) -> None:
    support = sandbox.with_key(await sandbox.make_staff("support@example.com", Role.SUPPORT))
    tester = sandbox.with_key(await sandbox.make_staff("tester@example.com", Role.TESTER))
    user = sandbox.with_key(sandbox.key)
    scopeless = await backend(sandbox, "generate")
    for path in ("/api/plans", "/api/plans/pro", "/api/features"):
        assert (await sandbox.anonymous.get(path, headers=support)).status_code == 200
        for headers in (user, tester):
            error_of(await sandbox.anonymous.get(path, headers=headers), 403, "not_allowed")
        error_of(await sandbox.anonymous.get(path, headers=scopeless), 403, "scope_missing")
    for method, path, body in (
        ("PATCH", "/api/plans/pro", {**REASON, "rank": 1}),
        ("POST", "/api/plans", {**REASON, "id": "x", "displayName": "X"}),
        ("PATCH", "/api/features/voice-over", {**REASON, "retired": True}),
        ("POST", "/api/features", {**REASON, "id": "x", "displayName": "X"}),
    ):
        for headers in (user, tester, support):
            error_of(await send(sandbox, method, path, body, headers), 403, "not_allowed")
        error_of(await send(sandbox, method, path, body, scopeless), 403, "scope_missing")
        other = await backend(sandbox, "plans" if "features" in path else "features")
        error_of(await send(sandbox, method, path, body, {**other, "X-User": USER}), 403, "scope_missing")
    assert await sandbox.purser.database.fetch_one("select from plan_versions") is None


WRONG: list[tuple[str, str, dict[str, Any], int, str, str]] = [
    ("PATCH", "/api/plans/pro", {"rank": 1}, 422, "invalid_request", "reason: is required."),
    ("PATCH", "/api/plans/pro", {**REASON, "colour": 1}, 422, "invalid_request", "Unknown field: colour."),
    ("PATCH", "/api/plans/pro", {"reason": " ", "rank": 1}, 400, "reason_required", "needs a reason"),
    ("PATCH", "/api/plans/pro", {**REASON, "rank": -1}, 422, "invalid_request", "rank"),
    ("PATCH", "/api/plans/pro", {**REASON, "displayName": ""}, 422, "invalid_request", "displayName"),
    ("PATCH", "/api/plans/pro", {**REASON, "tier": "gold"}, 422, "invalid_request", "tier"),
    ("PATCH", "/api/plans/pro", {**REASON, "features": ["voice"]}, 400, "unknown_feature", "voice-over"),
    ("PATCH", "/api/plans/pro", {**REASON, "routingStrategy": "luck"}, 400, "invalid_request", "one of"),
    ("PATCH", "/api/plans/prp", {**REASON, "rank": 1}, 404, "unknown_plan", "Did you mean 'pro'?"),
    ("PATCH", "/api/plans/%00", {**REASON, "rank": 1}, 404, "unknown_plan", "There is no plan"),
    ("PATCH", "/api/plans/trial", {**REASON, "retired": True}, 400, "plan_needed", "new users start on it"),
    ("PATCH", "/api/features/voice", {**REASON, "retired": True}, 404, "unknown_feature", "voice-over"),
    ("PATCH", "/api/features/voice-over", {**REASON, "plans": ["max"]}, 400, "unknown_plan", "no plan"),
    ("POST", "/api/plans", {**REASON, "id": "Big One", "displayName": "B"}, 400, "invalid_id", "Big One"),
    ("POST", "/api/plans", {**REASON, "id": "big"}, 422, "invalid_request", "displayName: is required."),
    ("POST", "/api/features", {**REASON, "id": "voice-over", "displayName": "V"}, 409, "feature_exists", "already"),
    ("POST", "/api/features", {**REASON, "id": "v2", "displayName": "Voice-over"}, 400, "name_taken", "Two"),
]  # fmt: skip


async def test_a_wrong_change_is_refused_in_words(sandbox: Site) -> None:
    headers = await backend(sandbox)
    for method, path, body, status, code, said in WRONG:
        answer = await send(sandbox, method, path, body, headers)
        assert said in error_of(answer, status, code)["message"], body


async def test_the_check_keeps_its_address_beside_the_list(sandbox: Site) -> None:
    assert len(await check_all(sandbox)) == 9
    headers = await backend(sandbox)
    error_of(
        await send(sandbox, "PATCH", "/api/features/check", {**REASON, "retired": True}, headers),
        404,
        "unknown_feature",
    )
    error_of(await send(sandbox, "DELETE", "/api/plans/pro", {}, headers), 405, "method_not_allowed")
