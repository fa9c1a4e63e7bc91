"""Prices for one person: who sets them, that the next generation anywhere pays them, and that the books say so."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.accounts.models import User
from core.accounts.prices import end_price, prices_of, set_price
from core.audit import SYSTEM, Actor
from core.credits.service import entries
from core.database import Database
from core.errors import PurserError
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import actor_of, make_user, somebody_waits
from tests.fakes import FakeUsage, FakeVendors
from tests.waiting import until
from tests.world import World, person, running, settings_for

MODEL = "gpt-6.1-sol"


@pytest.fixture
async def root(database: Database) -> User:
    return await make_user(database, email="root@example.com", role=Role.SUPERADMIN)


@pytest.fixture
async def customer(database: Database) -> User:
    return await make_user(database, email="customer@example.com")


async def put(database: Database, user: Any, credits: str, **fields: Any) -> Any:
    given: dict[str, Any] = {"actor": SYSTEM, "reason": "as agreed", "model_id": MODEL, **fields}
    async with database.transaction() as session:
        return await set_price(session, user.id, given.pop("model_id"), Decimal(credits), **given)


async def refused(database: Database, user: Any, credits: str, **fields: Any) -> str:
    with pytest.raises(PurserError) as refusal:
        await put(database, user, credits, **fields)
    return refusal.value.code


async def test_a_new_price_takes_the_place_of_the_one_before(
    database: Database, root: User, customer: User
) -> None:
    await put(database, customer, "1.5", actor=actor_of(root))
    await put(database, customer, "0.25", actor=actor_of(root), reason="for good")
    await put(database, customer, "3", model_id="gpt-6-luna", actor=actor_of(root))

    found = await prices_of(database, customer.id)
    assert [(one.model_id, one.credits, one.reason, one.created_by) for one in found] == [
        ("gpt-6-luna", Decimal(3), "as agreed", "root@example.com"),
        (MODEL, Decimal("0.25"), "for good", "root@example.com"),
    ]
    everything = await prices_of(database, customer.id, ended=True)
    assert [one.in_force for one in everything] == [True, True, False]
    rows = await database.fetch_all("select action, reason, before, after from audit order by id")
    assert rows[1] == (
        "user.price",
        "for good",
        {"model": MODEL, "credits": "1.5", "expires_at": None},
        {"model": MODEL, "credits": "0.25", "expires_at": None},
    )


async def test_an_ended_price_is_ended_once(database: Database, root: User, customer: User) -> None:
    price = await put(database, customer, "1.5")

    async def end() -> None:
        async with database.transaction() as session:
            await end_price(session, price.id, actor=actor_of(root), reason="agreement over")

    await end()
    with pytest.raises(PurserError, match="ended already"):
        await end()
    assert await prices_of(database, customer.id) == []


async def test_two_at_once_leave_one_price(database: Database, customer: User) -> None:
    async with database.transaction() as session:
        await set_price(session, customer.id, MODEL, Decimal(1), actor=SYSTEM, reason="first")
        other = asyncio.create_task(put(database, customer, "2"))
        await somebody_waits(database)
    await other

    assert [one.credits for one in await prices_of(database, customer.id)] == [Decimal(2)]


@pytest.mark.parametrize(
    ("credits", "fields", "code"),
    [
        ("-1", {}, "invalid_price"),
        ("NaN", {}, "invalid_price"),
        ("Infinity", {}, "invalid_price"),
        ("1000001", {}, "invalid_price"),
        ("0.0000000001", {}, "invalid_price"),
        ("1", {"model_id": " "}, "invalid_request"),
        ("1", {"reason": ""}, "reason_required"),
        ("1", {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "invalid_request"),
        ("1", {"actor": Actor("user", "s", Role.SUPPORT, new_id())}, "not_allowed"),
        ("1", {"actor": Actor("key", "k", Role.SUPERADMIN, new_id())}, "not_allowed"),
    ],
)
async def test_what_is_no_price_or_not_theirs_to_set_is_refused(
    database: Database, customer: User, credits: str, fields: dict[str, Any], code: str
) -> None:
    assert await refused(database, customer, credits, **fields) == code
    assert await prices_of(database, customer.id, ended=True) == []


# What it does


async def charged(world: World, by: Any) -> tuple[int, str, str]:
    """Of one generation of a thousand tokens each way: credits, what the entry says, what the trace says."""
    result = await world.ask(by=by, max_tokens=2_000)
    (entry, *_) = await entries(world.purser.database, by.id)
    (chosen,) = [step["detail"] for step in result.trace if step["decision"] == "chosen"]
    return result.credits, entry["reason"], chosen


async def test_its_user_pays_it_in_every_process_and_nobody_else_does(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    fakes.openai.answer_with("long", FakeUsage(input=1_000, output=1_000))
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as one, running(settings) as other:
        mara = await person(other.purser, "mara@example.com", credits=100)
        assert await charged(other, mara) == (4, f"Text by {MODEL}", "first in order")
        await put(one.purser.database, mara, "0.5")

        async def told() -> bool:
            nonlocal mara
            mara = await person(other.purser, "mara@example.com", credits=100)
            return bool(mara.prices)

        await until(told)

        credits, entry, trace = await charged(other, mara)

        assert credits == 1
        words = "at this user's price of 0.5 credits per 1k tokens"
        assert entry == f"Text by {MODEL} {words}"
        assert trace == f"first in order; {words}"
        assert (await charged(other, other.user))[0] == 4


async def test_a_dearer_price_is_held_and_one_that_has_ended_is_not(world: World, fakes: FakeVendors) -> None:
    database = world.purser.database
    poor = await person(world.purser, "poor@example.com", credits=50)
    await put(database, poor, "100", expires_at=datetime.now(UTC) + timedelta(hours=1))
    await world.purser.identities.forget()
    poor = await person(world.purser, "poor@example.com", credits=50)

    error = await world.refused(by=poor, model=MODEL, allow_fallback=False, max_tokens=1_000)
    assert error.code == "insufficient_credits"
    assert error.details["required"] > 100

    # The same person, remembered from before: the price ends by itself.
    await database.execute("update price_overrides set expires_at = now() + interval '50 ms'")
    await world.purser.identities.forget()
    poor = await person(world.purser, "poor@example.com", credits=50)
    await until(lambda: not poor.own_prices(datetime.now(UTC)))
    assert (await world.ask(by=poor, model=MODEL, allow_fallback=False)).credits <= 4
