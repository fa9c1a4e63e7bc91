"""How a test uses the palette."""

from playwright.sync_api import Locator, Page, expect


def palette_of(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Search")


def ask(page: Page, text: str) -> Locator:
    """Opens the palette and types; gives what is found, once all of the text is answered and shown."""
    page.keyboard.press("Control+k")
    expect(palette_of(page)).to_be_visible()
    page.keyboard.type(text)
    expect(palette_of(page).get_by_role("listbox")).to_have_attribute("aria-busy", "false")
    return palette_of(page).get_by_role("option")
