"""The ledger's promises, one by one: what burns first, what may not change, what counts once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from core.audit import SYSTEM, Actor
from core.credits.models import EntryType
from core.credits.service import adjust, balance_of, entries
from core.database import Database
from core.errors import InsufficientCredits, InvalidRequest, NotAllowed
from core.ids import new_id
from core.vocabulary import Role, Traffic
from tests.integration.credits.books import Books

NOW = datetime.now(UTC)
SUPPORT = Actor("user", "support@example.com", Role.SUPPORT)


async def tick() -> None:
    """Lots of one millisecond have no order."""
    await asyncio.sleep(0.002)


async def test_the_soonest_expiring_credits_burn_first_then_the_oldest(database: Database) -> None:
    books = await Books.open(database)
    late, soon = NOW + timedelta(days=60), NOW + timedelta(days=3)
    for amount, expires_at in ((10, None), (10, late), (10, soon), (10, None)):
        await books.grant(amount, expires_at)
        await tick()

    left: list[list[int]] = []
    for amount in (4, 10, 12, 10):
        await books.charge(amount)
        left.append([remaining for remaining, _ in await books.lots()])

    assert left == [[10, 10, 6, 10], [10, 6, 0, 10], [4, 0, 0, 10], [0, 0, 0, 4]]


async def test_an_adjustment_downwards_burns_in_the_same_order(database: Database) -> None:
    books = await Books.open(database, 5)
    await tick()
    await books.grant(5, NOW + timedelta(days=1))

    async with database.transaction() as session:
        await adjust(session, books.user_id, -6, actor=SYSTEM, reason_code="test")

    assert [remaining for remaining, _ in await books.lots()] == [4, 0]
    assert (await books.entries())[-1] == ("adjustment", -6, 4)


async def test_a_charge_is_at_most_what_was_held_and_the_rest_returns(database: Database) -> None:
    books = await Books.open(database, 20)
    _, less = await books.reserve(10)
    _, more = await books.reserve(10)

    assert await books.settle(less, 3) == ("settled", 3, 17)
    assert await books.settle(more, 99) == ("settled", 10, 7)
    assert await books.state() == (7, 0)


async def test_of_several_prices_the_largest_that_the_balance_carries_is_held(database: Database) -> None:
    books = await Books.open(database, 10)

    assert (await books.reserve(25, 8, 3))[0] == "held"
    assert await books.state() == (10, 8)
    assert (await books.reserve(25, 8))[0] == "insufficient_credits"


async def test_a_call_that_costs_nothing_leaves_no_entry(database: Database) -> None:
    books = await Books.open(database, 10)
    _, generation = await books.reserve(4)

    await books.settle(generation, 0)

    assert await books.entries() == [("grant", 10, 10)]
    assert await books.state() == (10, 0)


async def test_a_generation_reserves_once(database: Database) -> None:
    books = await Books.open(database, 10)
    _, generation = await books.reserve(4)
    again = await database.fetch_one(
        "select outcome from ledger_reserve(%s, 'live', %s, '{4}', 60, null, null, null, null, null)",
        (books.user_id, generation),
    )

    assert again == ("duplicate",)
    assert await books.state() == (10, 4)


async def test_an_adjustment_below_what_is_held_is_refused(database: Database) -> None:
    books = await Books.open(database, 10)
    await books.reserve(7)

    with pytest.raises(InsufficientCredits) as refused:
        async with database.transaction() as session:
            await adjust(session, books.user_id, -4, actor=SYSTEM, reason_code="test")

    assert refused.value.details == {"required": 4, "available": 3}
    assert await books.state() == (10, 7)
    assert len(await books.entries()) == 1


@pytest.mark.parametrize(
    ("actor", "amount", "reason", "refusal"),
    [
        (Actor("user", "ann", Role.USER), 1, "goodwill", NotAllowed),
        (Actor("user", "tess", Role.TESTER), 1, "goodwill", NotAllowed),
        (SUPPORT, 0, "goodwill", InvalidRequest),
        (SUPPORT, 1_000_000_001, "goodwill", InvalidRequest),
        (SUPPORT, 1, "  ", InvalidRequest),
        (SUPPORT, 1, "because", InvalidRequest),
        (SUPPORT, 1, "other", InvalidRequest),
    ],
)
async def test_credits_are_moved_by_those_who_may_and_with_a_reason(
    database: Database, actor: Actor, amount: int, reason: str, refusal: type[Exception]
) -> None:
    books = await Books.open(database, 10_000)

    with pytest.raises(refusal):
        async with database.transaction() as session:
            await adjust(session, books.user_id, amount, actor=actor, reason_code=reason)

    assert await books.state() == (10_000, 0)


async def test_an_adjustment_is_audited_with_before_and_after(database: Database) -> None:
    books = await Books.open(database, 100)
    async with database.transaction() as session:
        await adjust(session, books.user_id, -30, actor=SUPPORT, reason_code="goodwill", note="ticket 7")

    (row,) = await database.fetch_all(
        "select actor_label, reason, before, after - 'entry' from audit where action = 'credits.adjustment'"
    )

    assert row == (
        "support@example.com",
        "Goodwill after failed generations",
        {"balance": 100},
        {"balance": 70, "amount": -30, "note": "ticket 7"},
    )


async def test_concurrent_holds_never_exceed_the_balance(database: Database) -> None:
    books = await Books.open(database, 10)

    outcomes = Counter(outcome for outcome, _ in await asyncio.gather(*(books.reserve(3) for _ in range(40))))

    assert outcomes == {"held": 3, "insufficient_credits": 37}
    assert await books.state() == (10, 9)


async def test_settle_release_and_release_again_race_and_one_wins(database: Database) -> None:
    books = await Books.open(database, 100)
    for _ in range(10):
        _, generation = await books.reserve(5)
        told = await asyncio.gather(
            books.settle(generation, 5), books.release(generation), books.release(generation)
        )
        assert sorted(answer[0] for answer in told)[:2] == ["gone", "gone"]

    balance, held = await books.state()
    usage = [amount for type, amount, _ in await books.entries() if type == "usage"]
    assert (balance, held) == (100 + sum(usage), 0)


async def test_a_purchase_reference_is_booked_once(database: Database) -> None:
    one, other = await Books.open(database), await Books.open(database)
    await one.grant(100, type=EntryType.PURCHASE, reference="invoice-7")

    for books in (one, other):
        with pytest.raises(Exception, match="credit_entries_reference"):
            await books.grant(100, type=EntryType.PURCHASE, reference="invoice-7")
    await one.grant(5, type=EntryType.BONUS, reference="invoice-7")

    assert [(await books.state())[0] for books in (one, other)] == [105, 0]


async def test_live_and_test_money_are_kept_apart(database: Database) -> None:
    books = await Books.open(database, 10)
    async with database.transaction() as session:
        await adjust(session, books.user_id, 7, actor=SYSTEM, reason_code="test", traffic=Traffic.TEST)

    assert (await balance_of(database, books.user_id)).balance == 10
    assert (await balance_of(database, books.user_id, Traffic.TEST)).balance == 7
    assert [e["amount"] for e in await entries(database, books.user_id)] == [10]


async def test_entries_are_listed_newest_first_a_page_at_a_time(database: Database) -> None:
    books = await Books.open(database)
    for amount in range(1, 6):
        await books.grant(amount)

    first = await entries(database, books.user_id, limit=2)
    second = await entries(database, books.user_id, limit=2, after=first[-1]["seq"])

    assert [entry["amount"] for entry in first + second] == [5, 4, 3, 2]
    assert [entry["balanceAfter"] for entry in first] == [15, 10]


async def test_somebody_without_an_account_has_nothing_and_may_reserve_nothing(database: Database) -> None:
    nobody = Books(database, new_id(), new_id())

    assert (await nobody.reserve(1))[0] == "no_account"
    assert (await balance_of(database, nobody.user_id)).available == 0
