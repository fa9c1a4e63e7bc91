"""`/api/ai/models`: what is there and how it is; setting a default."""

from typing import Any

import pytest

from core.vocabulary import Role
from tests.api.conftest import ADMIN, USER, Site, error_of
from tests.fakes import FakeVendors


async def providers(site: Site) -> dict[str, Any]:
    answer = await site.client.get("/api/ai/models")
    assert answer.status_code == 200
    return {provider["id"]: provider for provider in answer.json()["providers"]}


async def test_every_provider_is_listed_in_its_order_with_what_it_runs(site: Site) -> None:
    found = await providers(site)
    assert list(found) == ["openai", "gemini", "anthropic", "sandbox"]
    openai = found["openai"]
    assert {
        name: openai[name] for name in ("kind", "enabled", "sandbox", "modalities", "breaker", "health")
    } == {
        "kind": "openai",
        "enabled": True,
        "sandbox": False,
        "modalities": ["text"],
        "breaker": {"state": "closed", "openUntil": None},
        "health": "unknown",
    }
    assert (openai["defaultModels"], openai["fallbackModels"]) == (
        {"text": "gpt-6.1-sol"},
        {"text": "gpt-6-luna"},
    )
    sol = next(model for model in openai["models"] if model["id"] == "gpt-6.1-sol")
    assert (sol["displayName"], sol["credits"], sol["unit"], sol["available"]) == (
        "GPT-6.1 Sol",
        2,
        "1k tokens",
        True,
    )
    assert sol["capabilities"] == {
        "streaming": True,
        "sampling": False,
        "contextTokens": 1_050_000,
        "maxOutputTokens": 128_000,
    }
    assert (found["sandbox"]["enabled"], found["sandbox"]["health"]) == (False, "disabled")


async def test_a_provider_without_a_usable_key_is_down_with_its_breaker_open(
    site: Site, fakes: FakeVendors
) -> None:
    fakes.openai.fail("unauthorized")
    await site.generate()
    openai = (await providers(site))["openai"]
    assert (openai["health"], openai["breaker"]["state"]) == ("down", "open")
    assert openai["breaker"]["openUntil"].endswith("Z")


async def test_where_only_the_sandbox_answers_that_is_said(sandbox: Site) -> None:
    assert (await sandbox.client.get("/api/ai/models")).json()["sandboxOnly"] is True


@pytest.mark.parametrize("who", ["key", "session", "service"])
async def test_a_new_default_serves_the_very_next_request(site: Site, who: str) -> None:
    headers = {
        "key": site.with_key((await site.make_key(ADMIN)).secret),
        "session": {**await site.session_of(), "Sec-Fetch-Site": "same-origin"},
        "service": site.with_key(await site.service_key("models")),
    }[who]
    answer = await site.anonymous.post(
        "/api/ai/models", json={"provider": "openai", "model": "gpt-6-luna"}, headers=headers
    )
    assert answer.json() == {"success": True, "provider": "openai", "model": "gpt-6-luna", "modality": "text"}
    assert (await site.generate()).json()["model"] == "gpt-6-luna"
    row = await site.purser.database.fetch_one(
        "select action, actor_kind, before ->> 'model', after ->> 'model', request_id from audit order by id desc limit 1"
    )
    assert row == (
        "provider.default_model",
        "user" if who == "session" else "key",
        "gpt-6.1-sol",
        "gpt-6-luna",
        answer.headers["X-Request-ID"],
    )


async def test_only_superadmins_set_defaults(sandbox: Site) -> None:
    body = {"provider": "sandbox", "model": "sandbox-text-small"}
    support = await sandbox.make_staff("support@example.com", Role.SUPPORT)
    for key in (sandbox.key, support):
        answer = await sandbox.anonymous.post("/api/ai/models", json=body, headers=sandbox.with_key(key))
        error_of(answer, 403, "not_allowed")
    service = sandbox.with_key(await sandbox.service_key("generate"))
    answer = await sandbox.anonymous.post("/api/ai/models", json=body, headers=service)
    error_of(answer, 403, "scope_missing")


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        ({"provider": "opnai", "model": "x"}, 404, "provider_not_found", "Did you mean 'openai'?"),
        ({"provider": "openai", "model": "gpt-6-lna"}, 404, "model_not_found", "Did you mean 'gpt-6-luna'?"),
        ({"provider": "openai", "model": "claude-haiku-5-5"}, 404, "model_not_found", "has no model"),
        (
            {"provider": "openai", "model": "gpt-6-luna", "modality": "image"},
            400,
            "invalid_request",
            "gpt-6-luna is a model for text, not for image.",
        ),
        ({"provider": "openai"}, 422, "invalid_request", "model: is required."),
        (
            {"provider": "openai", "model": "m", "modality": "smell"},
            422,
            "invalid_request",
            "modality: input should be 'text'",
        ),
        ({"provider": "openai", "model": "m", "rank": 1}, 422, "invalid_request", "Unknown field: rank."),
    ],
)
async def test_a_wrong_default_is_refused_in_words(
    site: Site, body: dict[str, Any], status: int, code: str, said: str
) -> None:
    headers = site.with_key((await site.make_key(ADMIN)).secret)
    answer = await site.anonymous.post("/api/ai/models", json=body, headers=headers)
    assert said in error_of(answer, status, code)["message"]


async def test_a_suspended_user_sees_no_models(sandbox: Site) -> None:
    await sandbox.sql("update users set status = 'suspended' where email = %s", USER)
    error_of(await sandbox.client.get("/api/ai/models"), 403, "account_suspended")
