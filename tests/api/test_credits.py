"""Moving credits over the API: adjust, refund, redeem, purchases; once per key, by those who may."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.audit import SYSTEM
from core.credits.approvals import waiting
from core.credits.codes import make_code
from core.credits.packages import add_package
from core.credits.shop_models import Package
from core.vocabulary import Role
from tests.api.conftest import ADMIN, USER, Site, error_of

GIFT = {"amount": 120, "reasonCode": "goodwill", "note": "Ticket 48213"}


async def post(site: Site, path: str, key: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await site.anonymous.post(f"/api/credits/{path}", json=body, headers=site.with_key(key, **headers))


@pytest.fixture
async def backend(sandbox: Site) -> str:
    """A service key for credits."""
    return await sandbox.service_key("credits")


@pytest.fixture
async def support(sandbox: Site) -> str:
    """A key of somebody of support."""
    return await sandbox.make_staff("support@example.com", Role.SUPPORT)


async def package(site: Site) -> Package:
    async with site.purser.database.transaction() as session:
        return await add_package(
            session, name="Starter", credits=500, bonus=50, price_usd=Decimal(9), actor=SYSTEM, reason="test"
        )


async def test_support_and_service_keys_adjust_and_get_the_entry(
    sandbox: Site, backend: str, support: str
) -> None:
    by_support = await post(sandbox, "adjust", support, {"userId": USER, **GIFT})
    by_header = await post(
        sandbox, "adjust", backend, {**GIFT, "amount": -20}, **{"X-User": str(sandbox.user.id)}
    )
    in_body = await post(sandbox, "adjust", backend, {"userId": str(sandbox.user.id), **GIFT})

    assert [one.status_code for one in (by_support, by_header, in_body)] == [200, 200, 200], by_support.text
    entry = by_support.json()
    assert (entry["type"], entry["amount"], entry["balanceAfter"]) == ("adjustment", 120, 1_120)
    assert (entry["reason"], entry["note"]) == ("Goodwill after failed generations", "Ticket 48213")
    assert await sandbox.balance() == 1_220


async def test_others_move_nothing(sandbox: Site) -> None:
    tester = await sandbox.make_staff("tester@example.com", Role.TESTER)
    other_scope = await sandbox.service_key("generate")

    for key, code in ((sandbox.key, "not_allowed"), (tester, "not_allowed"), (other_scope, "scope_missing")):
        for path, body in (
            ("adjust", {"userId": USER, **GIFT}),
            ("refund", {"generationId": str(uuid4()), "reasonCode": "outage"}),
            ("purchases", {"userId": USER, "packageId": str(uuid4()), "reference": "r"}),
        ):
            error_of(await post(sandbox, path, key, body), 403, code)
    assert await sandbox.balance() == 1_000


async def test_above_the_limit_it_waits_for_another_superadmin(
    sandbox: Site, support: str, backend: str
) -> None:
    asked = await post(sandbox, "adjust", support, {"userId": USER, **GIFT, "amount": 5_001})
    by_key = await post(sandbox, "adjust", backend, {"userId": USER, **GIFT, "amount": 10_001})

    assert (asked.status_code, by_key.status_code) == (202, 202)
    assert await sandbox.balance() == 1_000
    requests = await waiting(sandbox.purser.database)
    assert [str(one.id) for one in requests] == [
        asked.json()["request"]["id"],
        by_key.json()["request"]["id"],
    ]
    assert [one.asked_label for one in requests] == [
        "support@example.com by key “test”",
        "admin@example.com by key “backend”",
    ]


async def test_the_same_key_brings_the_first_answer_again(sandbox: Site, backend: str) -> None:
    headers = {"Idempotency-Key": "click-7"}
    body = {"userId": USER, **GIFT}
    first = await post(sandbox, "adjust", backend, body, **headers)
    again = await post(sandbox, "adjust", backend, dict(reversed(body.items())), **headers)

    assert again.json() == first.json()
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    error_of(
        await post(sandbox, "adjust", backend, {**body, "amount": 121}, **headers),
        409,
        "idempotency_conflict",
    )
    elsewhere = {"generationId": str(uuid4()), "reasonCode": "goodwill"}
    error_of(await post(sandbox, "refund", backend, elsewhere, **headers), 409, "idempotency_conflict")
    assert await sandbox.balance() == 1_120


async def test_a_waiting_answer_is_brought_again_with_its_status(sandbox: Site, support: str) -> None:
    body = {"userId": USER, **GIFT, "amount": 9_000}
    first, again = [
        await post(sandbox, "adjust", support, body, **{"Idempotency-Key": "k"}) for _ in range(2)
    ]

    assert (again.status_code, again.json()) == (202, first.json())
    assert len(await waiting(sandbox.purser.database)) == 1


async def test_keys_of_different_callers_do_not_meet(sandbox: Site, backend: str, support: str) -> None:
    for key in (backend, support):
        assert (
            await post(sandbox, "adjust", key, {"userId": USER, **GIFT}, **{"Idempotency-Key": "k"})
        ).status_code == 200

    assert await sandbox.balance() == 1_240


async def test_twenty_at_once_under_one_key_are_one_entry(sandbox: Site, backend: str) -> None:
    body = {"userId": USER, **GIFT}
    answers = await asyncio.gather(
        *(post(sandbox, "adjust", backend, body, **{"Idempotency-Key": "k"}) for _ in range(20))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await sandbox.balance() == 1_120


async def test_after_a_refusal_the_key_is_free(sandbox: Site, backend: str) -> None:
    headers = {"Idempotency-Key": "k"}
    error = error_of(
        await post(sandbox, "adjust", backend, {"userId": USER, **GIFT, "amount": -2_000}, **headers),
        402,
        "insufficient_credits",
    )
    assert error["details"] == {"required": 2_000, "available": 1_000}

    assert (await post(sandbox, "adjust", backend, {"userId": USER, **GIFT}, **headers)).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"reasonCode": "because"}, 400, "invalid_request"),
        ({"reasonCode": "other", "note": ""}, 400, "note_required"),
        ({"amount": 0}, 400, "invalid_request"),
        ({"amount": 10**10}, 422, "invalid_request"),
        ({"amount": 1.5}, 422, "invalid_request"),
        ({"userId": "nobody@example.com"}, 404, "unknown_user"),
        ({"userId": None}, 400, "user_required"),
        ({"reason": "x"}, 422, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_said(
    sandbox: Site, backend: str, change: dict[str, Any], status: int, code: str
) -> None:
    error_of(await post(sandbox, "adjust", backend, {"userId": USER, **GIFT} | change), status, code)
    assert await sandbox.balance() == 1_000


async def test_a_key_that_is_none_is_refused(sandbox: Site, backend: str) -> None:
    for key in ("", "k" * 201):
        answer = await post(sandbox, "adjust", backend, {"userId": USER, **GIFT}, **{"Idempotency-Key": key})
        assert error_of(answer, 422, "invalid_request")["details"]["fields"][0]["field"] == "Idempotency-Key"


async def test_a_charge_is_refunded_in_parts_and_once_over(sandbox: Site, support: str) -> None:
    generation = (await sandbox.generate()).json()
    body = {"generationId": generation["id"], "reasonCode": "outage"}

    entry = (await post(sandbox, "refund", support, body)).json()

    assert (entry["type"], entry["amount"], entry["generationId"]) == ("refund", 1, generation["id"])
    error_of(await post(sandbox, "refund", support, body), 409, "already_refunded")
    by_entry = {"entryId": entry["refundOf"], "reasonCode": "outage"}
    error_of(await post(sandbox, "refund", support, by_entry), 409, "already_refunded")
    error_of(await post(sandbox, "refund", support, {"reasonCode": "outage"}), 422, "invalid_request")
    error_of(await post(sandbox, "refund", support, {**body, "generationId": str(uuid4())}), 404, "not_found")
    assert await sandbox.balance() == 1_000


async def test_a_purchase_is_recorded_once_per_reference(sandbox: Site, backend: str) -> None:
    sold = await package(sandbox)
    listed = (await sandbox.client.get("/api/credits/packages")).json()["items"]
    assert listed == [{"id": str(sold.id), "name": "Starter", "credits": 500, "bonus": 50, "price": 9.0}]
    body = {"userId": USER, "packageId": listed[0]["id"], "reference": "in-7"}

    first, again = [(await post(sandbox, "purchases", backend, body)).json() for _ in range(2)]

    assert [(one["type"], one["amount"]) for one in first["items"]] == [("purchase", 500), ("bonus", 50)]
    assert (first["repeated"], again["repeated"], again["items"]) == (False, True, first["items"])
    error_of(await post(sandbox, "purchases", backend, {**body, "userId": ADMIN}), 409, "reference_used")
    assert await sandbox.balance() == 1_550


async def test_a_code_is_redeemed_by_its_user_once(sandbox: Site) -> None:
    async with sandbox.purser.database.transaction() as session:
        await make_code(session, code="WELCOME", credits=50, actor=SYSTEM)

    answers = [await post(sandbox, "redeem", sandbox.key, {"code": "welcome"}) for _ in range(2)]

    assert (answers[0].json()["type"], answers[0].json()["amount"]) == ("bonus", 50)
    error_of(answers[1], 409, "code_redeemed")
    error_of(await post(sandbox, "redeem", sandbox.key, {"code": "nix"}), 404, "unknown_code")
    assert await sandbox.balance() == 1_050


async def test_a_suspended_user_redeems_nothing(sandbox: Site) -> None:
    await sandbox.sql("update users set status = 'suspended' where email = %s", USER)

    error_of(await post(sandbox, "redeem", sandbox.key, {"code": "welcome"}), 403, "account_suspended")
