"""The shell in a browser: tray, alerts, saved views, row heights, and what stands while something is away."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.ids import new_id
from core.queue.background import TASK
from tests.browser.conftest import ready, serious, settled, sign_in, visit
from tests.browser.looking import sideways
from tests.browser.palette import ask, palette_of
from tests.browser.shop import Shop
from tests.server import serving

NewContext = Callable[..., BrowserContext]
PHONE = {"width": 390, "height": 844}


def focused(page: Page) -> str:
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )


def admin_id(shop: Shop) -> UUID:
    return shop.run("select id from users where email = %s", shop.live.email)[0][0]


# The tray


def test_a_job_shows_in_every_window_of_its_person_gets_on_and_ends(
    shop: Shop, window: Callable[..., Page]
) -> None:
    first, second = window(), window()
    visit(first, "/")
    visit(second, "/generations")
    job = new_id()
    # As another process begins it; with a job in the queue, or it would be taken for one whose process died.
    shop.run(
        "insert into procrastinate_jobs (queue_name, task_name, args, scheduled_at) values ('default', %s,"
        " jsonb_build_object('job_id', %s::text), now() + interval '1 hour')",
        TASK, job,
    )  # fmt: skip
    shop.run(
        "insert into background_jobs (id, kind, title, state, message, done, total, href, actor_id)"
        " values (%s, 'stub', 'Count to ten', 'running', 'Three', 3, 10, '/generations?traffic=all', %s)",
        job, admin_id(shop),
    )  # fmt: skip
    shop.run(
        "insert into versions (topic, version) values ('jobs', 1) on conflict (topic) do update set version = versions.version + 1"
    )

    for page in (first, second):
        page.get_by_role("button", name="Jobs: 1 running").click()
        expect(page.get_by_role("progressbar", name="Count to ten")).to_have_attribute("aria-valuenow", "30")
    shop.run("update background_jobs set message = 'Nine', done = 9 where id = %s", job)
    expect(second.get_by_text("Nine", exact=True)).to_be_visible()
    first.goto("/providers")
    ready(first)
    expect(first.get_by_role("button", name="Jobs: 1 running")).to_be_visible()

    shop.run(
        "update background_jobs set state = 'done', message = 'Ten.', finished_at = now() where id = %s", job
    )

    for page in (first, second):
        expect(page.get_by_role("status").get_by_text("Count to ten: Ten.")).to_be_visible()
        expect(page.get_by_role("button", name="Jobs", exact=True)).to_be_visible()
    second.get_by_role("link", name="Open: Count to ten").click()
    second.wait_for_url("**/generations?traffic=all")


def test_demo_data_is_loaded_and_removed_from_the_page(
    new_context: NewContext, fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    with serving(tmp_path, DATABASE_URL=fresh_database()) as live:
        page = new_context(base_url=live.url).new_page()
        sign_in(page, live)
        page.get_by_role("button", name="Load demo data").click()
        expect(page.get_by_text("Demo data is being loaded")).to_be_visible()
        visit(page, "/providers")  # it goes on
        page.get_by_role("button", name=re.compile("^Jobs")).click()
        expect(
            page.get_by_text("200 users and 6,000 generations of 30 days, tagged demo.").first
        ).to_be_visible(timeout=60_000)
        page.get_by_role("link", name="Open: Load demo data").click()
        expect(page.locator(".pu-table tbody tr[data-link]")).to_have_count(50)

        ask(page, "remove demo").first.click()
        dialog = page.get_by_role("dialog", name="Remove demo data")
        remove = dialog.get_by_role("button", name="Remove demo data")
        expect(remove).to_be_disabled()
        dialog.get_by_label("Type demo data to confirm").fill("demo data")
        remove.click()

        page.get_by_role("button", name=re.compile("^Jobs")).click()
        expect(page.get_by_text("200 demo users and all that was theirs are gone.").first).to_be_visible(
            timeout=60_000
        )
        visit(page, "/generations")
        expect(page.get_by_text("No generations yet")).to_be_visible()


# The alerts


def test_trouble_shows_at_the_bell_and_in_the_sidebar_and_goes_away_with_it(admin: Page, shop: Shop) -> None:
    visit(admin, "/generations")
    bell = admin.get_by_role("button", name=re.compile("^Alerts"))
    expect(bell).to_have_accessible_name("Alerts")
    provider = shop.run("select id from providers limit 1")[0][0]
    bump = "insert into versions (topic, version) values ('breakers', 1) on conflict (topic) do update set version = versions.version + 1"

    shop.run(
        "insert into breakers (provider_id, modality, state, failures, openings, error_class, reason, opened_at, open_until)"
        " values (%s, 'text', 'open', 5, 1, 'overloaded', '5 of 5 failures', now(), now() + interval '1 hour')", provider,
    )  # fmt: skip
    shop.run(bump)

    expect(bell).to_have_accessible_name(re.compile("1 needs attention"))
    providers = admin.get_by_role("navigation", name="Pages").get_by_role("link", name="Providers")
    expect(providers.get_by_role("img", name="Down")).to_be_visible()
    bell.click()
    alert = admin.get_by_role("dialog", name="Alerts").get_by_role("link")
    expect(alert).to_contain_text("Critical")
    expect(alert).to_have_attribute("href", re.compile(f"/providers.sel={provider}"))
    admin.keyboard.press("Escape")
    expect(bell).to_be_focused()

    shop.run("update breakers set state = 'closed', open_until = null where provider_id = %s", provider)
    shop.run(bump)
    expect(bell).to_have_accessible_name("Alerts")
    expect(providers.get_by_role("img")).to_have_count(0)


# Saved views and row heights


def test_a_view_is_saved_chosen_replaced_deleted_and_put_back(admin: Page, shop: Shop) -> None:
    visit(admin, f"/generations?status=failed&sel={shop.failed}")
    button = admin.get_by_role("button", name="Saved views")

    def save(name: str, verb: str) -> None:
        button.click()
        admin.get_by_role("menuitem", name="Save this view…").click()
        dialog = admin.get_by_role("dialog", name="Save this view")
        dialog.get_by_label("Name").fill(name)
        expect(dialog.get_by_role("button", name=verb)).to_be_visible()
        admin.keyboard.press("Enter")
        expect(dialog).to_be_hidden()

    save("Failed", "Save")
    visit(admin, "/generations")
    expect(admin.locator("tr[data-link]")).to_have_count(50)
    button.click()
    admin.get_by_role("menuitem", name="Failed", exact=True).click()
    expect(admin).to_have_url(re.compile(r"/generations\?status=failed$"))
    expect(admin.locator("tr[data-link]")).to_have_count(1)

    visit(admin, "/generations?status=failed&range=7d")
    save("Failed", "Replace")
    button.click()
    view = admin.get_by_role("menuitem", name="Failed", exact=True)
    expect(view).to_have_attribute("href", re.compile("range=7d"))
    admin.get_by_role("menuitem", name="Delete the view Failed").click()
    expect(admin.get_by_text("View “Failed” deleted")).to_be_visible()
    assert shop.run("select count(*) from saved_views") == [(0,)]
    admin.get_by_role("button", name="Undo").last.click()
    button.click()
    expect(view).to_be_visible()


def test_a_view_is_for_its_person_alone(shop: Shop, new_context: NewContext) -> None:
    shop.run(
        "insert into saved_views (id, user_id, page, name, query) values (%s, %s, 'generations', 'Secret', 'q=x')",
        new_id(), admin_id(shop),
    )  # fmt: skip
    page = new_context(base_url=shop.live.url).new_page()
    sign_in(page, shop.live, shop.staff("support")[0])
    visit(page, "/generations")

    page.get_by_role("button", name="Saved views").click()

    expect(page.get_by_role("menuitem", name="All generations")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Secret")).to_have_count(0)


def test_row_heights_are_remembered_and_right_at_the_first_paint(admin: Page, shop: Shop) -> None:
    def height(of: Page = admin) -> int:
        return round(
            of.locator("tbody tr[data-link]").first.evaluate("row => row.getBoundingClientRect().height")
        )

    visit(admin, "/generations")
    assert height() == 48
    admin.get_by_role("button", name="Row height").click()
    admin.get_by_role("option", name="Normal").click()
    expect(admin.locator(".pu-app")).to_have_attribute("data-rows", "40")
    assert height() == 40
    admin.get_by_role("button", name="Row height").click()
    expect(admin.get_by_role("option", name="Normal")).to_have_attribute("aria-selected", "true")
    admin.get_by_role("option", name="Compact").click()
    assert height() == 40  # two lines need that

    assert '"data-rows":"32"' in admin.request.get("/generations").text().replace(" ", "").replace(
        "&quot;", '"'
    )
    shop.run(
        "with a as (insert into credit_accounts (id, user_id) values (%s, %s) returning id)"
        " select ledger_post(a.id, %s, 'grant', 50, null, 'welcome', null, null, 'system', null, null, null, null) from a",
        new_id(), shop.users["noah"], new_id(),
    ) if not shop.run("select 1 from credit_accounts where user_id = %s", shop.users["noah"]) else None  # fmt: skip
    visit(admin, f"/users/{shop.users['noah']}?tab=ledger")
    row = admin.locator(".pu-ledger tbody tr").first
    assert round(row.evaluate("row => row.getBoundingClientRect().height")) == 32


# What holds for all of it


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_nothing_serious_stands_in_anybodys_way(shop: Shop, window: Callable[..., Page], size: Any) -> None:
    page = window(viewport=size)
    faults: dict[str, list[str]] = {}

    def look(what: str) -> None:
        assert sideways(page) <= 0, what
        faults[what] = serious(page)

    for path in (
        f"/users/{shop.users['noah']}",
        f"/users/{shop.users['noah']}?tab=ledger",
        "/users/nobody",
        "/password",
    ):
        visit(page, path)
        look(path)
    visit(page, "/generations")
    ask(page, "mara")
    look("the palette")
    page.keyboard.press("Escape")
    drops: tuple[tuple[str, Literal["dialog", "menu"]], ...] = (("Alerts", "dialog"), ("Saved views", "menu"))
    for name, role in drops:
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.get_by_role(role, name=name)).to_be_visible()
        settled(page).wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")
        look(name)
        page.keyboard.press("Escape")
        expect(page.locator(".q-menu")).to_have_count(0)
    page.keyboard.press("?")
    look("the sheet of keys")

    assert {what: found for what, found in faults.items() if found} == {}


def test_every_control_of_the_header_has_a_name_and_is_large_enough(window: Callable[..., Page]) -> None:
    for size, least in (({"width": 1440, "height": 900}, 24), (PHONE, 44)):
        page = visit(window(viewport=size), "/generations")
        controls = page.locator(".pu-head :is(a, button):visible")
        assert controls.count() >= 4
        for control in controls.all():
            box = control.bounding_box()
            assert box
            said = control.get_attribute("aria-label") or control.inner_text()
            assert said.strip()
            assert min(box["width"], box["height"]) >= least, said


def test_each_stop_in_the_header_shows_where_the_focus_is(admin: Page) -> None:
    visit(admin, "/generations")
    admin.get_by_role("button", name="Pages").focus()
    seen: list[str] = []
    for _ in range(5):
        admin.keyboard.press("Tab")
        ring = admin.evaluate(
            "(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))"
        )
        seen.append(focused(admin))
        assert ring == ["solid", "2px"], seen

    assert [name.split(":")[0] for name in seen] == ["Search", "Jobs", "Alerts", "Theme", "Account"]


def test_the_pages_of_passwords_tell_the_eye_and_the_fault(admin: Page) -> None:
    admin.goto("/password?failed=unlike")

    expect(admin.get_by_role("alert")).to_have_text("The two new passwords differ.")
    field = admin.get_by_label("Current password")
    expect(field).to_have_attribute("aria-describedby", "password-error")
    field.fill("look at me")
    admin.get_by_role("button", name="Show the password").first.click()
    expect(field).to_have_attribute("type", "text")


def test_an_address_that_names_no_page_says_so(admin: Page) -> None:
    answer = admin.goto("/nonsense/here")

    assert answer
    assert answer.status == 404
    expect(admin.get_by_text("No such page")).to_be_visible()
    assert admin.title() == "Not found · Purser"
    admin.get_by_role("link", name="Overview").click()
    expect(admin.get_by_role("heading", name="Overview", level=1)).to_be_visible()


# While something is away


def test_while_the_database_is_away_older_data_stays_and_says_how_old_it_is(
    new_context: NewContext, fresh_database: Callable[[], str], server_url: str, tmp_path: Path
) -> None:
    url = fresh_database()
    rows = Shop(url)
    rows.fill()
    name = rows.run("select current_database()")[0][0]
    rows.close()
    with serving(tmp_path, DATABASE_URL=url) as live, psycopg.connect(server_url, autocommit=True) as server:
        page = new_context(base_url=live.url).new_page()
        sign_in(page, live)
        visit(page, "/generations")
        providers = visit(page.context.new_page(), f"{live.url}/providers")

        server.execute(f"alter database {name} with allow_connections false".encode())
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))

        for window in (page, providers):
            expect(window.get_by_text(re.compile(r"old\. The database does not answer"))).to_be_visible(
                timeout=45_000
            )
        expect(page.locator("tr[data-link]")).to_have_count(50)
        expect(page.get_by_role("button", name=re.compile("^Alerts: 1 needs"))).to_be_visible()
        fresh = page.context.new_page()
        answer = fresh.goto(f"{live.url}/generations", timeout=30_000)
        assert answer
        assert answer.status == 503
        expect(fresh.get_by_role("alert")).to_contain_text("The database does not answer.")

        server.execute(f"alter database {name} with allow_connections true".encode())
        for window in (page, providers):
            expect(window.get_by_text("The database does not answer")).to_have_count(0, timeout=45_000)
        fresh.get_by_role("link", name="Retry").click()
        expect(fresh.locator("tr[data-link]")).to_have_count(50, timeout=30_000)


def test_without_a_server_the_page_says_so_and_nothing_can_be_changed(
    new_context: NewContext, fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    page = new_context().new_page()
    with serving(tmp_path, DATABASE_URL=fresh_database()) as live:
        sign_in(page, live)
        settled(page)

    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible(timeout=15_000)
    sample = page.get_by_role("button", name="Run a sample")
    sample.click()
    expect(sample).not_to_have_attribute("aria-busy", "true")
    page.keyboard.press("Control+k")
    expect(palette_of(page).get_by_role("alert")).to_contain_text("Purser does not answer")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Alerts")).click()
    expect(page.get_by_role("dialog", name="Alerts")).to_be_visible()
