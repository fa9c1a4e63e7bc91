"""What a reservation counts in, and to which day it gives back."""

import asyncio
from collections import Counter

import pytest

from core.database import Database
from tests.integration.credits.books import Books

DAY, MONTH = "2026-11-30", "2026-11"


async def test_fifty_at_once_meet_the_monthly_ceiling_exactly(database: Database) -> None:
    books = await Books.open(database, 1_000)
    await books.reserve(7, month=MONTH, month_cap=50)

    outcomes = Counter(
        outcome
        for outcome, _ in await asyncio.gather(
            *(books.reserve(3, month=MONTH, month_cap=50) for _ in range(50))
        )
    )

    assert outcomes == {"held": 14, "monthly_ceiling": 36}
    assert await books.counted() == {("month", MONTH): 49}
    assert await books.state() == (1_000, 49)


@pytest.mark.parametrize(
    ("caps", "refusal"),
    [({"day": DAY, "day_cap": 5}, "daily_limit"), ({"trial_cap": 5}, "trial_used")],
)
async def test_fifty_at_once_at_the_edge_admit_exactly_the_rest(
    database: Database, caps: dict[str, object], refusal: str
) -> None:
    books = await Books.open(database, 1_000)
    await books.reserve(1, **caps)
    await books.reserve(1, **caps)

    outcomes = Counter(
        outcome for outcome, _ in await asyncio.gather(*(books.reserve(1, **caps) for _ in range(50)))
    )

    assert outcomes == {"held": 3, refusal: 47}
    assert await books.state() == (1_000, 5)


async def test_a_release_after_midnight_gives_back_to_the_day_it_was_taken_from(database: Database) -> None:
    books = await Books.open(database, 100)
    _, before = await books.reserve(4, day=DAY, month=MONTH, trial_cap=9)
    await books.reserve(4, day="2026-12-01", month="2026-12", trial_cap=9)

    await books.release(before)

    assert await books.counted() == {
        ("day", DAY): 0,
        ("month", MONTH): 0,
        ("trial", ""): 1,
        ("day", "2026-12-01"): 1,
        ("month", "2026-12"): 4,
    }


async def test_a_settlement_after_midnight_corrects_the_month_it_was_taken_from(database: Database) -> None:
    books = await Books.open(database, 100)
    _, generation = await books.reserve(10, day=DAY, month=MONTH)

    await books.settle(generation, 3)

    assert await books.counted() == {("day", DAY): 1, ("month", MONTH): 3}


async def test_resolving_twice_gives_back_once(database: Database) -> None:
    books = await Books.open(database, 100)
    await books.reserve(5, day=DAY, month=MONTH)
    _, generation = await books.reserve(10, day=DAY, month=MONTH)

    await asyncio.gather(*(books.release(generation) for _ in range(5)))

    assert await books.counted() == {("day", DAY): 1, ("month", MONTH): 5}


async def test_a_refused_reservation_counts_nowhere(database: Database) -> None:
    books = await Books.open(database, 2)

    outcome, _ = await books.reserve(3, day=DAY, day_cap=5, month=MONTH, month_cap=50, trial_cap=2)

    assert outcome == "insufficient_credits"
    assert await books.counted() == {}


async def test_the_ceiling_may_be_reached_and_not_passed(database: Database) -> None:
    books = await Books.open(database, 100)

    assert (await books.reserve(40, month=MONTH, month_cap=50))[0] == "held"
    assert (await books.reserve(11, month=MONTH, month_cap=50))[0] == "monthly_ceiling"
    assert (await books.reserve(10, month=MONTH, month_cap=50))[0] == "held"
