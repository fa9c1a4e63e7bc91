"""Test runs cost a test budget, live ones earn revenue, and neither touches the other."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from core.accounts.person import Person
from core.errors import BudgetBlocked, InsufficientCredits
from core.generation.order import TextOrder
from core.generation.outcome import Result
from core.vocabulary import Role, Traffic
from tests.fakes import FakeUsage, FakeVendors
from tests.world import World, person, running, settings_for


@pytest.fixture
async def tester(world: World) -> Person:
    return await person(world.purser, "tess@example.com", credits=100, role=Role.TESTER)


async def run(world: World, by: Person, **order: Any) -> Result:
    return await world.purser.generations.generate_text(
        by, TextOrder.of_prompt("Say hello", **order), traffic=Traffic.TEST
    )


async def budget(world: World, usd: str) -> None:
    await world.purser.database.execute(
        "insert into settings (key, value) values ('test_budget_usd', %s)"
        " on conflict (key) do update set value = excluded.value",
        (Jsonb(usd),),
    )
    await world.purser.snapshots.rebuild()


async def test_a_test_run_charges_the_test_account_alone(world: World, tester: Person) -> None:
    live, test = await world.balance(tester), await world.balance(tester, Traffic.TEST)

    result = await run(world, tester)

    assert result.credits > 0
    assert await world.balance(tester) == live
    assert (await world.balance(tester, Traffic.TEST)).balance == test.balance - result.credits
    row = await world.row(result.id)
    (attempt,) = await world.attempts(result.id)
    assert (row["traffic"], attempt["traffic"], row["revenue"]) == ("test", "test", 0)
    assert attempt["cost"] > 0


async def test_a_test_run_counts_in_no_quota(world: World, tester: Person) -> None:
    await run(world, tester)

    assert (
        await world.purser.database.fetch_all(
            "select * from quota_counters where subject = %s", (str(tester.id),)
        )
        == []
    )


async def test_a_run_that_does_not_fit_the_budget_is_blocked_with_its_figures(
    world: World, tester: Person, fakes: FakeVendors
) -> None:
    await budget(world, "0.5")
    fakes.openai.answer_with("hello", FakeUsage(input=1_000, output=40_000))  # $0.402 at gpt-6.1-sol
    first = await run(world, tester, provider="openai")
    assert first.cost is not None

    with pytest.raises(BudgetBlocked) as blocked:
        await run(world, tester, provider="openai", max_tokens=20_000)

    details = blocked.value.details
    assert (blocked.value.code, blocked.value.status) == ("budget_blocked", 402)
    assert Decimal(details["budget"]) == Decimal("0.5")
    assert Decimal(details["spent"]) == first.cost
    assert Decimal(details["spent"]) + Decimal(details["estimate"]) > Decimal(details["budget"])
    assert f"${Decimal('0.5') - first.cost:.2f} of the test budget of $0.50 are left" in blocked.value.message
    assert fakes.openai.calls == 1
    assert await world.held() == 0
    rows = await world.rows()
    assert [(row["status"], row["error_code"]) for row in rows][-1] == ("failed", "budget_blocked")


async def test_what_still_fits_goes_through(world: World, tester: Person) -> None:
    await budget(world, "0.05")

    assert (await run(world, tester, max_tokens=500)).text
    with pytest.raises(BudgetBlocked):
        await run(world, tester, max_tokens=100_000)


async def test_a_budget_is_a_persons_own_and_live_runs_do_not_count(world: World, tester: Person) -> None:
    await world.ask(by=tester)
    await budget(world, "0")

    with pytest.raises(BudgetBlocked) as blocked:
        await run(world, tester)
    assert Decimal(blocked.value.details["spent"]) == 0
    assert (await world.ask(by=tester)).text


async def test_what_costs_nothing_needs_no_budget(sandbox: World) -> None:
    tess = await person(sandbox.purser, "tess@example.com", credits=100, role=Role.TESTER)
    await budget(sandbox, "0")

    assert (await run(sandbox, tess)).provider == "sandbox"


async def test_a_test_run_may_use_models_outside_the_persons_plan_and_limits(
    world: World, tester: Person
) -> None:
    await world.purser.database.execute(
        "update users set plan_id = null, trial_ends_at = now() - interval '1 day' where id = %s",
        (tester.id,),
    )
    await world.purser.identities.forget()
    fresh = await world.purser.identities.resolve_user(str(tester.id))
    assert fresh is not None

    assert (await run(world, fresh)).text


async def test_test_credits_run_out_like_others(world: World, tester: Person) -> None:
    await world.purser.database.execute(
        "update credit_accounts set balance = 0 where user_id = %s and traffic = 'test'", (tester.id,)
    )

    with pytest.raises(InsufficientCredits):
        await run(world, tester)


@pytest.mark.parametrize("value", ["0.01", "0.0125", "0"])
async def test_revenue_is_credits_at_the_value_of_their_moment(
    database_url: str, tmp_path: Path, fakes: FakeVendors, value: str
) -> None:
    fakes.openai.answer_with("hello", FakeUsage(input=500, output=1_000))
    settings = settings_for(database_url, tmp_path, fakes, credit_usd_value=Decimal(value))
    async with running(settings) as world:
        result = await world.ask()
        before = await world.purser.database.fetch_one("select credits, revenue from generations")
    again = settings_for(database_url, tmp_path, fakes, credit_usd_value=Decimal(7))
    async with running(again) as world:
        after = await world.purser.database.fetch_one(
            "select credits, revenue from generations where id = %s", (result.id,)
        )

    assert result.credits == 3
    assert before == after == (3, 3 * Decimal(value))
