"""The key figures: whole hours as they were folded, the rest from the rows, the same sum either way."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.database import Database
from core.errors import DatabaseUnavailable
from core.generation import figures as module
from core.generation import hours as folding
from core.generation.figures import Cause, Figures, Hour, KeyFigures, figures
from core.generation.hours import fold_hours
from core.ids import new_id
from tests.rows import make_attempt, make_generation, make_months

NOW = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
PROVIDER = new_id()


@pytest.fixture(autouse=True)
async def months(database: Database) -> None:
    await make_months(database, NOW - timedelta(days=100), 6)


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


async def read(database: Database, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> Figures:
    return await figures(database, zone, now)


async def some_history(database: Database) -> None:
    """Four weeks with something in each part of them."""
    for hours in (0.1, 0.5, 1, 5, 23, 30, 50, 100, 160, 300, 500, 700):
        at = ago(hours=hours)
        await make_generation(database, at, latency_ms=100 + int(hours), credits=3, revenue="0.03")
        await make_attempt(database, PROVIDER, at, cost="0.02")
        await make_attempt(database, PROVIDER, at, cost=None)
        await make_attempt(database, PROVIDER, at, cost="5", provider="sandbox")
        await make_generation(database, at, status="failed", error_class="overloaded", credits=0, revenue="0")
        for traffic in ("test", "demo"):
            await make_generation(database, at, traffic=traffic, credits=1_000)
            await make_attempt(database, PROVIDER, at, traffic=traffic, cost="100")


async def test_they_are_the_same_folded_and_unfolded(database: Database) -> None:
    for hours in (0.1, 0.5, 1, 5, 22):
        await make_generation(database, ago(hours=hours), latency_ms=100 + int(hours))
        await make_attempt(database, PROVIDER, ago(hours=hours))

    before = await read(database)
    await fold_hours(database, BERLIN, NOW)
    after = await read(database)

    assert after == before
    assert before.completed == 5


async def test_a_day_a_month_and_their_courses(database: Database) -> None:
    await some_history(database)
    await fold_hours(database, BERLIN, NOW)

    now = await read(database)

    assert (now.completed, now.failed, now.success) == (5, 5, 0.5)
    assert (now.credits, now.revenue) == (15, Decimal("0.15"))
    # Ten of the twelve are of November; the sandbox and what was a test or the demo cost nothing.
    assert (now.month_spend, now.month_unpriced, now.day_unpriced) == (Decimal("0.20"), 10, 5)
    assert now.p95_ms == pytest.approx(119.4)
    assert now.p95_yesterday_ms == 130
    assert not now.p95_about
    assert not now.tests_only
    assert now.courses.credits[-1] == 12
    assert sum(now.courses.credits) == 27
    assert sum(now.courses.spend) == pytest.approx(0.18)
    assert set(now.courses.success) == {0.5}
    assert len(now.courses.credits) == len(now.courses.queue_age_s) == 28


async def test_the_hours_are_the_last_24_and_sum_to_the_figure(database: Database) -> None:
    await some_history(database)
    await fold_hours(database, BERLIN, NOW)

    now = await read(database)

    assert len(now.hours) == 24
    assert now.hours[-1] == Hour(NOW.replace(minute=0), 2, 2)
    assert now.hours[0].at == NOW.replace(minute=0) - timedelta(hours=23)
    assert sum(hour.completed for hour in now.hours) == now.completed
    assert sum(hour.failed for hour in now.hours) == now.failed


async def test_each_day_of_the_month_is_one_of_the_reporting_zone(database: Database) -> None:
    await make_attempt(database, PROVIDER, datetime(2026, 10, 31, 22, 30, tzinfo=UTC), cost="7")
    await make_attempt(database, PROVIDER, datetime(2026, 10, 31, 23, 30, tzinfo=UTC), cost="1")
    await make_attempt(database, PROVIDER, datetime(2026, 11, 20, 22, 59, tzinfo=UTC), cost="2")
    await make_attempt(database, PROVIDER, datetime(2026, 11, 20, 23, 1, tzinfo=UTC), cost="3")
    await make_generation(database, datetime(2026, 10, 30, tzinfo=UTC))
    await fold_hours(database, BERLIN, NOW)

    now = await read(database)

    spent = {day: usd for day, usd in now.spend_days if usd}
    assert spent == {
        date(2026, 11, 1): Decimal(1), date(2026, 11, 20): Decimal(2), date(2026, 11, 21): Decimal(3),
    }  # fmt: skip
    assert [day for day, _ in now.spend_days] == [date(2026, 11, number) for number in range(1, 31)]
    assert now.month_spend == 6


async def test_hours_begin_as_those_of_the_zone_do_and_are_made_anew_when_it_changes(
    database: Database,
) -> None:
    await make_generation(database, datetime(2026, 11, 21, 11, 40, tzinfo=UTC))
    await make_attempt(database, PROVIDER, datetime(2026, 11, 20, 18, 40, tzinfo=UTC), cost="1")
    await make_generation(database, datetime(2026, 11, 20, 18, 40, tzinfo=UTC))
    await fold_hours(database, BERLIN, NOW)
    await fold_hours(database, KOLKATA, NOW)

    now = await read(database, zone=KOLKATA)

    assert {hour.at.minute for hour in now.hours} == {30}
    assert [hour.completed for hour in now.hours][-2:] == [1, 0]
    assert now.completed == 2
    # 18:40 UTC is past midnight there.
    assert dict(now.spend_days)[date(2026, 11, 21)] == 1


async def test_folding_again_changes_nothing_and_takes_in_what_ended_late(database: Database) -> None:
    await make_generation(database, ago(hours=1))
    await fold_hours(database, BERLIN, NOW)
    rows = await database.fetch_all("select * from hour_figures order by traffic, at")

    await asyncio.gather(fold_hours(database, BERLIN, NOW), fold_hours(database, BERLIN, NOW))
    assert await database.fetch_all("select * from hour_figures order by traffic, at") == rows

    await make_generation(database, ago(hours=1), status="failed")
    await fold_hours(database, BERLIN, NOW)
    assert (await read(database)).failed == 1


async def test_where_nobody_has_folded_for_hours_the_rows_are_summed(database: Database) -> None:
    await make_generation(database, ago(hours=20))
    await fold_hours(database, BERLIN, ago(hours=15))
    for hours in (14, 3, 0.2):
        await make_generation(database, ago(hours=hours))

    assert (await read(database)).completed == 4


async def test_a_long_way_is_gone_in_stages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_PIECES", 2)
    for days in (20, 15, 10, 5, 1):
        await make_generation(database, ago(days=days))
        await make_attempt(database, PROVIDER, ago(days=days), cost="1")

    seen = []
    for _ in range(4):
        await fold_hours(database, BERLIN, NOW)
        seen.append((await read(database)).month_spend)

    assert seen[0] < 5
    assert seen[-1] == 5


async def test_only_tests_are_shown_where_nothing_else_happened_and_their_spend_is_not(
    database: Database,
) -> None:
    await make_generation(database, ago(hours=2), traffic="test", credits=4)
    await make_attempt(database, PROVIDER, ago(hours=2), traffic="test", cost="1")
    await fold_hours(database, BERLIN, NOW)

    now = await read(database)

    assert now.tests_only
    assert (now.completed, now.credits, now.month_spend) == (1, 4, 0)


async def test_demo_data_is_in_no_figure(database: Database) -> None:
    await make_generation(database, ago(hours=2), traffic="demo")
    await make_generation(database, ago(hours=2), traffic="demo", status="failed", error_class="server")
    await fold_hours(database, BERLIN, NOW)

    now = await read(database)

    assert (now.total, now.causes, now.success, now.p95_ms) == (0, (), None, None)


async def test_many_generations_have_their_p95_put_together_from_hours(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_TO", 3)
    for hours, latency in ((0.1, 100), (2, 100), (2.1, 100), (5, 500), (30, 900)):
        await make_generation(database, ago(hours=hours), latency_ms=latency)
    await fold_hours(database, BERLIN, NOW)

    now = await read(database)

    assert now.p95_about
    assert (now.p95_ms, now.p95_yesterday_ms) == (200, 900)


async def test_causes_are_ranked_with_their_providers(database: Database) -> None:
    for count, fault, provider in (
        (3, "overloaded", "anthropic"),
        (2, "rate_limit", "gemini"),
        (1, None, None),
    ):
        for _ in range(count):
            await make_generation(
                database, ago(hours=1), status="failed", error_class=fault, provider=provider,
                error_code=None if fault else "insufficient_credits",
            )  # fmt: skip
    await make_generation(database, ago(hours=25), status="failed", error_class="overloaded")
    await make_generation(database, ago(hours=1), status="failed", error_class="overloaded", traffic="test")

    assert (await read(database)).causes == (
        Cause("overloaded", "anthropic", 3),
        Cause("rate_limit", "gemini", 2),
        Cause("insufficient_credits", None, 1),
    )


async def test_the_queue_age_of_an_hour_is_the_highest_that_was_seen(database: Database) -> None:
    now = datetime.now(UTC)
    user, account = new_id(), new_id()
    await database.execute("insert into users (id, email) values (%s, 'a@example.com')", (user,))
    await database.execute(
        "insert into credit_accounts (id, user_id, traffic) values (%s, %s, 'live')", (account, user)
    )
    await database.execute(
        "insert into reservations (generation_id, account_id, amount, lease_until, created_at)"
        " values (%s, %s, 0, now(), now() - interval '41 seconds')",
        (new_id(), account),
    )
    await fold_hours(database, BERLIN, now)
    await database.execute("update reservations set state = 'released', resolved_at = now()")
    await fold_hours(database, BERLIN, now)

    found = await read(database, now)

    assert 41 <= found.courses.queue_age_s[-1] <= 60
    assert (found.pending, found.oldest_pending) == (0, None)


async def test_a_hundred_pages_read_them_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[datetime] = []

    async def counted(_database: Database, zone: ZoneInfo, now: datetime) -> Figures:
        made.append(now)
        return await figures(_database, zone, now)

    monkeypatch.setattr(module, "figures", counted)
    shared = KeyFigures(database, BERLIN)

    found = await asyncio.gather(*(shared.read() for _ in range(100)))

    assert len(made) == 1
    assert len(set(map(id, found))) == 1


async def test_while_the_database_is_away_the_last_ones_stand_and_nobody_waits_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    async def away(*_: object) -> Figures:
        nonlocal tried
        tried += 1
        raise DatabaseUnavailable

    shared, empty = KeyFigures(database, BERLIN), KeyFigures(database, BERLIN)
    monkeypatch.setattr(module, "KEPT_SECONDS", -1.0)
    before = await shared.read()
    monkeypatch.setattr(module, "figures", away)
    assert await shared.read() is before

    monkeypatch.setattr(module, "KEPT_SECONDS", 60.0)
    tried = 0
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await empty.read()
    assert tried == 1
