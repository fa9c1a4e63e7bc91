"""The long form of `test_kill`: killed again and again under load, the books agree every time. Run by `make soak`."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from core.generation.sweeper import sweep
from core.system.integrity import differences
from tests.fakes import FakeVendors
from tests.integration.generation.test_kill import CHILD, ROOT
from tests.waiting import until
from tests.world import running, settings_for

ROUNDS = 12


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_killed_again_and_again_under_load_the_books_agree_every_time(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    dice = random.Random(2026)
    vendors = ",".join(vendor.url for vendor in (fakes.openai, fakes.gemini, fakes.anthropic))
    for _ in range(ROUNDS):
        fakes.reset()
        fakes.openai.latency = 0.05
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            CHILD,
            database_url,
            str(tmp_path),
            vendors,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        assert (await asyncio.wait_for(child.stdout.readline(), 60)).strip() == b"running"
        await until(lambda: fakes.openai.calls > 0, seconds=60)
        await asyncio.sleep(dice.uniform(0, 0.12))  # while some have been settled, some are asked, some wait
        if child.returncode is None:
            os.kill(child.pid, signal.SIGKILL)
        await child.wait()

        async with running(settings_for(database_url, tmp_path, fakes)) as world:
            await world.purser.database.execute(
                "update reservations set lease_until = now() - interval '1 second' where state = 'held'"
            )
            await sweep(world.purser.database)
            balance = await world.balance()
            row = await world.purser.database.fetch_one(
                "select coalesce(-sum(amount), 0) from credit_entries where type = 'usage'"
            )
            assert row is not None
            assert (balance.balance, balance.held) == (1_000 - row[0], 0)
            assert await differences(database_url) == []
