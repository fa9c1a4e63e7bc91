"""The money of a generation: never below zero, never twice, nothing lost."""

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from core.credits.service import RESERVE, SETTLE, entries
from core.database import Database
from core.errors import InsufficientCredits, LimitReached, NotAllowed, PurserError, TrialOver
from core.generation import statements
from core.generation.order import TextOrder
from core.generation.sweeper import sweep
from core.ids import new_id
from core.system.integrity import differences
from core.vocabulary import Traffic
from tests.fakes import FakeUsage, FakeVendors
from tests.waiting import until
from tests.world import World, person, running, settings_for


async def outcome(world: World, **order: object) -> str:
    try:
        await world.ask(**order)  # pyright: ignore[reportArgumentType] - fields of TextOrder
    except PurserError as refused:
        return refused.code
    return "completed"


async def test_a_hundred_at_once_on_a_balance_of_ten_admit_exactly_ten(sandbox: World) -> None:
    poor = await person(sandbox.purser, "poor@example.com", credits=10)

    outcomes = Counter(await asyncio.gather(*(outcome(sandbox, by=poor) for _ in range(100))))

    assert outcomes == {"completed": 10, "insufficient_credits": 90}
    balance = await sandbox.balance(poor)
    assert (balance.balance, balance.held) == (0, 0)
    assert await sandbox.held() == 0
    usage = [
        entry
        for entry in await entries(sandbox.purser.database, poor.id, limit=200)
        if entry["type"] == "usage"
    ]
    assert [entry["amount"] for entry in usage] == [-1] * 10
    assert await differences(sandbox.purser.database.url) == []


async def test_insufficient_credits_say_what_is_required_and_what_is_there(world: World) -> None:
    poor = await person(world.purser, "poor@example.com", credits=0)

    error = await world.refused(by=poor, max_tokens=1_000)

    assert isinstance(error, InsufficientCredits)
    assert error.status == 402
    assert error.details["available"] == 0
    assert error.details["required"] >= 1
    (row,) = await world.rows()
    assert (row["status"], row["error_code"]) == ("failed", "insufficient_credits")


async def test_candidates_that_the_balance_cannot_carry_are_left_out(
    world: World, fakes: FakeVendors
) -> None:
    # gpt-6.1-sol (2 cr per 1k tokens) would hold 5, gpt-6-luna (0.1) holds 1.
    poor = await person(world.purser, "poor@example.com", credits=1)

    result = await world.ask(by=poor)

    assert (result.provider, result.model) == ("openai", "gpt-6-luna")
    assert any(step["reason"] == "credits" for step in result.trace)


async def test_what_exceeds_the_hold_is_ours(world: World, fakes: FakeVendors) -> None:
    fakes.openai.answer_with("long", FakeUsage(input=20, output=50_000))

    result = await world.ask(max_tokens=1_000)

    row = await world.row(result.id)
    assert row["held"] == row["credits"] == result.credits == 3
    assert row["excess_credits"] > 0


async def test_the_cheapest_capable_provider_comes_first_by_strategy_cost(world: World) -> None:
    result = await world.ask(strategy="cost")

    assert result.provider == "gemini" or result.cost is not None
    assert result.trace[0]["reason"] == "first_in_order"


async def test_a_trials_uses_are_counted_exactly(sandbox: World) -> None:
    trial = await person(sandbox.purser, "trial@example.com", credits=50, plan="trial")

    outcomes = Counter(await asyncio.gather(*(outcome(sandbox, by=trial) for _ in range(50))))

    assert outcomes == {"completed": 2, "trial_used": 48}


async def test_a_days_generations_are_counted_exactly(sandbox: World) -> None:
    free = await person(sandbox.purser, "free@example.com", credits=50, plan="free")

    outcomes = Counter(await asyncio.gather(*(outcome(sandbox, by=free) for _ in range(50))))

    assert outcomes == {"completed": 5, "daily_limit": 45}
    error = await sandbox.refused(by=free)
    assert isinstance(error, LimitReached)
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 86_400


