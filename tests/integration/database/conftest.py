"""A PostgreSQL of a test's own, to be stopped and killed at will."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from core.database import EmbeddedServer
from tests.conftest import FAST

ROOT = Path(__file__).resolve().parents[3]

HOLDER = """
import sys
from pathlib import Path
from core.database import EmbeddedServer

server = EmbeddedServer(Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.readline()
server.stop()
"""


class Holder:
    """Another process that uses the server in a folder, until it is told to leave or is killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Waits until it has its server."""
        assert self.process.stdout is not None
        url = self.process.stdout.readline().strip()
        assert url, "it did not start"
        return url

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a private server keeps its data; whatever still runs there at the end is ended."""
    parent = Path(tempfile.mkdtemp(prefix="purser-private-"))
    yield parent / "postgres"
    if postmaster := postmaster_of(parent / "postgres"):
        postmaster.kill()
        postmaster.wait(10)
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def holder(folder: Path) -> Iterator[Callable[[], Holder]]:
    """Starts processes that hold the private server."""
    holders: list[Holder] = []

    def start() -> Holder:
        holders.append(Holder(folder))
        return holders[-1]

    yield start
    for one in holders:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def private(folder: Path) -> Iterator[EmbeddedServer]:
    """A private server that runs, as fast as a test's may be."""
    server = EmbeddedServer(folder)
    with psycopg.connect(server.start(), autocommit=True) as connection:
        for setting in FAST:
            connection.execute(f"alter system set {setting}".encode())
        connection.execute("select pg_reload_conf()")
    yield server
    server.stop()


def postmaster_of(folder: Path) -> psutil.Process | None:
    """The server's process, where it lives."""
    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return process if process.is_running() and process.status() != psutil.STATUS_ZOMBIE else None


def kill(folder: Path) -> None:
    """kill -9 of the server itself, in the middle of whatever it does."""
    postmaster = postmaster_of(folder)
    assert postmaster is not None
    postmaster.kill()
    postmaster.wait(10)
