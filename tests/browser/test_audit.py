"""The Audit page in a browser: found, filtered, paged, opened with its field diff, sealed while one looks, and only what a
role may see, whichever way it is asked."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from psycopg.types.json import Jsonb

from core.ids import first_id_at, new_id
from tests.browser.conftest import ready, serious, settled, sign_in
from tests.browser.looking import sideways
from tests.server import Live, serving

HOSTILE = "<b onmouseover=alert(1)>=cmd()</b><script>document.title='taken'</script>"


class Archive:
    """Rows of an audit, written straight into the database of a running server (`live`)."""

    live: Live

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self.user, self.boss = self._user("mara@northlight.example", "user"), new_id()
        self.helper, self.tester = (
            self._user(f"{role}@staff.example", role) for role in ("support", "tester")
        )

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.encode(), params)
        return cursor.fetchall() if cursor.description else []

    def write(self, at: datetime | None = None, **fields: Any) -> UUID:
        at = at or datetime.now(UTC)
        values: dict[str, Any] = {
            "id": UUID(int=first_id_at(at).int + new_id().int % 2**60), "at": at, "actor_kind": "user", "actor_id": self.boss,
            "actor_label": "boss@example.org", "action": "user.profile", "subject_kind": "user", "subject_id": str(self.user),
        } | fields  # fmt: skip
        columns = ", ".join(values)
        self.run(
            f"insert into audit ({columns}) values ({', '.join(['%s'] * len(values))})", *values.values()
        )
        return values["id"]

    def fill(self) -> None:
        then = datetime.now(UTC) - timedelta(hours=2)
        for number in range(70):
            self.write(
                then - timedelta(minutes=number), action="credits.adjustment", reason=f"goodwill {number}"
            )
        self.edited = self.write(
            then + timedelta(minutes=1), action="provider.update", subject_kind="provider", subject_id=str(new_id()),
            reason="cheaper at night", address="203.0.113.7", request_id="req-12345678",
            before=Jsonb({"name": "Alpha", "limits": {"per_minute": 30, "usd": 100}, "notes": "a line\n" * 60, "on": True}),
            after=Jsonb({"name": HOSTILE, "limits": {"per_minute": 60, "usd": 100}, "notes": "a line\n" * 61, "on": True}),
        )  # fmt: skip
        self.role = self.write(
            then + timedelta(minutes=2), action="user.role", reason="asked by phone",
            before=Jsonb({"role": "user"}), after=Jsonb({"role": "tester"}),
        )  # fmt: skip
        self.helped = self.write(
            then + timedelta(minutes=3), action="view.save", subject_kind="view", subject_id=str(new_id()),
            actor_id=self.helper, actor_label="support@staff.example",
        )  # fmt: skip
        self.tested = self.write(
            then + timedelta(minutes=4), action="view.save", subject_kind="view", subject_id=str(new_id()),
            actor_id=self.tester, actor_label="tester@staff.example",
        )  # fmt: skip

    def colleague(self, role: str) -> tuple[str, UUID]:
        """Somebody new."""
        email = f"{role}-{new_id().hex[-6:]}@staff.example"
        identifier = self._user(email, role)
        self.open_to_staff()
        return email, identifier

    def _user(self, email: str, role: str) -> UUID:
        identifier = new_id()
        self.run("insert into users (id, email, role) values (%s, %s, %s)", identifier, email, role)
        return identifier

    def open_to_staff(self) -> None:
        """Colleagues sign in with the superadmin's own password."""
        self.run(
            "update users set password_hash = (select password_hash from users where email = %s) where email like '%%@staff.example'",
            self.live.email,
        )