async def test_a_failed_generation_gives_its_place_in_the_day_back(world: World, fakes: FakeVendors) -> None:
    free = await person(world.purser, "free@example.com", credits=50, plan="free")
    for vendor in (fakes.openai, fakes.gemini, fakes.anthropic):
        vendor.fail("unauthorized", times=1)
    await world.refused(by=free)

    counted = await world.purser.database.fetch_all(
        "select name, used from quota_counters where subject = %s order by name", (str(free.id),)
    )

    assert counted == [("day", 0), ("month", 0)]


async def test_an_expired_trial_is_told_with_its_reason_and_contact(sandbox: World) -> None:
    trial = await person(sandbox.purser, "trial@example.com", credits=50, plan="trial")
    await sandbox.purser.database.execute(
        "update users set trial_ends_at = %s where id = %s", (datetime.now(UTC) - timedelta(days=1), trial.id)
    )
    await sandbox.purser.identities.forget()
    trial = await person(sandbox.purser, "trial@example.com", credits=50)

    error = await sandbox.refused(by=trial)

    assert isinstance(error, TrialOver)
    assert (error.code, error.status, error.details["reason"]) == ("trial_expired", 402, "expired")
    assert error.details["contact"] in error.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("status = 'suspended', status_reason = 'fraud'", "account_suspended"),
        ("plan_id = null", "no_plan"),
        ("plan_expires_at = now() - interval '1 day'", "plan_expired"),
    ],
)
async def test_an_account_that_may_not_generate_is_told_why(sandbox: World, change: str, code: str) -> None:
    await sandbox.purser.database.execute(f"update users set {change} where id = %s", (sandbox.user.id,))
    await sandbox.purser.identities.forget()
    user = await sandbox.purser.identities.resolve_user(str(sandbox.user.id))

    error = await sandbox.refused(by=user)

    assert isinstance(error, NotAllowed)
    assert (error.code, error.status) == (code, 403)


async def test_a_reservation_past_its_lease_is_released_once_and_its_row_says_so(sandbox: World) -> None:
    purser = sandbox.purser
    # What a process leaves that dies between its two transactions: a row, and a lease that nobody renews.
    order = TextOrder.of_prompt("Say hello")
    running = await purser.generations._begin(sandbox.user, order, Traffic.LIVE, None)
    purser.generations._over(running)
    assert await sandbox.held() == 1
    await purser.database.execute("update reservations set lease_until = now() - interval '1 second'")

    swept = await asyncio.gather(sweep(purser.database), sweep(purser.database), sweep(purser.database))

    assert sum(swept) == 1
    (row,) = await sandbox.rows()
    assert (row["status"], row["error_code"], row["credits"]) == ("failed", "interrupted", 0)
    balance = await sandbox.balance()
    assert (balance.balance, balance.held) == (1_000, 0)


async def test_a_generation_that_outlives_its_lease_is_delivered_and_not_charged(sandbox: World) -> None:
    purser = sandbox.purser
    asking = asyncio.create_task(sandbox.ask())

    async def held() -> bool:
        return await sandbox.held() > 0

    await until(held)
    await purser.database.execute("update reservations set lease_until = now() - interval '1 second'")
    await sweep(purser.database)

    result = await asking

    assert (result.credits, (await sandbox.balance()).balance) == (0, 1_000)
    assert (await sandbox.row(result.id))["status"] == "completed"


async def test_settling_twice_charges_once(sandbox: World) -> None:
    generation = new_id()
    await sandbox.purser.database.fetch_one(
        RESERVE,
        {
            "user_id": sandbox.user.id, "traffic": "live", "id": generation, "amounts": [7], "lease_seconds": 60,
            "day": None, "day_cap": None, "month": None, "month_cap": None, "trial_cap": None,
        },
    )  # fmt: skip
    settle = {"id": generation, "charge": 5, "reason": "test"}

    first, *others = await asyncio.gather(
        *(sandbox.purser.database.fetch_one(SETTLE, settle) for _ in range(8))
    )

    answers = [first, *others]
    assert Counter(answer[0] for answer in answers if answer) == {"settled": 1, "gone": 7}
    assert {answer[1] for answer in answers if answer} == {5}
    assert (await sandbox.balance()).balance == 995


