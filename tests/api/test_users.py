"""`/api/users`: a product's backend keeps its users in step, and staff change them, each within what they may."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from core.database import run
from core.ids import new_id
from core.vocabulary import Role
from dashboard.access import purser_of
from tests.api.conftest import ADMIN, USER, Serve, Site, error_of

ENTRY = {
    "id", "email", "name", "role", "status", "statusReason", "plan", "planExpiresAt", "trialEndsAt", "trialUses",
    "language", "timeZone", "balance", "createdAt", "lastActiveAt",
}  # fmt: skip


class Backend:
    """A product's backend: one service key with the scope `users`."""

    def __init__(self, site: Site, secret: str) -> None:
        self.site = site
        self.headers = site.with_key(secret)

    async def call(
        self, method: str, path: str = "", *, once: str | None = None, **how: Any
    ) -> httpx.Response:
        headers = self.headers | ({"Idempotency-Key": once} if once else {})
        return await self.site.client.request(method, f"/api/users{path}", headers=headers, **how)

    async def made(self, email: str, **fields: Any) -> dict[str, Any]:
        answer = await self.call("POST", json={"email": email, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def changed(self, who: str, **fields: Any) -> dict[str, Any]:
        answer = await self.call("PATCH", f"/{who}", json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, **query: Any) -> list[str]:
        """The addresses of the whole list, page by page."""
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            answer = await self.call("GET", params={**query, **({"after": after} if after else {})})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += [user["email"] for user in page["items"]]
            after = page["next"]
        return found


@pytest.fixture
async def backend(sandbox: Site) -> Backend:
    return Backend(sandbox, await sandbox.service_key("users"))


async def test_a_new_user_has_plan_trial_and_first_credits(backend: Backend) -> None:
    made = await backend.made(
        "Mara@Example.com", name="Mara Okafor", language="pt-BR", timeZone="Europe/Berlin", company="Lund"
    )

    assert set(made) == ENTRY
    assert (made["email"], made["name"], made["role"], made["status"]) == (
        "mara@example.com", "Mara Okafor", "user", "active",
    )  # fmt: skip
    assert made["plan"] == {"id": "trial", "displayName": "Trial"}
    assert (made["balance"], made["trialUses"]) == (50, 2)
    assert (made["language"], made["timeZone"]) == ("pt-BR", "Europe/Berlin")
    ends = datetime.fromisoformat(made["trialEndsAt"]) - datetime.now(UTC)
    assert timedelta(days=13, hours=23) < ends <= timedelta(days=14)
    for who in (made["id"], "MARA@example.com"):
        answer = await backend.call("GET", f"/{who}")
        assert answer.json() == made
    owner = await backend.site.purser.database.fetch_one("select role from members")
    assert owner == ("owner",)


async def test_the_same_key_creates_one_user_and_another_body_is_refused(backend: Backend) -> None:
    body = {"email": "mara@example.com", "plan": "creator"}
    answers = await asyncio.gather(*(backend.call("POST", json=body, once="u-1") for _ in range(4)))

    assert [answer.status_code for answer in answers] == [201] * 4
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert answers[0].json()["balance"] == 1_500
    error_of(await backend.call("POST", json=body | {"plan": "pro"}, once="u-1"), 409, "idempotency_conflict")
    error_of(await backend.call("POST", json=body, once="u-2"), 409, "email_taken")
    error_of(await backend.call("POST", json=body), 409, "email_taken")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": "nobody"}, 400, "invalid_email"),
        ({"email": "a@b.example", "plan": "gold"}, 400, "unknown_plan"),
        ({"email": "a@b.example", "timeZone": "Mars/Base"}, 400, "invalid_request"),
        ({"email": "a@b.example", "language": "?"}, 400, "invalid_request"),
        ({"email": "a@b.example", "role": "superadmin"}, 422, "invalid_request"),
        ({"email": "a@b.example", "name": 5}, 422, "invalid_request"),
        ({"email": "a\u0000@b.example"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ],
)
async def test_what_makes_no_user_is_refused_and_leaves_nothing(
    backend: Backend, body: dict[str, Any], status: int, code: str
) -> None:
    error_of(await backend.call("POST", json=body), status, code)
    assert await backend.listed(q="a@b.example") == []


async def test_the_list_goes_by_pages_filters_and_search(backend: Backend) -> None:
    for number in range(5):
        await backend.made(f"u{number}@example.com", name=f"Mara Lund{number}", plan="creator")
    await backend.changed("u3@example.com", status="suspended", reason="Chargeback")

    everybody = [f"u{number}@example.com" for number in (4, 3, 2, 1, 0)] + [USER, ADMIN]
    assert await backend.listed(limit=3) == everybody
    assert await backend.listed(plan="creator", limit=2) == everybody[:5]
    assert await backend.listed(plan="none") == []
    assert await backend.listed(status="suspended") == ["u3@example.com"]
    assert await backend.listed(q="lund4") == ["u4@example.com"]
    assert await backend.listed(q="mara lund", limit=2) == [f"u{number}@example.com" for number in range(5)]
    assert await backend.listed(q="u1@") == ["u1@example.com"]
    assert await backend.listed(q="mara", status="suspended", plan="creator") == ["u3@example.com"]
    assert await backend.listed(q="nobody") == []
    for wrong in ({"limit": 0}, {"limit": 201}, {"status": "asleep"}, {"q": "x" * 321}):
        error_of(await backend.call("GET", params=wrong), 422, "invalid_request")
    error_of(await backend.call("GET", params={"after": "nowhere"}), 400, "bad_cursor")


async def test_a_plan_is_changed_with_its_credits_and_its_end(backend: Backend) -> None:
    await backend.made("mara@example.com")
    ends = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)

    changed = await backend.changed(
        "mara@example.com", plan="creator", planExpiresAt=ends.isoformat(), reason="paid"
    )
    assert changed["plan"]["id"] == "creator"
    assert datetime.fromisoformat(changed["planExpiresAt"]) == ends
    assert (changed["trialEndsAt"], changed["trialUses"], changed["balance"]) == (None, None, 1_500)

    again = await backend.changed("mara@example.com", plan="creator", name="Mara", reason="synced")
    assert again == changed | {"name": "Mara"}
    assert (await backend.changed("mara@example.com", planExpiresAt=None, reason="for good"))[
        "planExpiresAt"
    ] is None
    (row,) = await backend.site.purser.database.fetch_all(
        "select actor_kind, actor_label, reason from audit where action = 'user.plan' and reason = 'paid'"
    )
    assert row == ("key", f"{ADMIN} by key “backend”", "paid")


async def test_the_same_key_extends_a_trial_once(backend: Backend) -> None:
    made = await backend.made("mara@example.com")
    body = {"extendTrial": {"days": 7, "uses": 3}, "reason": "asked"}
    first = await backend.call("PATCH", "/mara@example.com", json=body, once="t-1")
    second = await backend.call("PATCH", "/mara@example.com", json=body, once="t-1")

    assert first.json() == second.json()
    assert first.json()["trialUses"] == 5
    longer = datetime.fromisoformat(first.json()["trialEndsAt"])
    assert longer - datetime.fromisoformat(made["trialEndsAt"]) == timedelta(days=7)
    other = await backend.call("PATCH", f"/{USER}", json=body, once="t-1")
    error_of(other, 409, "idempotency_conflict")


async def test_a_suspended_users_key_stops_at_once_and_starts_again(backend: Backend) -> None:
    suspended = await backend.changed(USER, status="suspended", reason="Chargeback")
    assert (suspended["status"], suspended["statusReason"]) == ("suspended", "Chargeback")
    refusal = error_of(await backend.site.generate(), 403, "account_suspended")
    assert refusal["details"]["reason"] == "Chargeback"

    await backend.changed(USER, status="active", reason="Paid")
    assert (await backend.site.generate()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"plan": "pro"}, 400, "reason_required"),
        ({"plan": "gold", "reason": "x"}, 400, "unknown_plan"),
        ({"planExpiresAt": "2020-01-01T00:00:00Z", "reason": "x"}, 400, "end_in_past"),
        ({"planExpiresAt": "2040-01-01T00:00:00", "reason": "x"}, 422, "invalid_request"),
        ({"planExpiresAt": 2_000_000_000, "reason": "x"}, 422, "invalid_request"),
        ({"extendTrial": {"days": 400}, "reason": "x"}, 422, "invalid_request"),
        ({"extendTrial": {"days": 4}, "reason": "x"}, 409, "not_on_trial"),
        ({"role": "support"}, 422, "invalid_request"),
        ({"email": "other@example.com"}, 422, "invalid_request"),
        ({"status": "asleep"}, 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_changed_is_refused_and_changes_nothing(
    backend: Backend, body: dict[str, Any], status: int, code: str
) -> None:
    before = (await backend.call("GET", f"/{USER}")).json()
    answer = await backend.call("PATCH", f"/{USER}", json={"name": "Other", **body} if body else body)
    error_of(answer, status, code)
    assert (await backend.call("GET", f"/{USER}")).json() == before


async def test_nobody_is_404(backend: Backend) -> None:
    for who in (str(new_id()), "nobody@example.com", "%00", "x" * 300):
        error_of(await backend.call("GET", f"/{who}"), 404, "user_not_found")
        error_of(await backend.call("PATCH", f"/{who}", json={"name": "x"}), 404, "user_not_found")


async def test_service_keys_need_the_scope_and_leave_superadmins_alone(
    sandbox: Site, backend: Backend
) -> None:
    other = sandbox.with_key(await sandbox.service_key("generate", "credits"))
    error_of(await sandbox.client.get("/api/users", headers=other), 403, "scope_missing")
    error_of(
        await sandbox.client.post("/api/users", headers=other, json={"email": "a@b.example"}),
        403,
        "scope_missing",
    )
    await sandbox.make_staff("root@example.com", Role.SUPERADMIN)
    for change in ({"status": "suspended"}, {"name": "x"}, {"plan": "free"}):
        answer = await backend.call("PATCH", "/root@example.com", json={"reason": "x", **change})
        error_of(answer, 403, "not_allowed")


async def test_support_may_and_testers_and_users_may_not(sandbox: Site) -> None:
    support = sandbox.with_key(await sandbox.make_staff("support@example.com", Role.SUPPORT))
    tester = sandbox.with_key(await sandbox.make_staff("tester@example.com", Role.TESTER))
    own = sandbox.with_key(sandbox.key)
    change = {"name": "New"}

    assert (await sandbox.client.get("/api/users", headers=support)).status_code == 200
    patched = await sandbox.client.patch(f"/api/users/{USER}", headers=support, json=change)
    assert patched.json()["name"] == "New"
    error_of(
        await sandbox.client.patch(f"/api/users/{ADMIN}", headers=support, json=change), 403, "not_allowed"
    )
    for headers in (tester, own):
        for answer in (
            await sandbox.client.get("/api/users", headers=headers),
            await sandbox.client.get(f"/api/users/{USER}", headers=headers),
            await sandbox.client.patch(f"/api/users/{USER}", headers=headers, json=change),
            await sandbox.client.post("/api/users", headers=headers, json={"email": "a@b.example"}),
        ):
            error_of(answer, 403, "not_allowed")


async def test_a_session_of_the_pages_may_from_our_own_pages_only(sandbox: Site) -> None:
    cookie = await sandbox.session_of()
    body = {"email": "a@b.example"}
    answer = await sandbox.anonymous.post("/api/users", json=body, headers=cookie)
    error_of(answer, 403, "cross_site")
    headers = cookie | {"Sec-Fetch-Site": "same-origin"}
    assert (await sandbox.anonymous.post("/api/users", json=body, headers=headers)).status_code == 201


@pytest.mark.parametrize("name", ["plan", "q", "status"])
async def test_a_filter_with_a_nul_is_refused_by_name(backend: Backend, name: str) -> None:
    answer = await backend.call("GET", params={name: "\0"})

    error = error_of(answer, 422, "invalid_request")
    assert [field["field"] for field in error["details"]["fields"]] == [name]


@pytest.mark.parametrize("way", ["fetch_one", "transaction"])
async def test_a_value_that_no_column_holds_is_400_and_no_fault_of_ours(serve: Serve, way: str) -> None:
    routes = APIRouter()

    @routes.get("/api/slip")
    async def slip(request: Request) -> None:
        database = purser_of(request).database
        if way == "fetch_one":
            await database.fetch_one("select id from users where email = %s", ("a\0b",))
        else:
            async with database.transaction() as session:
                await run(session, "select id from users where email = :email", {"email": "a\0b"})

    site = await serve(None, routes)

    error_of(await site.client.get("/api/slip"), 400, "invalid_request")


async def test_no_usd_is_told(backend: Backend) -> None:
    await backend.site.generate()
    answer = await backend.call("GET", f"/{USER}")
    assert not [name for name in answer.json() if "cost" in name.lower() or "usd" in name.lower()]
