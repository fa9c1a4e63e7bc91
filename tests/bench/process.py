"""The process as a person meets it: start, memory, a page, the first generation."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.bench.measure import Figure, median
from tests.browser import chromium
from tests.browser.conftest import ready, sign_in
from tests.server import Live, serving

PAGES = ("/", "/generations", "/providers", "/playground")


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with browser_page() as page:
            first = _first_generation(folder / "first", page)
        second, memory = _second_start(folder / "first")
        with browser_page() as page:
            opened = _pages(folder / "first", page)
    return [
        _figure("empty DATA_DIR: start to the first completed generation, clicked", first, "s", 20, 8),
        _figure("start to ready, second time", second, "s", 5, 2),
        _figure("idle memory of the process", memory, "MB", 320, 200),
        _figure("page open to usable, warm, the slowest of four", opened, "s", 1.5, 0.6),
    ]


@contextlib.contextmanager
def browser_page() -> Iterator[Page]:
    path = chromium.find()
    assert path, "no Chromium: run `make browser`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield browser.new_page(viewport={"width": 1440, "height": 900})
        browser.close()


def _first_generation(data_dir: Path, page: Page) -> float:
    began = time.perf_counter()
    with serving(data_dir) as live:
        sign_in(page, live)
        page.get_by_role("button", name="Run a sample").click()
        page.get_by_role("heading", name="Your sample").wait_for()
        page.get_by_text("Completed").first.wait_for()
        return time.perf_counter() - began


def _second_start(data_dir: Path) -> tuple[float, float]:
    began = time.perf_counter()
    with serving(data_dir) as live:
        taken = time.perf_counter() - began
        time.sleep(3)
        return taken, psutil.Process(live.process.pid).memory_info().rss / 2**20


def _pages(data_dir: Path, page: Page) -> float:
    with serving(data_dir) as live:
        sign_in(page, live)
        return slowest_page(page, live, PAGES)


def slowest_page(page: Page, live: Live, paths: Sequence[str]) -> float:
    """Seconds: the median of five warm openings, of the slowest of these pages."""
    return max(median([_open(page, live, path) for _ in range(6)][1:]) for path in paths)


def _open(page: Page, live: Live, path: str) -> float:
    began = time.perf_counter()
    page.goto(f"{live.url}{path}")
    ready(page)
    page.get_by_role("heading", level=1).wait_for()
    return time.perf_counter() - began


def _figure(what: str, ours: float, unit: str, bar: float, reach: float) -> Figure:
    return Figure(
        what,
        f"{ours:.2f} {unit}" if unit == "s" else f"{ours:.0f} {unit}",
        "",
        "",
        f"≤ {bar:g} {unit}",
        f"≤ {reach:g} {unit}",
        ours <= bar,
    )
