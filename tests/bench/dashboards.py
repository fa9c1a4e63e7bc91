"""A hundred open dashboards: what they cost the database and the process, and how a page opens beside them."""

import asyncio
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import socketio
from playwright.sync_api import Page

from core.database import BREAKERS, EmbeddedServer
from core.database.changes import ANNOUNCE, CHANNEL
from tests.bench.measure import Figure
from tests.bench.process import PAGES, browser_page, slowest_page
from tests.browser.conftest import ready, sign_in
from tests.server import Live, serving

MANY = 100
WATCHED = ("/", "/providers", "/generations")
SECONDS = 10.0
QUERY = re.compile(
    r"""["']client_id["']:\s*["']([0-9a-f-]+)["'].*?["']next_message_id["']:\s*(\d+)""", re.DOTALL
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with serving(folder) as live:
            url = EmbeddedServer(folder / "postgres").start()
            with dashboards(live, len(WATCHED)):
                one, _ = _load(live, url)
            with dashboards(live, MANY), browser_page() as page:
                many, cpu = _load(live, url)
                sign_in(page, live)
                opened = slowest_page(page, live, PAGES)
                seen = _seen(page, live, url)
    return [
        Figure(
            f"{MANY} open dashboards: transactions a second",
            f"{many:.1f}/s",
            f"{len(WATCHED)} open: {one:.1f}/s",
            f"{many / one:.2f}",
            "≤ 2",
            "≤ 1.2",
            many <= 2 * one,
        ),
        Figure(f"{MANY} open dashboards: CPU of the process", f"{cpu:.0%} of a core", "", "", "", "", True),
        Figure(
            f"page open to usable, warm, beside {MANY} open dashboards",
            f"{opened:.2f} s",
            "",
            "",
            "≤ 1.5 s",
            "≤ 0.6 s",
            opened <= 1.5,
        ),
        Figure(
            f"a breaker that opens is seen in an open page, beside {MANY} open dashboards",
            f"{seen:.2f} s",
            "",
            "",
            "≤ 2 s",
            "",
            seen <= 2,
        ),
    ]


@contextmanager
def dashboards(live: Live, count: int) -> Iterator[None]:
    """So many pages open, each with its socket, in a thread of their own."""
    opened, end, faults = threading.Event(), threading.Event(), list[BaseException]()

    async def hold() -> None:
        async with httpx.AsyncClient(base_url=live.url, follow_redirects=False) as http:
            form = {"email": live.email, "password": live.password}
            assert (await http.post("/login", data=form)).status_code == 303, "signed in"
            sockets = [await _open(http, live, WATCHED[n % len(WATCHED)]) for n in range(count)]
            opened.set()
            while not end.is_set():
                await asyncio.sleep(0.1)
            for one in sockets:
                await one.disconnect()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as fault:
            faults.append(fault)
            opened.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        opened.wait()
        if faults:
            raise faults[0]
        yield
    finally:
        end.set()
        thread.join()


async def _open(http: httpx.AsyncClient, live: Live, path: str) -> socketio.AsyncClient:
    """Opens a page as a browser does: the document, then its socket."""
    answer = await http.get(path)
    assert answer.status_code == 200, f"{path} answered {answer.status_code}"
    found = QUERY.search(answer.text)
    assert found, "the document names its client"
    client_id, next_message = found.groups()
    socket = socketio.AsyncClient(reconnection=False)
    await socket.connect(
        f"{live.url}?client_id={client_id}&next_message_id={next_message}&implicit_handshake=true"
        f"&document_id={uuid.uuid4()}&tab_id={uuid.uuid4()}",
        headers={"Cookie": "; ".join(f"{name}={value}" for name, value in http.cookies.items())},
        transports=["websocket"],
        socketio_path="/_nicegui_ws/socket.io",
    )
    return socket


def _load(live: Live, url: str) -> tuple[float, float]:
    """Transactions a second, and the share of a core, once everything has come to rest."""
    time.sleep(6)
    process = psutil.Process(live.process.pid)
    with psycopg.connect(url, autocommit=True) as connection:
        began, cpu, count = time.perf_counter(), process.cpu_times(), _transactions(connection)
        time.sleep(SECONDS)
        seconds, after = time.perf_counter() - began, process.cpu_times()
        done = _transactions(connection) - count
    return done / seconds, (after.user + after.system - cpu.user - cpu.system) / seconds


def _seen(page: Page, live: Live, url: str) -> float:
    """Seconds from a breaker that another process opens to its provider's row that says so."""
    page.goto(f"{live.url}/providers")
    ready(page)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OPENS)
        began = time.perf_counter()
        connection.execute(TELLS.encode(), {"topic": BREAKERS})
        page.locator(".pu-table tbody tr", has_text="Down").wait_for()
        return time.perf_counter() - began


OPENS = """
insert into breakers (provider_id, modality, state, failures, openings, error_class, reason, opened_at, open_until)
select id, 'text', 'open', 5, 1, 'overloaded', '5 of 5 failures', now(), now() + interval '1 hour' from providers limit 1
"""
TELLS = f"with raised as ({ANNOUNCE} returning topic) select pg_notify('{CHANNEL}', topic) from raised"


def _transactions(connection: psycopg.Connection[tuple[int]]) -> int:
    connection.execute("select pg_stat_clear_snapshot()")
    row = connection.execute(
        "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert row is not None, "this database has its line"
    return row[0]
