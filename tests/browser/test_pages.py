"""What holds on every page: accessibility in both themes, three widths, one heading, the keyboard's first stop."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import ready, serious, settled, sign_in
from tests.browser.looking import moved, sideways, squeezed
from tests.server import Live

LEAST_SEEN = 0.01
"""Of the window's area times the way: a tenth of what is called good on the web (cumulative layout shift)."""
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


@pytest.fixture(scope="module")
def paths(browser: Browser, live: Live) -> tuple[str, ...]:
    """All of them; the page of a user is that of the first superadmin."""
    with browser.new_context(base_url=live.url) as context:
        page = context.new_page()
        sign_in(page, live)
        page.goto("/users")
        own = page.locator(".pu-table a[href^='/users/']").first.get_attribute("href")
    assert own
    return *PAGES, own


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


def test_axe_finds_nothing_serious_on_any_page(
    theme: str, new_context: Callable[..., BrowserContext], live: Live, paths: tuple[str, ...]
) -> None:
    page = new_context(base_url=live.url, color_scheme=theme).new_page()
    page.goto("/login")
    faults = {"/login": serious(page)}
    sign_in(page, live)
    for path in paths:
        page.goto(path)
        settled(page)
        faults[path] = serious(page)

    assert {path: found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_page_scrolls_sideways_or_moves_by_itself_and_no_words_stand_out_of_their_button(
    width: int, new_context: Callable[..., BrowserContext], live: Live, paths: tuple[str, ...]
) -> None:
    page = new_context(base_url=live.url, viewport={"width": width, "height": 844}).new_page()
    page.goto("/login")
    overflow, narrow, restless = (
        {"/login": sideways(page)},
        {"/login": squeezed(page)},
        {"/login": moved(page)},
    )
    sign_in(page, live)
    for path in paths:
        page.goto(path)
        settled(page)
        overflow[path], narrow[path], restless[path] = sideways(page), squeezed(page), moved(page)

    assert {path: by for path, by in overflow.items() if by > 0} == {}
    assert {path: found for path, found in narrow.items() if found} == {}
    assert {path: by for path, by in restless.items() if by > LEAST_SEEN} == {}


def test_each_page_has_a_language_a_title_of_its_own_one_heading_and_one_main(
    page: Page, paths: tuple[str, ...]
) -> None:
    titles: list[str] = []
    for path in paths:
        page.goto(path)
        ready(page)
        assert page.locator("html").get_attribute("lang")
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1
        titles.append(page.title())

    assert len(set(titles)) == len(paths)


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page) -> None:
    page.goto("/generations")
    ready(page)

    page.keyboard.press("Tab")

    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "Skip to the content"


def test_every_icon_button_has_a_name(page: Page, paths: tuple[str, ...]) -> None:
    for path in paths:
        page.goto(path)
        ready(page)
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, a')].filter(e => e.offsetParent && !e.innerText.trim()"
            " && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && !e.title).map(e => e.outerHTML)"
        )
        assert nameless == [], path


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


def test_pages_bring_no_error_into_the_console_and_nothing_from_elsewhere(
    page: Page, live: Live, paths: tuple[str, ...]
) -> None:
    errors: list[str] = []
    foreign: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: foreign.append(request.url) if not _ours(request.url, live) else None)
    for path in paths:
        page.goto(path)
        settled(page)

    assert (errors, foreign) == ([], [])


def _ours(url: str, live: Live) -> bool:
    return url.startswith((live.url, live.url.replace("http", "ws"), "data:", "blob:"))
