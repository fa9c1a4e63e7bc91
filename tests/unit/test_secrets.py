"""Secrets that Purser makes for itself: once, for its owner's eyes, whoever else starts at the same moment."""

import asyncio
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from core.config import Settings
from core.secrets import encryption_keys, kept

ROOT = Path(__file__).resolve().parents[2]

RACER = """
import sys, time
from pathlib import Path
from core.secrets import kept

folder, own = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
print(kept(folder / "secrets" / "one", lambda: own))
"""


def test_a_secret_is_made_once_and_stays(tmp_path: Path) -> None:
    made: list[str] = []

    def make() -> str:
        made.append("x")
        return f"secret-{len(made)}"

    path = tmp_path / "secrets" / "one"

    assert [kept(path, make) for _ in range(3)] == ["secret-1"] * 3
    assert len(made) == 1


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "one"
    old = os.umask(0)
    try:
        kept(path, lambda: "secret")
    finally:
        os.umask(old)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path], "no draft is left behind"


def test_of_processes_that_start_together_one_wins_and_all_agree(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), f"secret-{number}"],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for number in range(4)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()

    told = {racer.communicate(timeout=30)[0].strip() for racer in racers}

    assert len(told) == 1
    assert told == {(tmp_path / "secrets" / "one").read_text()}


def test_threads_of_one_process_agree_too(tmp_path: Path) -> None:
    for attempt in range(20):
        path = tmp_path / str(attempt) / "one"
        with ThreadPoolExecutor(8) as threads:
            told = set(
                threads.map(lambda number, path=path: kept(path, lambda: f"secret-{number}"), range(8))
            )
        assert told == {path.read_text()}


async def test_encryption_keys_that_are_set_go_before_the_one_that_is_made(settings: Settings) -> None:
    made = encryption_keys(settings)
    given = Fernet.generate_key().decode()
    told = encryption_keys(settings.model_copy(update={"encryption_keys": (SecretStr(given),)}))

    assert told == [given]
    assert await asyncio.to_thread(encryption_keys, settings) == made
    Fernet(made[0])
