"""The palette in a browser: found by name or id, opened by keys, and nothing in it writes."""

import re
from contextlib import suppress

from playwright.sync_api import Page, Request, Route, expect

from core.ids import new_id
from tests.browser.conftest import ready, settled, visit
from tests.browser.palette import ask, palette_of
from tests.browser.shop import Shop


def test_ctrl_k_opens_the_palette_also_from_an_input_and_esc_gives_the_focus_back(admin: Page) -> None:
    visit(admin, "/generations")
    admin.keyboard.press("/")
    field = admin.get_by_label("Id or e-mail")
    expect(field).to_be_focused()

    admin.keyboard.press("Control+k")
    search = admin.get_by_role("combobox", name=re.compile("^Search users"))
    expect(search).to_be_focused()
    admin.keyboard.press("Escape")

    expect(palette_of(admin)).to_be_hidden()
    expect(field).to_be_focused()
    admin.get_by_role("button", name="Search").click()
    expect(search).to_be_focused()


def test_an_address_in_the_palette_opens_its_user_even_when_enter_is_quicker_than_the_answer(
    admin: Page, shop: Shop
) -> None:
    visit(admin, "/")
    admin.route("**/palette?q=mara*", lambda route: (admin.wait_for_timeout(300), route.continue_()))

    admin.keyboard.press("Control+k")
    admin.keyboard.type("mara@northlight.example")
    admin.keyboard.press("Enter")

    admin.wait_for_url(f"**/users/{shop.users['mara']}")
    expect(admin.get_by_role("heading", level=1)).to_have_text("mara@northlight.example")


def test_a_pasted_id_opens_its_object(admin: Page, shop: Shop) -> None:
    provider = shop.run("select id from providers limit 1")[0][0]
    for text, address in (
        (f"generation {shop.failed} failed", f"**/generations?sel={shop.failed}"),
        (str(shop.users["noah"]), f"**/users/{shop.users['noah']}"),
        (f"https://elsewhere.example/{provider}", f"**/providers?sel={provider}"),
    ):
        visit(admin, "/")
        admin.keyboard.press("Control+k")
        admin.keyboard.insert_text(text)
        admin.keyboard.press("Enter")
        admin.wait_for_url(address)


def test_arrows_choose_and_the_choice_is_told_to_assistive_technology(admin: Page) -> None:
    visit(admin, "/")
    found = ask(admin, "mara")
    field = admin.get_by_role("combobox", name=re.compile("^Search users"))
    expect(found.first).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == found.first.get_attribute("id")
    expect(found.first.locator("b")).to_have_text("mara")

    admin.keyboard.press("ArrowDown")
    expect(found.nth(1)).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == found.nth(1).get_attribute("id")
    admin.keyboard.press("ArrowUp")
    admin.keyboard.press("ArrowUp")
    expect(found.last).to_have_attribute("aria-selected", "true")
    assert [found.nth(n).evaluate("e => e.tagName") for n in range(found.count())] == ["A"] * found.count()


def test_an_answer_to_what_was_typed_before_is_dropped(admin: Page) -> None:
    visit(admin, "/")
    held: list[Route] = []
    admin.route("**/palette?q=mara", lambda route: held.append(route))
    admin.keyboard.press("Control+k")
    with admin.expect_request("**/palette?q=mara"):
        admin.keyboard.type("mara")
    admin.keyboard.press("Control+a")
    with admin.expect_response("**/palette?q=noah"):
        admin.keyboard.type("noah")
    found = palette_of(admin).get_by_role("option")
    expect(found.first).to_contain_text("noah@northlight.example")

    for route in held:
        with suppress(Exception):  # the page has given it up
            route.continue_()
    admin.wait_for_timeout(300)

    expect(found.first).to_contain_text("noah@northlight.example")


def test_what_was_opened_is_there_before_anything_is_typed(admin: Page, shop: Shop) -> None:
    visit(admin, "/")
    ask(admin, "noah@").first.click()
    admin.wait_for_url("**/users/*")
    ready(admin)

    admin.keyboard.press("Control+k")

    recent = palette_of(admin).get_by_role("group", name="Recent").get_by_role("option")
    expect(recent).to_have_count(1)
    expect(recent).to_have_attribute("href", f"/users/{shop.users['noah']}")


def test_the_palette_never_writes(admin: Page, shop: Shop) -> None:
    visit(admin, "/")
    sent: list[Request] = []
    admin.on("request", lambda request: sent.append(request) if "/palette" in request.url else None)
    count = "select (select count(*) from audit), (select count(*) from drills), (select count(*) from background_jobs)"
    before = shop.run(count)

    for text in ("demo", "outage", "test connection", "invite"):
        visit(admin, "/")
        found = ask(admin, text)
        expect(found.first).to_be_visible()
        admin.keyboard.press("Enter")
        admin.wait_for_url(re.compile(r"[?]"))
        settled(admin)
    visit(admin, "/")
    ask(admin, "load demo data").first.click()
    expect(admin.get_by_role("dialog", name="Load demo data")).to_be_visible()

    assert {request.method for request in sent} == {"GET"}
    assert shop.run(count) == before


def test_an_outage_chosen_in_the_palette_opens_its_dialog(admin: Page) -> None:
    visit(admin, "/generations")
    ask(admin, "simulate outage")
    admin.keyboard.press("Enter")

    expect(admin.get_by_role("dialog", name=re.compile("^Simulate an outage of Sandbox"))).to_be_visible()


def test_the_theme_is_chosen_from_the_palette(admin: Page) -> None:
    visit(admin, "/generations")
    ask(admin, "theme dark")
    admin.keyboard.press("Enter")

    expect(admin.get_by_role("button", name="Theme: dark").first).to_be_visible()
    assert admin.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"


def test_what_a_stranger_is_called_is_only_text_in_the_palette(admin: Page, shop: Shop) -> None:
    shop.run(
        "insert into users (id, email, role) values (%s, %s, 'user')",
        new_id(),
        "<img/src=x/onerror=alert(1)>@x.example",
    )
    visit(admin, "/")

    found = ask(admin, "<img")

    expect(found.first).to_contain_text("<img/src=x/onerror=alert(1)>@x.example")
    assert palette_of(admin).locator("img").count() == 0
