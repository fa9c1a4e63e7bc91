"""`/api/features/check`: the decision and its reason, never an exception."""

import pytest

from tests.api.conftest import USER, Site, error_of
from tests.factories import make_override


async def check(site: Site, feature: str, key: str | None = None, **headers: str) -> dict[str, object]:
    answer = await site.client.post(
        "/api/features/check", json={"featureId": feature}, headers=site.with_key(key or site.key, **headers)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_feature_of_the_plan_is_allowed(sandbox: Site) -> None:
    assert await check(sandbox, "voice-over") == {
        "hasAccess": True,
        "reason": "ok",
        "message": "Voice-over is part of the plan Unlimited.",
    }


async def test_a_feature_that_the_plan_lacks_is_not_allowed_and_the_message_names_plans_that_have_it(
    sandbox: Site,
) -> None:
    key = await sandbox.make_user("free@example.com", plan="free")
    said = await check(sandbox, "voice-over", key)
    assert (said["hasAccess"], said["reason"]) == (False, "feature_not_in_plan")
    assert "Pro" in str(said["message"])


async def test_an_unknown_feature_is_not_allowed_and_is_counted(sandbox: Site) -> None:
    said = await check(sandbox, "topic_reseacher")
    assert (said["hasAccess"], said["reason"]) == (False, "feature_undefined")
    assert 'Did you mean "topic-researcher"?' in str(said["message"])
    await sandbox.purser.undefined_features.flush()
    row = await sandbox.purser.database.fetch_one("select feature_id, checks from undefined_features")
    assert row == ("topic_reseacher", 1)


async def test_the_list_does_not_count_anything_as_undefined_and_has_every_feature(sandbox: Site) -> None:
    answer = await sandbox.client.get("/api/features/check")
    features = {feature["id"]: feature for feature in answer.json()["features"]}
    assert len(features) == 9
    assert features["voice-over"] == {
        "id": "voice-over",
        "displayName": "Voice-over",
        "hasAccess": True,
        "reason": "ok",
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("plan_id = null", "no_plan"),
        ("plan_expires_at = now() - interval '1 day'", "plan_expired"),
        ("plan_id = 'trial', trial_ends_at = now() - interval '1 day'", "trial_expired"),
        ("status = 'suspended'", "account_suspended"),
    ],
)
async def test_what_is_wrong_with_the_account_is_the_reason(sandbox: Site, change: str, reason: str) -> None:
    await sandbox.sql(f"update users set {change} where email = %s", USER)
    said = await check(sandbox, "voice-over")
    assert (said["hasAccess"], said["reason"]) == (False, reason)


async def test_an_override_turns_the_answer_round(sandbox: Site) -> None:
    await make_override(sandbox.purser.database, sandbox.user.id, feature_id="voice-over", allowed=False)
    await sandbox.purser.identities.forget()
    assert (await check(sandbox, "voice-over"))["reason"] == "override_denies"


async def test_a_service_key_asks_for_a_user_by_id_or_email(sandbox: Site) -> None:
    service = await sandbox.service_key()
    for name in (USER, USER.upper(), str(sandbox.user.id)):
        assert (await check(sandbox, "voice-over", service, **{"X-User": name}))["hasAccess"] is True


async def test_an_unknown_user_is_not_allowed_rather_than_an_error(sandbox: Site) -> None:
    service = await sandbox.service_key()
    said = await check(sandbox, "voice-over", service, **{"X-User": "nobody@example.com"})
    assert said == {"hasAccess": False, "reason": "unknown_user", "message": "There is no such user."}


async def test_a_service_key_that_names_nobody_is_told_to(sandbox: Site) -> None:
    headers = sandbox.with_key(await sandbox.service_key())
    answer = await sandbox.client.post(
        "/api/features/check", json={"featureId": "voice-over"}, headers=headers
    )
    error_of(answer, 400, "user_required")
    error_of(await sandbox.client.get("/api/features/check", headers=headers), 400, "user_required")


async def test_a_service_key_needs_the_scope(sandbox: Site) -> None:
    service = await sandbox.service_key("generate")
    answer = await sandbox.client.post(
        "/api/features/check",
        json={"featureId": "voice-over"},
        headers=sandbox.with_key(service, **{"X-User": USER}),
    )
    assert error_of(answer, 403, "scope_missing")["details"] == {"scope": "check"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "featureId: is required."),
        ({"featureId": ""}, "featureId: string should have at least 1 character."),
        ({"featureId": 7}, "featureId: input should be a valid string."),
        ({"featureId": "x", "userId": "y"}, "Unknown field: userId."),
        ({"featureId": "x" * 101}, "featureId: string should have at most 100 characters."),
    ],
)
async def test_a_wrong_body_is_refused_with_the_fields_name(
    sandbox: Site, body: dict[str, object], said: str
) -> None:
    answer = await sandbox.client.post("/api/features/check", json=body)
    assert error_of(answer, 422, "invalid_request")["message"] == said


async def test_hostile_ids_do_no_harm(sandbox: Site) -> None:
    for feature in ("\x00", "<script>alert(1)</script>", "'; drop table users; --", "﷽" * 50, "\u202e"):
        assert (await check(sandbox, feature))["reason"] == "feature_undefined"
    answer = await sandbox.client.post(
        "/api/features/check",
        content=b'{"featureId": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    error_of(answer, 422, "invalid_request")
    await sandbox.purser.undefined_features.flush()
