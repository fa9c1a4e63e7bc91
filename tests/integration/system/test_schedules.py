"""The schedules of health: each minute a round of probes and a fold, in one process of many."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.database import Database
from core.jobs import PROBES_LATE, fold_history, forget_ended, probe_providers
from core.routing import prober as probers
from tests.fakes import FakeVendors
from tests.rows import make_attempt, make_generation, make_months, make_probe
from tests.waiting import until
from tests.world import World, running, settings_for


async def count(database: Database, table: str) -> int:
    row = await database.fetch_one(f"select count(*) from {table}")
    assert row is not None
    return row[0]


def context(world: World) -> Any:
    """What a job gets, with the queue's own parts."""
    purser = world.purser
    prober = probers.Prober(purser.database, purser.snapshots, purser.keys, purser.clients, spread=0)
    return SimpleNamespace(
        additional_context={"database": purser.database, "prober": prober, "zone": purser.settings.zone}
    )


async def test_two_processes_make_one_round_and_one_fold_a_minute(
    database_url: str, fakes: FakeVendors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probers, "SPREAD_SECONDS", 0.0)
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings, worker=True) as first, running(settings, worker=True):
        database = first.purser.database

        async def both() -> bool:
            asked = fakes.openai.probes and fakes.gemini.probes
            return bool(asked) and await count(database, "hour_figures") > 0

        await until(both, seconds=30)
        ticks = await database.fetch_one(
            "select count(*) from procrastinate_periodic_defers where task_name like '%%probe_providers'"
        )

    assert ticks is not None
    assert 1 <= fakes.openai.probes <= ticks[0]
    assert 1 <= fakes.gemini.probes <= ticks[0]


async def test_a_tick_that_comes_too_late_is_left_out(world: World, fakes: FakeVendors) -> None:
    now = int(datetime.now(UTC).timestamp())

    await probe_providers(context(world), now - PROBES_LATE)
    assert fakes.openai.probes == 0

    await probe_providers(context(world), now)
    assert fakes.openai.probes == 1


async def test_a_fold_writes_health_and_figures(world: World) -> None:
    database, now = world.purser.database, datetime.now(UTC)
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    await make_months(database, now - timedelta(days=2))
    await make_attempt(database, provider.id, now - timedelta(hours=3))
    await make_generation(database, now - timedelta(hours=3))

    await fold_history(context(world), int(now.timestamp()))

    assert await count(database, "provider_health") == 1
    assert await database.fetch_one("select sum(completed) from hour_figures") == (1,)


async def test_old_probes_go_with_what_else_has_ended(world: World) -> None:
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    await make_probe(world.purser.database, provider.id, datetime.now(UTC) - timedelta(days=8))

    await forget_ended(context(world), 0)

    assert await count(world.purser.database, "probes") == 0