@pytest.fixture(scope="module")
def archive(fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    url = fresh_database()
    archive = Archive(url)
    archive.fill()
    with serving(tmp_path_factory.mktemp("audit"), DATABASE_URL=url) as archive.live:
        archive.open_to_staff()
        yield archive
    archive.close()


@pytest.fixture(scope="module")
def signed_in(archive: Archive, browser: Browser) -> dict[str, Any]:
    """Each role's cookies: signing in is another page's matter, and slow by design."""
    emails = {
        "superadmin": archive.live.email,
        "support": "support@staff.example",
        "tester": "tester@staff.example",
    }
    states: dict[str, Any] = {}
    for role, email in emails.items():
        context = browser.new_context(base_url=archive.live.url)
        sign_in(context.new_page(), archive.live, email)
        states[role] = context.storage_state()
        context.close()
    return states


@pytest.fixture
def enter(
    archive: Archive, new_context: Callable[..., BrowserContext], signed_in: dict[str, Any]
) -> Callable[..., Page]:
    def make(role: str = "superadmin", **options: Any) -> Page:
        return new_context(base_url=archive.live.url, storage_state=signed_in[role], **options).new_page()

    return make


def open_audit(page: Page, query: str = "") -> Page:
    page.goto(f"/audit{query}")
    ready(page)
    expect(page.locator(".pu-table .pu-skeleton")).to_have_count(0)
    return page


def rows_of(page: Page) -> Any:
    return page.locator(".pu-table tbody tr[data-link]")


def ids_of(page: Page) -> list[str]:
    return page.locator(".pu-rowlink").evaluate_all(
        "links => links.map(link => new URL(link.href).searchParams.get('sel'))"
    )


def pane_of(page: Page) -> Any:
    return page.get_by_role("complementary", name="Audit row")


def choose(page: Page, menu: str, option: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{menu} ")).click()
    page.get_by_role("listbox", name=menu).get_by_role("option", name=option, exact=True).click()


def file_of(page: Page, query: str = "") -> list[dict[str, str]]:
    answer = page.request.get(f"/audit.csv{query}")
    assert answer.status == 200
    return list(csv.DictReader(io.StringIO(answer.text(), newline="")))


def test_a_row_says_who_what_when_from_where_why_and_what_changed(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter(), "?action=provider.update")
    page.get_by_role("link", name="Provider edited").click()
    pane = pane_of(page)
    for said in (
        "Provider edited", "provider.update", "boss@example.org", "in the pages", "cheaper at night", "203.0.113.7",
        "req-12345678", "3 of 5 fields", "2 unchanged",
    ):  # fmt: skip
        expect(pane).to_contain_text(said)
    expect(page).to_have_url(re.compile(f"sel={archive.edited}"))
    limit = pane.locator(".pu-diff > div", has_text="limits › per minute")
    expect(limit.locator(".pu-diff-before")).to_have_text("before: 30")
    expect(limit.locator(".pu-diff-after")).to_have_text("after: 60")
    expect(pane.get_by_text("usd")).to_be_hidden()
    pane.get_by_text("2 unchanged").click()
    expect(pane.get_by_text("limits › usd")).to_be_visible()


def test_a_long_value_is_folded_and_opens(enter: Callable[..., Page], archive: Archive) -> None:
    pane = pane_of(open_audit(enter(), f"?sel={archive.edited}"))
    whole = pane.locator(".pu-diff-after pre")
    expect(whole).to_be_hidden()
    pane.locator(".pu-diff-after summary").click()
    expect(whole).to_be_visible()
    assert whole.inner_text().count("a line") == 61


def test_what_a_stranger_wrote_is_only_text(enter: Callable[..., Page], archive: Archive) -> None:
    page = open_audit(enter(), f"?sel={archive.edited}")
    expect(pane_of(page)).to_contain_text(HOSTILE)
    assert pane_of(page).locator("b[onmouseover], script").count() == 0
    assert page.title() == "Audit · Purser"


def test_filters_narrow_begin_at_the_first_page_and_stand_in_the_address(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter())
    page.get_by_role("link", name="Next page").click()
    expect(page).to_have_url(re.compile("after="))
    choose(page, "Action", "Role changed")
    expect(rows_of(page)).to_have_count(1)
    expect(page).to_have_url(f"{archive.live.url}/audit?action=user.role")
    choose(page, "Action", "any")
    choose(page, "Subject", "saved view")
    expect(rows_of(page)).to_have_count(2)
    choose(page, "Subject", "any")
    choose(page, "Actor", "command line")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(rows_of(page)).to_have_count(50)


def test_search_finds_by_beginning_of_an_address_and_by_id(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter())
    page.keyboard.press("/")
    page.keyboard.type("tester@")
    expect(rows_of(page)).to_have_count(2)  # and that they signed in
    assert str(archive.tested) in ids_of(page)
    page.get_by_label("Id or e-mail").fill(str(archive.user))
    expect(page.locator(".pu-table-foot")).to_contain_text("1–50 of 71")
    page.get_by_label("Id or e-mail").fill(str(archive.role))
    expect(rows_of(page)).to_have_count(1)


def test_all_that_an_actor_did_and_all_about_a_subject_are_one_click_away(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter(), f"?sel={archive.helped}")
    pane_of(page).get_by_role("link", name="support@staff.example").click()
    ready(page)
    expect(page.get_by_role("button", name="Actor support@staff.example: remove this filter")).to_be_visible()
    assert str(archive.helped) in ids_of(page)
    page.get_by_role("button", name="remove this filter").click()
    expect(rows_of(page)).to_have_count(50)
    open_audit(page, f"?sel={archive.role}")
    expect(pane_of(page).get_by_role("link", name="mara@northlight.example")).to_have_attribute(
        "href", f"/users/{archive.user}"
    )
    pane_of(page).get_by_role("link", name="all rows").click()
    expect(page).to_have_url(re.compile(f"q={archive.user}"))


def test_pages_back_and_a_copied_address(enter: Callable[..., Page], archive: Archive) -> None:
    page = open_audit(enter(), "?action=credits.adjustment")
    expect(page.locator(".pu-table-foot")).to_contain_text("1–50 of 70")
    first = ids_of(page)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".pu-table-foot")).to_contain_text("51–70 of 70")
    assert not set(first) & set(ids_of(page))
    page.locator(".pu-rowlink").first.click()
    expect(pane_of(page)).to_be_visible()
    copied, title = page.url, pane_of(page).locator("h2").inner_text()

    page.go_back()
    expect(pane_of(page)).to_be_hidden()
    page.go_back()
    expect(page.locator(".pu-table-foot")).to_contain_text("1–50 of 70")
    assert ids_of(page) == first

    page.goto(copied)
    ready(page)
    expect(pane_of(page).locator("h2")).to_have_text(title)
    expect(page.locator(".pu-table-foot")).to_contain_text("51–70 of 70")
    expect(page.locator("tr.is-chosen")).to_have_count(1)


