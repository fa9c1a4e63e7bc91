"""Who calls: keys, sessions, X-User, scopes, and what is said where it is not good enough."""

from datetime import UTC, datetime, timedelta

import pytest

from core.accounts.keys import revoke_key
from core.audit import SYSTEM
from core.vocabulary import Role
from tests.api.conftest import ADMIN, USER, Site, error_of

SERVICE_USER = {"X-User": USER}


async def test_no_identity_is_refused_and_says_how_to_send_one(sandbox: Site) -> None:
    answer = await sandbox.anonymous.get("/api/credits")
    assert "Bearer psr_" in error_of(answer, 401, "not_signed_in")["message"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dXNlcjpwdw==", "psr_u_abc"])
async def test_a_malformed_header_is_told_apart_from_a_wrong_key(sandbox: Site, value: str) -> None:
    answer = await sandbox.anonymous.get("/api/credits", headers={"Authorization": value})
    error_of(answer, 401, "malformed_authorization")


async def test_wrong_revoked_and_expired_keys_get_one_and_the_same_answer(sandbox: Site) -> None:
    revoked = await sandbox.make_key()
    expired = await sandbox.make_key(expires_at=datetime.now(UTC) + timedelta(minutes=1))
    async with sandbox.purser.database.transaction() as session:
        await revoke_key(session, SYSTEM, revoked.id)
    await sandbox.sql(
        "update api_keys set expires_at = now() - interval '1 second' where id = %s", expired.id
    )
    secrets = (revoked.secret, expired.secret, "psr_u_" + "A" * 32, "psr_s_" + "A" * 32, "sk-other")
    answers = [
        await sandbox.anonymous.get("/api/credits", headers=sandbox.with_key(secret)) for secret in secrets
    ]
    assert {error_of(answer, 401, "invalid_key")["message"] for answer in answers} == {
        "This key is unknown, revoked or expired."
    }


async def test_a_key_works_until_it_is_revoked(sandbox: Site) -> None:
    key = await sandbox.make_key()
    assert (await sandbox.anonymous.get("/api/credits", headers=sandbox.with_key(key.secret))).is_success
    async with sandbox.purser.database.transaction() as session:
        await revoke_key(session, SYSTEM, key.id)
    await sandbox.purser.changes.refresh()
    answer = await sandbox.anonymous.get("/api/credits", headers=sandbox.with_key(key.secret))
    error_of(answer, 401, "invalid_key")


async def test_a_suspended_user_is_told_so_with_the_reason(sandbox: Site) -> None:
    await sandbox.sql(
        "update users set status = 'suspended', status_reason = 'Chargeback' where email = %s", USER
    )
    for answer in (await sandbox.client.get("/api/credits"), await sandbox.generate()):
        assert error_of(answer, 403, "account_suspended")["details"] == {"reason": "Chargeback"}
    service = sandbox.with_key(await sandbox.service_key("credits"), **SERVICE_USER)
    error_of(await sandbox.client.get("/api/credits", headers=service), 403, "account_suspended")


async def test_a_service_key_acts_for_the_user_it_names(sandbox: Site) -> None:
    service = await sandbox.service_key("credits")
    for name in (USER, str(sandbox.user.id)):
        answer = await sandbox.anonymous.get(
            "/api/credits", headers=sandbox.with_key(service, **{"X-User": name})
        )
        assert answer.json()["balance"] == 1_000


async def test_a_service_key_must_name_a_user_and_one_that_exists(sandbox: Site) -> None:
    service = await sandbox.service_key("credits")
    answer = await sandbox.anonymous.get("/api/credits", headers=sandbox.with_key(service))
    error_of(answer, 400, "user_required")
    for name in ("nobody@example.com", "00000000-0000-7000-8000-000000000000", "x" * 3_000, "\xe9"):
        headers = sandbox.with_key(service, **{"X-User": name})
        answer = await sandbox.anonymous.get(
            "/api/credits", headers={k.encode(): v.encode("latin-1") for k, v in headers.items()}
        )
        error_of(answer, 404, "unknown_user")


async def test_only_service_keys_may_name_a_user(sandbox: Site) -> None:
    answer = await sandbox.client.get("/api/credits", headers={"X-User": ADMIN})
    error_of(answer, 403, "not_allowed")


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/api/credits", "credits"),
        ("/api/credits/entries", "credits"),
        ("/api/usage", "generate"),
        ("/api/ai/models", "models"),
        ("/api/features/check", "check"),
    ],
)
async def test_a_service_key_reaches_what_its_scopes_name(sandbox: Site, path: str, scope: str) -> None:
    without = sandbox.with_key(await sandbox.service_key("users"), **SERVICE_USER)
    assert error_of(await sandbox.anonymous.get(path, headers=without), 403, "scope_missing")["details"] == {
        "scope": scope
    }
    having = sandbox.with_key(await sandbox.service_key(scope), **SERVICE_USER)
    assert (await sandbox.anonymous.get(path, headers=having)).status_code == 200


