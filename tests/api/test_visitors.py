"""Visitors: people without an account, whom a service key names by their address."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from core.generation import sweeper
from core.system.integrity import differences
from tests.api.conftest import USER, Serve, Site, error_of
from tests.fakes import FakeVendors


class Backend:
    """A product's backend, which asks for visitors."""

    def __init__(self, site: Site, key: str) -> None:
        self.site = site
        self.key = key

    def headers(self, address: str) -> dict[str, str]:
        return self.site.with_key(self.key, **{"X-Client-IP": address})

    async def ask(self, address: str = "203.0.113.7", **fields: Any) -> httpx.Response:
        return await self.site.generate(headers=self.headers(address), **fields)

    async def usage(self, address: str = "203.0.113.7") -> dict[str, Any]:
        answer = await self.site.anonymous.get("/api/usage", headers=self.headers(address))
        assert answer.status_code == 200, answer.text
        return answer.json()


async def backend(site: Site, *scopes: str) -> Backend:
    return Backend(site, await site.service_key(*scopes))


async def test_a_visitor_generates_on_plan_free_and_nobody_is_charged(site: Site, database_url: str) -> None:
    product = await backend(site)
    before = await site.balance()

    made = (await product.ask()).json()

    assert (made["credits"], made["balance"]) == (0, 0)
    row = await site.purser.database.fetch_one(
        "select g.user_id, g.status, g.credits, g.revenue, g.held, g.cost > 0, k.kind, r.account_id, r.charged, r.state"
        " from generations g join api_keys k on k.id = g.api_key_id join reservations r on r.generation_id = g.id"
        " where g.id = %s",
        (made["id"],),
    )
    assert row == (None, "completed", 0, 0, 0, True, "service", None, 0, "settled")
    assert await site.balance() == before
    assert [one for one in await differences(database_url) if not one.check.startswith("audit")] == []


async def test_the_day_of_an_address_ends_at_plan_frees_generations(sandbox: Site) -> None:
    product = await backend(sandbox)
    answers = [await product.ask() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert error_of(answers[5], 429, "daily_limit")["details"] == {"limit": 5, "used": 5}
    assert 0 < int(answers[5].headers["Retry-After"]) <= 86_400
    assert (await product.ask("203.0.113.8")).status_code == 200, "others are not concerned"
    assert (await sandbox.generate()).status_code == 200, "nor are users"


async def test_fifty_at_once_admit_exactly_the_rest_of_the_day_and_of_the_month(sandbox: Site) -> None:
    product = await backend(sandbox)
    await product.ask("203.0.113.1")
    by_day = await asyncio.gather(*(product.ask("203.0.113.1") for _ in range(50)))
    assert Counter(answer.status_code for answer in by_day) == {200: 4, 429: 46}

    await sandbox.sql("update plans set daily_generations = null, monthly_credits = 7 where id = 'free'")
    await sandbox.purser.snapshots.rebuild()
    by_month = await asyncio.gather(*(product.ask("203.0.113.2") for _ in range(50)))
    assert Counter(answer.status_code for answer in by_month) == {200: 7, 429: 43}
    refused = next(answer for answer in by_month if answer.status_code == 429)
    assert error_of(refused, 429, "monthly_ceiling")["details"]["limit"] == 7
    assert 0 < int(refused.headers["Retry-After"]) <= 31 * 86_400 + 3_600
    assert (await product.usage("203.0.113.2"))["monthly"] == {"used": 7, "ceiling": 7}


async def test_one_household_is_one_visitor(sandbox: Site) -> None:
    product = await backend(sandbox)
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "2001:DB8:1:2:0:0:0:1"):
        await product.ask(address)
    await product.ask("2001:db8:1:3::1")
    await product.ask("::ffff:203.0.113.7")
    assert (await product.usage("2001:db8:1:2::9"))["generationsToday"] == 3
    assert (await product.usage("203.0.113.7"))["generationsToday"] == 1


async def test_usage_tells_a_visitor_what_is_left(sandbox: Site) -> None:
    product = await backend(sandbox)
    await product.ask()
    said = await product.usage()
    assert datetime.fromisoformat(said.pop("resetsAt")) > datetime.now(UTC)
    assert said == {
        "plan": {"id": "free", "displayName": "Free"},
        "status": "ok",
        "generationsToday": 1,
        "dailyLimit": 5,
        "remainingGenerations": 4,
        "monthly": {"used": 1, "ceiling": 50},
        "credits": {"balance": 0, "held": 0, "available": 0},
    }


