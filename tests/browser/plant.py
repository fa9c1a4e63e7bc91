"""A running Purser with three fake vendors, for the tests of the page Providers: its server, its database, its people."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from playwright.sync_api import BrowserContext, Locator, Page, expect

from core.ids import new_id
from tests.browser.conftest import ready, sign_in
from tests.fakes import FakeVendors
from tests.server import Live, serving

NewContext = Callable[..., BrowserContext]

BUMP = "update versions set version = version + 1"
"""Tells every process that rows were changed behind its back."""


class Plant:
    """`plant.open(context)` gives a signed-in page; `plant.ask()` makes a request as a product would."""

    def __init__(self, live: Live, database_url: str) -> None:
        self.live = live
        self.connection = psycopg.connect(database_url, autocommit=True)
        self._people: dict[str, Any] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self.connection.close()

    def run(self, sql: str, *parameters: Any) -> list[Any]:
        """One statement; its rows, if it has any."""
        with self._lock:
            cursor = self.connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def change(self, sql: str, *parameters: Any) -> None:
        """A statement behind Purser's back, and the word that something has changed."""
        self.run(sql, *parameters)
        self.run(BUMP)

    def id_of(self, slug: str) -> str:
        return str(self.run("select id from providers where slug = %s", slug)[0][0])

    def page(
        self, new_context: NewContext, path: str = "/providers", role: str = "superadmin", **options: Any
    ) -> Page:
        """A window of its own, signed in as a person of that role."""
        context = new_context(base_url=self.live.url, **options)
        page = context.new_page()
        if role not in self._people:
            sign_in(page, self.live, self._person(role))
            self._people[role] = context.storage_state()
        context.add_cookies(self._people[role]["cookies"])
        page.goto(path)
        return ready(page)

    def ask(self, **order: Any) -> httpx.Response:
        """One text, with the superadmin's session, as an order of the API."""
        if "superadmin" not in self._people:
            raise AssertionError("somebody has to be signed in first")
        cookies = {one["name"]: one["value"] for one in self._people["superadmin"]["cookies"]}
        headers = {"Sec-Fetch-Site": "same-origin"}  # as a page of Purser would be told by its browser
        body = {"prompt": "Say hello", "allowFallback": True, **order}
        return httpx.post(
            f"{self.live.url}/api/ai/generate-text", json=body, cookies=cookies, headers=headers, timeout=60
        )

    def ask_many(self, count: int, **order: Any) -> list[httpx.Response]:
        """So many at once."""
        with ThreadPoolExecutor(count) as pool:
            return [one.result() for one in [pool.submit(self.ask, **order) for _ in range(count)]]

    def _person(self, role: str) -> str:
        """A colleague with the superadmin's own password."""
        if role == "superadmin":
            return self.live.email
        email = f"{role}@staff.example"
        self.run(
            "insert into users (id, email, role, password_hash) select %s, %s, %s, password_hash from users where email = %s",
            new_id(), email, role, self.live.email,
        )  # fmt: skip
        return email


def tab_to(page: Page, target: Locator, limit: int = 150) -> Locator:
    """Presses Tab until `target` has the focus, as somebody without a mouse does."""
    target.wait_for()
    for _ in range(limit):
        if has_focus(target):
            return target
        page.keyboard.press("Tab")
    raise AssertionError("it cannot be reached by the keyboard")


def press(page: Page, target: Locator) -> None:
    """Reaches `target` by Tab, and presses Enter."""
    tab_to(page, target)
    page.keyboard.press("Enter")


def has_focus(target: Locator) -> bool:
    return target.evaluate(
        "element => element === document.activeElement || element.contains(document.activeElement)"
    )


def pane_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Provider")


def row_of(page: Page, name: str) -> Locator:
    return page.locator(".pu-table tbody tr", has=page.get_by_role("link", name=name))


def order_of(page: Page, modality: str = "text") -> Locator:
    """The names in the fallback order."""
    listed = page.get_by_role("list", name=f"Order in {modality}", exact=True)
    return listed.locator(".pu-sortable-name > span")


@contextmanager
def planted(data_dir: Path, database_url: str, fakes: FakeVendors, **environment: str) -> Iterator[Plant]:
    """A server with OpenAI, Gemini and Anthropic configured, all of them the fakes."""
    with serving(
        data_dir,
        DATABASE_URL=database_url,
        OPENAI_API_KEY="sk-test-openai-1234",
        GOOGLE_AI_API_KEY="AIzaTestGemini5678",
        ANTHROPIC_API_KEY="sk-ant-test-9012",
        OPENAI_BASE_URL=fakes.openai.url,
        GEMINI_BASE_URL=fakes.gemini.url,
        ANTHROPIC_BASE_URL=fakes.anthropic.url,
        RATE_GENERATION="1000/m",
        **environment,
    ) as live:
        plant = Plant(live, database_url)
        yield plant
        plant.close()


def fresh_desk(plant: Plant, new_context: NewContext) -> Page:
    """A superadmin at the page, with providers, order and breakers as they were configured."""
    plant.run("delete from providers where slug not in ('openai', 'gemini', 'anthropic', 'sandbox')")
    for rank, slug in enumerate(("openai", "gemini", "anthropic"), 1):
        plant.run(
            "update providers set ranks = jsonb_build_object('text', %s::int) where slug = %s", rank, slug
        )
    plant.change("delete from breakers")
    page = plant.page(new_context)
    expect(order_of(page)).to_have_text(["OpenAI", "Google Gemini", "Anthropic"])
    return page


def choose(page: Page, provider: str, item: str, *, chosen: bool = False) -> None:
    """An action of a provider's menu."""
    if not chosen:
        page.get_by_role("link", name=provider).click()
    page.get_by_role("button", name=f"More about {provider}").click()
    page.get_by_role("menuitem", name=item).click()
