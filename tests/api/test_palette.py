"""What the palette answers: exact things first, only what a role may see, and never a change to anything."""

from typing import Any

import pytest

from core.accounts.organisations import create_organisation
from core.accounts.projects import create_project
from core.audit import SYSTEM, Actor
from core.credits.models import EntryType
from core.credits.service import open_account, post
from core.ids import new_id
from core.membership.drafting import Terms, draft_from_csv
from core.vocabulary import Role, Traffic
from dashboard.palette import route
from tests.api.conftest import ADMIN, Serve, Site
from tests.world import person

BOSS = Actor("user", ADMIN, Role.SUPERADMIN, new_id())
PASSWORDED = {Role.SUPPORT: "support@example.com", Role.TESTER: "tester@example.com"}


@pytest.fixture
async def desk(serve: Serve) -> Site:
    """Purser with the sandbox, and the palette's address."""
    return await serve(None, route.router)


async def ask(site: Site, text: str, email: str = ADMIN) -> dict[str, list[dict[str, Any]]]:
    answer = await site.anonymous.get("/palette", params={"q": text}, headers=await site.session_of(email))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return {group["name"]: group["entries"] for group in answer.json()["groups"]}


async def colleague(site: Site, role: Role) -> str:
    await site.make_staff(PASSWORDED[role], role)
    return PASSWORDED[role]


async def test_nothing_typed_offers_pages_and_what_is_often_done(desk: Site) -> None:
    found = await ask(desk, "")

    assert list(found) == ["Pages", "Actions"]
    assert [entry["href"] for entry in found["Pages"]] == [
        "/", "/generations", "/users", "/credits", "/providers", "/plans", "/playground", "/audit", "/settings",
    ]  # fmt: skip
    assert "Add provider…" in [entry["title"] for entry in found["Actions"]]


async def test_the_beginning_of_an_address_finds_users_with_plan_and_balance(desk: Site) -> None:
    await person(desk.purser, "mara.l@northlight.example", credits=1_250, plan="pro")
    await person(desk.purser, "mara.o@lumenlabs.example", credits=1_560, plan="premium")

    found = await ask(desk, "mara")

    assert [(e["title"], e["aside"], e["number"]) for e in found["Users"]] == [
        ("mara.l@northlight.example", "Pro", "1,250 cr"),
        ("mara.o@lumenlabs.example", "Premium", "1,560 cr"),
    ]
    assert found["Pages"][-1]["href"] == "/generations?q=mara"
    assert found["Actions"][0]["title"] == "Adjust credits…"
    assert found["Actions"][0]["href"] == f"{found['Users'][0]['href']}?do=adjust"


async def test_an_address_leads_to_its_user_with_their_latest_two(desk: Site) -> None:
    for _ in range(3):
        assert (await desk.generate()).status_code == 200

    found = await ask(desk, desk.user.email.upper())

    assert next(iter(found)) == "Users"
    assert found["Users"][0]["href"] == f"/users/{desk.user.id}"
    assert [entry["chip"]["word"] for entry in found["Generations"]] == ["Completed", "Completed"]


async def test_an_id_anywhere_in_what_was_pasted_leads_to_its_object_alone(desk: Site) -> None:
    made = (await desk.generate()).json()["id"]
    provider = desk.purser.snapshots.current.providers[0].id

    async def only(text: str) -> str:
        ((entry,),) = (await ask(desk, text)).values()
        return entry["href"]

    assert await only(made) == f"/generations?sel={made}"
    assert await only(f'log: {{"generation": "{made.upper()}", "ok": true}}') == f"/generations?sel={made}"
    assert await only(made.replace("-", "")) == f"/generations?sel={made}"
    assert await only(f"https://purser.example/users/{desk.user.id}?tab=ledger") == f"/users/{desk.user.id}"
    assert await only(str(provider)) == f"/providers?sel={provider}"
    assert await only(made.replace("-", "")[-8:]) == f"/generations?sel={made}"
    assert await ask(desk, str(new_id())) == {}


