"""Cost-free probes: what they ask, what they find, and what they may change."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import ErrorClass
from core.providers.config import ProviderConfig
from core.providers.keyring import encrypted_key
from core.providers.resting import set_key_aside
from core.routing.models import BreakerState
from core.routing.prober import Prober
from core.routing.probes import forget_probes, recent_probes
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.rows import make_probe
from tests.world import World, running, settings_for

COST_FREE = {
    "openai": {("GET", "/v1/models")},
    "gemini": {("GET", "/v1/models")},
    "anthropic": {("GET", "/v1/models")},
    "deepseek": {("GET", "/user/balance")},
}


@pytest.fixture
async def world(database_url: str, fakes: FakeVendors, tmp_path: Path) -> AsyncIterator[World]:
    """All four vendors configured, all of them the fakes."""
    more = {"deepseek_api_key": "sk-test-deepseek-3456", "deepseek_base_url": fakes.deepseek.url}
    async with running(settings_for(database_url, tmp_path, fakes, **more)) as world:
        yield world


def prober(world: World) -> Prober:
    purser = world.purser
    return Prober(purser.database, purser.snapshots, purser.keys, purser.clients, spread=0)


def provider(world: World, slug: str = "openai") -> ProviderConfig:
    found = world.purser.snapshots.current.provider(slug)
    assert found is not None
    return found


async def probes(world: World, slug: str = "openai") -> list[tuple[bool, str | None]]:
    """What was found of a provider, the newest first."""
    found = await recent_probes(world.purser.database)
    return [(one.ok, one.error_class) for one in found.get(provider(world, slug).id, ())]


async def change(world: World, sql: str, *params: Any) -> None:
    await world.purser.database.execute(sql, params)
    await world.purser.snapshots.rebuild()


async def add_key(world: World, secret: str, slug: str = "openai") -> Any:
    async with world.purser.database.transaction() as session:
        key = encrypted_key(world.purser.vault, provider(world, slug).id, secret)
        session.add(key)
    await world.purser.snapshots.rebuild()
    return key.id


def tries(fakes: FakeVendors) -> int:
    return fakes.openai.probes


async def test_probes_of_an_hour_cost_nothing_at_any_vendor(world: World, fakes: FakeVendors) -> None:
    one = prober(world)
    for _ in range(60):
        await one.round()

    for vendor in fakes.all:
        assert (vendor.probes, vendor.calls) == (60, 0), vendor.name
        assert (vendor.input_tokens, vendor.output_tokens) == (0, 0)
        assert {(call.method, call.path) for call in vendor.requests} == COST_FREE[vendor.name]
        assert not any(call.body for call in vendor.requests)
    row = await world.purser.database.fetch_one("select count(*), count(*) filter (where ok) from probes")
    assert row == (240, 240)
    assert await world.rows() == []


async def test_what_it_finds_is_kept_in_the_vendors_words(world: World, fakes: FakeVendors) -> None:
    fakes.openai.fail("overloaded", probes=True)

    await prober(world).round()

    (probe,) = (await recent_probes(world.purser.database))[provider(world).id]
    assert (probe.ok, probe.answered, probe.error_class) == (False, False, ErrorClass.OVERLOADED)
    assert probe.http_status in (503, 529)
    assert probe.vendor_message
    assert await probes(world, "gemini") == [(True, None)]


async def test_who_is_not_there_is_told_as_a_connection(world: World, fakes: FakeVendors) -> None:
    await change(world, "update providers set base_url = %s where slug = 'openai'", fakes.refused_url)

    await prober(world).round()

    assert await probes(world) == [(False, "connection")]


async def test_providers_that_are_off_or_not_to_be_probed_and_the_sandbox_are_left_alone(
    world: World, fakes: FakeVendors
) -> None:
    await change(world, "update providers set probing = false where slug = 'gemini'")
    await change(world, "update providers set enabled = false where slug = 'anthropic'")
    await change(world, "update providers set enabled = true where slug = 'sandbox'")

    await prober(world).round()

    assert [vendor.probes for vendor in (fakes.openai, fakes.gemini, fakes.anthropic)] == [1, 0, 0]
    assert await world.purser.database.fetch_one("select count(*) from probes") == (2,)


async def test_a_rejected_key_is_set_aside_and_comes_back_when_it_answers(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("unauthorized", probes=True)
    await prober(world).round()
    await world.purser.changes.refresh()

    (key,) = provider(world).keys
    assert (key.state, key.state_class) == ("set_aside", ErrorClass.AUTHENTICATION)
    assert world.purser.keys.usable(provider(world)) == []

    await prober(world).round()
    fakes.openai.clear()
    await prober(world).round()
    await world.purser.changes.refresh()

    assert provider(world).keys[0].state == "active"
    assert len(world.purser.keys.usable(provider(world))) == 1
    kinds = await world.purser.database.fetch_all(
        "select kind from provider_events where kind like 'key%%' order by id"
    )
    assert kinds == [("key_set_aside",), ("key_restored",)], "no event for each minute of the rest"


async def test_another_process_uses_a_key_that_came_back(
    world: World, fakes: FakeVendors, database_url: str, tmp_path: Path
) -> None:
    async with running(settings_for(database_url, tmp_path, fakes)) as other:
        fakes.openai.fail("unauthorized", times=1)
        await other.ask()
        assert other.purser.keys.usable(provider(other)) == []
        await world.purser.changes.refresh()

        await prober(world).round()
        await other.purser.changes.refresh()

        assert len(other.purser.keys.usable(provider(other))) == 1


async def test_an_exhausted_key_is_not_probed(world: World, fakes: FakeVendors) -> None:
    (key,) = provider(world).keys
    await set_key_aside(
        world.purser.database, provider(world).id, key.id, ErrorClass.QUOTA, "no credit",
        until=datetime.now(UTC) + timedelta(hours=1), rest=timedelta(hours=1),
    )  # fmt: skip
    await world.purser.changes.refresh()

    await prober(world).round()

    assert tries(fakes) == 0
    assert provider(world).keys[0].state == "set_aside"


async def test_each_key_is_tried_until_the_trouble_is_the_vendors(world: World, fakes: FakeVendors) -> None:
    await add_key(world, "sk-test-openai-second")
    await prober(world).round()
    assert await probes(world) == [(True, None), (True, None)]

    fakes.openai.fail("unauthorized", times=1, probes=True)
    await prober(world).round()
    assert [ok for ok, _ in await probes(world)] == [True, False, True, True]

    await world.purser.changes.refresh()
    fakes.openai.fail("server_error", probes=True)
    before = tries(fakes)
    await prober(world).round()
    assert tries(fakes) == before + 1


@pytest.mark.parametrize("word", ["overloaded", "unauthorized"])
async def test_probes_never_open_a_breaker(world: World, fakes: FakeVendors, word: str) -> None:
    fakes.openai.fail(word, probes=True)
    for _ in range(6):
        await prober(world).round()

    assert world.purser.breakers.status(provider(world).id, Modality.TEXT).state is BreakerState.CLOSED
    assert await world.purser.database.fetch_one("select count(*) from breakers") == (0,)


async def test_probes_never_close_a_breaker(world: World, fakes: FakeVendors) -> None:
    await world.purser.breakers.failed(
        provider(world).id, Modality.TEXT, ErrorClass.OVERLOADED, "Overloaded", probe=None, at_once=True
    )

    await prober(world).round()

    assert await probes(world) == [(True, None)]
    assert world.purser.breakers.status(provider(world).id, Modality.TEXT).state is BreakerState.OPEN


async def test_a_round_that_waits_for_its_place_in_the_minute_holds_up_no_end(
    world: World, fakes: FakeVendors
) -> None:
    patient = Prober(
        world.purser.database, world.purser.snapshots, world.purser.keys, world.purser.clients, spread=10_000
    )
    round_ = asyncio.create_task(patient.round())
    await asyncio.sleep(0)

    patient.close()
    await asyncio.wait_for(round_, 20)
    await asyncio.wait_for(patient.round(), 20)

    assert tries(fakes) == 0


async def test_probes_of_a_week_ago_are_forgotten(world: World) -> None:
    now = datetime.now(UTC)
    for days in (8, 6, 0):
        await make_probe(world.purser.database, provider(world).id, now - timedelta(days=days))

    assert await forget_probes(world.purser.database, now) == 1
    assert await world.purser.database.fetch_one("select count(*) from probes") == (2,)
