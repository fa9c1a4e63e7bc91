"""Moving credits in a browser: adjusted by keyboard, above the limit by two people, refunded once, granted to many."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import serious, settled
from tests.browser.looking import sideways
from tests.browser.plant import NewContext, press, tab_to
from tests.browser.till import Till
from tests.server import serving

MARA, NOAH = "mara@northlight.example", "noah@northlight.example"


@pytest.fixture(scope="module")
def till(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    url = fresh_database()
    till = Till(url)
    with serving(tmp_path_factory.mktemp("credits"), DATABASE_URL=url) as till.live:
        yield till
    till.close()


@pytest.fixture(autouse=True)
def known_balances(till: Till) -> None:
    """Mara has a thousand credits and Noah two thousand, whatever was done before; nothing waits."""
    till.run("delete from credit_requests where state = 'waiting'")
    for name, wanted in (("mara", 1_000), ("noah", 2_000)):
        till.set_balance(name, wanted)


def test_credits_are_adjusted_by_the_keyboard_with_a_reason_and_before_and_after(
    till: Till, new_context: NewContext
) -> None:
    page = till.page(new_context, "/generations")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/credits")
    settled(page)
    opener = page.get_by_role("button", name="Adjust credits…")
    press(page, opener)
    dialog = page.get_by_role("dialog", name="Adjust credits")
    expect(dialog.get_by_label("User")).to_be_focused()
    page.keyboard.type("mara@")
    page.keyboard.press("Enter")

    amount = dialog.get_by_label("Amount")
    expect(amount).to_be_focused()
    expect(dialog).to_contain_text(MARA)
    page.keyboard.type("120")
    expect(dialog).to_contain_text(
        re.compile(r"Balance now\s*1,000.*Balance after\s*1,120.*\+120 cr", re.DOTALL)
    )
    expect(dialog).to_contain_text("Within your limit of 10,000 cr; above it, another superadmin approves.")
    verb = dialog.get_by_role("button", name="Add 120 cr")
    press(page, verb)
    expect(dialog.get_by_role("alert")).to_contain_text("Choose a reason code")
    assert till.balance("mara") == 1_000

    tab_to(page, dialog.get_by_role("combobox", name="Reason code"))
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    tab_to(page, dialog.get_by_label("Note"))
    page.keyboard.type("Three failed. Ticket 48213.")
    expect(dialog).to_contain_text("27 of 500")
    press(page, verb)

    expect(dialog).to_be_hidden()
    expect(page.get_by_role("status").filter(has_text="+120 cr for mara@northlight.example")).to_be_visible()
    expect(row(page, MARA).first).to_contain_text(re.compile(r"Adjustment\s*\+120 cr\s*1,120 cr"))
    assert till.entries("mara", "adjustment")[-1] == (120, till.live.email)
    said = till.run(
        "select actor_label, reason, before, after from audit where action = 'credits.adjustment' order by id desc limit 1"
    )[0]
    assert said[0] == till.live.email
    assert "failed generations" in said[1] or said[1] == "goodwill"
    assert (said[2]["balance"], said[3]["balance"]) == (1_000, 1_120)


def test_what_cannot_be_taken_is_said_in_the_dialog(till: Till, new_context: NewContext) -> None:
    page = till.page(new_context, f"/credits?adjust={till.users['mara']}")
    dialog = page.get_by_role("dialog", name="Adjust credits")
    dialog.get_by_role("radio", name="Remove").click()
    dialog.get_by_label("Amount").fill("1500")
    expect(dialog).to_contain_text("At most 1,000 cr can be removed.")
    choose_reason(dialog, "Misuse")

    dialog.get_by_role("button", name="Remove 1,500 cr").click()

    expect(dialog.get_by_role("alert")).to_contain_text("1,500 required, 1,000 available")
    assert till.balance("mara") == 1_000
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_above_the_limit_it_waits_and_nobody_approves_their_own(till: Till, new_context: NewContext) -> None:
    asker = till.page(new_context, f"/credits?adjust={till.users['noah']}")
    dialog = asker.get_by_role("dialog", name="Adjust credits")
    dialog.get_by_label("Amount").fill("12000")
    choose_reason(dialog, "Moved from another system")
    ask = dialog.get_by_role("button", name="Ask for approval")
    expect(ask).to_be_disabled()
    dialog.get_by_label(f"Type {NOAH} to confirm").fill(NOAH)
    ask.click()
    expect(dialog).to_be_hidden()
    assert till.balance("noah") == 2_000

    asker.get_by_role("tab", name="Approvals 1").click()
    own = asker.get_by_role("article", name=f"+12,000 cr for {NOAH}")
    expect(own).to_contain_text("You asked for this, so somebody else decides.")
    expect(own.get_by_role("button", name="Approve…")).to_have_count(0)
    expect(asker.get_by_role("link", name=re.compile("^Credits"))).to_contain_text("1")
    asker.goto("/")
    expect(asker.get_by_role("region", name="Needs attention")).to_contain_text(
        f"1 movement of credits waits for approval. +12,000 cr for {NOAH}"
    )
    asker.goto("/credits?tab=approvals")

    # Support sees that it waits, and that a superadmin decides.
    support = till.page(new_context, "/credits?tab=approvals", "support")
    expect(support.get_by_role("article")).to_contain_text("A superadmin decides.")
    expect(support.get_by_role("button", name="Approve…")).to_have_count(0)

    second = till.page(new_context, "/credits?tab=approvals", "second")
    asked = second.get_by_role("article", name=f"+12,000 cr for {NOAH}")
    expect(asked).to_contain_text(re.compile(r"Balance now\s*2,000.*Balance after\s*14,000", re.DOTALL))
    opener = asked.get_by_role("button", name="Approve…")
    opener.click()
    question = second.get_by_role("dialog", name="Approve +12,000 cr?")
    question.get_by_label("Note").fill("Checked the contract")
    question.get_by_label(f"Type {NOAH} to confirm").fill(NOAH)
    question.get_by_role("button", name="Approve +12,000 cr").click()
    expect(question).to_be_hidden()

    # Everybody who looks sees it without loading the page again.
    for page in (second, asker, support):
        expect(page.get_by_text("Nothing waits for approval")).to_be_visible()
        expect(page.get_by_role("table", name="Requests that were decided")).to_contain_text(
            "Checked the contract"
        )
    assert till.balance("noah") == 14_000
    assert till.entries("noah", "adjustment")[-1] == (12_000, till.live.email)


def test_a_double_click_on_refund_makes_one_entry_and_what_was_used_stays_used(
    till: Till, new_context: NewContext
) -> None:
    made = till.charge("mara", 120)
    page = till.page(new_context, f"/generations?q={made}&sel={made}", "support")
    pane = page.get_by_role("complementary", name="Generation")
    used = total(till.page(new_context, "/credits"), "Used")
    pane.get_by_role("button", name="Refund…").click()
    dialog = page.get_by_role("dialog", name="Refund")
    expect(dialog).to_contain_text(
        re.compile(r"Charged\s*120 cr\s*Refunded before\s*0 cr\s*Left to refund\s*120 cr")
    )
    choose_reason(dialog, "Result not usable")

    dialog.get_by_role("button", name="Refund 120 cr").dblclick()

    expect(dialog).to_be_hidden()
    expect(pane).to_contain_text("Refunded")
    expect(pane.get_by_role("button", name="Refund…")).to_have_count(0)
    assert till.entries("mara", "refund") == [(120, "support@staff.example")]
    assert till.balance("mara") == 1_000
    ledger = till.page(new_context, f"/credits?q={made}")
    expect(ledger.locator(".pu-table tbody tr[data-link]")).to_have_count(2)
    assert total(ledger, "Used") == used

    # The same from the ledger, in two parts; the rest is what the dialog says is left.
    charged = till.charge("mara", 40)
    ledger.goto(f"/credits?q={charged}")
    ledger.get_by_role("link", name=MARA).click()
    entry = ledger.get_by_role("complementary", name="Entry")
    entry.get_by_role("button", name="Refund…").click()
    part = ledger.get_by_role("dialog", name="Refund")
    part.get_by_role("radio", name="A part").click()
    part.get_by_label("Amount").fill("15")
    choose_reason(part, "Outage")
    part.get_by_role("button", name="Refund 15 cr").click()
    expect(part).to_be_hidden()
    expect(entry).to_contain_text("25 cr left to refund")


def test_credits_for_many_from_a_file_are_previewed_and_booked_once_each(
    till: Till, new_context: NewContext, tmp_path: Any
) -> None:
    lines = tmp_path / "sorry.csv"
    lines.write_text(f"user,credits\n{MARA},5000\n{NOAH},2500\nnobody@nowhere.example,5\n{MARA},7\n")
    page = till.page(new_context, "/credits?tab=bulk&new=1")
    dialog = page.get_by_role("dialog", name="Grant in bulk")
    dialog.get_by_label("Title").fill("Sorry for the outage")
    page.locator("input[type=file]").set_input_files(lines)
    expect(dialog).to_contain_text("sorry.csv: 5 lines")
    choose_reason(dialog, "Outage")
    dialog.get_by_role("button", name="Preview…").click()
    expect(dialog).to_contain_text(re.compile(r"People\s*2\s*Credits\s*7,500 cr"))
    expect(dialog).to_contain_text("2 lines are refused, and left out:")
    expect(dialog.get_by_role("list", name="Refused lines")).to_contain_text("nobody@nowhere.example")
    assert till.entries("mara", "grant")[-1][0] != 5_000

    dialog.get_by_role("button", name="Grant 7,500 cr to 2 people").dblclick()

    expect(dialog).to_be_hidden()
    expect(row(page, "Sorry for the outage")).to_contain_text("Done", timeout=20_000)
    page.get_by_role("link", name="Sorry for the outage").click()
    pane = page.get_by_role("complementary", name="Entry")
    expect(pane).to_contain_text("2 of 2 booked")
    expect(pane.get_by_role("table", name="Lines")).to_contain_text(MARA)
    expect(page.get_by_role("button", name=re.compile("^Jobs"))).to_be_visible()
    assert [till.entries(name, "grant")[-1][0] for name in ("mara", "noah")] == [5_000, 2_500]
    assert till.balance("mara") == 6_000


def test_a_package_is_sold_once_by_its_reference(till: Till, new_context: NewContext) -> None:
    page = till.page(new_context, "/settings")
    page.get_by_role("button", name="Add package…").first.click()
    form = page.get_by_role("dialog", name="Add a package")
    for label, value in (("Name", "Studio"), ("Credits", "1000"), ("Bonus", "100"), ("Price", "7.90")):
        form.get_by_label(label, exact=True).fill(value)
    form.get_by_role("button", name="Add package").click()
    expect(form.get_by_role("alert")).to_contain_text("needs a reason")
    form.get_by_label("Reason").fill("the first one")
    form.get_by_role("button", name="Add package").click()
    expect(row_with(page, "Studio")).to_contain_text(re.compile(r"Sold\s*1,000 cr\s*100 cr\s*\$7.90"))

    # Support records it: the second time the same payment changes nothing.
    support = till.page(new_context, "/credits?purchase=1", "support")
    for said in ("+1,100 cr", "INV-7 was recorded before"):
        ask = support.get_by_role("dialog", name="Record a purchase")
        ask.get_by_label("User").fill(MARA)
        ask.get_by_role("button", name="Go on…").click()
        sale = support.get_by_role("dialog", name="Record a purchase").filter(has_text="Balance now")
        expect(sale).to_contain_text("+1,100 cr")
        assert "$" not in sale.inner_text()
        sale.get_by_label("Reference of the payment").fill("INV-7")
        sale.get_by_role("button", name="Record 1,100 cr").click()
        expect(sale).to_be_hidden()
        if said.startswith("INV"):
            expect(support.get_by_role("status").filter(has_text=said)).to_be_visible()
        support.goto("/credits?purchase=1")
    assert till.balance("mara") == 2_100

    page.get_by_role("button", name="Retire Studio…").click()
    gone = page.get_by_role("dialog", name="Retire Studio?")
    gone.get_by_label("Reason").fill("sold out")
    gone.get_by_role("button", name="Retire package").click()
    expect(row_with(page, "Studio")).to_contain_text("Retired")
    support.get_by_role("dialog").get_by_label("User").fill(MARA)
    support.get_by_role("dialog").get_by_role("button", name="Go on…").click()
    expect(support.get_by_text("There is no package yet.")).to_be_visible()


def test_the_ledger_is_its_address(till: Till, new_context: NewContext) -> None:
    for number in range(55):
        till.grant("mara", 1 + number % 3)
    page = till.page(new_context, "/credits")
    foot = page.locator(".pu-table-foot")
    expect(foot).to_contain_text(re.compile("^1–50 of"))
    page.get_by_role("link", name="Next page").click()
    expect(page).to_have_url(re.compile("after="))
    expect(foot).to_contain_text(re.compile("^51–"))

    choose(page, "Type", "Refund")
    expect(page).to_have_url(re.compile(r"/credits\?type=refund$"))
    page.get_by_role("link", name=MARA).first.click()
    pane = page.get_by_role("complementary", name="Entry")
    expect(pane).to_contain_text("Open the charge that was refunded")
    copied = page.url
    page.go_back()
    expect(pane).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("button", name="Type any")).to_be_visible()
    expect(foot).to_contain_text(re.compile("^51–"))

    page.goto(copied)
    expect(page.get_by_role("button", name="Type Refund")).to_be_visible()
    expect(pane).to_be_visible()
    text = page.request.get("/credits.csv?type=refund").text().splitlines()
    assert text[0].startswith("id,at,user_id,user,traffic,type,credits")
    assert {line.split(",")[5] for line in text[1:]} == {"refund"}

    # A figure leads to its rows, and a name that several begin with is asked back.
    page.goto("/credits")
    page.get_by_role("link", name=re.compile("^Refunded")).click()
    expect(page.get_by_role("button", name="Type Refund")).to_be_visible()
    till.run(
        "insert into users (id, email) values (gen_random_uuid(), 'mara@nordlicht.example') on conflict do nothing"
    )
    page.get_by_label("User or generation").fill("mara@")
    expect(page.get_by_text("Several users begin like that.")).to_be_visible()
    page.get_by_role("link", name=MARA, exact=True).click()
    expect(page).to_have_url(re.compile("q=mara%40northlight"))
    expect(page.locator(".pu-table tbody tr[data-link]").first).to_contain_text(MARA)


def test_the_focus_stays_at_its_entry_while_others_come(till: Till, new_context: NewContext) -> None:
    for amount in (11, 12, 13):
        till.grant("mara", amount)
    page = settled(till.page(new_context, "/credits"))
    rows = page.locator(".pu-table tbody tr[data-link]")
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = rows.nth(1).locator(".pu-rowlink")
    expect(focused).to_be_focused()
    entry = focused.get_attribute("href")

    for amount in (71, 72):
        till.grant("noah", amount)
        expect(rows.first).to_contain_text(f"+{amount} cr")
    row = page.locator(f".pu-rowlink[href='{entry}']")
    expect(row).to_be_focused()
    expect(rows.nth(3)).to_contain_text("+12 cr")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Entry")).to_contain_text("+12 cr")

    till.grant("noah", 73)
    expect(rows.first).to_contain_text("+73 cr")
    expect(row).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(row).to_be_focused()


def test_support_and_testers_are_told_why_not_and_refused_by_the_server(
    till: Till, new_context: NewContext
) -> None:
    tester = till.page(new_context, "/credits", "tester")
    expect(tester.get_by_text("Not with your role")).to_be_visible()
    expect(
        tester.get_by_text("Credits is open to superadmin and support. Your role is tester")
    ).to_be_visible()
    assert tester.request.get("/credits.csv").status == 403
    support = till.page(new_context, "/settings", "support")
    expect(support.get_by_text("Settings is open to superadmin. Your role is support")).to_be_visible()
    support.goto("/credits?tab=bulk&new=1")
    settled(support)
    expect(support.get_by_role("dialog")).to_have_count(0)
    expect(support.get_by_role("button", name="Grant in bulk…")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_serious_stands_in_anybodys_way(till: Till, new_context: NewContext, width: int) -> None:
    till.charge("mara", 2)
    charge = till.run("select id from credit_entries where type = 'usage' order by id desc limit 1")[0][0]
    page = till.page(new_context, "/credits?q=zz", viewport={"width": width, "height": 900})
    expect(page.get_by_text("Nothing found")).to_be_visible()
    for path in (
        f"/credits?sel={charge}",
        "/credits?tab=approvals",
        "/settings?tab=contact",
    ):
        page.goto(path)
        settled(page)
        assert sideways(page) <= 0, path
        assert width == 1024 or serious(page) == [], path
    page.goto(f"/credits?adjust={till.users['mara']}")
    expect(page.get_by_role("dialog", name="Adjust credits")).to_be_visible()
    assert serious(page) == []


def row(page: Page, name: str) -> Locator:
    return page.locator(".pu-table tbody tr[data-link]", has_text=name)


def row_with(page: Page, name: str) -> Locator:
    return page.locator(".pu-table tbody tr", has_text=name)


def choose(page: Page, menu: str, option: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{menu} ")).click()
    page.get_by_role("option", name=option, exact=True).click()


def choose_reason(dialog: Locator, reason: str) -> None:
    dialog.get_by_role("combobox", name="Reason code").click()
    dialog.page.get_by_role("option", name=reason, exact=True).click()


def total(page: Page, name: str) -> str:
    """A figure above the tabs, once it has been read."""
    cell = page.get_by_role("link", name=re.compile(f"^{name}"))
    expect(cell).to_contain_text("cr")
    return cell.inner_text()