async def test_generating_needs_its_scope(sandbox: Site) -> None:
    without = sandbox.with_key(await sandbox.service_key("check"), **SERVICE_USER)
    error_of(await sandbox.generate(headers=without), 403, "scope_missing")
    having = sandbox.with_key(await sandbox.service_key("generate"), **SERVICE_USER)
    assert (await sandbox.generate(headers=having)).json()["balance"] == 999


async def test_a_generation_by_a_service_key_is_recorded_as_its_own_and_the_users(sandbox: Site) -> None:
    service = sandbox.with_key(await sandbox.service_key(), **SERVICE_USER)
    made = (await sandbox.generate(headers={**service, "X-Request-ID": "backend-0001"})).json()
    row = await sandbox.purser.database.fetch_one(
        "select g.user_id, k.kind, g.request_id from generations g join api_keys k on k.id = g.api_key_id"
        " where g.id = %s",
        (made["id"],),
    )
    assert row == (sandbox.user.id, "service", "backend-0001")


# Sessions


async def test_a_session_of_the_pages_works_for_reading(sandbox: Site) -> None:
    answer = await sandbox.anonymous.get("/api/usage", headers=await sandbox.session_of())
    assert answer.json()["plan"]["id"] == "unlimited"


async def test_an_ended_session_says_so(sandbox: Site) -> None:
    answer = await sandbox.anonymous.get("/api/usage", headers={"Cookie": "purser_session=gone"})
    error_of(answer, 401, "session_ended")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
    ],
)
async def test_a_cookie_alone_writes_nothing_from_another_site(
    sandbox: Site, headers: dict[str, str]
) -> None:
    answer = await sandbox.anonymous.post(
        "/api/ai/generate-text",
        json={"prompt": "Say hello"},
        headers={**await sandbox.session_of(), **headers},
    )
    error_of(answer, 403, "cross_site")


async def test_our_own_pages_may_write_with_the_cookie(sandbox: Site) -> None:
    cookies = await sandbox.session_of()
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": sandbox.url}):
        answer = await sandbox.anonymous.post(
            "/api/ai/generate-text", json={"prompt": "Say hello"}, headers={**cookies, **headers}
        )
        assert answer.status_code == 200


async def test_a_wrong_key_is_not_saved_by_a_good_cookie(sandbox: Site) -> None:
    answer = await sandbox.anonymous.get(
        "/api/usage", headers={**await sandbox.session_of(), **sandbox.with_key("psr_u_wrong")}
    )
    error_of(answer, 401, "invalid_key")


# Costs


async def test_usd_is_told_to_those_who_may_see_it(sandbox: Site) -> None:
    tester = await sandbox.make_staff("tester@example.com", Role.TESTER)
    support = await sandbox.make_staff("support@example.com", Role.SUPPORT)
    admin = (await sandbox.make_key(ADMIN)).secret
    costs = await sandbox.service_key("generate", "costs")
    plain = await sandbox.service_key("generate")
    sees = {
        "tester": sandbox.with_key(tester),
        "admin": sandbox.with_key(admin),
        "costs": sandbox.with_key(costs, **SERVICE_USER),
    }
    does_not = {
        "user": {},
        "support": sandbox.with_key(support),
        "service": sandbox.with_key(plain, **SERVICE_USER),
        "admin named by a service key": sandbox.with_key(plain, **{"X-User": ADMIN}),
    }
    for who, headers in (sees | does_not).items():
        made = (await sandbox.generate(headers=headers)).json()
        usage = (await sandbox.client.get("/api/usage", headers=headers)).json()
        assert ("cost" in made, "totalCostToday" in usage) == (who in sees, who in sees), who


async def test_prices_of_models_are_for_superadmins_and_the_scope_costs(sandbox: Site) -> None:
    tester = await sandbox.make_staff("tester@example.com", Role.TESTER)
    admin = (await sandbox.make_key(ADMIN)).secret
    costs = await sandbox.service_key("models", "costs")
    for key, sees in ((sandbox.key, False), (tester, False), (admin, True), (costs, True)):
        answer = await sandbox.anonymous.get("/api/ai/models", headers=sandbox.with_key(key))
        models = [model for provider in answer.json()["providers"] for model in provider["models"]]
        assert models
        assert all(("price" in model) == sees for model in models)
