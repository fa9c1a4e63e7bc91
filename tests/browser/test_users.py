"""Users and the user page in a browser: a ticket resolved by keyboard alone, a list that keeps its place, credits and keys."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from core.ids import new_id
from tests.browser.conftest import ready, serious, settled, sign_in, visit
from tests.browser.looking import sideways
from tests.browser.plant import has_focus, tab_to
from tests.browser.shop import Shop
from tests.server import serving

NewContext = Callable[..., BrowserContext]
MANY = 60


@pytest.fixture(scope="module")
def shop(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    url = fresh_database()
    shop = Shop(url)
    shop.fill()
    for number in range(MANY):
        add_person(shop, f"person{number:02}@many.example", name=f"Person {number:02}", balance=number)
    with serving(tmp_path_factory.mktemp("users"), DATABASE_URL=url) as shop.live:
        shop.run(
            "update users set plan_id = 'creator', name = 'Mara Lindqvist' where id = %s", shop.users["mara"]
        )
        shop.run("update users set plan_id = 'free' where email like '%%@many.example'")
        charge(shop)
        yield shop
    shop.close()


def test_my_user_says_the_feature_is_missing_is_answered_and_mended_by_keyboard_alone(
    admin: Page, shop: Shop
) -> None:
    visit(admin, "/generations")
    admin.keyboard.press("/")
    admin.keyboard.press("Control+k")
    admin.keyboard.type("mara@northlight.example")
    admin.keyboard.press("Enter")
    admin.wait_for_url(f"**/users/{shop.users['mara']}")
    ready(admin)

    tab_to(admin, admin.get_by_role("tab", name="Activity"))
    for _ in range(3):
        admin.keyboard.press("ArrowRight")
    expect(admin.get_by_role("tab", name="Features")).to_have_attribute("aria-selected", "true")
    tab_to(admin, admin.get_by_label("Why may this user, or may not, use a feature?"))
    admin.keyboard.type("voice_over")
    admin.keyboard.press("Enter")
    answer = admin.get_by_role("status").filter(has_text="There is no feature")
    expect(answer).to_contain_text("Did you mean")
    tab_to(admin, admin.get_by_role("button", name="Ask about voice-over"))
    admin.keyboard.press("Enter")

    chain = admin.get_by_role("list", name="The decision, step by step")
    expect(chain).to_contain_text("Feature on plan failed Creator")
    expect(admin).to_have_url(re.compile("feature=voice-over"))
    tab_to(admin, admin.get_by_role("button", name="Allow for this user…"))
    admin.keyboard.press("Enter")
    dialog = admin.get_by_role("dialog", name="Add override")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    admin.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("reason")
    admin.keyboard.type("Promised in ticket 4711")
    admin.keyboard.press("Enter")

    expect(dialog).to_have_count(0)
    expect(said(admin, "Voice-over is allowed for mara@northlight.example")).to_be_visible()
    expect(chain).to_contain_text("Override allows")
    expect(row(admin, "Features", "voice-over")).to_contain_text("Allowed")
    written = shop.run(
        "select actor_label, reason from audit where action = 'override.add' and subject_id = %s",
        str(shop.users["mara"]),
    )
    assert written == [(shop.live.email, "Promised in ticket 4711")]


def test_the_list_sorts_pages_filters_and_its_address_and_back_restore_everything(
    admin: Page, shop: Shop
) -> None:
    visit(admin, "/users?sort=balance")
    foot = admin.locator(".pu-table-foot")
    expect(foot).to_contain_text(re.compile(r"1–50 of \d+"))
    head = admin.get_by_role("columnheader", name="Balance")
    expect(head).to_have_attribute("aria-sort", "descending")
    first = emails_of(admin)
    assert len(first) == 50

    admin.get_by_role("link", name="Next page").click()
    expect(foot).to_contain_text("51–")
    assert set(emails_of(admin)).isdisjoint(first)
    button = head.get_by_role("button")
    button.focus()
    admin.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(foot).to_contain_text("1–50")
    assert has_focus(button)
    assert "after=" not in admin.url

    admin.get_by_role("button", name=re.compile("^Plan ")).click()
    admin.get_by_role("option", name="Free", exact=True).click()
    expect(foot).to_contain_text(f"1–50 of {MANY}")
    admin.get_by_role("link", name="Next page").click()
    expect(foot).to_contain_text(f"51–{MANY} of {MANY}")
    copied, shown = admin.url, emails_of(admin)
    admin.go_back()
    expect(foot).to_contain_text(f"1–50 of {MANY}")
    admin.go_back()
    expect(admin.get_by_role("button", name="Plan any")).to_be_visible()

    visit(admin, copied.removeprefix(shop.live.url))
    expect(foot).to_contain_text(f"51–{MANY} of {MANY}")
    assert emails_of(admin) == shown
    expect(admin.get_by_role("button", name="Plan Free")).to_be_visible()


def test_people_are_found_by_a_word_of_their_name_in_the_list_and_in_the_palette(
    admin: Page, shop: Shop
) -> None:
    visit(admin, "/users")
    admin.keyboard.press("/")
    admin.keyboard.type("lindq")
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(1)
    expect(admin).to_have_url(re.compile("q=lindq"))
    admin.get_by_label("E-mail, name or id").fill("nobody-of-this-name")
    expect(admin.get_by_text("Nothing found")).to_be_visible()
    admin.get_by_role("button", name="Clear filters").click()
    expect(admin.locator(".pu-table tbody tr[data-link]")).to_have_count(50)

    admin.keyboard.press("Control+k")
    admin.keyboard.type("lindqvist")
    palette = admin.get_by_role("dialog", name="Search")
    expect(palette.get_by_role("option").first).to_contain_text("mara@northlight.example")
    expect(palette.get_by_role("option", name=re.compile("^Users, filtered"))).to_have_attribute(
        "href", "/users?q=lindqvist"
    )
    expect(palette.get_by_role("option", name=re.compile("^Copy support summary"))).to_be_visible()
    admin.keyboard.press("Escape")
    admin.keyboard.press("Escape")
    visit(admin, "/")
    admin.keyboard.press("g")
    admin.keyboard.press("u")
    admin.wait_for_url("**/users")


def test_ticked_rows_are_named_kept_over_pages_and_exported(admin: Page, shop: Shop) -> None:
    visit(admin, "/users?sort=email&plan=free")
    box = admin.get_by_role("checkbox", name="Choose person03@many.example")
    box.focus()
    admin.keyboard.press("Space")
    chosen = admin.get_by_role("region", name="Chosen users")
    expect(chosen).to_contain_text("1 chosen")
    assert has_focus(box)
    admin.get_by_role("link", name="Next page").click()
    expect(admin.locator(".pu-table-foot")).to_contain_text("51–")
    admin.get_by_role("checkbox", name="Choose person55@many.example").check()
    expect(chosen).to_contain_text("2 chosen")

    file = admin.request.get(chosen.get_by_role("link", name="Export as CSV").get_attribute("href") or "")
    rows = [line.split(",")[1] for line in file.text().splitlines()[1:]]
    assert sorted(rows) == ["person03@many.example", "person55@many.example"]
    chosen.get_by_role("button", name="Grant credits…").click()
    lines = admin.get_by_role("dialog", name="Grant in bulk").get_by_label("Lines")
    expect(lines).to_have_value("person03@many.example,\nperson55@many.example,")
    admin.keyboard.press("Escape")
    chosen.get_by_role("button", name="Choose nobody").click()
    expect(chosen).to_be_hidden()


def test_adding_a_user_opens_their_page_and_an_address_that_is_taken_is_said_in_the_dialog(
    admin: Page,
) -> None:
    visit(admin, "/users?add=1")
    dialog = admin.get_by_role("dialog", name="Add user")
    dialog.get_by_label("E-mail").fill("mara@northlight.example")
    dialog.get_by_role("button", name="Add user").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is a user with this e-mail address already.")
    dialog.get_by_label("E-mail").fill("new.one@northlight.example")
    dialog.get_by_role("checkbox", name="Make an API key at once").click()
    dialog.get_by_role("button", name="Add user").click()

    shown = admin.get_by_role("dialog", name="new.one@northlight.example is added")
    expect(shown).to_contain_text(re.compile(r"psr_u_\S{32}"))
    secret = shown.locator(".pu-secret").inner_text()
    shown.get_by_role("button", name="Close", exact=True).last.click()
    expect(shown).to_have_count(0)
    admin.get_by_label("E-mail, name or id").fill("new.one@")
    admin.get_by_role("link", name="new.one@northlight.example").click()
    admin.wait_for_url("**/users/*")
    settled(admin)
    for tab in ("Keys & sessions", "Activity", "Audit"):
        admin.get_by_role("tab", name=tab).click()
        settled(admin)
        assert secret not in admin.content()
    key = admin.request.get("/api/credits", headers={"Authorization": f"Bearer {secret}"})
    assert key.json()["balance"] == 50


def test_adjusting_needs_a_reason_shows_before_and_after_and_changes_the_page_in_place(
    admin: Page, shop: Shop
) -> None:
    mara = shop.users["mara"]
    visit(admin, f"/users/{mara}?tab=ledger")
    strip = admin.locator(".pu-user-strip")
    before = balance_of(shop, mara)
    opener = admin.get_by_role("button", name="Adjust credits…")
    opener.click()
    dialog = admin.get_by_role("dialog", name="Adjust credits")
    dialog.get_by_label("Amount").fill("120")
    expect(dialog).to_contain_text(f"{before + 120:,}")
    dialog.get_by_role("button", name="Add 120 cr").click()
    expect(dialog.get_by_role("alert")).to_contain_text("reason")
    dialog.get_by_label("Reason code").click()
    admin.get_by_role("option").first.click()
    dialog.get_by_role("button", name="Add 120 cr").click()

    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    expect(strip).to_contain_text(f"{before + 120:,} cr")
    expect(admin.locator(".pu-user-ledger tbody tr").first).to_contain_text("+120 cr")
    expect(admin.locator(".pu-proof")).to_contain_text("ledger = balance, as of")


def test_a_double_click_on_refund_makes_one_entry_and_what_was_used_stays_used(
    admin: Page, shop: Shop
) -> None:
    mara = shop.users["mara"]
    visit(admin, f"/users/{mara}?tab=ledger")
    before, entries = balance_of(shop, mara), entries_of(shop, mara)
    used = admin.locator(".pu-user-strip .is-use")
    said_before = used.inner_text()

    admin.get_by_role("button", name=re.compile("^Refund 40 cr of")).click()
    dialog = admin.get_by_role("dialog", name="Refund")
    dialog.get_by_label("Reason code").click()
    admin.get_by_role("option").first.click()
    dialog.get_by_role("button", name="Refund 40 cr").dblclick()

    expect(dialog).to_have_count(0)
    expect(admin.locator(".pu-user-ledger tbody tr").first).to_contain_text("+40 cr")
    assert (balance_of(shop, mara), entries_of(shop, mara)) == (before + 40, entries + 1)
    assert used.inner_text() == said_before
    expect(admin.locator(".pu-day")).to_contain_text("1 refund, 40 cr")


def test_the_page_follows_what_happens_and_keeps_the_focus(admin: Page, shop: Shop) -> None:
    noah = shop.users["noah"]
    visit(admin, f"/users/{noah}?tab=generations")
    tab = admin.get_by_role("tab", name="Generations")
    tab.focus()
    made = shop.make(datetime.now(UTC), model="the-newest-model")
    expect(admin.get_by_text("the-newest-model")).to_be_visible()
    expect(tab).to_be_focused()
    shop.run("delete from generations where id = %s", made)


def test_a_copied_address_of_a_user_restores_tab_and_page_and_back_goes_through_them(
    admin: Page, shop: Shop
) -> None:
    noah = shop.users["noah"]
    visit(admin, f"/users/{noah}")
    admin.get_by_role("tab", name="Generations").click()
    foot = admin.locator("[role=tabpanel]:visible .pu-table-foot")
    expect(foot).to_contain_text("1–25 of 70")
    admin.get_by_role("link", name="Next page").click()
    expect(foot).to_contain_text("26–50 of 70")
    copied = admin.url
    admin.go_back()
    expect(foot).to_contain_text("1–25 of 70")
    admin.go_back()
    expect(admin.get_by_role("tab", name="Activity")).to_have_attribute("aria-selected", "true")

    visit(admin, copied.removeprefix(shop.live.url))
    expect(admin.get_by_role("tab", name="Generations")).to_have_attribute("aria-selected", "true")
    expect(foot).to_contain_text("26–50 of 70")


def test_the_day_has_a_label_and_a_table_behind_it(admin: Page, shop: Shop) -> None:
    visit(admin, f"/users/{shop.users['mara']}")
    picture = admin.get_by_role("img", name=re.compile("^The last 24 hours: .*1 failed"))
    expect(picture).to_be_visible()
    table = admin.get_by_role("table", name="What happened in the last 24 hours")
    expect(table.get_by_role("row").filter(has_text="overloaded")).to_have_count(1)


def test_the_summary_is_copied_as_plain_text(shop: Shop, window: Callable[..., Page]) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"])
    visit(page, f"/users/{shop.users['mara']}")
    page.get_by_role("button", name="Copy support summary").click()
    expect(said(page, "Support summary copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert "User: mara@northlight.example" in text
    assert f"generation {shop.failed}" in text


def test_support_is_told_what_it_may_not_and_a_suspension_shows_at_once(
    shop: Shop, new_context: NewContext
) -> None:
    page = new_context(base_url=shop.live.url).new_page()
    sign_in(page, shop.live, shop.staff("support")[0])
    user = add_person(shop, "to-suspend@many.example", name="", balance=0)
    visit(page, f"/users/{user}?tab=overrides")
    expect(page.get_by_role("button", name="Set a price…")).to_be_disabled()
    choose(page, "Set role…")
    expect(page.get_by_role("dialog", name="Not with your role")).to_contain_text(
        "Roles are set by superadmins. Your role is support; a superadmin can change it."
    )
    page.keyboard.press("Escape")
    expect(page.locator(".q-dialog__backdrop")).to_have_count(0)

    choose(page, "Suspend…")
    dialog = page.get_by_role("dialog", name="Suspend to-suspend@many.example?")
    dialog.get_by_label("Reason").fill("Chargeback")
    dialog.get_by_role("button", name="Suspend", exact=True).click()
    expect(page.locator(".pu-user-chips")).to_contain_text("Suspended")
    assert "$" not in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_serious_stands_in_anybodys_way(shop: Shop, window: Callable[..., Page], width: int) -> None:
    page = window(viewport={"width": width, "height": 900})
    mara = f"/users/{shop.users['mara']}"
    paths = ("/users", "/users?q=nobody-at-all", mara, *(f"{mara}?tab={tab}" for tab in TABS))
    faults: dict[str, list[str]] = {}
    for path in paths:
        visit(page, path)
        assert sideways(page) <= 0, path
        faults[path] = serious(page) if width != 1024 else []
    assert {path: found for path, found in faults.items() if found} == {}


TABS = (
    "ledger",
    "generations",
    "features&feature=voice-over",
    "overrides",
    "keys",
    "projects",
    "audit",
    "api",
)


def choose(page: Page, item: str) -> None:
    page.get_by_role("button", name=re.compile("^More about")).click()
    page.get_by_role("menuitem", name=item).click()


def said(page: Page, text: str) -> Locator:
    """A toast."""
    return page.get_by_role("status").filter(has=page.locator(".pu-toast", has_text=text))


def row(page: Page, table: str, text: str) -> Locator:
    return page.get_by_role("table", name=table).get_by_role("row").filter(has_text=text)


def emails_of(page: Page) -> list[str]:
    return page.locator(".pu-users tbody .pu-rowlink .pu-line:first-child").all_inner_texts()


def add_person(shop: Shop, email: str, *, name: str, balance: int) -> UUID:
    identifier = new_id()
    shop.run("insert into users (id, email, name, role) values (%s, %s, %s, 'user')", identifier, email, name)
    shop.run("update user_stats set balance = %s where user_id = %s", balance, identifier)
    return identifier


def charge(shop: Shop) -> None:
    """Mara has 500 credits, and was charged 40 of them three hours ago."""
    mara, account = shop.users["mara"], new_id()
    at = datetime.now(UTC) - timedelta(hours=3)
    made = shop.make(at, user_id=mara, model="gemini-3-pro-image", credits=40)
    shop.run("insert into credit_accounts (id, user_id) values (%s, %s)", account, mara)
    shop.run(
        "select ledger_post(%s, %s, 'grant', 500, null, 'Welcome', null, null, 'system', null, null, null, null)",
        account, new_id(),
    )  # fmt: skip
    shop.run(
        "insert into reservations (generation_id, account_id, amount, lease_until) values (%s, %s, 40, now())",
        made, account,
    )  # fmt: skip
    shop.run("update credit_accounts set held = 40 where id = %s", account)
    shop.run("select * from ledger_settle(%s, 40, 'Image by gemini-3-pro-image')", made)


def balance_of(shop: Shop, user_id: UUID) -> int:
    return shop.run("select balance from credit_accounts where user_id = %s and traffic = 'live'", user_id)[
        0
    ][0]


def entries_of(shop: Shop, user_id: UUID) -> int:
    return shop.run("select seq from credit_accounts where user_id = %s and traffic = 'live'", user_id)[0][0]
