"""What all benches share: a fake vendor in a process of its own, rounds that take turns, CPU time, and the table."""

import asyncio
import json
import resource
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: ours, the peer's in the same run, and how the two compare with the bar."""

    what: str
    ours: str
    peer: str
    ratio: str
    bar: str
    reach: str
    met: bool

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@contextmanager
def fake_vendors() -> Iterator[str]:
    """The address of the fake vendors, served by another process."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes", "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/control")
        yield base
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, seconds: float = 60) -> float:
    """Waits until an address answers; returns the seconds it took."""
    began = time.perf_counter()
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return time.perf_counter() - began
        except OSError:
            if time.perf_counter() - began > seconds:
                raise
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def rate(work: Callable[[], Awaitable[object]], *, count: int, at_once: int) -> tuple[float, float]:
    """Calls a second, and CPU milliseconds of this process a call, for `count` calls with `at_once` under way."""
    left = count

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await work()

    cpu, began = cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    seconds = time.perf_counter() - began
    return count / seconds, (cpu_seconds() - cpu) / count * 1000


@asynccontextmanager
async def closing(thing: object, close: Callable[[], Awaitable[object]]) -> AsyncIterator[object]:
    try:
        yield thing
    finally:
        await close()


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def median(values: list[float]) -> float:
    return statistics.median(values)


def save(figures: list[Figure]) -> Path:
    """Keeps a run's figures as JSON."""
    folder = ROOT / "bench-results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps([figure.as_json() for figure in figures], indent=1))
    return path
