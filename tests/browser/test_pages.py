"""What holds on every page: accessibility in both themes, three widths, one heading, the keyboard's first stop."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import ready, serious, sign_in, visit
from tests.browser.looking import moved, sideways, squeezed
from tests.server import Live

LEAST_SEEN = 0.01
"""Of the window's area times the way: a tenth of what is called good on the web (cumulative layout shift)."""
WIDEST = 1440
WIDTHS = (WIDEST, 1024, 390)
PAGES = (
    "/",
    "/generations",
    "/providers",
    "/plans",
    "/playground",
    "/users",
    "/credits",
    "/audit",
    "/settings",
)


@dataclass(frozen=True)
class Seen:
    """A page as it stood in one window."""

    sideways: int
    squeezed: list[str]
    moved: float
    faults: list[str]
    language: str | None
    title: str
    headings: int
    mains: int
    nameless: list[str]


class Tour:
    """All pages, looked at once at each width: `tour.at(1440)`."""

    def __init__(self, browser: Browser, live: Live) -> None:
        self._browser = browser
        self._live = live
        self._seen: dict[int, dict[str, Seen]] = {}
        self.told: list[str] = []
        """Errors of the console, and addresses that are not Purser's."""

    def at(self, width: int) -> dict[str, Seen]:
        """What stood at each address; axe looks at the widest window."""
        if width not in self._seen:
            self._seen[width] = self._go(width)
        return self._seen[width]

    def _go(self, width: int) -> dict[str, Seen]:
        seen: dict[str, Seen] = {}
        with self._browser.new_context(
            base_url=self._live.url, viewport={"width": width, "height": 900}
        ) as context:
            page = context.new_page()
            page.on("console", lambda one: self.told.append(one.text) if one.type == "error" else None)
            page.on("pageerror", lambda error: self.told.append(str(error)))
            page.on("request", lambda one: None if self._ours(one.url) else self.told.append(one.url))
            visit(page, "/login")
            seen["/login"] = _look(page, axe=width == WIDEST)
            sign_in(page, self._live)
            visit(page, "/users")
            own = page.locator(".pu-table a[href^='/users/']").first.get_attribute("href")
            assert own
            for path in (*PAGES, own):
                visit(page, path)
                seen[path] = _look(page, axe=width == WIDEST)
        return seen

    def _ours(self, url: str) -> bool:
        own = self._live.url
        return url.startswith((own, own.replace("http", "ws"), "data:", "blob:"))


def _look(page: Page, *, axe: bool) -> Seen:
    shifted = moved(page)  # before axe, which moves things by showing them in the dark
    return Seen(
        sideways(page),
        squeezed(page),
        shifted,
        serious(page) if axe else [],
        page.locator("html").get_attribute("lang"),
        page.title(),
        page.locator("h1").count(),
        page.locator("main").count(),
        page.evaluate(NAMELESS),
    )


@pytest.fixture(scope="module")
def tour(browser: Browser, live: Live) -> Tour:
    return Tour(browser, live)


def test_axe_finds_nothing_serious_on_any_page(tour: Tour) -> None:
    assert {path: one.faults for path, one in tour.at(WIDEST).items() if one.faults} == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways_or_moves_by_itself_and_no_words_stand_out_of_their_button(
    width: int, tour: Tour
) -> None:
    seen = tour.at(width)

    assert {path: one.sideways for path, one in seen.items() if one.sideways > 0} == {}
    assert {path: one.squeezed for path, one in seen.items() if one.squeezed} == {}
    assert {path: one.moved for path, one in seen.items() if one.moved > LEAST_SEEN} == {}


def test_each_page_has_a_language_a_title_of_its_own_one_heading_and_one_main(tour: Tour) -> None:
    seen = tour.at(WIDEST)

    assert all(one.language for one in seen.values())
    assert {path: (one.headings, one.mains) for path, one in seen.items()} == dict.fromkeys(seen, (1, 1))
    assert len({one.title for one in seen.values()}) == len(seen)


def test_every_icon_button_has_a_name(tour: Tour) -> None:
    assert {path: one.nameless for path, one in tour.at(WIDEST).items() if one.nameless} == {}


def test_pages_bring_no_error_into_the_console_and_nothing_from_elsewhere(tour: Tour) -> None:
    for width in WIDTHS:
        tour.at(width)

    assert tour.told == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page) -> None:
    page.goto("/generations")
    ready(page)

    page.keyboard.press("Tab")

    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "Skip to the content"


def test_a_dark_reload_shows_no_white_frame(new_context: Callable[..., BrowserContext], live: Live) -> None:
    page = new_context(base_url=live.url, color_scheme="light").new_page()
    sign_in(page, live)
    page.get_by_role("button", name="Theme: system").click()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()

    page.goto("/generations", wait_until="commit")

    grounds = page.evaluate(
        "new Promise(done => { const seen = []; const look = () => { seen.push(getComputedStyle(document.documentElement)"
        ".backgroundColor); seen.length < 20 ? requestAnimationFrame(look) : done([...new Set(seen)]) }; look() })"
    )
    assert grounds == ["rgb(14, 17, 22)"]


NAMELESS = (
    "[...document.querySelectorAll('button, a')].filter(e => e.offsetParent && !e.innerText.trim()"
    " && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && !e.title).map(e => e.outerHTML)"
)
