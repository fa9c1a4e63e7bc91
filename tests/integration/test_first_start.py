"""The very first start: one of everything, a superadmin among it, however many processes begin together."""

import asyncio
import subprocess
import sys
from pathlib import Path

from core import bootstrap
from core.database import Database
from tests.world import settings_for

ROOT = Path(__file__).resolve().parents[2]

STARTER = """
import asyncio, sys
from pathlib import Path
from core import bootstrap
from tests.world import settings_for

async def main(url, folder):
    settings = settings_for(url, Path(folder), openai_api_key="sk-test-openai-1234")
    print("ready", flush=True)
    sys.stdin.readline()
    purser = await bootstrap.start(settings)
    print("superadmin" if purser.first_superadmin else "nobody", flush=True)
    await purser.stop()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_first_starts_at_once_make_one_of_everything(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, database_url, str(tmp_path)],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    told = await asyncio.gather(*(asyncio.to_thread(process.communicate, "go\n", 120) for process in both))

    assert [process.returncode for process in both] == [0, 0], told
    assert sorted(out.strip() for out, _ in told) == ["nobody", "superadmin"]
    counts = await database.fetch_one(
        "select (select count(*) from providers), (select count(*) from provider_keys), (select count(*) from users),"
        " (select count(*) from plans), (select count(*) from audit where action = 'provider.import'),"
        " (select count(*) from credit_entries)"
    )
    assert counts == (2, 1, 1, 6, 2, 2)


async def test_the_first_superadmin_is_made_with_the_password_that_was_chosen(
    database_url: str, tmp_path: Path
) -> None:
    first = await bootstrap.start(settings_for(database_url, tmp_path), worker=False)
    assert first.first_superadmin is not None
    assert (first.first_superadmin.email, first.first_superadmin.one_time_password) == (
        "admin@example.com",
        None,
    )
    await first.stop()

    second = await bootstrap.start(settings_for(database_url, tmp_path, admin_password=None), worker=False)
    assert second.first_superadmin is None
    await second.stop()


async def test_without_a_password_one_is_thought_out_and_told_once(database_url: str, tmp_path: Path) -> None:
    purser = await bootstrap.start(
        settings_for(database_url, tmp_path, admin_email=None, admin_password=None), worker=False
    )
    made = purser.first_superadmin
    await purser.stop()

    assert made is not None
    assert made.email == "admin@purser.local"
    assert made.one_time_password is not None
    assert len(made.one_time_password) >= 12
    assert made.one_time_password not in repr(made)


LOADS = """
import asyncio, sys
from core.providers.base import Connection
from core.providers.registry import build

async def main():
    assert "httpx" not in sys.modules
    provider = build(Connection("openai", "http://127.0.0.1:1/v1", "sk-test-openai-1234"))
    await provider.warm()
    assert hasattr(sys.modules["httpx"], "Response")
    await provider.close()

asyncio.run(main())
"""


def test_another_sdks_import_in_the_middle_of_a_call_does_not_disturb_it() -> None:
    # The OpenAI SDK looks at each answer whether `httpx` is loaded; found half loaded, it would fail the call.
    ended = subprocess.run(
        [sys.executable, "-c", LOADS], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 0, ended.stderr
