"""Changing providers: the fallback order by keyboard and by drag, keys that never come out again, edits with a review."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Error, Page, Response, expect

from tests.browser.conftest import ready
from tests.browser.plant import (
    NewContext,
    Plant,
    choose,
    fresh_desk,
    order_of,
    pane_of,
    planted,
    press,
    row_of,
    tab_to,
)
from tests.fakes import FakeVendors

ORDER = ["OpenAI", "Google Gemini", "Anthropic"]
SECRET, ROTATED = "sk-proj-brand-new-key-AAAA7777", "sk-proj-rotated-key-BBBB8888"


@pytest.fixture(scope="module")
def plant(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, vendors: FakeVendors
) -> Iterator[Plant]:
    with planted(tmp_path_factory.mktemp("providers"), fresh_database(), vendors) as plant:
        yield plant


@pytest.fixture
def desk(plant: Plant, fakes: FakeVendors, new_context: NewContext) -> Page:
    return fresh_desk(plant, new_context)


# The fallback order


def test_the_order_is_changed_by_the_keyboard_kept_by_the_focus_and_taken_back(
    desk: Page, plant: Plant, fakes: FakeVendors
) -> None:
    press(desk, desk.get_by_role("button", name="Move Anthropic up in text"))
    expect_order(desk, ["OpenAI", "Anthropic", "Google Gemini"])
    expect(desk.get_by_role("button", name="Move Anthropic up in text")).to_be_focused()
    expect(desk.get_by_role("status").filter(has_text="Anthropic is now number 2 in text")).to_be_visible()

    # Quicker than the server answers; at the top the way up is gone, and the focus takes the one that is left.
    desk.keyboard.press("Enter")
    desk.keyboard.press("Enter")
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])
    expect(desk.get_by_role("button", name="Move Anthropic down in text")).to_be_focused()
    assert plant.ask().json()["provider"] == "anthropic"

    desk.get_by_role("button", name="Undo").last.click()
    expect_order(desk, ["OpenAI", "Anthropic", "Google Gemini"])


def test_the_order_is_changed_by_dragging_and_escape_lets_go(
    desk: Page, plant: Plant, new_context: NewContext
) -> None:
    wall = plant.page(new_context)
    drag(desk, "Anthropic", onto="OpenAI")
    for window in (desk, wall):
        expect_order(window, ["Anthropic", "OpenAI", "Google Gemini"])

    begin_drag(desk, "Google Gemini", onto="Anthropic")
    desk.keyboard.press("Escape")
    desk.mouse.up()
    expect(desk.locator(".is-dragged")).to_have_count(0)
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])

    desk.get_by_role("button", name="Undo").click()
    for window in (desk, wall):
        expect_order(window, ORDER)


def test_an_undo_does_not_undo_what_somebody_else_has_done_since(
    desk: Page, plant: Plant, new_context: NewContext
) -> None:
    other = plant.page(new_context)
    press(desk, desk.get_by_role("button", name="Move Anthropic up in text"))
    expect_order(other, ["OpenAI", "Anthropic", "Google Gemini"])
    press(other, other.get_by_role("button", name="Move OpenAI down in text"))
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])

    desk.get_by_role("button", name="Undo").click()

    expect(desk.get_by_text("has been changed since; it stays")).to_be_visible()
    expect_order(desk, ["Anthropic", "OpenAI", "Google Gemini"])


def test_an_order_that_was_changed_meanwhile_is_shown_anew(desk: Page, plant: Plant) -> None:
    plant.change("update providers set ranks = ranks || '{\"video\": 1}' where slug = 'gemini'")
    expect_order(desk, ["Google Gemini"], "video")  # the page has heard of all that was done before
    # Behind the page's back, and without a word to it: what the page sends no longer fits.
    plant.run("update providers set ranks = ranks - 'text' where slug = 'gemini'")

    press(desk, desk.get_by_role("button", name="Move Anthropic up in text"))

    expect(desk.get_by_role("alert").filter(has_text="changed by somebody else meanwhile")).to_be_visible()
    plant.run("update versions set version = version + 1")
    expect_order(desk, ["OpenAI", "Anthropic"])


def test_a_modality_that_nobody_serves_says_so(desk: Page, plant: Plant) -> None:
    expect(desk.get_by_text("Nobody serves video yet.")).to_be_visible()

    plant.change("update providers set ranks = ranks || '{\"video\": 1}' where slug = 'gemini'")

    expect(desk.get_by_text("Nobody serves video yet.")).to_be_hidden()
    expect_order(desk, ["Google Gemini"], "video")


# Keys


def test_a_key_that_was_added_and_rotated_is_never_again_in_page_or_traffic(
    plant: Plant, new_context: NewContext
) -> None:
    page = plant.page(new_context)
    page.goto("about:blank")
    received: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))
    page.on("response", lambda response: received.append(text_of(response)))
    page.goto(f"{plant.live.url}/providers?sel={plant.id_of('openai')}&tab=keys")
    ready(page)

    press(page, page.get_by_role("button", name="Add key…"))
    dialog = page.get_by_role("dialog", name="Add a key to OpenAI")
    expect(dialog.get_by_label("API key")).to_be_focused()
    page.keyboard.type(SECRET)
    press(page, dialog.get_by_role("button", name="Add key"))
    added = pane_of(page).get_by_role("region", name="····7777")
    expect(added).to_contain_text("50 % of the calls")
    press(page, added.get_by_role("button", name="Rotate ····7777"))
    dialog = page.get_by_role("dialog", name="Rotate ····7777")
    expect(dialog.get_by_label("API key")).to_be_focused()
    page.keyboard.type(ROTATED)
    tab_to(page, dialog.get_by_label("Reason"))
    page.keyboard.type("it leaked")
    press(page, dialog.get_by_role("button", name="Rotate key"))
    expect(pane_of(page).get_by_role("region", name="····8888")).to_contain_text("Serving")
    expect(added).to_contain_text(re.compile(r"Expires\s*\d{4}-\d\d-\d\d \d\d:\d\d"))
    page.reload()
    ready(page)
    expect(pane_of(page).get_by_role("region", name="····8888")).to_be_visible()

    everything = "".join(received) + page.content() + plant.live.said()
    assert "····8888" in everything
    assert SECRET not in everything
    assert ROTATED not in everything

    # Gone for good only once its four characters are typed.
    for name in ("7777", "8888"):
        page.get_by_role("button", name=f"More about ····{name}").click()
        page.get_by_role("menuitem", name="Remove…").click()
        dialog = page.get_by_role("dialog", name=f"Remove ····{name}?")
        verb = dialog.get_by_role("button", name="Remove key")
        expect(verb).to_be_disabled()
        dialog.get_by_label(f"Type {name} to confirm").fill(name)
        dialog.get_by_label("Reason").fill("the test is over")
        verb.click()
        expect(pane_of(page).get_by_role("region", name=f"····{name}")).to_have_count(0)


def test_a_key_under_another_encryption_key_says_so(plant: Plant, desk: Page) -> None:
    gemini = plant.id_of("gemini")
    kept = plant.run("select ciphertext from provider_keys where provider_id = %s", gemini)[0][0]
    plant.change("update provider_keys set ciphertext = 'nonsense' where provider_id = %s", gemini)

    desk.goto(f"/providers?sel={gemini}&tab=keys")
    ready(desk)

    expect(row_of(desk, "Google Gemini")).to_contain_text("key cannot be decrypted")
    expect(row_of(desk, "Google Gemini")).to_contain_text("Down")
    expect(pane_of(desk).get_by_role("region", name="····5678")).to_contain_text("ENCRYPTION_KEYS lacks")
    plant.change("update provider_keys set ciphertext = %s where provider_id = %s", kept, gemini)
    expect(row_of(desk, "Google Gemini")).not_to_contain_text("decrypted")


# Editing


def test_an_edit_is_reviewed_before_it_is_saved_and_says_why_it_is_refused(desk: Page, plant: Plant) -> None:
    choose(desk, "Anthropic", "Edit…")
    dialog = desk.get_by_role("dialog", name="Edit Anthropic")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    dialog.get_by_role("button", name="Review changes…").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing is different")
    dialog.get_by_label("Base URL").fill("http://169.254.169.254/latest")
    dialog.get_by_role("button", name="Review changes…").click()
    expect(dialog.get_by_role("alert")).to_contain_text("inside the network")

    dialog.get_by_label("Base URL").fill(
        plant.run("select base_url from providers where slug = 'anthropic'")[0][0]
    )
    dialog.get_by_label("Good at").fill("analysis, poetry")
    dialog.get_by_label("Requests a minute").fill("7")
    dialog.get_by_role("switch", name="Limits").click()
    dialog.get_by_role("button", name="Review changes…").click()
    for said in (
        r"Good at.*analysis, ethics, safety.*analysis, poetry",
        r"Requests a minute.*20.*7",
        r"Limits.*off.*on",
    ):
        expect(dialog).to_contain_text(re.compile(said, re.DOTALL))
    expect(dialog).to_contain_text("Text is carried by OpenAI, then Google Gemini.")
    dialog.get_by_label("Reason").fill("a new contract")
    dialog.get_by_role("button", name="Save changes").click()

    expect(dialog).to_be_hidden()
    stored = plant.run(
        "select specialisations, limits_enabled, limits from providers where slug = 'anthropic'"
    )
    assert stored[0][:2] == (["analysis", "poetry"], True)
    assert stored[0][2]["requests_per_minute"] == 7
    desk.get_by_role("tab", name="Events").click()
    expect(pane_of(desk)).to_contain_text(
        re.compile("Edited by admin@example.com.*a new contract", re.DOTALL)
    )


def test_an_edit_that_somebody_else_was_quicker_with_is_not_saved(desk: Page, plant: Plant) -> None:
    choose(desk, "Anthropic", "Edit…")
    dialog = desk.get_by_role("dialog", name="Edit Anthropic")
    dialog.get_by_label("Good at").fill("everything")
    dialog.get_by_role("button", name="Review changes…").click()
    plant.run("update providers set specialisations = '{ballads}' where slug = 'anthropic'")
    dialog.get_by_label("Reason").fill("why not")

    dialog.get_by_role("button", name="Save changes").click()

    expect(dialog.get_by_role("alert")).to_contain_text("changed by somebody else meanwhile")


def test_probes_are_switched_off_and_on_again_at_once(desk: Page, plant: Plant) -> None:
    desk.get_by_role("link", name="Anthropic").click()
    switch = pane_of(desk).get_by_role("switch", name="Cost-free probes every minute")
    expect(switch).to_be_checked()

    tab_to(desk, switch)
    desk.keyboard.press("Space")

    expect(desk.get_by_text("Cost-free probes are off")).to_be_visible()
    assert plant.run("select probing from providers where slug = 'anthropic'") == [(False,)]
    desk.get_by_role("button", name="Undo").click()
    expect(switch).to_be_checked()
    expect(desk.get_by_text("Cost-free probes are on")).to_be_visible()


def expect_order(page: Page, names: list[str], modality: str = "text") -> None:
    expect(order_of(page, modality)).to_have_text(names)


def begin_drag(page: Page, name: str, *, onto: str) -> None:
    listed = page.get_by_role("list", name="Order in text", exact=True).get_by_role("listitem")
    source, target = listed.filter(has_text=name).locator(".pu-handle"), listed.filter(has_text=onto)
    start, end = source.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 10, start["y"] + start["height"] / 2)
    page.mouse.down()
    upwards = end["y"] < start["y"]
    page.mouse.move(start["x"] + 10, end["y"] + (4 if upwards else end["height"] - 4), steps=4)
    expect(page.locator(".is-dragged")).to_have_count(1)


def drag(page: Page, name: str, *, onto: str) -> None:
    begin_drag(page, name, onto=onto)
    page.mouse.up()


def text_of(response: Response) -> str:
    try:
        return response.text()
    except (Error, UnicodeDecodeError):
        return ""  # a redirect or a font has no text
