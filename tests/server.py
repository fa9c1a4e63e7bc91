"""Purser as a process of its own, as a person starts it: for browser tests and the bench."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import free_port

ROOT = Path(__file__).resolve().parents[1]
EMAIL = "admin@example.com"
PASSWORD = "correct-horse-battery"


@dataclass(frozen=True, slots=True)
class Live:
    """A running server and its first superadmin."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    email: str = EMAIL
    password: str = PASSWORD

    def said(self) -> str:
        """What the process has printed so far."""
        return self.log.read_text()


@contextmanager
def serving(data_dir: Path, **environment: str) -> Iterator[Live]:
    """`main.py serve` with these settings and no others; ended in order, its tail printed when it was not well."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="purser-serve-"))
    env = {
        **_plain_environment(),
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "ADMIN_EMAIL": EMAIL,
        "ADMIN_PASSWORD": PASSWORD,
        "RATE_LOGIN": "1000/m",  # every test signs in from one address
        **environment,
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "serve"],
            cwd=folder,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    live = Live(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_ready(live)
        yield live
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_ready(live: Live, seconds: float = 60) -> None:
    """Returns once `/readyz` says yes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if live.process.poll() is not None:
            raise AssertionError(f"the server ended with {live.process.returncode}:\n{live.said()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{live.url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server is not ready after {seconds} s:\n{live.said()[-3000:]}")


def _plain_environment() -> Mapping[str, str]:
    """This machine's environment without anything that Purser would read as a setting."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in kept if name in os.environ}
