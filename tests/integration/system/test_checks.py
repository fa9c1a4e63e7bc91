"""The checks: all well, and each fault with what to do about it."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from core.config import Settings
from core.database import Database
from core.providers.vault import Vault
from core.system.checks import Check, State, check_all, check_disk, check_settings, worst
from core.system.sample import generate_sample
from tests.fakes import FakeVendors
from tests.world import World


async def checks_of(world: World, vault: Vault | None = None) -> dict[str, Check]:
    purser = world.purser
    found = await check_all(purser.settings, purser.database, vault or purser.vault)
    assert len({check.name for check in found}) == len(found)
    assert all(check.fix for check in found if check.state is not State.OK)
    return {check.name: check for check in found}


async def test_all_is_well_with_three_vendors(world: World, fakes: FakeVendors) -> None:
    found = await checks_of(world)

    assert {check.state for check in found.values()} == {State.OK}
    assert set(found) == {
        "settings", "disk", "database", "migrations", "plans", "superadmin", "queue", "encryption keys",
        "provider openai", "provider gemini", "provider anthropic",
    }  # fmt: skip
    assert found["provider openai"].latency_ms
    assert [(fake.probes, fake.calls) for fake in (fakes.openai, fakes.gemini, fakes.anthropic)] == [
        (1, 0)
    ] * 3


async def test_a_rejected_key_names_the_page_to_go_to(world: World, fakes: FakeVendors) -> None:
    fakes.anthropic.fail("unauthorized", probes=True)
    fakes.gemini.fail("overloaded", probes=True)

    found = await checks_of(world)

    refused, busy = found["provider anthropic"], found["provider gemini"]
    assert refused.state is State.FAULT
    assert "authentication" in refused.detail
    assert "https://platform.claude.com/settings/keys" in (refused.fix or "")
    assert "sk-ant-test-9012" not in str(found)
    assert busy.state is State.WARNING
    assert worst(found.values()) is State.FAULT


async def test_keys_that_cannot_be_decrypted_are_named(world: World, fakes: FakeVendors) -> None:
    found = await checks_of(world, Vault([Fernet.generate_key()]))

    assert found["encryption keys"].state is State.FAULT
    assert found["encryption keys"].detail.startswith(
        "3 of 3 provider keys cannot be decrypted: OpenAI ····1234"
    )
    assert "ENCRYPTION_KEYS" in (found["encryption keys"].fix or "")
    assert fakes.openai.probes == 0


async def test_only_the_sandbox_is_a_warning_and_nothing_at_all_a_fault(sandbox: World) -> None:
    found = await checks_of(sandbox)
    assert (found["provider sandbox"].state, found["providers"].state) == (State.OK, State.WARNING)

    await sandbox.purser.database.execute("update providers set enabled = false")
    assert (await checks_of(sandbox))["providers"].state is State.FAULT


async def test_plans_and_superadmins_are_needed(sandbox: World) -> None:
    await sandbox.purser.database.execute("update plans set retired_at = now()")
    await sandbox.purser.database.execute("update users set status = 'suspended' where role = 'superadmin'")

    found = await checks_of(sandbox)

    assert "main.py seed" in (found["plans"].fix or "")
    assert "user create" in (found["superadmin"].fix or "")
    assert found["superadmin"].state is State.FAULT


async def test_jobs_that_nobody_takes_are_a_warning(sandbox: World) -> None:
    await sandbox.purser.database.execute(
        "insert into procrastinate_jobs (queue_name, task_name, scheduled_at) values ('default', 'x', now() - interval '1 h')"
    )

    assert "60 minutes" in (await checks_of(sandbox))["queue"].detail


async def test_an_empty_database_needs_migrations(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    await database.execute("update alembic_version set version_num = '0000'")

    found = await check_all(settings, database, Vault([Fernet.generate_key()]))

    assert found[-1].name == "migrations"
    assert (found[-1].state, found[-1].fix) == (State.FAULT, "Run: python main.py migrate")


async def test_a_database_that_is_away_ends_the_list_with_its_fault(
    settings: Settings, tmp_path: Path
) -> None:
    nowhere = Database(f"postgresql://postgres@/none?host={tmp_path}", pool_timeout=0.2)

    found = await check_all(settings, nowhere, Vault([Fernet.generate_key()]))

    assert [check.name for check in found] == ["settings", "disk", "database"]
    assert found[-1].state is State.FAULT


def test_the_embedded_database_in_production_is_unwise(settings: Settings) -> None:
    secrets = {
        "secret_key": SecretStr("x" * 32),
        "encryption_keys": (SecretStr(Fernet.generate_key().decode()),),
    }
    prod = settings.model_copy(update={"environment": "prod", **secrets})

    assert check_settings(settings).state is State.OK
    assert check_settings(prod).state is State.WARNING


def test_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_disk(tmp_path / "not" / "yet").detail.endswith("free for DATA_DIR")
    monkeypatch.setattr("core.system.checks.DISK_FAULT", 1 << 60)
    assert check_disk(tmp_path).state is State.FAULT


async def test_a_sample_runs_end_to_end_as_test_traffic(sandbox: World) -> None:
    purser = sandbox.purser

    sample = await generate_sample(purser.database, purser.identities, purser.generations)

    assert sample.state is State.OK
    assert sample.detail.startswith("sandbox answered with sandbox-text in ")
    assert "1 cr charged" in sample.detail
    (row,) = await sandbox.rows()
    assert (row["traffic"], row["status"], row["credits"]) == ("test", "completed", 1)


async def test_a_sample_that_fails_says_why(sandbox: World) -> None:
    purser = sandbox.purser
    await purser.database.execute("update providers set base_url = 'sandbox://?fault=content_blocked'")
    await purser.snapshots.rebuild()

    sample = await generate_sample(purser.database, purser.identities, purser.generations)

    assert sample.state is State.FAULT
    assert "content_blocked" in sample.detail
