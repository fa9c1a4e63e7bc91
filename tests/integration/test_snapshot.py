"""The configuration that requests read: replaced whole, everywhere within a second, never half."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from core.audit import SYSTEM
from core.catalogue.models import ModelRow, PriceRow
from core.database import CONFIG, announce, announce_now
from core.providers.service import set_default_model, switch_provider
from core.snapshot import Snapshot
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import World, running, settings_for

PATIENCE = 5.0
"""Generous: a second by design."""


async def openai_id(world: World) -> object:
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    return provider.id


async def test_a_change_of_default_reaches_the_next_request_of_another_process_and_survives_a_restart(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as one, running(settings) as other:
        assert (await other.ask()).model == "gpt-6.1-sol"
        async with one.purser.database.transaction() as session:
            await set_default_model(session, "openai", "gpt-6.1-terra", Modality.TEXT, actor=SYSTEM)

        async def told() -> bool:
            return (await other.ask()).model == "gpt-6.1-terra"

        await until(told)
    async with running(settings) as again:
        assert (await again.ask()).model == "gpt-6.1-terra"


async def test_switching_a_provider_off_takes_effect_on_the_next_request(
    world: World, fakes: FakeVendors
) -> None:
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    async with world.purser.database.transaction() as session:
        await switch_provider(session, provider.id, False, actor=SYSTEM, reason="test")
    await world.purser.changes.refresh()

    assert (await world.ask()).provider == "gemini"
    assert fakes.openai.calls == 0


async def test_a_request_goes_on_with_the_snapshot_it_began_with(world: World, fakes: FakeVendors) -> None:
    fakes.openai.latency = 0.3
    asking = asyncio.create_task(world.ask())
    await until(lambda: fakes.openai.calls > 0)
    async with world.purser.database.transaction() as session:
        session.add(
            ModelRow(
                provider_id=await openai_id(world),  # pyright: ignore[reportArgumentType] - a UUID
                model_id="gpt-6.1-sol", modality=Modality.TEXT, credits=Decimal(500),
            )
        )  # fmt: skip
        await announce(session, CONFIG)
    await world.purser.changes.refresh()

    assert (await asking).credits == 1
    fakes.openai.latency = 0
    assert (await world.ask(max_tokens=100)).credits > 1


async def test_a_price_that_begins_later_begins_by_itself(world: World) -> None:
    begins = datetime.now(UTC) + timedelta(seconds=2)
    async with world.purser.database.transaction() as session:
        for unit in ("input", "output"):
            session.add(
                PriceRow(
                    kind="openai",
                    model_id="gpt-6.1-sol",
                    unit=unit,
                    usd=Decimal(1_000_000),
                    valid_from=begins,
                )
            )
        await announce(session, CONFIG)
    await world.purser.changes.refresh()
    before = (await world.ask()).cost

    async with asyncio.timeout(PATIENCE + 2):
        while (await world.ask()).cost == before:
            await asyncio.sleep(0.2)

    assert datetime.now(UTC) >= begins
    assert (await world.ask()).cost == Decimal(44)  # 20 in and 24 out at a dollar each


async def test_listeners_hear_of_every_new_snapshot(world: World) -> None:
    heard: list[Snapshot] = []
    world.purser.snapshots.on_change(heard.append)

    await announce_now(world.purser.database, CONFIG)
    await world.purser.changes.refresh()

    assert heard[-1] is world.purser.snapshots.current


async def test_every_provider_and_offer_of_a_snapshot_belong_together(world: World) -> None:
    snapshot = world.purser.snapshots.current

    for offer in snapshot.offers:
        assert snapshot.provider(offer.provider.slug) is offer.provider
        assert snapshot.offer(offer.provider.id, offer.model.id) is offer
    for provider in snapshot.providers:
        for model_id in (*provider.default_models.values(), *provider.fallback_models.values()):
            assert snapshot.offer(provider.id, model_id) is not None
