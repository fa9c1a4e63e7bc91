"""The strategy "score" in a running process: what it learns from, what it forgets never, and whom it sends first."""

import asyncio
import re
from pathlib import Path
from uuid import UUID

import pytest

from core.routing import policy
from core.routing.scores import UNTRIED, WEIGHTS, Track
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import World, person, running, settings_for


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.001)


def line(world: World, slug: str) -> tuple[UUID, str]:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return provider.id, provider.default_models[Modality.TEXT]


def track(world: World, slug: str) -> Track:
    return world.purser.scores.track(*line(world, slug))


async def test_an_answer_raises_the_score_of_its_model_and_a_failure_lowers_it(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("server_error", times=1)

    result = await world.ask()

    assert (result.provider, len(result.trace)) == ("openai", 4)
    failed, served = (one["latency_ms"] for one in await world.attempts(result.id))
    assert failed >= 0
    learnt = track(world, "openai")
    assert learnt.success == pytest.approx(0.9 * 0.9 * 0.9 + 0.1)
    assert learnt.latency == pytest.approx(15 * 0.8 + served / 1000 * 0.2, abs=0.001)
    assert track(world, "gemini") == UNTRIED


async def test_the_callers_own_fault_and_cancelled_calls_teach_nothing(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("invalid_request", times=1)
    await world.refused()
    fakes.openai.fail("hang", seconds=30)
    asking = asyncio.create_task(world.ask())
    await until(lambda: fakes.openai.calls >= 2)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await world.purser.generations.drain()

    assert track(world, "openai") == UNTRIED


async def test_a_restart_forgets_nothing(database_url: str, fakes: FakeVendors, tmp_path: Path) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as before:
        fakes.openai.fail("server_error", times=1)
        for _ in range(3):
            await before.ask()
        fakes.openai.fail("invalid_request", times=1)
        await before.refused()
        learnt = track(before, "openai")
        assert learnt != UNTRIED
    # Neither demo data nor drills are experience.
    async with running(settings) as world:
        await world.purser.database.execute(
            "insert into attempts (id, generation_id, number, traffic, modality, provider_id, provider, model, outcome,"
            " latency_ms, simulated) select uuid_v7(), uuid_v7(), 1, t.traffic, 'text', %s, 'openai', %s, 'failed', 1,"
            " t.simulated from (values ('demo', false), ('test', true)) as t(traffic, simulated)",
            line(world, "openai"),
        )
    async with running(settings) as after:
        assert track(after, "openai").success == pytest.approx(learnt.success)
        assert track(after, "openai").latency == pytest.approx(learnt.latency, abs=0.01)


async def test_the_best_score_goes_first_and_the_trace_says_its_parts(
    world: World, fakes: FakeVendors
) -> None:
    first = await world.ask(strategy="score")

    steps = {step["provider"]: step for step in first.trace}
    assert all("score 0." in step["detail"] for step in steps.values())
    assert all("reliability 0.90" in step["detail"] for step in steps.values())
    assert (await world.row(first.id))["strategy"] == "score"

    for _ in range(12):
        world.purser.scores.learn(*line(world, first.provider), None)
    second = await world.ask(strategy="score")
    assert second.provider != first.provider


async def test_a_plans_strategy_holds_where_the_request_names_none(world: World) -> None:
    await world.purser.database.execute("update plans set routing_strategy = 'score'")
    await world.purser.snapshots.rebuild()

    result = await world.ask()

    assert "score" in result.trace[0]["detail"]
    assert (await world.row(result.id))["strategy"] == "score"
    assert "score" not in (await world.ask(strategy="priority")).trace[0]["detail"]


@pytest.mark.parametrize("plan", ["free", "creator", "pro"])
async def test_the_weights_are_those_of_the_plans_tier(world: World, plan: str) -> None:
    weights = WEIGHTS[world.purser.snapshots.current.entitlements.plans[plan].tier]
    user = await person(world.purser, f"{plan}@example.com", credits=100, plan=plan)

    result = await world.ask(by=user, strategy="score")

    for step in result.trace:
        total, cost, quality, speed, reliability = map(float, re.findall(r"\d\.\d\d", step["detail"]))
        whole = weights.cost + weights.quality + weights.speed + weights.reliability
        weighed = (
            weights.cost * cost
            + weights.quality * quality
            + weights.speed * speed
            + weights.reliability * reliability
        )
        assert total == pytest.approx(weighed / whole, abs=0.02)


async def test_by_strategy_tier_texts_go_by_rank(world: World, fakes: FakeVendors) -> None:
    result = await world.ask(strategy="tier")

    assert (result.provider, result.trace[0]["reason"]) == ("openai", "first_in_order")
