"""What every test stands on: a fresh database, settings free of the environment, and no network beyond loopback.

One embedded PostgreSQL serves a whole run, all workers of xdist included; its schema is built once, as a template,
and each test that asks for `database_url` or `database` gets a clone of it, dropped afterwards. For a test that runs a
whole Purser, plans, superadmin and the usual user are in the clone already, as after an earlier start.
"""

import asyncio
import ipaddress
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from core.accounts import passwords
from core.config import Settings
from core.database import Database, EmbeddedServer, migrate
from tests.factories import QUICK
from tests.fakes import FakeVendors
from tests.world import make_people

SERVER_FOLDER = "PURSER_TEST_POSTGRES"
"""Names the run's server to the workers; whichever process sets it removes the folder at the end."""

TEMPLATE = "purser_template"
STARTED = "purser_started"
RUNS_PURSER = frozenset({"world", "sandbox", "serve"})
"""Fixtures that run a whole Purser."""
TEMPLATE_LOCK = 0x54455354  # "TEST"

# Nothing of a test server is worth a disk's flush: a crash means another run.
FAST = (
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "autovacuum = off",
    "max_wal_size = '256MB'",
)
# How long an example takes says nothing but how busy the machine is.
hypothesis_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("untimed")

HERE = Path(__file__).parent
FROM_OUTSIDE = frozenset({"api", "browser", "pages"})
ROOM = 2 * 1024**3
"""Bytes that a run may need, with all its workers."""


def pytest_configure(config: pytest.Config) -> None:
    if SERVER_FOLDER not in os.environ:
        os.environ[SERVER_FOLDER] = tempfile.mkdtemp(prefix="purser-test-", dir=_fastest_folder())
        config.stash[OWN_FOLDER] = Path(os.environ[SERVER_FOLDER])
    sys.addaudithook(_refuse_network)
    # A hash is slow by design, and tests sign in a thousand times; `tests/unit/accounts/test_passwords.py` has the real one.
    passwords.hasher = PasswordHash((Argon2Hasher(**QUICK),))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tests that look at Purser from outside are not traced: it costs half of their time, and what they reach in `core`
    is to be reached by the tests of `core` itself."""
    coverage: Any = item.config.pluginmanager.getplugin("_cov")
    outside = not FROM_OUTSIDE.isdisjoint(item.path.relative_to(HERE).parts)
    tracer = coverage.cov_controller if coverage and outside else None
    if tracer:
        tracer.pause()
    try:
        return (yield)
    finally:
        if tracer:
            tracer.resume()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that made the folder outlives the workers: it takes the server away, whoever started it."""
    if OWN_FOLDER in config.stash:
        folder = config.stash[OWN_FOLDER]
        if (folder / "postgres" / "postmaster.pid").exists():
            server = EmbeddedServer(folder / "postgres")
            server.start()
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ[SERVER_FOLDER]


def _fastest_folder() -> str | None:
    """Memory where there is plenty of it, else the usual place: a clone is some 300 small files."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


OWN_FOLDER = pytest.StashKey[Path]()


# The database


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The address of the run's PostgreSQL, with the template built."""
    server = EmbeddedServer(Path(os.environ[SERVER_FOLDER]) / "postgres")
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        if not connection.execute("select 1 from pg_database where datname = %s", (TEMPLATE,)).fetchone():
            _build_template(connection, url)
    yield url
    server.stop()


def _build_template(connection: psycopg.Connection[Any], url: str) -> None:
    for setting in FAST:
        connection.execute(f"alter system set {setting}".encode())
    connection.execute("select pg_reload_conf()")
    # Built under another name, so that a template that is there is whole.
    for name in ("building", STARTED, "begun"):
        connection.execute(f"drop database if exists {name}".encode())
    connection.execute("create database building")
    migrate(url_of(url, "building"))
    connection.execute("create database begun template building")
    # A thread of its own: a browser's driver may have a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(make_people(url_of(url, "begun")))).result()
    connection.execute(f"alter database begun rename to {STARTED}".encode())
    connection.execute(f"alter database building rename to {TEMPLATE}".encode())


@pytest.fixture
def database_url(server_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database: empty, or for a test that runs Purser begun already."""
    name = f"test_{uuid.uuid4().hex}"
    template = TEMPLATE if RUNS_PURSER.isdisjoint(request.fixturenames) else STARTED
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield url_of(server_url, name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The fresh database, opened as a process of Purser opens it."""
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


def url_of(server_url: str, name: str) -> str:
    """The address of the database `name` on the server."""
    return server_url.replace("/postgres?", f"/{name}?", 1)


# Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The defaults, whatever the environment and `.env` of this machine say; data goes to a temporary folder."""
    names = set(Settings.model_fields)
    for variable in list(os.environ):
        if variable.lower() in names:
            monkeypatch.delenv(variable)
    return Settings(_env_file=None, data_dir=tmp_path / "data")  # pyright: ignore[reportCallIssue] - pydantic-settings takes it


# No network


class NetworkUsed(OSError):
    """A test left the machine."""


_journeys: list[str] = []


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Fails the test that tried to reach another machine, even where the code under test swallowed the refusal."""
    _journeys.clear()
    yield
    if _journeys:
        pytest.fail(f"left loopback: {', '.join(_journeys)}")


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    # The interpreter's own audit events lie below every library, asyncio and aiohttp included.
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # else a Unix socket, or already connected
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
        if _is_address(host):
            return  # written as numbers: nobody is asked
    else:
        return
    if host and not _is_loopback(host):
        _journeys.append(f"{event} {host!r}")
        raise NetworkUsed(f"{event} {host!r}: tests stay on this machine")


def _is_loopback(host: Any) -> bool:
    name = _text(host)
    if name in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(_text(host))
    except ValueError:
        return False
    return True


def _text(host: Any) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")


# Vendors


@pytest.fixture(scope="session")
def vendors() -> Iterator[FakeVendors]:
    """The local fake vendors, one server for the run of a worker."""
    with FakeVendors() as fakes:
        yield fakes


@pytest.fixture
def fakes(vendors: FakeVendors) -> FakeVendors:
    """The fake vendors, as new."""
    vendors.reset()
    return vendors
