"""What the browser must be able to say of people, credits and plans, page by page: focus, traffic, menus, the audit, keys."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, Response, WebSocket, expect

from core.ids import new_id
from tests.browser.conftest import settled
from tests.browser.plant import NewContext, press
from tests.browser.till import Till
from tests.server import serving

MARA, NOAH = "mara@northlight.example", "noah@northlight.example"
MANY = 120
PERSON = re.compile(r"person\d{3}@many\.example")
SECRET = re.compile(r"psr_u_\S{32}")


@pytest.fixture(scope="module")
def till(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """Mara and Noah, and a hundred and twenty people with an entry each in the ledger."""
    url = fresh_database()
    till = Till(url)
    till.fill()
    till.run(PEOPLE, MANY)
    for account in till.run(ACCOUNTS):
        till.run(ENTRY, *account, new_id())
    for name in till.accounts:
        till.grant(name, 1_000)
    with serving(tmp_path_factory.mktemp("statements"), DATABASE_URL=url) as till.live:
        yield till
    till.close()


class Heard:
    """All that the server tells a page: the answers to its requests, and what comes over its sockets."""

    def __init__(self, page: Page) -> None:
        self._answers: list[Response] = []
        self._frames: list[str] = []
        page.on("response", lambda answer: self._answers.append(answer))
        page.on("websocket", self._listen)

    def text(self) -> str:
        """What was heard, as far as it is text."""
        answers = [one.text() for one in self._answers if one.request.resource_type in TEXTS]
        return "\n".join([*answers, *self._frames])

    def forget(self) -> None:
        """Begins anew; sockets that are open stay heard."""
        self._answers.clear()
        self._frames.clear()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._keep)

    def _keep(self, payload: str | bytes) -> None:
        self._frames.append(payload if isinstance(payload, str) else payload.decode(errors="replace"))


@pytest.mark.parametrize(
    ("path", "opener", "title"),
    [
        ("/users/{mara}", "Adjust credits…", "Adjust credits"),
        ("/generations?q={charged}&sel={charged}", "Refund…", "Refund"),
        ("/credits?tab=bulk", "Grant in bulk…", "Grant in bulk"),
    ],
)
def test_the_focus_goes_round_inside_the_dialog_and_comes_back_to_its_button(
    till: Till, new_context: NewContext, path: str, opener: str, title: str
) -> None:
    where = path.format(mara=till.users["mara"], charged=till.charge("mara", 30) if "charged" in path else "")
    page = settled(till.page(new_context, where))
    button = page.get_by_role("button", name=opener, exact=True).first
    press(page, button)
    dialog = page.get_by_role("dialog", name=title)
    expect(dialog).to_be_visible()
    page.wait_for_function(INSIDE)

    for key in ("Tab", "Shift+Tab"):
        met = go_round(page, key)
        assert "Cancel" in met, met
        assert len(met) >= 5, met

    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.parametrize("path", ["/users", "/credits"])
def test_a_list_gets_the_rows_of_one_page_and_no_others(
    till: Till, new_context: NewContext, path: str
) -> None:
    page = till.page(new_context, "/audit")
    heard = Heard(page)
    seen: set[str] = set()
    for turn in range(2):
        if turn == 0:
            page.goto(path)
        else:
            heard.forget()
            page.get_by_role("link", name="Next page").click()
            # What is booked meanwhile stands ahead of it.
            expect(page.locator(".pu-table-foot")).not_to_contain_text("1–50 of")
        settled(page)
        expect(page.locator(".pu-table tbody tr[data-link]")).to_have_count(50)
        shown = set(PERSON.findall(page.locator(".pu-table tbody").inner_text()))
        assert len(shown) > 40
        told = set(PERSON.findall(heard.text() + page.content()))
        assert told - seen == shown  # the page keeps what it began with
        assert seen.isdisjoint(shown)
        seen |= shown


def test_back_restores_the_list_and_its_scroll(till: Till, new_context: NewContext) -> None:
    page = settled(till.page(new_context, "/users"))
    row = page.locator(".pu-table tbody tr[data-link]").nth(35)
    before = scrolled_to(row)
    row.locator(".pu-rowlink").click()
    page.wait_for_url(re.compile("/users/[0-9a-f-]{36}"))
    settled(page)
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(row).to_be_visible()
    page.wait_for_function(SCROLLED, arg=before)

    page.goto("/credits")
    settled(page)
    before = scrolled_to(row)
    row.locator(".pu-rowlink").click()
    pane = page.get_by_role("complementary", name="Entry")
    expect(pane).to_be_visible()
    page.get_by_label("User or generation").fill("nobody@many.example")
    expect(page.locator(".pu-table tbody tr")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")
    page.go_back()
    expect(pane).to_be_visible()
    page.go_back()
    expect(pane).to_be_hidden()
    expect(row).to_be_visible()
    page.wait_for_function(SCROLLED, arg=before)


@pytest.mark.parametrize("width", [1440, 390])
def test_an_open_filter_menu_lies_above_the_table(till: Till, new_context: NewContext, width: int) -> None:
    page = till.page(new_context, "/users", viewport={"width": width, "height": 900})
    for path, name in (("/users", "Plan"), ("/credits", "Type")):
        page.goto(path)
        settled(page)
        page.get_by_role("button", name=re.compile(f"^{name} ")).click()
        menu = page.get_by_role("listbox", name=name)
        expect(menu.get_by_role("option").last).to_be_visible()
        page.wait_for_function(STILL)
        assert width == 390 or menu.evaluate(OVER_THE_TABLE), f"{path}: the menu does not reach the table"
        assert menu.evaluate(ON_TOP) == [], path


def test_each_write_stands_in_the_audit_with_actor_reason_and_before_and_after(
    till: Till, new_context: NewContext
) -> None:
    till.charge("noah", 40)
    till.run(PACKAGE, new_id())
    balance = till.balance("noah")
    noah = f"/users/{till.users['noah']}"
    page = settled(till.page(new_context, f"{noah}?tab=ledger"))

    page.get_by_role("button", name="Adjust credits…").click()
    adjust = page.get_by_role("dialog", name="Adjust credits")
    adjust.get_by_label("Amount").fill("120")
    choose_reason(adjust, "Misuse")
    finish(adjust, "Add 120 cr")
    page.get_by_role("button", name=re.compile("^Refund 40 cr of")).first.click()
    refund = page.get_by_role("dialog", name="Refund")
    choose_reason(refund, "Outage")
    finish(refund, "Refund 40 cr")
    page.get_by_role("button", name=re.compile("^More about")).click()
    page.get_by_role("menuitem", name="Record a purchase…").click()
    sale = page.get_by_role("dialog", name="Record a purchase")
    sale.get_by_label("Reference of the payment").fill("INV-12")
    sale.get_by_label("Note").fill("Paid by bank")
    finish(sale, "Record 1,100 cr")
    page.get_by_role("button", name=re.compile("^More about")).click()
    page.get_by_role("menuitem", name="Change plan…").click()
    plan = page.get_by_role("dialog", name="Change plan")
    plan.get_by_role("combobox", name="Plan").click()
    page.get_by_role("option", name="Creator", exact=True).click()
    plan.get_by_label("Reason").fill("Paid by invoice 12")
    finish(plan, "Change to Creator")

    page.goto("/settings?tab=contact")
    settled(page)
    page.get_by_label("Support adjusts without approval up to").fill("2500")
    page.get_by_role("button", name="Save…").click()
    save = page.get_by_role("dialog", name="Save settings")
    save.get_by_label("Reason").fill("As agreed on Monday")
    finish(save, "Save settings")

    for action, reason, changes in (
        ("credits.adjustment", "misuse", {"balance": (f"{balance:,}", f"{balance + 120:,}")}),
        ("credits.refund", "outage", {"refunded": ("0", "40")}),
        ("user.plan", "Paid by invoice 12", {"plan": ("none", "creator")}),
        ("credits.purchase", "Paid by bank", {"balance": (f"{balance + 160:,}", f"{balance + 1_260:,}")}),
        ("settings.change", "As agreed on Monday", {"support adjustment limit": ("none", "2,500")}),
    ):
        page.goto(f"/audit?action={action}")
        rows = page.locator(".pu-table tbody .pu-rowlink")
        expect(rows).to_have_count(1)
        rows.click()
        pane = page.get_by_role("complementary", name="Audit row")
        expect(pane.get_by_role("link", name=till.live.email)).to_be_visible()
        expect(pane).to_contain_text(re.compile(re.escape(reason), re.IGNORECASE))
        for field, (before, after) in changes.items():
            change = pane.locator(".pu-diff > div", has=page.locator("dt", has_text=field))
            expect(change.locator(".pu-diff-before")).to_have_text(f"before: {before}")
            expect(change.locator(".pu-diff-after")).to_have_text(f"after: {after}")


def test_from_the_users_page_a_failed_generation_says_cause_attempts_money_and_next_step(
    till: Till, new_context: NewContext
) -> None:
    page = settled(till.page(new_context, f"/users/{till.users['mara']}?tab=generations"))
    row = page.get_by_role("table", name="Generations").get_by_role("row").filter(has_text="claude-opus-5-5")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("overloaded")
    row.get_by_role("link").first.click()
    page.wait_for_url(f"**/generations?*sel={till.failed}*")

    pane = page.get_by_role("complementary", name="Generation")
    for said in (
        "Anthropic was overloaded.",
        "Two calls in 12.4 s failed, and the caller allowed no other provider.",
        "529 overloaded",
        "2 calls, 12.40 s of a 60 s deadline",
        "Retry with fallback",
    ):
        expect(pane).to_contain_text(said)
    expect(pane).to_contain_text(MONEY)


def test_a_users_key_is_shown_once_and_never_told_again(till: Till, new_context: NewContext) -> None:
    user = till.users["mara"]
    page = till.page(new_context, "/audit")
    heard = Heard(page)
    page.goto(f"/users/{user}?tab=keys")
    settled(page)
    page.get_by_role("button", name="New API key…").click()
    form = page.get_by_role("dialog", name="New API key")
    form.get_by_label("Name").fill("nightly export")
    form.get_by_label("Reason").fill("asked for in ticket 12")
    form.get_by_role("button", name="Make key").click()
    shown = page.get_by_role("dialog", name="The new API key")
    expect(shown).to_contain_text(SECRET)
    secret = shown.locator(".pu-secret").inner_text()
    assert secret in heard.text()
    shown.get_by_role("button", name="Close", exact=True).last.click()
    expect(shown).to_have_count(0)
    assert secret not in page.content()

    heard.forget()
    for path in (f"/users/{user}?tab=keys", f"/users/{user}?tab=audit", "/audit?action=key.create"):
        page.goto(path)
        settled(page)
        if path.startswith("/audit"):
            page.locator(".pu-table tbody .pu-rowlink").click()
            expect(page.get_by_role("complementary", name="Audit row")).to_contain_text("nightly export")
            settled(page)
        else:
            expect(page.locator("main")).to_contain_text(re.compile("nightly export|API key created"))
        assert secret not in page.content()
        assert secret not in heard.text()
        heard.forget()
    answer = page.request.get("/api/credits", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 200
    assert till.run("select count(*) from audit where to_jsonb(audit)::text like %s", f"%{secret}%") == [(0,)]


def test_a_pasted_id_of_an_entry_opens_it_in_the_ledger(till: Till, new_context: NewContext) -> None:
    ((entry, amount),) = till.run(
        "select id, amount from credit_entries where account_id = %s order by seq limit 1",
        till.accounts["mara"],
    )
    page = settled(till.page(new_context, "/"))
    page.keyboard.press("Control+k")
    page.keyboard.insert_text(f"entry {entry} of the ledger")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/credits?*sel={entry}")
    pane = page.get_by_role("complementary", name="Entry")
    expect(pane).to_contain_text(str(entry))
    expect(pane).to_contain_text(f"+{amount:,} cr")


def choose_reason(dialog: Locator, reason: str) -> None:
    dialog.get_by_role("combobox", name="Reason code").click()
    dialog.page.get_by_role("option", name=reason, exact=True).click()


def finish(dialog: Locator, verb: str) -> None:
    """Presses the verb, and waits until the dialog has closed: what it writes is written then."""
    dialog.get_by_role("button", name=verb, exact=True).click()
    expect(dialog).to_have_count(0)


def scrolled_to(row: Locator) -> float:
    """Scrolls until the row is in the middle of the window; how far that is."""
    row.evaluate("one => one.scrollIntoView({ block: 'center' })")
    far = row.evaluate("() => scrollY")
    assert far > 300
    return far


def go_round(page: Page, key: str, limit: int = 60) -> list[str]:
    """Presses a key until the focus is where it began; what the focus met, by its words. It must stay in the dialog."""
    page.evaluate("window.began = document.activeElement")
    met: list[str] = []
    for _ in range(limit):
        page.keyboard.press(key)
        assert page.evaluate(INSIDE), met
        met.append(page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText"))
        if page.evaluate("document.activeElement === window.began"):
            return met
    raise AssertionError(f"the focus does not come round: {met}")


TEXTS = ("document", "xhr", "fetch")
MONEY = re.compile(r"(?<![0-9,])0 cr")
INSIDE = "() => document.activeElement?.closest('[role=dialog]') !== null"
STILL = "() => document.getAnimations().every(one => one.playState !== 'running')"
SCROLLED = "far => Math.abs(scrollY - far) < 2"
OVER_THE_TABLE = """menu => {
    const one = menu.getBoundingClientRect(), table = document.querySelector(".pu-table").getBoundingClientRect();
    return one.bottom > table.top && one.right > table.left && one.left < table.right;
}"""
ON_TOP = """menu => {
    const box = menu.getBoundingClientRect();
    return [[0.5, 0.5], [0.5, 0.05], [0.5, 0.95], [0.05, 0.5], [0.95, 0.5]]
        .map(([x, y]) => document.elementFromPoint(box.left + x * box.width, box.top + y * box.height))
        .filter(found => !menu.contains(found)).map(found => found?.outerHTML.slice(0, 120) ?? "nothing");
}"""
"""What lies over the menu at its middle and near its edges."""
PEOPLE = """
with people as (
    insert into users (id, email, role)
    select gen_random_uuid(), format('person%%s@many.example', lpad(number::text, 3, '0')), 'user'
    from generate_series(1, %s) number returning id
), accounts as (
    insert into credit_accounts (id, user_id) select gen_random_uuid(), id from people returning id
)
select count(*) from accounts
"""
ACCOUNTS = """
select a.id from credit_accounts a join users u on u.id = a.user_id where u.email like 'person%%'
"""
ENTRY = """
select ledger_post(%s, %s, 'grant', 50, null, 'Welcome', null, null, 'system', null, null, null, null)
"""
PACKAGE = """
insert into packages (id, name, credits, bonus, price_usd) values (%s, 'Studio', 1000, 100, 7.90)
"""
