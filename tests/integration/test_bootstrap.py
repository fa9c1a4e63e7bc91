"""Start and stop: what an empty database gets, what a second start leaves alone, what a stop finishes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from core import bootstrap
from core.audit import SYSTEM
from core.database import Database
from core.errors import AllProvidersFailed, NoProvider
from core.providers.service import probe_provider, switch_provider
from core.routing.health import NO_CALLS, Health, health
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import World, person, running, settings_for

ROOT = Path(__file__).resolve().parents[2]


async def providers(database: Database) -> dict[str, bool]:
    """Slug and switch."""
    return dict(await database.fetch_all("select slug, enabled from providers order by id"))


async def once(
    database_url: str, tmp_path: Path, fakes: FakeVendors | None = None, **more: Any
) -> dict[str, bool]:
    """Starts, looks at the providers, stops."""
    async with running(settings_for(database_url, tmp_path, fakes, **more)) as world:
        return await providers(world.purser.database)


async def test_without_a_key_the_sandbox_answers(database_url: str, tmp_path: Path) -> None:
    async with running(settings_for(database_url, tmp_path)) as world:
        assert await providers(world.purser.database) == {"sandbox": True}
        assert world.purser.snapshots.current.sandbox_only
        assert (await world.ask()).provider == "sandbox"


async def test_with_a_key_the_sandbox_is_off(database_url: str, tmp_path: Path, fakes: FakeVendors) -> None:
    assert await once(database_url, tmp_path, fakes) == {
        "openai": True,
        "gemini": True,
        "anthropic": True,
        "sandbox": False,
    }


@pytest.mark.parametrize("enabled", [True, False])
async def test_enable_sandbox_goes_before_both(
    database_url: str, tmp_path: Path, fakes: FakeVendors, enabled: bool
) -> None:
    with_keys = fakes if enabled else None

    assert (await once(database_url, tmp_path, with_keys, enable_sandbox=enabled))["sandbox"] is enabled


async def test_the_environment_says_rank_address_models_and_switch(
    database_url: str, tmp_path: Path, fakes: FakeVendors
) -> None:
    settings = settings_for(
        database_url, tmp_path, fakes,
        ai_provider_priority=("anthropic", "openai"), enable_gemini=False, openai_default_model="gpt-6-luna",
    )  # fmt: skip
    async with running(settings) as world:
        snapshot = world.purser.snapshots.current
        ranked = [(p.slug, p.rank(Modality.TEXT)) for p in snapshot.providers if p.kind != "sandbox"]
        assert ranked == [("anthropic", 1), ("openai", 2), ("gemini", 3)]
        openai, gemini = snapshot.provider("openai"), snapshot.provider("gemini")
        assert openai is not None
        assert gemini is not None
        assert (openai.base_url, openai.default_models["text"]) == (fakes.openai.url, "gpt-6-luna")
        assert not gemini.enabled
        assert (await world.ask()).provider == "anthropic"


async def test_a_second_start_leaves_what_people_changed_and_ignores_a_changed_environment(
    database_url: str, tmp_path: Path, fakes: FakeVendors
) -> None:
    async with running(settings_for(database_url, tmp_path, fakes)) as world:
        database, snapshot = world.purser.database, world.purser.snapshots.current
        openai = snapshot.provider("openai")
        assert openai is not None
        async with database.transaction() as session:
            await switch_provider(session, openai.id, False, actor=SYSTEM, reason="test")
        await database.execute(
            "update plans set display_name = 'Gratis', daily_generations = 7 where id = 'free'"
        )
        await database.execute(
            "delete from plan_features where plan_id = 'pro' and feature_id = 'stock-media'"
        )

    again = settings_for(
        database_url, tmp_path, fakes,
        deepseek_api_key=SecretStr("sk-deepseek-new-key"), enable_sandbox=True, free_user_daily_limit=99,
        ai_provider_priority=("gemini",),
    )  # fmt: skip
    async with running(again) as world:
        database = world.purser.database
        assert await providers(database) == {
            "openai": False,
            "gemini": True,
            "anthropic": True,
            "sandbox": False,
        }
        assert await database.fetch_one(
            "select display_name, daily_generations from plans where id = 'free'"
        ) == (
            "Gratis",
            7,
        )
        assert await database.fetch_one(
            "select count(*) from plan_features where plan_id = 'pro' and feature_id = 'stock-media'"
        ) == (0,)
        assert (await world.ask()).provider == "gemini"


async def test_a_key_that_cannot_be_decrypted_does_not_stop_the_start_and_is_told(
    database_url: str, tmp_path: Path, fakes: FakeVendors
) -> None:
    async with running(settings_for(database_url, tmp_path, fakes)):
        pass
    other = SecretStr(Fernet.generate_key().decode())

    async with running(settings_for(database_url, tmp_path, fakes, encryption_keys=(other,))) as world:
        purser = world.purser
        provider = purser.snapshots.current.provider("openai")
        assert provider is not None
        (key,) = provider.keys
        status = purser.breakers.status(provider.id, Modality.TEXT)
        verdict = health(
            provider,
            status,
            NO_CALLS,
            purser.snapshots.current.taken_at,
            usable_keys=len(purser.keys.usable(provider)),
        )
        error = await world.refused()
        with pytest.raises(Exception, match="key cannot be decrypted"):
            await probe_provider(purser.clients, provider)

    assert (key.fault, key.secret, key.last_four) == ("key cannot be decrypted", None, "1234")
    assert verdict.word is Health.DOWN
    assert isinstance(error, AllProvidersFailed | NoProvider)
    assert error.status == 503
    assert error.message.count("key cannot be decrypted") == 3
    assert fakes.openai.calls == 0


async def test_the_old_encryption_key_behind_the_new_one_still_reads(
    database_url: str, tmp_path: Path, fakes: FakeVendors
) -> None:
    old, new = (SecretStr(Fernet.generate_key().decode()) for _ in range(2))
    async with running(settings_for(database_url, tmp_path, fakes, encryption_keys=(old,))):
        pass
    async with running(settings_for(database_url, tmp_path, fakes, encryption_keys=(new, old))) as world:
        assert (await world.ask()).provider == "openai"


async def test_a_stop_waits_for_what_runs(database_url: str, tmp_path: Path, fakes: FakeVendors) -> None:
    fakes.openai.latency = 0.7
    settings = settings_for(database_url, tmp_path, fakes)
    purser = await bootstrap.start(settings, worker=False)
    world = World(purser, await person(purser, "user@example.com", credits=100))
    asking = asyncio.create_task(world.ask())
    await until(lambda: fakes.openai.calls > 0)

    await purser.stop()

    assert (await asking).provider == "openai"
    database = Database(database_url)
    await database.open()
    assert await database.fetch_all("select status, credits from generations") == [("completed", 1)]
    assert await database.fetch_one("select count(*) from reservations where state = 'held'") == (0,)
    await database.close()
