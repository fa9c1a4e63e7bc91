"""What a provider's calls came to: the caller's own faults count neither way, other people's traffic does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from core.database import Database
from core.ids import first_id_at, new_id
from core.routing.health import calls_by_provider

NOW = datetime.now(UTC)
PROVIDER = new_id()


async def attempt(database: Database, ago: timedelta, **fields: Any) -> None:
    values = {
        "outcome": "completed",
        "error_class": None,
        "latency_ms": 100,
        "cost": "0.01",
        "traffic": "live",
    } | fields
    identifier = (first_id_at(NOW - ago).int >> 80 << 80) | (new_id().int & ((1 << 80) - 1))
    await database.execute(
        "insert into attempts (id, generation_id, number, modality, provider_id, provider, model, outcome, error_class,"
        " latency_ms, cost, traffic, unpriced) values (%(id)s, %(id)s, 1, 'text', %(provider)s, 'p', 'm', %(outcome)s,"
        " %(error_class)s, %(latency_ms)s, %(cost)s, %(traffic)s, %(cost)s::numeric is null)",
        {"id": f"{identifier:032x}", "provider": PROVIDER, **values},
    )


async def test_five_minutes_an_hour_and_a_day_are_told_apart(database: Database) -> None:
    await database.execute("select ensure_partitions(%s, 1)", ((NOW - timedelta(days=2)).date(),))
    for ago in (timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=5), timedelta(hours=30)):
        await attempt(database, ago)
    await attempt(database, timedelta(minutes=2), outcome="failed", error_class="server", cost=None)

    calls = (await calls_by_provider(database, NOW))[PROVIDER]

    assert (calls.recent, calls.recent_good, calls.hour, calls.hour_good) == (2, 1, 3, 2)
    assert (str(calls.spend), calls.unpriced) == ("0.030000000", 1)
    assert calls.success == 2 / 3


async def test_the_callers_own_faults_and_cancelled_calls_count_neither_way(database: Database) -> None:
    await attempt(database, timedelta(minutes=1))
    await attempt(database, timedelta(minutes=1), outcome="failed", error_class="invalid_request")
    await attempt(database, timedelta(minutes=1), outcome="failed", error_class="content_blocked")
    await attempt(database, timedelta(minutes=1), outcome="cancelled")

    calls = (await calls_by_provider(database, NOW))[PROVIDER]

    assert (calls.recent, calls.recent_good, calls.success) == (1, 1, 1.0)


async def test_who_was_not_called_is_not_listed(database: Database) -> None:
    assert await calls_by_provider(database, NOW) == {}
