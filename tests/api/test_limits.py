"""The edges of trials, days and months over HTTP: whatever comes at once, exactly the rest is admitted."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import httpx
import pytest

from core.config import Rate
from tests.api.conftest import USER, Serve, Site, error_of
from tests.fakes import FakeVendors

SPARED = {"rate_api": Rate(100_000, 60), "rate_generation": Rate(100_000, 60)}
"""Limits of speed out of the way of what is tested."""


async def fifty(sites: Sequence[Site], headers: dict[str, str]) -> list[httpx.Response]:
    """Fifty requests of one user at once, over so many processes."""
    turns = cycle(sites)
    return await asyncio.gather(*(next(turns).generate(headers=headers) for _ in range(50)))


def counted(answers: list[httpx.Response]) -> Counter[str]:
    return Counter("ok" if one.is_success else one.json()["error"]["code"] for one in answers)


@pytest.mark.parametrize(
    ("plan", "change", "already", "outcomes"),
    [
        ("trial", None, 1, {"ok": 1, "trial_used": 49}),
        ("free", None, 2, {"ok": 3, "daily_limit": 47}),
        (
            "free",
            "daily_generations = null, monthly_ceiling = 12",
            3,
            {"ok": 9, "monthly_ceiling": 41},
        ),
    ],
    ids=["trial", "day", "month"],
)
async def test_fifty_at_once_over_two_processes_admit_exactly_the_rest(
    serve: Serve, plan: str, change: str | None, already: int, outcomes: dict[str, int]
) -> None:
    one, other = await serve(**SPARED), await serve(**SPARED)
    headers = one.with_key(await one.make_user("edge@example.com", plan=plan))
    if change:
        await one.sql(f"update plans set {change} where id = %s", plan)
        for site in (one, other):
            await site.purser.snapshots.rebuild()
    for _ in range(already):
        assert (await one.generate(headers=headers)).is_success

    assert counted(await fifty([one, other], headers)) == outcomes

    usage = (await other.client.get("/api/usage", headers=headers)).json()
    assert usage["generationsToday"] == already + outcomes["ok"]
    assert usage["monthly"]["used"] == already + outcomes["ok"]


async def test_what_fails_gives_its_place_back_to_whoever_comes_next(
    serve: Serve, fakes: FakeVendors
) -> None:
    site = await serve(fakes, **SPARED)
    headers = site.with_key(await site.make_user("free@example.com", plan="free"))
    for vendor in fakes.all:
        vendor.fail("invalid_request")
    failed = await asyncio.gather(*(site.generate(headers=headers) for _ in range(8)))
    assert counted(failed)["invalid_request"] > 0
    assert counted(failed)["ok"] == 0
    usage = (await site.client.get("/api/usage", headers=headers)).json()
    assert (usage["generationsToday"], usage["monthly"]["used"], usage["credits"]["held"]) == (0, 0, 0)
    for vendor in fakes.all:
        vendor.clear()
    again = [await site.generate(headers=headers) for _ in range(6)]
    assert counted(again) == {"ok": 5, "daily_limit": 1}


async def test_a_new_user_is_on_trial_and_it_ends_by_whichever_comes_first(sandbox: Site) -> None:
    key = await sandbox.make_user("new@example.com", plan="trial")
    headers = sandbox.with_key(key)

    async def trial() -> dict[str, Any]:
        return (await sandbox.client.get("/api/usage", headers=headers)).json()["trial"]

    assert {**await trial(), "contact": ""} == {"daysRemaining": 14, "usageRemaining": 2, "contact": ""}
    await sandbox.generate(headers=headers)
    await sandbox.sql(
        "update users set trial_ends_at = now() + interval '1 hour' where email = 'new@example.com'"
    )
    assert (await trial())["daysRemaining"] == 1
    await sandbox.sql("update users set trial_ends_at = now() where email = 'new@example.com'")
    over = error_of(await sandbox.generate(headers=headers), 402, "trial_expired")
    assert over["details"]["reason"] == "expired"
    assert (await trial())["usageRemaining"] == 1, "the days were over first"
    await sandbox.sql(
        "update users set trial_ends_at = now() + interval '1 day' where email = 'new@example.com'"
    )
    assert (await sandbox.generate(headers=headers)).is_success
    used = error_of(await sandbox.generate(headers=headers), 402, "trial_used")
    assert used["details"]["reason"] == "usage_limit"


async def test_the_contact_is_the_one_that_superadmins_have_set(sandbox: Site) -> None:
    headers = sandbox.with_key(await sandbox.make_user("new@example.com", plan="trial"))
    await sandbox.sql("insert into settings (key, value) values ('support_contact', '\"help@example.com\"')")
    await sandbox.purser.snapshots.rebuild()
    for _ in range(2):
        await sandbox.generate(headers=headers)
    error = error_of(await sandbox.generate(headers=headers), 402, "trial_used")
    assert error["details"]["contact"] == "help@example.com"
    assert "help@example.com" in error["message"]


async def test_a_cheaper_model_is_taken_where_the_rest_of_the_month_carries_no_dearer_one(
    serve: Serve, fakes: FakeVendors
) -> None:
    site = await serve(fakes, **SPARED)
    made = (await site.generate()).json()
    candidates = await site.purser.database.fetch_one(
        "select held from generations where id = %s", (made["id"],)
    )
    assert candidates is not None
    dearest = candidates[0]
    await site.sql(
        "update plans set monthly_ceiling = %s where id = 'unlimited'", dearest - 1 + made["credits"]
    )
    await site.purser.snapshots.rebuild()

    second = await site.generate()

    assert second.status_code == 200, second.text
    held = await site.purser.database.fetch_one(
        "select held from generations where id = %s", (second.json()["id"],)
    )
    assert held is not None
    assert held[0] < dearest


async def test_two_processes_count_an_address_together(serve: Serve) -> None:
    one, other = await serve(rate_api=Rate(10, 3600)), await serve(rate_api=Rate(10, 3600))
    for _ in range(9):
        assert (await one.client.get("/api/credits")).is_success
    for site in (one, other):
        await site.purser.rates.exchange()
    answers = [await other.client.get("/api/credits") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert 0 < int(answers[1].headers["Retry-After"]) <= 7_200
    spared = one.with_key(await one.service_key("credits"), **{"X-User": USER})
    assert (await other.anonymous.get("/api/credits", headers=spared)).is_success
