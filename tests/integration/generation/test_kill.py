"""kill -9 in the middle of generations: nothing is charged twice, nothing stays held, and the next process goes on."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from core.generation.sweeper import sweep
from core.system.integrity import differences
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import running, settings_for

ROOT = Path(__file__).resolve().parents[3]

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.fakes.server import FakeVendors
from tests.world import running, settings_for

async def main(url, folder, vendors):
    class Fakes: pass
    fakes = Fakes()
    for name, address in zip(("openai", "gemini", "anthropic"), vendors.split(",")):
        setattr(fakes, name, type("Vendor", (), {"url": address}))
    async with running(settings_for(url, Path(folder), fakes)) as world:
        print("running", flush=True)
        await asyncio.gather(*(world.ask() for _ in range(20)), return_exceptions=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_killed_in_the_middle_everything_held_comes_back_and_a_restart_goes_on(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    fakes.openai.latency = 30
    vendors = ",".join(vendor.url for vendor in (fakes.openai, fakes.gemini, fakes.anthropic))
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
    assert (await asyncio.wait_for(child.stdout.readline(), 30)).strip() == b"running"
    await until(lambda: fakes.openai.calls >= 20, seconds=30)

    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    fakes.reset()

    async with running(settings_for(database_url, tmp_path, fakes)) as world:
        assert await world.held() == 20
        assert (await world.balance()).held > 0
        # A minute passes.
        await world.purser.database.execute(
            "update reservations set lease_until = now() - interval '1 second'"
        )
        assert await sweep(world.purser.database) == 20
        balance = await world.balance()
        assert (balance.balance, balance.held) == (1_000, 0)
        assert {row["error_code"] for row in await world.rows()} == {"interrupted"}
        assert (await world.ask()).provider == "openai"
        assert await differences(database_url) == []