def test_a_range_is_chosen_with_the_keyboard_alone(enter: Callable[..., Page]) -> None:
    page = open_audit(enter())
    page.get_by_role("button", name=re.compile("^Time ")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("option", name="from … to …").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Choose a range")
    dialog.get_by_label("From").fill("2026-01-02 03:04")
    dialog.get_by_label("To").fill("2026-01-02 04:04")
    dialog.get_by_role("button", name="Show").press("Enter")
    expect(page).to_have_url(re.compile(r"from=2026-01-02T03%3A04"))
    expect(page.get_by_text("Nothing found")).to_be_visible()


def test_rows_are_walked_opened_and_closed_with_the_keyboard_alone(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter(), "?action=credits.adjustment")
    links = page.locator(".pu-rowlink")
    links.first.focus()
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(pane_of(page)).to_contain_text("goodwill 1")
    page.get_by_role("button", name="Next row").press("Enter")
    expect(pane_of(page)).to_contain_text("goodwill 2")
    page.keyboard.press("Escape")
    expect(pane_of(page)).to_be_hidden()
    expect(page).not_to_have_url(re.compile("sel="))


def test_a_new_row_comes_by_itself_and_is_sealed_while_one_looks(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter())
    expect(rows_of(page).last.get_by_text("not yet")).to_have_count(0, timeout=30_000)
    kept = page.locator(".pu-rowlink").nth(3)
    kept.focus()
    place = ids_of(page)[3]

    made = archive.write(action="user.suspend", reason="card fraud")

    row = page.locator(f"tr[data-link*='{made}']")
    expect(row).to_contain_text("User suspended")
    row.get_by_role("link", name="User suspended").click()
    expect(pane_of(page)).to_contain_text("Sealed", timeout=30_000)
    expect(pane_of(page)).not_to_contain_text("Not sealed yet", timeout=30_000)
    expect(row.locator(".pu-line", has_text="User suspended")).to_be_visible()
    assert place in ids_of(page)
    ((seq, digest),) = archive.run("select seq, encode(hash, 'hex') from audit where id = %s", made)
    expect(pane_of(page)).to_contain_text(f"{seq:,}")
    expect(pane_of(page)).to_contain_text(digest[:16])


def test_the_list_as_a_file(
    enter: Callable[..., Page], new_context: Callable[..., BrowserContext], archive: Archive
) -> None:
    page = open_audit(enter(), "?action=provider.update&after=nonsense")
    expect(page.get_by_role("link", name="Download as CSV (100,000 rows at most)")).to_have_attribute(
        "href", "/audit.csv?action=provider.update"
    )
    (row,) = file_of(page, "?action=provider.update")
    assert (row["id"], row["actor"], row["reason"]) == (
        str(archive.edited),
        "boss@example.org",
        "cheaper at night",
    )
    assert '"per_minute":30' in row["before"]
    assert (
        "attachment" in page.request.get("/audit.csv?action=provider.update").headers["content-disposition"]
    )
    hostile = archive.write(action="odd.one", reason='=HYPERLINK("http://evil")', actor_label="@sum(1)")
    (row,) = file_of(page, "?action=odd.one")
    assert row["id"] == str(hostile)
    assert (row["reason"], row["actor"]) == ('\'=HYPERLINK("http://evil")', "'@sum(1)")

    stranger = new_context(base_url=archive.live.url).new_page()
    assert "/login" in stranger.request.get("/audit.csv").url


def test_support_sees_their_own_and_what_was_done_to_users_and_the_server_holds_to_it(
    enter: Callable[..., Page], archive: Archive
) -> None:
    page = open_audit(enter("support"))
    expect(page.get_by_text("what you did, and what was done to users")).to_be_visible()
    expect(page.get_by_text("View saved")).to_have_count(1)
    expect(page.get_by_text("Provider edited")).to_have_count(0)
    for query in (f"?sel={archive.edited}", f"?sel={archive.tested}"):
        open_audit(page, query)
        expect(pane_of(page)).to_contain_text("No such row")
    for query in (f"?q={archive.edited}", "?action=provider.update", f"?actor={archive.tester}&subject=view"):
        open_audit(page, query)
        expect(page.get_by_text("Nothing found")).to_be_visible()
    every = file_of(page)
    assert {row["subject_kind"] for row in every if row["actor_id"] != str(archive.helper)} == {"user"}
    assert str(archive.helped) in {row["id"] for row in every}
    assert str(archive.edited) not in {row["id"] for row in every}


def test_a_tester_sees_their_own_alone(enter: Callable[..., Page], archive: Archive) -> None:
    page = open_audit(enter("tester"))
    assert str(archive.tested) in ids_of(page)
    assert {row["actor_id"] for row in file_of(page)} == {str(archive.tester)}
    open_audit(page, f"?q={archive.user}&sel={archive.role}")
    expect(pane_of(page)).to_contain_text("No such row")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    assert "mara@" not in page.locator("body").inner_text()


@pytest.mark.parametrize(
    "query",
    [
        "?actor=nonsense&action=%00&subject=A B&range=99y&after=no&before=no&sel=no",
        "?from=yesterday&to=tomorrow&zzz=1",
        "?from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z",
        "?q=%00%25%27%5C&q=2",
        "?sel=00000000-0000-0000-0000-000000000000",
        "?after=ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)
def test_an_address_that_means_nothing_does_no_harm(enter: Callable[..., Page], query: str) -> None:
    page = enter()
    page.goto(f"/audit{query}")
    ready(page)
    expect(page.get_by_role("heading", name="Audit", level=1)).to_be_visible()
    expect(page.get_by_text("This could not be loaded")).to_have_count(0)


def test_a_rows_own_address_leads_to_the_list(enter: Callable[..., Page], archive: Archive) -> None:
    page = enter()
    page.goto(f"/audit/{archive.role}")
    ready(page)
    expect(pane_of(page)).to_contain_text("Role changed")
    page.goto("/audit/nonsense")
    expect(page).to_have_url(f"{archive.live.url}/audit")


def test_a_view_of_the_audit_is_saved_and_found_again(enter: Callable[..., Page], archive: Archive) -> None:
    page = open_audit(enter("tester"), "?action=view.save&range=7d")
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("menuitem", name="Save this view…").click()
    page.get_by_role("dialog").get_by_label("Name").fill("My views")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(rows_of(page).filter(has_text="View saved")).to_have_count(2)  # that too is in the audit
    ((address, request_id),) = archive.run(
        "select address, request_id from audit where action = 'view.save' order by id desc limit 1"
    )
    assert (address, UUID(request_id).version) == ("127.0.0.1", 7), (
        "what is done in the pages says from where"
    )
    open_audit(page)
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("menuitem", name="My views", exact=True).click()
    expect(page).to_have_url(re.compile(r"/audit\?action=view.save&range=7d"))


def test_a_role_that_was_taken_away_meanwhile_is_asked_anew_at_every_click(
    new_context: Callable[..., BrowserContext], archive: Archive
) -> None:
    page = new_context(base_url=archive.live.url).new_page()
    email, identifier = archive.colleague("support")
    sign_in(page, archive.live, email)
    open_audit(page)
    expect(rows_of(page)).to_have_count(50)

    # Without a word to the processes: the page stays open, and a person could send its events by hand.
    archive.run("update users set role = 'tester' where id = %s", identifier)
    choose(page, "Time", "7 d")

    expect(rows_of(page)).to_have_count(1)
    expect(rows_of(page)).to_contain_text("Signed in")


def test_somebody_who_did_nothing_yet_is_told_what_will_stand_here(
    new_context: Callable[..., BrowserContext], archive: Archive
) -> None:
    page = new_context(base_url=archive.live.url).new_page()
    email, identifier = archive.colleague("tester")
    sign_in(page, archive.live, email)
    # Signing in stands in the audit: taken out, by the database's owner, to see the page before it.
    archive.run("alter table audit disable trigger all")
    archive.run("delete from audit where actor_id = %s", identifier)
    archive.run("alter table audit enable trigger all")
    open_audit(page)
    expect(page.get_by_text("Nothing yet")).to_be_visible()
    expect(page.get_by_text("What you change stands here")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_serious_stands_in_anybodys_way(
    enter: Callable[..., Page], archive: Archive, width: int
) -> None:
    page = enter(viewport={"width": width, "height": 900})
    for query in ("", f"?sel={archive.edited}", "?q=nobody"):
        page.goto(f"/audit{query}")
        settled(page)
        assert sideways(page) <= 0
        assert width == 1024 or serious(page) == []
