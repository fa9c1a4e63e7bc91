"""What a provider's calls came to: five minutes, an hour and a day apart, and whose fault counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core.database import Database
from core.ids import first_id_at, new_id
from core.routing.health import Calls
from core.routing.performance import NOTHING, Line, Performance, Performances, Window, shares
from core.vocabulary import Modality
from tests.rows import make_attempt, make_months

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROVIDER, OTHER = new_id(), new_id()


@pytest.fixture(autouse=True)
async def months(database: Database) -> None:
    await make_months(database, NOW - timedelta(days=40))


async def call(database: Database, ago: timedelta, provider: UUID = PROVIDER, **fields: object) -> None:
    await make_attempt(database, provider, NOW - ago, **fields)


async def read(database: Database, line: Line = (PROVIDER, Modality.TEXT)) -> Performance:
    return (await Performances(database).read(NOW)).get(line, NOTHING)


async def test_five_minutes_an_hour_and_a_day_are_told_apart(database: Database) -> None:
    for ago in (timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=5), timedelta(hours=30)):
        await call(database, ago)
    await call(database, timedelta(minutes=2), outcome="failed", error_class="server", cost=None)
    await call(database, timedelta(hours=7), outcome="failed", error_class="overloaded", cost="0")

    found = await read(database)

    assert found.recent == Calls(2, 1)
    assert (found.hour.calls, found.hour.good, found.hour.success) == (3, 2, 2 / 3)
    assert (found.day.calls, found.day.good) == (5, 3)
    assert (found.cost, found.unpriced, found.tokens) == (Decimal("0.03"), 1, 50)
    assert found.errors == {"overloaded": 1, "server": 1}


async def test_percentiles_are_of_good_calls_of_the_hour_and_of_the_day(database: Database) -> None:
    for number in range(1, 21):
        await call(database, timedelta(minutes=20), latency_ms=number * 100, first_token_ms=number * 10)
    await call(database, timedelta(minutes=20), latency_ms=99_000, outcome="failed", error_class="timeout")
    await call(database, timedelta(hours=3), latency_ms=60_000)

    found = await read(database)

    assert (found.hour.p50_ms, found.hour.p95_ms) == (1_050, pytest.approx(1_905))
    assert found.hour.first_token_ms == 105
    assert found.day.p50_ms == pytest.approx(1_100, rel=0.05)
    assert found.day.p95_ms == pytest.approx(2_000, rel=0.05)


async def test_the_callers_own_faults_and_cancelled_calls_count_neither_way(database: Database) -> None:
    ago = timedelta(minutes=1)
    await call(database, ago)
    await call(database, ago, outcome="failed", error_class="invalid_request")
    await call(database, ago, outcome="failed", error_class="content_blocked")
    await call(database, ago, outcome="cancelled", cost="0.5")

    found = await read(database)

    assert (found.recent, found.hour.calls, found.errors) == (Calls(1, 1), 1, {})
    assert found.cost == Decimal("0.53"), "what was billed was spent, whoever was at fault"


async def test_the_calls_of_a_drill_are_in_no_figure(database: Database) -> None:
    await call(
        database,
        timedelta(minutes=1),
        outcome="failed",
        error_class="overloaded",
        simulated=True,
        traffic="test",
    )

    assert await Performances(database).read(NOW) == {}


async def test_modalities_are_told_apart_and_put_together(database: Database) -> None:
    await call(database, timedelta(minutes=1), latency_ms=100)
    await call(database, timedelta(minutes=1), latency_ms=300, modality="image", outcome="completed")

    figures = await Performances(database).read(NOW)

    assert figures[PROVIDER, Modality.TEXT].hour == Window(1, 1, 100, 100)
    assert figures[PROVIDER, Modality.IMAGE].hour == Window(1, 1, 300, 300)
    assert (figures[PROVIDER, None].hour.calls, figures[PROVIDER, None].hour.p50_ms) == (2, 200)


async def test_the_next_reading_has_what_came_meanwhile_and_forgets_nothing(database: Database) -> None:
    reader = Performances(database)
    await call(database, timedelta(hours=2))
    await call(database, timedelta(minutes=59))
    assert (await reader.read(NOW))[PROVIDER, None].day.calls == 2

    await call(database, timedelta(0))
    later = (await reader.read(NOW + timedelta(seconds=90)))[PROVIDER, None]

    assert (later.day.calls, later.cost, later.hour.calls) == (3, Decimal("0.03"), 1)
    assert (await reader.read(NOW + timedelta(hours=22)))[PROVIDER, None].day.calls == 2


async def test_whole_hours_are_read_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Performances(database)
    await call(database, timedelta(hours=20))
    await reader.read(NOW + timedelta(minutes=20))
    begun: list[UUID] = []
    plain = Database.fetch_all

    async def watched(self: Database, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        begun.append(params.get("first", params.get("hour")))
        return await plain(self, sql, params)

    monkeypatch.setattr(Database, "fetch_all", watched)
    again = await reader.read(NOW + timedelta(minutes=21))

    assert again[PROVIDER, None].day.calls == 1
    assert min(begun) >= first_id_at(NOW - timedelta(hours=1))


async def test_an_hour_that_is_just_over_is_not_closed_before_its_last_calls_have_ended(
    database: Database,
) -> None:
    reader = Performances(database)
    await reader.read(NOW + timedelta(minutes=10))
    await call(database, timedelta(minutes=1))

    assert (await reader.read(NOW + timedelta(minutes=14)))[PROVIDER, None].day.calls == 1


async def test_shares_are_of_the_live_traffic_that_was_served_in_15_minutes(database: Database) -> None:
    for _ in range(3):
        await call(database, timedelta(minutes=5))
    await call(database, timedelta(minutes=5), OTHER)
    await call(database, timedelta(minutes=16), OTHER)
    await call(database, timedelta(minutes=5), OTHER, traffic="test")
    await call(database, timedelta(minutes=5), OTHER, serving=False, outcome="failed", error_class="server")

    figures = await Performances(database).read(NOW)

    assert shares(figures) == {(PROVIDER, Modality.TEXT): 0.75, (OTHER, Modality.TEXT): 0.25}
    assert shares({}) == {}


async def test_who_was_not_called_is_not_listed(database: Database) -> None:
    assert await Performances(database).read(NOW) == {}
