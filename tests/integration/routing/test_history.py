"""The history of health: what a fold makes of attempts, probes and the breaker's story, and what pages read of it."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.database import Database
from core.errors import ErrorClass
from core.ids import new_id
from core.routing import fold as folding
from core.routing.fold import fold
from core.routing.health import Health
from core.routing.history import QUARTER, Band, bands, course, hours, uptime
from core.routing.models import BreakerState
from core.vocabulary import Modality
from tests.rows import make_attempt, make_event, make_months, make_probe, make_provider

NOW = datetime(2026, 11, 21, 12, 7, tzinfo=UTC)
QUARTER_OF_NOW = NOW.replace(minute=0)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def provider(database: Database) -> UUID:
    await make_months(database, NOW - timedelta(days=100), 6)
    return await make_provider(database)


async def rows(database: Database) -> list[dict[str, Any]]:
    return [
        row
        for (row,) in await database.fetch_all(
            "select to_jsonb(h) from provider_health h order by at, modality"
        )
    ]


async def breaker(database: Database, provider: UUID, state: str, updated_at: datetime) -> None:
    await database.execute(
        "insert into breakers (provider_id, modality, state, updated_at, opened_at) values (%s, 'text', %s, %s, %s)",
        (provider, state, updated_at, updated_at),
    )


async def test_a_quarter_has_its_calls_its_errors_and_its_probes(database: Database, provider: UUID) -> None:
    at = QUARTER_OF_NOW - QUARTER + timedelta(minutes=1)
    for fault in (None, None, "overloaded", "overloaded", "timeout"):
        await make_attempt(
            database, provider, at, outcome="failed" if fault else "completed", error_class=fault
        )
    for unseen in (
        {"outcome": "cancelled"},
        {"outcome": "failed", "error_class": "invalid_request"},
        {"outcome": "failed", "error_class": "content_blocked"},
        {"outcome": "failed", "error_class": "overloaded", "simulated": True, "traffic": "test"},
    ):
        await make_attempt(database, provider, at, **unseen)
    await make_probe(database, provider, at)
    await make_probe(database, provider, at, ErrorClass.CONNECTION)
    await make_probe(database, provider, at, ErrorClass.AUTHENTICATION)

    assert await fold(database, NOW) == 1

    (row,) = await rows(database)
    assert datetime.fromisoformat(row["at"]) == QUARTER_OF_NOW - QUARTER
    assert (row["calls"], row["good"], row["errors"]) == (5, 2, {"overloaded": 2, "timeout": 1})
    assert (row["probes"], row["probes_good"], row["down_seconds"]) == (3, 2, 0)


async def test_folding_again_changes_nothing_and_takes_in_what_came_late(
    database: Database, provider: UUID
) -> None:
    at = QUARTER_OF_NOW - timedelta(minutes=20)
    await make_attempt(database, provider, at)
    await fold(database, NOW)
    before = await rows(database)

    await asyncio.gather(fold(database, NOW), fold(database, NOW))
    assert await rows(database) == before

    await make_attempt(database, provider, at)
    await fold(database, NOW + timedelta(minutes=1))
    assert [row["calls"] for row in await rows(database)] == [2]


async def test_the_time_in_which_nobody_folded_is_filled_from_where_the_last_one_ended(
    database: Database, provider: UUID
) -> None:
    await make_attempt(database, provider, NOW - timedelta(hours=30))
    await fold(database, NOW - timedelta(hours=29))
    for ago in (28, 20, 13, 1):
        await make_attempt(database, provider, NOW - timedelta(hours=ago))

    assert await fold(database, NOW) == 5
    assert [row["calls"] for row in await rows(database)] == [1] * 5


async def test_the_first_fold_begins_with_the_oldest_call_of_90_days(
    database: Database, provider: UUID
) -> None:
    for days in (95, 80, 3):
        await make_attempt(database, provider, NOW - timedelta(days=days))

    await fold(database, NOW)

    found = [(NOW - datetime.fromisoformat(row["at"])).days for row in await rows(database)]
    assert found == [80, 3]


async def test_a_long_way_is_gone_in_stages(
    database: Database, provider: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "MOST_PIECES", 2)
    for days in (9, 7, 5, 3, 1):
        await make_attempt(database, provider, NOW - timedelta(days=days))

    seen = []
    for _ in range(4):
        await fold(database, NOW)
        seen.append(len(await rows(database)))

    assert seen[0] == 2
    assert seen[-1] == 5


async def test_the_seconds_of_an_open_breaker_are_down_and_those_of_an_isolation_are_not(
    database: Database, provider: UUID
) -> None:
    begin = QUARTER_OF_NOW - 2 * QUARTER
    for minute, kind in ((10, "opened"), (11, "half_open"), (12, "opened"), (20, "closed"), (22, "isolated")):
        await make_event(database, provider, begin + timedelta(minutes=minute), f"breaker_{kind}")
    await breaker(database, provider, "isolated", begin + timedelta(minutes=22))

    await fold(database, NOW)

    assert [row["down_seconds"] for row in await rows(database)] == [300, 300]


async def test_a_breaker_that_is_open_is_down_until_now(database: Database, provider: UUID) -> None:
    opened = QUARTER_OF_NOW - timedelta(minutes=5)
    await make_event(database, provider, opened, "breaker_opened", "5 of 5")
    await breaker(database, provider, "open", opened)

    await fold(database, NOW)
    assert [row["down_seconds"] for row in await rows(database)] == [300, 420]
    assert await bands(database, provider, NOW) == [
        Band(Modality.TEXT, opened, None, BreakerState.OPEN, "5 of 5")
    ]


async def test_a_closing_whose_event_was_lost_ends_the_band_all_the_same(
    database: Database, provider: UUID
) -> None:
    opened = NOW - timedelta(hours=5)
    await make_event(database, provider, opened, "breaker_opened")
    await breaker(database, provider, "closed", opened + timedelta(minutes=9))

    (band,) = await bands(database, provider, NOW)
    assert (band.start, band.end) == (opened, opened + timedelta(minutes=9))


async def test_bands_begin_before_the_window_or_are_left_out(database: Database, provider: UUID) -> None:
    for hours_ago, kind in ((40, "opened"), (39, "closed"), (26, "opened"), (23, "closed")):
        await make_event(database, provider, NOW - timedelta(hours=hours_ago), f"breaker_{kind}")
    await breaker(database, provider, "closed", NOW - timedelta(hours=23))

    (band,) = await bands(database, provider, NOW)
    assert (band.start, band.end) == (NOW - timedelta(hours=26), NOW - timedelta(hours=23))


async def test_the_course_has_96_quarters_of_one_modality_or_of_all(
    database: Database, provider: UUID
) -> None:
    await make_attempt(database, provider, NOW - timedelta(minutes=1))
    await make_attempt(
        database,
        provider,
        NOW - timedelta(minutes=1),
        modality="image",
        outcome="failed",
        error_class="server",
    )
    await make_attempt(database, provider, NOW - timedelta(hours=25))
    await fold(database, NOW)

    found = await course(database, provider, None, NOW)
    text = await course(database, provider, Modality.TEXT, NOW)

    assert len(found) == 96
    assert found[0].at == QUARTER_OF_NOW - 95 * QUARTER
    assert (found[-1].calls, found[-1].good, found[-1].errors) == (2, 1, {"server": 1})
    assert (text[-1].calls, text[-1].errors) == (1, {})
    assert sum(quarter.calls for quarter in found) == 2


async def test_uptime_is_by_day_of_the_zone_and_unknown_where_nothing_is_known(
    database: Database, provider: UUID
) -> None:
    # 23:30 in Berlin is still the 20th there, and 22:30 in UTC.
    await make_attempt(database, provider, datetime(2026, 11, 20, 22, 30, tzinfo=UTC))
    await make_attempt(database, provider, datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    await make_event(database, provider, datetime(2026, 11, 20, 23, 30, tzinfo=UTC), "breaker_opened")
    await make_event(database, provider, datetime(2026, 11, 20, 23, 39, tzinfo=UTC), "breaker_closed")
    await breaker(database, provider, "closed", datetime(2026, 11, 20, 23, 39, tzinfo=UTC))
    await fold(database, NOW)

    found = (await uptime(database, BERLIN, NOW))[provider]

    assert (len(found), found[-1].date) == (90, date(2026, 11, 21))
    assert [day.share for day in found[-3:]] == [None, 1.0, 0.4]


async def test_unanswered_probes_take_from_the_uptime(database: Database, provider: UUID) -> None:
    for minute in range(4):
        at = QUARTER_OF_NOW + timedelta(minutes=minute)
        await make_probe(database, provider, at, ErrorClass.TIMEOUT if minute == 0 else None)
    await fold(database, NOW)

    assert (await uptime(database, BERLIN, NOW))[provider][-1].share == 0.75
    assert (await hours(database, NOW))[provider][-1].state is Health.DOWN


async def test_the_last_24_hours_in_one_word_each(database: Database, provider: UUID) -> None:
    def ago(count: int) -> datetime:
        return QUARTER_OF_NOW - timedelta(hours=count) + timedelta(minutes=2)

    await make_attempt(database, provider, ago(1))
    await make_attempt(database, provider, ago(4))
    for good in (True, True, True, True, False):
        fault = {} if good else {"outcome": "failed", "error_class": "server"}
        await make_attempt(database, provider, ago(2), **fault)
        await make_attempt(database, provider, ago(3), outcome="failed", error_class="server")
    await make_event(database, provider, ago(4), "breaker_opened")
    await make_event(database, provider, ago(4) + timedelta(minutes=31), "breaker_closed")
    await breaker(database, provider, "closed", ago(4) + timedelta(minutes=31))
    await fold(database, NOW)

    found = (await hours(database, NOW))[provider]

    assert len(found) == 24
    assert [tick.state.value for tick in found[-5:]] == ["down", "down", "degraded", "healthy", "unknown"]
    assert found[-1].at == QUARTER_OF_NOW


async def test_attempts_of_a_provider_that_is_gone_are_left_out(database: Database, provider: UUID) -> None:
    await make_attempt(database, new_id(), NOW)
    await make_attempt(database, provider, NOW)

    assert await fold(database, NOW) == 1


async def test_probes_count_for_all_that_a_provider_serves(database: Database, provider: UUID) -> None:
    both = await make_provider(database, "both", ranks='{"text": 2, "image": 1}')
    await make_probe(database, both, NOW)
    await fold(database, NOW)

    assert [(row["modality"], row["probes"]) for row in await rows(database)] == [("image", 1), ("text", 1)]
