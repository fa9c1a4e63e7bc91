"""The overview in a browser: what needs somebody, since when, and where to go; figures that lead to their rows."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import ready, settled, sign_in
from tests.browser.looking import sideways
from tests.browser.shop import Shop
from tests.fakes import FakeVendors
from tests.server import Live, serving


@pytest.fixture(scope="module")
def shop(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    url = fresh_database()
    shop = Shop(url)
    shop.fill()
    now = datetime.now(UTC)
    for number in range(3):
        shop.make(
            now - timedelta(minutes=3, seconds=number), status="failed", provider="openai", model="gpt-6.1-sol",
            error_class="content_blocked", error_code="content_blocked", credits=0, cost="0",
        )  # fmt: skip
    with serving(tmp_path_factory.mktemp("overview"), DATABASE_URL=url) as shop.live:
        yield shop
    shop.close()


Enter = Callable[..., Page]


@pytest.fixture
def enter(shop: Shop, new_context: Callable[..., BrowserContext]) -> Enter:
    """Opens the overview as somebody of a role."""

    def opened(role: str = "superadmin", **options: Any) -> Page:
        page = new_context(base_url=shop.live.url, **options).new_page()
        sign_in(page, shop.live, None if role == "superadmin" else shop.staff(role)[0])
        page.goto("/")
        return settled(page)

    return opened


def test_what_needs_somebody_comes_first_leads_there_and_goes_by_itself(
    vendor_live: Live, fakes: FakeVendors, anonymous: Page
) -> None:
    page = anonymous
    sign_in(page, vendor_live)
    needs = page.get_by_role("region", name="Needs attention")
    expect(needs).to_contain_text("All clear")
    expect(needs).to_contain_text(re.compile("checked .* ago"))
    expect(page).to_have_title("Overview · Purser")

    fakes.openai.fail("quota")
    page.get_by_role("button", name="Run a sample").click()

    first = needs.get_by_role("listitem").first
    expect(first).to_contain_text("Critical")
    expect(first).to_contain_text("OpenAI is down for text.")
    expect(first).to_contain_text("quota")
    expect(page).to_have_title(re.compile(r"^\(\d+\) Overview · Purser$"))
    first.get_by_role("link").click()
    expect(page.get_by_role("complementary")).to_contain_text("OpenAI")


def test_a_cause_of_failure_leads_to_its_rows(enter: Enter) -> None:
    page = enter()
    causes = page.get_by_role("region", name="Top causes of failure")
    expect(causes.get_by_role("listitem").first).to_contain_text("content_blocked")
    expect(causes.get_by_role("listitem").first).to_contain_text("3")

    causes.get_by_role("link", name="content_blocked").click()

    ready(page)
    expect(page).to_have_url(re.compile("status=failed&cause=content_blocked"))
    expect(page.locator(".pu-table tbody tr[data-link]")).to_have_count(3)


def test_all_failed_lead_to_all_of_them(enter: Enter) -> None:
    page = enter()

    page.get_by_role("link", name="All 4 failed").click()

    ready(page)
    expect(page.locator(".pu-table tbody tr[data-link]")).to_have_count(4)


def test_each_chart_has_a_name_and_a_table_of_the_same_numbers(enter: Enter) -> None:
    page = enter()
    for name in ("Spend per day of this month, in USD", "Generations of each hour by how they ended"):
        expect(page.get_by_role("img", name=name)).to_be_visible()
        assert page.get_by_role("table", name=name).get_by_role("row").count() > 20

    hours = page.get_by_role("table", name="Generations of each hour by how they ended")
    failed = [int(cell) for cell in hours.locator("tbody td:last-child").all_inner_texts()]
    assert sum(failed) == 4


def test_support_sees_how_things_go_and_no_money(enter: Enter) -> None:
    page = enter("support")

    expect(page.get_by_text("Success, 24 h")).to_be_visible()
    expect(page.get_by_role("region", name="Top causes of failure")).to_be_visible()
    assert "$" not in page.locator("main").inner_text()
    expect(page.get_by_text("Spend")).to_have_count(0)


def test_testers_see_their_own_runs_alone(enter: Enter) -> None:
    page = enter("tester")

    expect(page.get_by_text("No runs yet")).to_be_visible()
    page.get_by_role("button", name="Run a sample").click()

    expect(page.get_by_role("table", name="Your latest runs").locator("tbody tr")).to_have_count(1)
    for foreign in ("Success, 24 h", "Top causes of failure", "content_blocked"):
        expect(page.get_by_text(foreign)).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_full_overview_never_scrolls_sideways(enter: Enter, width: int) -> None:
    page = enter(viewport={"width": width, "height": 900})

    expect(page.get_by_role("region", name="Top causes of failure")).to_be_visible()
    assert sideways(page) <= 0