async def test_the_id_of_an_entry_a_bulk_grant_an_organisation_or_a_project_leads_there(desk: Site) -> None:
    why: dict[str, Any] = {"actor": SYSTEM, "reason": "for the test"}
    assert (await desk.generate()).status_code == 200
    async with desk.purser.database.transaction() as session:
        draft = await draft_from_csv(
            session, f"{desk.user.email},500", Terms("Spring", "promotion"), actor=BOSS
        )
        organisation = await create_organisation(session, "Northlight", desk.user.id, **why)
        organisation_id = organisation.id
        project = await create_project(session, desk.user.id, "Autumn", limit=None, **why)
    row = await desk.purser.database.fetch_one("select id from credit_entries where type = 'usage'")
    assert row is not None
    there = {
        row[0]: ("Ledger", f"/credits?sel={row[0]}", "−1 cr"),
        draft.id: ("Bulk grants", f"/credits?tab=bulk&sel={draft.id}", "500 cr"),
        organisation_id: ("Organisations", f"/users?tab=organisations&sel={organisation_id}", ""),
        project.id: ("Projects", f"/generations?project={project.id}", ""),
    }
    support, tester = await colleague(desk, Role.SUPPORT), await colleague(desk, Role.TESTER)

    for identifier, (name, href, number) in there.items():
        for pasted in (str(identifier), f"see {identifier}, please"):
            found = await ask(desk, pasted, support)
            assert list(found) == [name]
            assert [(entry["href"], entry.get("number", "")) for entry in found[name]] == [(href, number)]
        assert await ask(desk, str(identifier), tester) == {}

    async with desk.purser.database.transaction() as session:
        account = await open_account(session, desk.user.id, Traffic.TEST)
        posted = await post(session, account, type=EntryType.BONUS, amount=5, reason="to try", actor=SYSTEM)
        tried = posted.id
    ((entry,),) = (await ask(desk, str(tried))).values()
    assert entry["href"] == f"/credits?traffic=test&sel={tried}"


async def test_the_id_of_a_request_leads_to_its_generation(desk: Site) -> None:
    answer = await desk.generate()

    found = await ask(desk, answer.headers["x-request-id"])

    assert found["Generations"][0]["href"] == f"/generations?sel={answer.json()['id']}"


async def test_models_and_actions_are_found_by_any_of_their_words(desk: Site) -> None:
    models = (await ask(desk, "sandbox text"))["Models"]
    assert models[0]["href"].startswith("/playground?model=sandbox/")

    actions = {entry["title"]: entry for entry in (await ask(desk, "outage"))["Actions"]}
    sandbox = desk.purser.snapshots.current.providers[0]
    assert actions[f"Simulate outage of {sandbox.name}…"]["href"] == f"/providers?sel={sandbox.id}&drill=1"

    themes = [entry for entry in (await ask(desk, "dark"))["Actions"] if entry["title"] == "Theme: dark"]
    assert themes[0]["data"] == {"data-theme": "dark"}


async def test_support_finds_users_but_no_actions_of_superadmins(desk: Site) -> None:
    support = await colleague(desk, Role.SUPPORT)

    assert (await ask(desk, "user@", support))["Users"][0]["href"] == f"/users/{desk.user.id}"
    for text in ("", "provider", "demo", "invite", "outage"):
        titles = {entry["title"] for entry in (await ask(desk, text, support)).get("Actions", [])}
        assert not titles & {"Add provider…", "Invite…", "Load demo data…", "Simulate outage of Sandbox…"}


async def test_testers_find_no_users_and_only_their_own_generations(desk: Site) -> None:
    tester = await colleague(desk, Role.TESTER)
    foreign = await desk.generate()
    key = (await desk.make_key(tester)).secret
    own = (await desk.generate(headers=desk.with_key(key))).json()["id"]
    theirs = foreign.json()["id"]

    for text in (
        desk.user.email,
        "user@",
        str(desk.user.id),
        theirs,
        theirs[-8:],
        foreign.headers["x-request-id"],
    ):
        found = await ask(desk, text, tester)
        assert not found.get("Users"), text
        assert not found.get("Generations"), text
    assert (await ask(desk, own, tester))["Generations"][0]["title"]


async def test_a_test_run_is_opened_among_test_traffic(desk: Site) -> None:
    made = (await desk.generate()).json()["id"]
    await desk.sql("update generations set traffic = 'test' where id = %s", made)

    found = await ask(desk, made)

    assert found["Generations"][0]["href"] == f"/generations?traffic={Traffic.TEST}&sel={made}"


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "\\",
        "_",
        "<img src=x onerror=alert(1)>",
        "'; drop table users; --",
        "\x00\x01",
        "ｆｕｌｌ",
        "  ",
        "a" * 400,
    ],
)
async def test_hostile_text_is_only_text(desk: Site, text: str) -> None:
    await ask(desk, text)

    assert await desk.purser.identities.resolve_user(desk.user.email)


async def test_whoever_is_signed_out_finds_nothing(desk: Site) -> None:
    for headers in ({}, {"Cookie": "purser_session=nonsense"}, {"Authorization": f"Bearer {desk.key}"}):
        answer = await desk.anonymous.get("/palette", params={"q": "user@"}, headers=headers)
        assert answer.status_code == 401
        assert "groups" not in answer.json()

    session = await desk.session_of()
    await desk.sql("update users set role = 'user' where email = %s", ADMIN)
    assert (await desk.anonymous.get("/palette?q=user@", headers=session)).status_code == 401


async def test_there_is_no_way_to_write_through_it(desk: Site) -> None:
    headers = await desk.session_of()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await desk.anonymous.request(method, "/palette", headers=headers)).status_code == 405
    assert (await desk.anonymous.get("/palette", params={"q": "a" * 401}, headers=headers)).status_code == 422
