"""A real browser in front of a real server: one of each for a run, a fresh signed-in page for each test."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.shop import Shop
from tests.browser.windows import Key, Windows
from tests.conftest import TEMPLATE, url_of
from tests.fakes import FakeVendors
from tests.server import Live, serving

WIDE = {"width": 1440, "height": 900}

expect.set_options(timeout=20_000)  # how soon pages must show something is `make bench`'s matter


@pytest.fixture(scope="session")
def fresh_database(server_url: str) -> Callable[[], str]:
    """Makes a fresh, migrated database each time it is called."""

    def make() -> str:
        name = f"live_{uuid.uuid4().hex}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {TEMPLATE} strategy file_copy".encode())
        return url_of(server_url, name)

    return make


@pytest.fixture(scope="session")
def live(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server without any vendor key: the sandbox answers."""
    with serving(tmp_path_factory.mktemp("live"), DATABASE_URL=fresh_database()) as server:
        yield server


@pytest.fixture
def vendor_live(fresh_database: Callable[[], str], tmp_path: Path, fakes: FakeVendors) -> Iterator[Live]:
    """A server of this test's own, with OpenAI, Gemini and Anthropic configured, all of them the fakes."""
    with serving(
        tmp_path,
        DATABASE_URL=fresh_database(),
        OPENAI_API_KEY="sk-test-openai-1234",
        GOOGLE_AI_API_KEY="AIzaTestGemini5678",
        ANTHROPIC_API_KEY="sk-ant-test-9012",
        OPENAI_BASE_URL=fakes.openai.url,
        GEMINI_BASE_URL=fakes.gemini.url,
        ANTHROPIC_BASE_URL=fakes.anthropic.url,
    ) as server:
        yield server


@pytest.fixture(scope="module")
def shop(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A server with generations behind it, for the tests of a file; a file that needs more of it makes its own."""
    url = fresh_database()
    shop = Shop(url)
    shop.fill()
    with serving(tmp_path_factory.mktemp("shop"), DATABASE_URL=url) as shop.live:
        yield shop
    shop.close()


@pytest.fixture(scope="module")
def signed_in(shop: Shop, browser: Browser) -> Any:
    """The cookies of the shop's superadmin: signing in is another page's matter."""
    context = browser.new_context(base_url=shop.live.url)
    sign_in(context.new_page(), shop.live)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def window(shop: Shop, new_context: Callable[..., BrowserContext], signed_in: Any) -> Callable[..., Page]:
    """Makes a browser of the shop's superadmin: `window(viewport=…, color_scheme="dark")`."""

    def make(**options: Any) -> Page:
        return new_context(base_url=shop.live.url, storage_state=signed_in, **options).new_page()

    return make


@pytest.fixture
def admin(window: Callable[..., Page]) -> Page:
    """A page of the shop's superadmin."""
    return window()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: its driver runs an event loop in this thread, which asynchronous tests could not bear."""
    path = chromium.find()
    assert path, "no Chromium: run `make browser`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Windows:
    """Those of the tests of a file."""
    return Windows(browser)


@pytest.fixture
def new_context(browser: Browser, windows: Windows) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts (windows of a person's own), empty but for the cache of files.

    `own=True` for a test that leaves more behind than `Windows` takes away, a changed clock for one.
    """
    made: list[tuple[Key | None, BrowserContext]] = []

    def make(*, own: bool = False, **options: Any) -> BrowserContext:
        options = {"viewport": WIDE, **options}
        made.append((None, browser.new_context(**options)) if own else windows.take(options))
        return made[-1][1]

    yield make
    for key, context in made:
        if key is None:
            context.close()
        elif context in browser.contexts:
            windows.give_back(key, context)


@pytest.fixture
def anonymous(new_context: Callable[..., BrowserContext], live: Live) -> Page:
    """A page of nobody; `goto("/…")` leads to the sandbox server."""
    return new_context(base_url=live.url).new_page()


@pytest.fixture
def page(anonymous: Page, live: Live) -> Page:
    """A page whose person is signed in as the first superadmin, at the overview of the sandbox server."""
    sign_in(anonymous, live)
    return anonymous


def sign_in(page: Page, live: Live, email: str | None = None, password: str | None = None) -> None:
    """Signs in by the form, as a person does."""
    page.goto(f"{live.url}/login")
    page.get_by_label("E-mail").fill(email or live.email)
    page.get_by_label("Password", exact=True).fill(password or live.password)
    page.get_by_role("button", name="Sign in").click()
    ready(page)


def ready(page: Page) -> Page:
    """Waits until the page's socket is open and it can be used."""
    page.wait_for_function("window.did_handshake === true")
    return page


def settled(page: Page) -> Page:
    """Waits until the page can be used, no skeleton is left, and nothing on it has changed for a moment."""
    ready(page)
    page.wait_for_function(QUIET)
    return page


def visit(page: Page, path: str) -> Page:
    """Opens an address, and waits until its page is settled."""
    page.goto(path)
    return settled(page)


def serious(page: Page) -> list[str]:
    """What axe finds that stands in somebody's way, each with the place: everything, and in the dark the colours again.

    For a page that follows its browser's theme. It is looked at without motion: colours on their way are no colours.
    """
    page.emulate_media(reduced_motion="reduce")
    found = _axe(page, {})
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.body.classList.contains('body--dark')")
    found += [f"dark: {one}" for one in _axe(page, {"runOnly": ["color-contrast", "link-in-text-block"]})]
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    return found


def _axe(page: Page, options: dict[str, Any]) -> list[str]:
    page.wait_for_function(STILL)
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]


SERIOUS = ("serious", "critical")
STILL = "() => document.getAnimations().every(one => one.playState !== 'running' || one.effect?.getTiming().iterations === Infinity)"
QUIET = """() => new Promise(done => {
    const look = () => done(!document.querySelector(".pu-skeleton"));
    let calm = setTimeout(look, 250);
    new MutationObserver(() => { clearTimeout(calm); calm = setTimeout(look, 250); })
        .observe(document.body, { subtree: true, childList: true, characterData: true });
})"""