async def test_an_end_that_is_told_twice_changes_nothing_and_answers_alike(
    sandbox: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sandbox.purser.database
    told: list[Any] = []
    plain = database.fetch_one

    async def heard(sql: str, params: Any = ()) -> tuple[Any, ...] | None:
        if sql == statements.END:
            told.append(params)
        return await plain(sql, params)

    monkeypatch.setattr(database, "fetch_one", heard)
    result = await sandbox.ask()
    before = await _of(database, result.id)

    again = await database.fetch_one(statements.END, told[0])

    assert again == ("gone", result.credits, result.balance)
    after = await _of(database, result.id)
    assert {**after, "finished_at": None} == {**before, "finished_at": None}
    assert set(orjson.loads(told[0]["end"])) == _unpacked("p_end"), "nothing that is handed over is lost"
    assert set(orjson.loads(told[0]["attempts"])[0]) == _unpacked("p_attempts")


async def _of(database: Database, generation_id: Any) -> dict[str, Any]:
    """All that is kept of a generation, its attempts and its entries."""
    row = await database.fetch_one(
        "select to_jsonb(g) || jsonb_build_object("
        " 'calls', (select jsonb_agg(to_jsonb(a)) from attempts a where a.generation_id = g.id),"
        " 'entries', (select jsonb_agg(to_jsonb(e)) from credit_entries e where e.generation_id = g.id),"
        " 'content', (select to_jsonb(c) from generation_content c where c.id = g.id))"
        " from generations g where g.id = %s",
        (generation_id,),
    )
    assert row is not None
    return row[0]


def _unpacked(parameter: str) -> set[str]:
    """The names that `generation_end` takes out of a parameter."""
    source = (Path(statements.__file__).parent / "functions.sql").read_text()
    lists = re.findall(rf"jsonb_to_record(?:set)?\({parameter}\) as \w\(([^)]*)\)", source)
    return {column.split()[0] for columns in lists for column in columns.split(",")}


async def test_a_database_that_is_away_at_the_end_charges_nothing_and_holds_nothing(
    database_url: str, tmp_path: Path, fakes: FakeVendors
) -> None:
    async with running(settings_for(database_url, tmp_path, fakes)) as world:
        fakes.openai.latency = 0.3
        asking = asyncio.create_task(world.ask())
        await until(lambda: fakes.openai.calls > 0)
        # The server drops every connection; the pools come back by themselves.
        await _drop_connections(database_url)

        result = await asking

        assert result.text
        assert (await world.balance()).held == 0
        assert (await world.balance()).balance == 1_000 - result.credits


async def _drop_connections(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


async def test_unknown_models_and_providers_are_told_with_the_nearest_name(world: World) -> None:
    model = await world.refused(model="gpt-6.1-soll")
    provider = await world.refused(provider="opnai")

    assert (model.code, model.status) == ("model_not_found", 404)
    assert "gpt-6.1-sol" in model.message
    assert (provider.code, provider.status) == ("provider_not_found", 404)
    assert "'openai'" in provider.message


async def test_empty_and_overlong_prompts_are_refused_before_anything_is_held(sandbox: World) -> None:
    empty = await sandbox.refused("   ")
    overlong = await sandbox.refused("x" * 1_000_000)

    assert (empty.code, empty.status) == ("invalid_request", 400)
    assert (overlong.code, overlong.status) == ("prompt_too_long", 413)
    assert await sandbox.rows() == []
    with pytest.raises(PurserError):
        TextOrder(messages=()).request()


async def test_an_error_of_our_own_charges_nothing_and_its_row_says_so(
    sandbox: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sandbox.purser.breakers, "succeeded", broken)

    with pytest.raises(ZeroDivisionError):
        await sandbox.ask()

    (row,) = await sandbox.rows()
    assert (row["status"], row["error_code"], row["credits"]) == ("failed", "internal_error", 0)
    assert (await sandbox.balance()).held == 0
