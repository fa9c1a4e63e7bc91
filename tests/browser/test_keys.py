"""Keys in a browser: to pages and through rows, never from within a field, and one sheet that names them all."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import settled, visit
from tests.browser.palette import palette_of


def test_single_keys_go_to_pages_and_through_rows(admin: Page) -> None:
    visit(admin, "/")
    admin.keyboard.press("g")
    admin.keyboard.press("t")
    admin.wait_for_url("**/generations")
    settled(admin)
    rows = admin.locator(".pu-rowlink")

    admin.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    admin.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    admin.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    admin.keyboard.press("Enter")
    pane = admin.get_by_role("complementary", name="Generation")
    expect(pane).to_be_visible()
    admin.keyboard.press("Escape")
    expect(pane).to_be_hidden()

    admin.keyboard.press("g")
    admin.keyboard.press("p")
    admin.wait_for_url("**/providers")


def test_keys_typed_into_a_field_are_only_text(admin: Page) -> None:
    visit(admin, "/generations")
    admin.keyboard.press("/")
    admin.keyboard.type("gp?j")

    expect(admin.get_by_label("Id or e-mail")).to_have_value("gp?j")
    expect(admin.get_by_role("dialog")).to_have_count(0)
    assert "/generations" in admin.url


def test_the_sheet_of_keys_is_named_gives_the_focus_back_and_switches_them_off(admin: Page) -> None:
    visit(admin, "/generations")
    admin.keyboard.press("j")
    row = admin.locator(".pu-rowlink").first
    expect(row).to_be_focused()
    admin.keyboard.press("?")
    sheet = admin.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Generations")
    sheet.get_by_role("checkbox").uncheck()
    admin.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(row).to_be_focused()

    visit(admin, "/generations")  # remembered
    for key in ("j", "?", "/", "g", "p"):
        admin.keyboard.press(key)
    assert admin.evaluate("document.activeElement === document.body")
    expect(sheet).to_be_hidden()
    admin.keyboard.press("Control+k")
    expect(palette_of(admin)).to_be_visible()
    admin.keyboard.press("Escape")

    admin.get_by_role("button", name=re.compile("^Account")).click()
    admin.get_by_role("button", name="Keyboard shortcuts").click()
    sheet.get_by_role("checkbox").check()
    admin.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    admin.keyboard.press("j")
    expect(row).to_be_focused()
