"""Signing in and out, as a person in a hurry does it, and as somebody does who should not get in."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import ready, sign_in
from tests.server import Live, serving


def test_a_deep_link_is_where_signing_in_leads(anonymous: Page, live: Live) -> None:
    anonymous.goto("/generations?status=failed")
    expect(anonymous.get_by_text("You were on the way to Generations")).to_be_visible()

    anonymous.get_by_label("E-mail").fill(live.email)
    anonymous.get_by_label("Password", exact=True).fill(live.password)
    anonymous.keyboard.press("Enter")

    anonymous.wait_for_url("**/generations?status=failed")


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(anonymous: Page, live: Live) -> None:
    answers: list[str] = []
    for email in (live.email, "nobody@example.com"):
        anonymous.goto("/login")
        anonymous.get_by_label("E-mail").fill(email)
        anonymous.get_by_label("Password", exact=True).fill("not the password")
        anonymous.get_by_role("button", name="Sign in").click()
        answers.append(anonymous.get_by_role("alert").inner_text())

    assert answers[0] == answers[1] != ""


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_signing_in_never_leads_off_the_site(target: str, anonymous: Page, live: Live) -> None:
    anonymous.goto(f"/login?next={target}")
    anonymous.get_by_label("E-mail").fill(live.email)
    anonymous.get_by_label("Password", exact=True).fill(live.password)
    anonymous.get_by_role("button", name="Sign in").click()
    ready(anonymous)

    assert anonymous.url == f"{live.url}/"


def test_signing_out_closes_the_other_tabs_too(
    new_context: Callable[..., BrowserContext], live: Live
) -> None:
    context = new_context(base_url=live.url)
    first, second = context.new_page(), context.new_page()
    sign_in(first, live)
    second.goto("/playground")
    ready(second)

    sign_out(first)

    second.wait_for_url("**/login*")


def test_the_session_cookie_is_out_of_reach_of_scripts(page: Page) -> None:
    (cookie,) = [one for one in page.context.cookies() if "session" in one.get("name", "")]

    assert cookie.get("httpOnly") is True
    assert cookie.get("sameSite") == "Lax"
    assert "session" not in page.evaluate("document.cookie")


def test_a_form_from_another_site_does_not_sign_anybody_in(anonymous: Page, live: Live) -> None:
    answer = anonymous.request.post(
        "/login",
        form={"email": live.email, "password": live.password},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        max_redirects=0,
    )

    assert "failed=foreign" in answer.headers["location"]
    assert "set-cookie" not in answer.headers


def test_a_one_time_password_leads_to_choosing_ones_own(
    new_context: Callable[..., BrowserContext], fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    with serving(tmp_path, DATABASE_URL=fresh_database(), ADMIN_EMAIL="", ADMIN_PASSWORD="") as live:
        password = re.search(r"one-time password (\S+)", live.said())
        assert password
        page = new_context(base_url=live.url).new_page()
        sign_in(page, live, "admin@purser.local", password[1])
        expect(page.get_by_role("heading", name="Choose your password")).to_be_visible()

        page.get_by_label("Current password").fill(password[1])
        page.get_by_label("New password, at least").fill("a password of my own")
        page.get_by_label("New password again").fill("a password of my own")
        page.get_by_role("button", name="Save").click()

        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        sign_out(page)
        sign_in(page, live, "admin@purser.local", "a password of my own")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
