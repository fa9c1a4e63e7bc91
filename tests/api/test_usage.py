"""`/api/usage` and `/api/credits`: counts, limits, balance, entries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.vocabulary import Role
from tests.api.conftest import USER, Site, error_of
from tests.factories import make_override


async def usage(site: Site, key: str | None = None) -> dict[str, Any]:
    answer = await site.client.get("/api/usage", headers=site.with_key(key) if key else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_without_limits_null_says_so(sandbox: Site) -> None:
    await sandbox.generate()
    said = await usage(sandbox)
    assert said.pop("resetsAt") > datetime.now(UTC).isoformat()
    assert said == {
        "plan": {"id": "unlimited", "displayName": "Unlimited"},
        "status": "ok",
        "generationsToday": 1,
        "dailyLimit": None,
        "remainingGenerations": None,
        "monthly": {"used": 1, "ceiling": None},
        "credits": {"balance": 999, "held": 0, "available": 999},
    }


async def test_daily_and_monthly_limits_count_down(sandbox: Site) -> None:
    key = await sandbox.make_user("free@example.com", plan="free")
    for _ in range(2):
        await sandbox.generate(headers=sandbox.with_key(key))
    said = await usage(sandbox, key)
    assert (said["generationsToday"], said["dailyLimit"], said["remainingGenerations"]) == (2, 5, 3)
    assert said["monthly"] == {"used": 2, "ceiling": 50}


async def test_an_override_raises_the_limit_that_is_told(sandbox: Site) -> None:
    await sandbox.sql("update users set plan_id = 'free' where email = %s", USER)
    await make_override(sandbox.purser.database, sandbox.user.id, limit_name="daily_generations", value=50)
    await sandbox.purser.identities.forget()
    assert (await usage(sandbox))["dailyLimit"] == 50


async def test_a_refused_request_counts_for_nothing(sandbox: Site) -> None:
    key = await sandbox.make_user("free@example.com", plan="free")
    await sandbox.generate(headers=sandbox.with_key(key), model="nix")
    assert (await usage(sandbox, key))["generationsToday"] == 0


async def test_a_trial_says_what_is_left_and_whom_to_contact(sandbox: Site) -> None:
    key = await sandbox.make_user("trial@example.com", plan="trial")
    await sandbox.generate(headers=sandbox.with_key(key))
    await sandbox.sql(
        "insert into settings (key, value) values ('support_contact', '\"help@example.com\"'),"
        " ('upgrade_url', '\"https://example.com/upgrade\"')"
    )
    await sandbox.purser.snapshots.rebuild()
    said = await usage(sandbox, key)
    assert said["remainingGenerations"] == 1
    assert said["trial"] == {
        "daysRemaining": 14,
        "usageRemaining": 1,
        "contact": "help@example.com",
        "upgradeUrl": "https://example.com/upgrade",
    }


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("plan_id = null", "no_plan"),
        ("plan_expires_at = now() - interval '1 day'", "plan_expired"),
        ("plan_id = 'trial', trial_ends_at = now() - interval '1 day'", "trial_expired"),
    ],
)
async def test_nothing_remains_where_the_plan_does_not_carry(sandbox: Site, change: str, status: str) -> None:
    await sandbox.sql(f"update users set {change} where email = %s", USER)
    said = await usage(sandbox)
    assert (said["status"], said["remainingGenerations"]) == (status, 0)


async def test_a_tester_sees_what_today_cost(site: Site) -> None:
    key = await site.make_staff("tester@example.com", Role.TESTER)
    made = (await site.generate(headers=site.with_key(key))).json()
    assert made["cost"] > 0
    assert (await usage(site, key))["totalCostToday"] == pytest.approx(made["cost"])


async def test_the_balance_is_what_the_entries_sum_to(sandbox: Site) -> None:
    await sandbox.generate()
    balance = (await sandbox.client.get("/api/credits")).json()
    (expiring,) = balance.pop("expiring")
    assert balance == {"balance": 999, "held": 0, "available": 999}
    assert expiring["amount"] == 999
    assert (
        datetime.now(UTC)
        < datetime.fromisoformat(expiring["expiresAt"])
        < datetime.now(UTC) + timedelta(days=32)
    )
    entries = (await sandbox.client.get("/api/credits/entries")).json()
    assert sum(entry["amount"] for entry in entries["items"]) == 999
    newest = entries["items"][0]
    assert (newest["type"], newest["amount"], newest["balanceAfter"]) == ("usage", -1, 999)
    made = datetime.fromisoformat(newest["createdAt"])
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=1)
    assert entries["next"] is None


async def test_entries_are_paged_by_cursor_without_gap_or_repeat(sandbox: Site) -> None:
    for _ in range(5):
        await sandbox.generate()
    seen: list[int] = []
    after: int | None = None
    while True:
        answer = await sandbox.client.get(
            "/api/credits/entries", params={"limit": 2, **({"after": after} if after else {})}
        )
        page = answer.json()
        seen += [entry["seq"] for entry in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == list(range(7, 0, -1))


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"after": 0}, "after"),
        ({"after": 2**63}, "after"),
    ],
)
async def test_a_wrong_page_is_refused_with_the_parameters_name(
    sandbox: Site, params: dict[str, Any], field: str
) -> None:
    answer = await sandbox.client.get("/api/credits/entries", params=params)
    assert error_of(answer, 422, "invalid_request")["details"]["fields"][0]["field"] == field


async def test_a_user_sees_their_own_entries_only(sandbox: Site) -> None:
    other = await sandbox.make_user("other@example.com", credits=7)
    answer = await sandbox.client.get("/api/credits", headers=sandbox.with_key(other))
    assert answer.json()["balance"] == 7
