"""`/api/health`, `/healthz`, `/readyz`, with the database there and away."""

import asyncio
from urllib.parse import urlsplit

import psycopg

from tests.api.conftest import ADMIN, Serve, Site, error_of
from tests.fakes import FakeVendors
from tests.waiting import until


async def test_anybody_may_ask_for_the_states_and_no_more(site: Site) -> None:
    answer = await site.anonymous.get("/api/health")
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] == "healthy"
    assert body["parts"] == {
        "database": {"state": "healthy"},
        "queue": {"state": "healthy"},
        "schedules": {"state": "unknown"},
        "providers": {"state": "healthy"},
    }
    with_user_key = (await site.client.get("/api/health")).json()
    assert with_user_key["parts"] == body["parts"]


async def test_superadmins_and_service_keys_see_the_details(site: Site) -> None:
    for headers in (
        await site.session_of(),
        site.with_key((await site.make_key(ADMIN)).secret),
        site.with_key(await site.service_key("check")),
    ):
        parts = (await site.anonymous.get("/api/health", headers=headers)).json()["parts"]
        assert parts["database"]["figures"]["ms"] > 0
        assert parts["providers"]["openai"]["detail"] == "breaker closed, 1 of 1 keys usable"
        assert parts["providers"]["sandbox"]["state"] == "disabled"
        assert parts["queue"]["figures"]["waiting"] == 0


async def test_a_wrong_key_gets_the_states_as_nobody_does(site: Site) -> None:
    answer = await site.anonymous.get("/api/health", headers=site.with_key("psr_u_wrong"))
    assert answer.status_code == 200
    assert set(answer.json()["parts"]["database"]) == {"state"}


async def test_a_provider_that_is_down_degrades_the_whole_and_all_of_them_end_it(
    site: Site, fakes: FakeVendors
) -> None:
    fakes.openai.fail("unauthorized")
    await site.generate()
    answer = await site.anonymous.get("/api/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    fakes.gemini.fail("unauthorized")
    fakes.anthropic.fail("unauthorized")
    await site.generate()
    await asyncio.sleep(1.1)  # a look is shared for a second
    answer = await site.anonymous.get("/api/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "down")


async def test_live_and_ready(sandbox: Site) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await sandbox.anonymous.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert (await sandbox.anonymous.head(path)).status_code == 200


async def test_without_its_database_it_lives_is_not_ready_and_recovers(
    serve: Serve, server_url: str, database_url: str
) -> None:
    site = await serve(database_pool_timeout=1)
    name = urlsplit(database_url).path.strip("/")
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"alter database {name} allow_connections false".encode())
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        await site.purser.identities.forget()
        assert (await site.anonymous.get("/healthz")).status_code == 200
        not_ready = await site.anonymous.get("/readyz")
        error_of(not_ready, 503, "database_unavailable")
        assert not_ready.headers["Retry-After"] == "2"
        health = await site.anonymous.get("/api/health")
        assert (health.status_code, health.json()["status"]) == (503, "down")
        assert health.json()["parts"]["queue"] == {"state": "unknown"}
        error_of(await site.client.get("/api/credits"), 503, "database_unavailable")
        decision = await site.client.post("/api/features/check", json={"featureId": "voice-over"})
        assert (decision.status_code, decision.json()["reason"]) == (200, "database_unavailable")
        assert decision.json()["hasAccess"] is False
        listed = await site.client.get("/api/features/check")
        told = {(one["hasAccess"], one["reason"]) for one in listed.json()["features"]}
        assert (listed.status_code, told) == (200, {(False, "database_unavailable")})
        server.execute(f"alter database {name} allow_connections true".encode())

    async def ready() -> bool:
        return (await site.anonymous.get("/readyz")).status_code == 200

    await until(ready)
    assert (await site.generate()).status_code == 200
