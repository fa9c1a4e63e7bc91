"""Makes the README's pictures from the running product: `python -m tests.browser.screenshots`."""

import asyncio
import random
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from core.database import EmbeddedServer
from core.errors import PurserError
from core.vocabulary import Role
from tests.browser import chromium
from tests.browser.conftest import ready, settled, sign_in
from tests.fakes import FakeUsage, FakeVendors
from tests.server import serving
from tests.world import World, person, running, settings_for

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
PEOPLE = (
    "noah.fischer@brightside.example",
    "kim.sato@halcyon.example",
    "sofia.marin@fernweh.example",
    "lea.morel@studio-kite.example",
)
PROMPTS = (
    "Rewrite chapter 3 so that Ilse finds the letter before the storm.",
    "Write a 60-second script about why octopuses have three hearts.",
    "Name five characters who would not get along on a night train.",
)
ANSWER = (
    "What if your heart took a break every time you went for a swim? For an octopus, it does. It has three hearts, and each"
    " one has its own route.\n\nThe third runs the octopus. It stops when the animal swims. So swimming makes it tired, and"
    " it would rather walk.\n\nThree hearts, nine brains, eight arms. If you could borrow one of them for a day, which would"
    " you take?"
)


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="purser-pictures-") as name, FakeVendors() as fakes:
        folder = Path(name)
        folder.chmod(0o755)
        for vendor in fakes.all:
            vendor.answer_with(ANSWER, FakeUsage(input=184, output=142))
        server = EmbeddedServer(folder / "postgres")
        url = server.start()
        try:
            asyncio.run(_traffic(url, folder, fakes))
            with serving(folder, DATABASE_URL=url) as live, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.ARGUMENTS)
                page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1)
                sign_in(page, live)
                page.wait_for_timeout(5_000)  # the vendors' SDKs are loaded meanwhile
                _providers(page, live.url)
                _generations(page, live.url)
                _user(page, live.url)
                _playground(page, live.url, fakes)
                browser.close()
        finally:
            server.stop()


async def _traffic(url: str, folder: Path, fakes: FakeVendors) -> None:
    """A morning of requests; in the end one provider is overloaded."""
    dice = random.Random(7)
    async with running(settings_for(url, folder, fakes)) as world:
        users = [
            await person(world.purser, email, credits=dice.randint(80, 4000), role=Role.USER)
            for email in PEOPLE
        ]
        for number in range(9):
            for vendor in fakes.all:
                vendor.latency = dice.uniform(0.2, 1.4)
            await _ask(
                world,
                by=users[number % len(users)],
                prompt=PROMPTS[number % 3],
                provider=dice.choice([None, None, "gemini"]),
            )
        fakes.anthropic.fail("overloaded", times=4)
        await _ask(world, by=users[2], prompt=PROMPTS[0], model="claude-opus-5-5", provider="anthropic")
        fakes.openai.fail("rate_limit", times=1, retry_after_ms=900)
        await _ask(world, by=users[1], prompt=PROMPTS[1])
        fakes.openai.latency = 0.4
        await _ask(world, by=users[0], prompt=PROMPTS[2])
        fakes.anthropic.fail("overloaded", times=4)
        await _ask(world, by=users[-1], prompt=PROMPTS[1], provider="anthropic")


async def _ask(world: World, **order: object) -> None:
    try:
        await world.ask(**order)  # pyright: ignore[reportArgumentType] - fields of TextOrder
    except PurserError:
        return  # that is what the picture shows


def _providers(page: Page, base: str) -> None:
    page.goto(f"{base}/providers")
    ready(page)
    page.get_by_role("link", name="Anthropic").first.click()
    page.get_by_text("Breaker open since").wait_for()
    settled(page)
    page.screenshot(path=IMAGES / "providers.png")


def _generations(page: Page, base: str) -> None:
    page.goto(f"{base}/generations?range=1h")
    ready(page)
    page.get_by_role("row", name="overloaded").get_by_role("link").first.click()
    page.get_by_text("Whose fault").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "generations.png")


def _user(page: Page, base: str) -> None:
    page.goto(f"{base}/users?q={PEOPLE[2]}")
    settled(page)
    page.get_by_role("link", name=PEOPLE[2]).first.click()
    page.get_by_role("button", name="Adjust credits").wait_for()
    settled(page)
    page.screenshot(path=IMAGES / "user.png")


def _playground(page: Page, base: str, fakes: FakeVendors) -> None:
    models = ("openai/gpt-6.1-sol", "gemini/gemini-3.8-flash", "anthropic/claude-sonnet-5-5")
    query = "&".join(f"model={model}" for model in models)
    fakes.anthropic.clear()
    fakes.gemini.latency = fakes.openai.latency = fakes.anthropic.latency = 0.4
    page.goto(f"{base}/playground?{query}&prompt={PROMPTS[1]}&type=script")
    ready(page)
    page.get_by_role("button", name="Run").click()
    # Each column says so, and each line of the trace.
    page.wait_for_function("document.body.innerText.split('Completed').length > 6")
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "playground.png")


if __name__ == "__main__":
    main()
