"""From nothing to a first generation, its row and its money."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import ready, sign_in
from tests.browser.looking import squeezed
from tests.server import serving


def test_a_newcomer_runs_a_sample_and_sees_what_it_cost(
    new_context: Callable[..., BrowserContext], fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    with serving(tmp_path, DATABASE_URL=fresh_database()) as live:
        page = new_context(base_url=live.url).new_page()
        sign_in(page, live)
        expect(page.get_by_text("SANDBOX", exact=True)).to_be_visible()
        expect(page.get_by_text("0 of 5")).to_be_visible()

        page.get_by_role("button", name="Run a sample").click()

        expect(page.get_by_text("1 of 5")).to_be_visible()
        expect(page.get_by_role("heading", name="Your sample")).to_be_visible()
        assert squeezed(page) == []
        page.get_by_role("button", name="Open the row").click()
        page.wait_for_url("**/generations?sel=*")
        ready(page)
        pane = page.get_by_role("complementary")
        expect(pane.get_by_text("Completed", exact=False).first).to_be_visible()
        expect(pane.get_by_text("1 cr").first).to_be_visible()


def test_the_first_start_prints_the_address_and_a_one_time_password(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    with serving(tmp_path, DATABASE_URL=fresh_database(), ADMIN_EMAIL="", ADMIN_PASSWORD="") as live:
        said = live.said()

    assert f"ready at {live.url}" in said
    assert "admin@purser.local" in said
    assert "one-time password" in said
