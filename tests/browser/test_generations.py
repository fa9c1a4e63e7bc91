"""The Generations page in a browser, over rows of its own: found, filtered, paged, opened, and only to those who may."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import ready, serious, settled, sign_in
from tests.browser.looking import sideways
from tests.browser.shop import HOSTILE, Shop
from tests.server import serving


def open_list(page: Page, query: str = "") -> Page:
    page.goto(f"/generations{query}")
    ready(page)
    expect(page.locator(".pu-table tbody tr").first).to_be_visible()
    expect(page.locator(".pu-table .pu-skeleton")).to_have_count(0)  # the rows have come
    return settled(page)  # and the chart above them, which comes by itself


def ids_of(page: Page) -> list[str]:
    return page.locator(".pu-table tbody tr[data-link] .pu-rowlink").evaluate_all(
        "links => links.map(link => new URL(link.href).searchParams.get('sel'))"
    )


def pane_of(page: Page) -> Any:
    return page.get_by_role("complementary", name="Generation")


def choose(page: Page, menu: str, option: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{menu} ")).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_failed_generation_says_why_and_what_to_do(admin: Page, shop: Shop) -> None:
    open_list(admin)
    admin.get_by_role("link", name="claude-opus-5-5").click()
    pane = pane_of(admin)
    for said in (
        "Anthropic was overloaded.",
        "Two calls in 12.4 s failed, and the caller allowed no other provider.",
        "The vendor's, not the user's",
        "Retry with fallback",
        "529 overloaded",
        "after 1.1 s wait",
        "2 calls, 12.40 s of a 60 s deadline",
    ):
        expect(pane).to_contain_text(said)
    expect(admin).to_have_url(re.compile(f"sel={shop.failed}"))
    expect(pane.get_by_role("link", name="mara@northlight.example")).to_have_attribute(
        "href", f"/users/{shop.users['mara']}"
    )


def test_what_a_stranger_wrote_is_only_text(admin: Page, shop: Shop) -> None:
    open_list(admin, f"?sel={shop.failed}")
    expect(pane_of(admin)).to_contain_text(HOSTILE)
    assert pane_of(admin).locator("b[onmouseover], script").count() == 0
    assert "taken" not in admin.title()


def test_back_and_a_copied_address_restore_everything(admin: Page, shop: Shop) -> None:
    open_list(admin)
    choose(admin, "Status", "Failed")
    expect(admin).to_have_url(re.compile("status=failed"))
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(1)
    admin.get_by_role("link", name="claude-opus-5-5").click()
    expect(pane_of(admin)).to_be_visible()
    copied = admin.url

    admin.go_back()
    expect(pane_of(admin)).to_be_hidden()
    admin.go_back()
    expect(admin.get_by_role("button", name="Status any")).to_be_visible()
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(50)

    open_list(admin, copied.removeprefix(f"{shop.live.url}/generations"))
    expect(admin.get_by_role("button", name="Status Failed")).to_be_visible()
    expect(pane_of(admin)).to_contain_text("Anthropic was overloaded.")
    expect(admin.locator("tr.is-chosen")).to_have_count(1)


def test_pages_follow_on_and_a_new_filter_begins_at_the_first(admin: Page) -> None:
    open_list(admin)
    expect(admin.locator(".pu-table-foot")).to_contain_text(
        "1–50 of 71"
    )  # comes with the rows, or after them
    first = ids_of(admin)
    admin.get_by_role("link", name="Next page").click()
    expect(admin.locator(".pu-table-foot")).to_contain_text("51–71 of 71")
    second = ids_of(admin)
    assert (len(first), len(second), set(first) & set(second)) == (50, 21, set())
    assert "after=" in admin.url
    admin.get_by_role("link", name="Previous page").click()
    expect(admin.locator(".pu-table-foot")).to_contain_text("1–50 of 71")
    assert ids_of(admin) == first

    admin.get_by_role("link", name="Next page").click()
    expect(admin.locator(".pu-table-foot")).to_contain_text("51–71")
    choose(admin, "Status", "Completed")
    expect(admin.locator(".pu-table-foot")).to_contain_text("1–50 of 70")
    assert "after=" not in admin.url


def test_search_by_address_and_by_id(admin: Page, shop: Shop) -> None:
    open_list(admin)
    admin.keyboard.press("/")
    admin.keyboard.type("mara@")
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(1)
    assert "q=mara" in admin.url
    admin.get_by_label("Id or e-mail").fill(str(shop.failed))
    expect(admin).to_have_url(re.compile(f"q={shop.failed}"))
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(1)
    admin.get_by_label("Id or e-mail").fill("nobody@nowhere")
    expect(admin.get_by_text("Nothing found")).to_be_visible()
    admin.get_by_role("button", name="Clear filters").click()
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(50)
    expect(admin.get_by_label("Id or e-mail")).to_have_value("")


def test_brushing_over_the_chart_chooses_a_range(admin: Page) -> None:
    open_list(admin, "?range=1h")
    expect(admin.locator('[data-bars]:not([data-bars="1"])')).to_be_visible()  # the empty chart has one bar
    box = admin.locator("[data-bars]").bounding_box()
    assert box
    admin.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 30)
    admin.mouse.down()
    admin.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 30)
    admin.mouse.up()
    chip = admin.get_by_role("button", name="remove this filter")
    expect(chip).to_be_visible()
    expect(admin).to_have_url(re.compile("from=.*to="))
    expect(admin.locator(".pu-chart-band")).to_be_visible()
    chip.click()
    expect(admin.locator(".pu-chart-band")).to_have_count(0)
    expect(admin).not_to_have_url(re.compile("from="))


def test_a_range_without_a_mouse(admin: Page) -> None:
    open_list(admin)
    admin.get_by_role("button", name=re.compile("^Range ")).focus()
    admin.keyboard.press("Enter")
    admin.get_by_role("option", name="from … to …").focus()
    admin.keyboard.press("Enter")
    dialog = admin.get_by_role("dialog", name="Choose a range")
    dialog.get_by_label("From").fill("nonsense")
    dialog.get_by_role("button", name="Show").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("From").fill("2026-01-02 03:04")
    dialog.get_by_label("To").fill("2026-01-02 04:04")
    dialog.get_by_role("button", name="Show").click()
    expect(admin).to_have_url(re.compile(r"from=2026-01-02T03%3A04"))


@pytest.mark.parametrize(
    "query",
    [
        "?status=nonsense&provider=%00&cause=&traffic=x&range=99y&sort=1&after=no&before=no&sel=no",
        "?from=yesterday&to=tomorrow&zzz=1",
        "?from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z",
        "?q=%00%25%27&q=2",
        "?sel=00000000-0000-0000-0000-000000000000",
    ],
)
def test_an_address_that_means_nothing_does_no_harm(admin: Page, query: str) -> None:
    admin.goto(f"/generations{query}")
    ready(admin)
    expect(admin.get_by_role("heading", name="Generations", level=1)).to_be_visible()
    expect(admin.get_by_text("This could not be loaded")).to_have_count(0)


def test_a_generations_own_address_leads_to_the_list(admin: Page, shop: Shop) -> None:
    admin.goto(f"/generations/{shop.failed}")
    ready(admin)
    expect(pane_of(admin)).to_contain_text("Anthropic was overloaded.")
    admin.goto("/generations/nonsense")
    expect(admin).to_have_url(f"{shop.live.url}/generations")


def test_neighbours_and_closing(admin: Page, shop: Shop) -> None:
    open_list(admin, f"?sel={shop.failed}")
    admin.get_by_role("button", name="Next row").click()
    expect(pane_of(admin)).to_contain_text("sandbox-text, text")
    expect(admin).not_to_have_url(re.compile(str(shop.failed)))
    admin.get_by_role("button", name="Previous row").click()
    expect(pane_of(admin)).to_contain_text("claude-opus-5-5, text")
    admin.keyboard.press("Escape")
    expect(pane_of(admin)).to_be_hidden()
    expect(admin).not_to_have_url(re.compile("sel="))


def test_what_runs_changes_in_place_and_keeps_the_focus(admin: Page, shop: Shop) -> None:
    open_list(admin)
    link = admin.get_by_role("link", name="claude-opus-5-5")
    link.focus()
    made = shop.make(
        datetime.now(UTC), status="processing", provider=None, requested_provider="sandbox", latency_ms=None
    )
    row = admin.locator("tr[data-link]").first
    expect(row).to_contain_text("Processing")
    shop.run(
        "update generations set status = 'completed', provider = 'sandbox', latency_ms = 900 where id = %s",
        made,
    )
    shop.make(datetime.now(UTC) - timedelta(minutes=6))
    other = shop.make(datetime.now(UTC))
    expect(admin.locator(f"tr[data-link*='{made}']")).to_contain_text("Completed")
    expect(link).to_be_focused()
    shop.run("delete from generations where id in (%s, %s)", made, other)


def test_support_sees_all_rows_but_no_dollars_and_no_content(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(base_url=shop.live.url).new_page()
    sign_in(page, shop.live, shop.staff("support")[0])
    open_list(page, f"?sel={shop.failed}")
    expect(pane_of(page)).to_contain_text("Hidden: content is open to superadmins.")
    said = page.locator("body").inner_text()
    assert "$" not in said
    assert "her voice dry" not in said
    text = page.request.get("/generations.csv").text()
    assert "cost" not in text.splitlines()[0]


def test_a_tester_sees_only_their_own(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    email, tester = shop.staff("tester")
    own = shop.make(datetime.now(UTC), user_id=tester, traffic="test", model="own-model")
    page = new_context(base_url=shop.live.url).new_page()
    sign_in(page, shop.live, email)
    open_list(page)
    expect(page.locator(".pu-table tbody tr[data-link]")).to_have_count(1)
    assert ids_of(page) == [str(own)]
    expect(page.get_by_role("button", name="Traffic test, none live")).to_be_visible()
    page.goto(f"/generations?sel={shop.failed}&q={shop.failed}&traffic=all")
    ready(page)
    expect(pane_of(page)).to_contain_text("No such generation")
    assert "claude-opus" not in page.locator("body").inner_text()
    lines = page.request.get("/generations.csv?traffic=all&range=30d").text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(own)]


def test_the_list_as_a_file(admin: Page, shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    answer = admin.request.get("/generations.csv?status=failed")
    assert answer.headers["content-disposition"].startswith("attachment")
    head, *rows = answer.text().splitlines()
    assert head.startswith("id,created_at,status")
    assert [row.split(",")[0] for row in rows] == [str(shop.failed)]
    stranger = new_context(base_url=shop.live.url).new_page()
    assert "/login" in stranger.request.get("/generations.csv").url


def test_before_anything_was_generated(
    new_context: Callable[..., BrowserContext], fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    page = new_context().new_page()
    with serving(tmp_path, DATABASE_URL=fresh_database()) as empty:
        sign_in(page, empty)
        page.goto(f"{empty.url}/generations")
        ready(page)
        expect(page.get_by_text("No generations yet")).to_be_visible()
        expect(page.get_by_role("link", name="Run a sample")).to_have_attribute("href", "/playground")


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_serious_stands_in_anybodys_way(shop: Shop, window: Callable[..., Page], width: int) -> None:
    page = window(viewport={"width": width, "height": 900})
    for query in ("", f"?sel={shop.failed}", "?q=nobody"):
        page.goto(f"/generations{query}")
        settled(page)
        assert sideways(page) <= 0
        assert serious(page) == []
