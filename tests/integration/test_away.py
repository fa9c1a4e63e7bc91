"""The database goes away under a running Purser: errors with 503 meanwhile, everything as before afterwards."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core import bootstrap
from core.database import CONFIG, announce_now
from core.errors import DatabaseUnavailable
from core.generation.outcome import Result
from tests.fakes import FakeVendors
from tests.integration.database.conftest import kill, postmaster_of
from tests.waiting import until
from tests.world import World, person, settings_for

BACK_SECONDS = 30.0
"""Generous: it is noticed within two seconds, and crash recovery takes its time on a busy machine."""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="purser-away-"))
    yield folder / "data"
    if postmaster := postmaster_of(folder / "data" / "postgres"):
        postmaster.kill()
        postmaster.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def own(data_dir: Path, fakes: FakeVendors) -> AsyncIterator[World]:
    """Purser on its own embedded server, that does not wait long."""
    settings = settings_for("postgresql://unused", data_dir, fakes, database_pool_timeout=1.0)
    purser = await bootstrap.start(settings.model_copy(update={"database_url": None}))
    yield World(purser, await person(purser, "user@example.com", credits=1_000))
    await purser.stop()
    assert postmaster_of(data_dir / "postgres") is None, "the last one to leave stops the server"


async def until_it_answers(world: World) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            try:
                await world.ask()
                return
            except DatabaseUnavailable:
                await asyncio.sleep(0.1)


async def test_a_server_that_was_killed_is_started_again_and_everything_goes_on(
    own: World, data_dir: Path, fakes: FakeVendors
) -> None:
    await own.ask()
    kill(data_dir / "postgres")

    error = await own.refused()
    assert (error.code, error.status, error.retryable) == ("database_unavailable", 503, True)

    await until_it_answers(own)
    balance = await own.balance()
    rows = [row for row in await own.rows() if row["status"] == "completed"]
    assert (balance.balance, balance.held) == (1_000 - len(rows), 0)
    # What the process listens for and works on has come back too.
    taken = own.purser.snapshots.current.taken_at
    await announce_now(own.purser.database, CONFIG)
    await until(lambda: own.purser.snapshots.current.taken_at != taken, seconds=BACK_SECONDS)
    await the_queue_works(own)


async def the_queue_works(world: World) -> None:
    """A job that is deferred now is done."""
    database = world.purser.database
    assert world.purser.queue is not None
    async with asyncio.timeout(BACK_SECONDS):
        await database.execute("update reservations set lease_until = now()")
        while True:
            try:
                await world.purser.queue._app.configure_task("purser:make_partitions").defer_async(
                    timestamp=0
                )
                break
            except Exception:  # noqa: BLE001 - its own connections are being made anew
                await asyncio.sleep(0.2)

    async def done() -> bool:
        left = "select 1 from procrastinate_jobs where task_name = 'purser:make_partitions'"
        return await database.fetch_one(left) is None

    await until(done, seconds=BACK_SECONDS)


async def test_an_answer_in_hand_when_it_goes_away_is_delivered_and_charged_once(
    own: World, data_dir: Path, fakes: FakeVendors
) -> None:
    await own.ask()
    fakes.openai.latency = 0.5
    before = (await own.balance()).balance
    asking = asyncio.create_task(own.ask())
    await until(lambda: fakes.openai.calls >= 2)
    kill(data_dir / "postgres")

    result, *_ = await asyncio.gather(asking, return_exceptions=True)
    if isinstance(result, Result):
        assert result.text
        charged = result.credits
    else:  # it stayed away for longer than an answer in hand waits
        assert isinstance(result, DatabaseUnavailable)
        charged = 0

    fakes.openai.latency = 0
    await until_it_answers(own)
    later = [row["credits"] for row in await own.rows() if row["status"] == "completed"]
    assert (await own.balance()).balance == 1_000 - sum(later)
    assert before - (await own.balance()).balance == charged + later[-1]


async def test_a_failure_while_it_is_away_gives_back_what_was_held(
    own: World, data_dir: Path, fakes: FakeVendors
) -> None:
    for vendor in (fakes.openai, fakes.gemini, fakes.anthropic):
        vendor.latency = 0.4
        vendor.fail("invalid_request")
    asking = asyncio.create_task(own.refused())
    await until(lambda: fakes.openai.calls > 0)
    kill(data_dir / "postgres")

    assert (await asking).status in (400, 503)

    async def given_back() -> bool:
        try:
            return await own.held() == 0
        except DatabaseUnavailable:
            return False

    await until(given_back, seconds=BACK_SECONDS)
    assert (await own.balance()).available == 1_000