async def test_a_failure_gives_the_place_back(site: Site, fakes: FakeVendors) -> None:
    product = await backend(site)
    for vendor in fakes.all:
        vendor.fail("invalid_request")
    assert (await product.ask()).status_code == 400
    said = await product.usage()
    assert (said["generationsToday"], said["monthly"]["used"]) == (0, 0)


async def test_what_a_crash_left_behind_is_given_back_by_the_sweeper_once(sandbox: Site) -> None:
    product = await backend(sandbox)
    made = (await product.ask()).json()
    database = sandbox.purser.database
    await database.execute(
        "update reservations set state = 'held', visitor = '203.0.113.7', resolved_at = null,"
        " lease_until = now() - interval '1 second' where generation_id = %s",
        (made["id"],),
    )
    await database.execute(
        "update generations set status = 'processing', finished_at = null where id = %s", (made["id"],)
    )
    assert sorted(await asyncio.gather(*(sweeper.sweep(database) for _ in range(3)))) == [0, 0, 1]
    assert (await product.usage())["generationsToday"] == 0
    row = await database.fetch_one(
        "select g.status, g.error_code, r.state, r.visitor from generations g join reservations r on r.generation_id = g.id"
    )
    assert row == ("failed", "interrupted", "released", "")


async def test_no_address_outlives_its_generation_in_the_books(sandbox: Site) -> None:
    product = await backend(sandbox)
    await product.ask()
    assert await sandbox.purser.database.fetch_one("select visitor from reservations") == ("",)


async def test_a_day_over_the_limit_leaves_no_row_each(sandbox: Site) -> None:
    product = await backend(sandbox)
    for _ in range(8):
        await product.ask()
    assert await sandbox.purser.database.fetch_one("select count(*) from generations") == (5,)


async def test_visitors_are_refused_what_plan_free_does_not_hold(sandbox: Site) -> None:
    product = await backend(sandbox, "generate", "check", "credits", "users")
    for path in ("/api/credits", "/api/credits/entries", "/api/projects"):
        answer = await sandbox.anonymous.get(path, headers=product.headers("203.0.113.7"))
        assert "no account" in error_of(answer, 400, "user_required")["message"]
    answer = await product.ask(projectId=str(sandbox.user.id))
    error_of(answer, 404, "unknown_project")
    access = {
        feature: (
            await sandbox.anonymous.post(
                "/api/features/check", json={"featureId": feature}, headers=product.headers("203.0.113.7")
            )
        ).json()["hasAccess"]
        for feature in ("stock-media", "voice-over")
    }
    assert access == {"stock-media": True, "voice-over": False}


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "203.0.113",
        "203.0.113.7:80",
        "203.0.113.7, 10.0.0.1",
        "fe80::1%eth0",
        "::1/64",
        "x" * 3_000,
    ],
)
async def test_an_address_must_be_one(sandbox: Site, address: str) -> None:
    error_of(await (await backend(sandbox)).ask(address), 400, "invalid_address")


async def test_an_address_is_for_service_keys_and_instead_of_a_user(sandbox: Site) -> None:
    answer = await sandbox.generate(headers={"X-Client-IP": "203.0.113.7"})
    assert "X-Client-IP" in error_of(answer, 403, "not_allowed")["message"]
    product = await backend(sandbox)
    both = {**product.headers("203.0.113.7"), "X-User": USER}
    error_of(await sandbox.generate(headers=both), 400, "invalid_request")


async def test_a_service_key_needs_its_scope_for_visitors_too(sandbox: Site) -> None:
    error_of(await (await backend(sandbox, "check")).ask(), 403, "scope_missing")


async def test_a_stream_for_a_visitor_is_counted_by_what_it_was_worth(
    serve: Serve, fakes: FakeVendors
) -> None:
    site = await serve(fakes)
    product = await backend(site)
    answer = await product.ask(stream=True)
    assert "event: done" in answer.text
    said = await product.usage()
    assert said["generationsToday"] == 1
    assert 0 < said["monthly"]["used"] < 20, "what was delivered, not what was set aside for it"
