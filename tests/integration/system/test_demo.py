"""Demo data: whole books, apart from everything live, and gone without a trace."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from core.audit import COMMAND_LINE
from core.credits.service import adjust
from core.credits.totals import fold_credit_hours
from core.database import Database
from core.errors import Conflict
from core.ids import time_of
from core.routing import history
from core.system import demo
from core.system.demo.service import LOCK
from core.system.integrity import differences
from core.vocabulary import Modality, Traffic
from tests.world import World

KEPT = (
    "audit", "versions", "procrastinate%", "quota_counters", "alembic_version", "function_sources", "provider_health",
)  # fmt: skip
"""Tables that are no part of what a clear restores: what was done stays recorded."""


async def tables(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    names = await database.fetch_all(
        "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
        " and relnamespace = 'public'::regnamespace and not relname like any(%s)",
        (list(KEPT),),
    )
    return {
        name: row[0] for (name,) in names if (row := await database.fetch_one(f"select count(*) from {name}"))
    }


async def one(database: Database, sql: str, *params: Any) -> Any:
    row = await database.fetch_one(sql, params)
    assert row is not None
    return row[0]


async def test_the_books_of_the_demo_are_whole_and_live_ones_untouched(sandbox: World) -> None:
    database = sandbox.purser.database
    await sandbox.ask()
    await fold_credit_hours(database, datetime.now(UTC))
    before = await tables(database)
    live = await database.fetch_all("select to_jsonb(a) from credit_accounts a order by id")

    loaded = await demo.load(database, actor=COMMAND_LINE, users=60, generations=900)

    assert loaded.new
    assert (loaded.data.users, loaded.data.generations, loaded.data.complete) == (60, 900, True)
    assert await differences(database.url) == []
    assert await one(database, "select count(*) from generations where traffic = 'demo'") == 900
    assert await one(database, "select count(*) from users where email like '%%.example'") == 60
    assert await one(database, "select count(*) from generations where traffic = 'live'") == 1
    assert (
        await database.fetch_all(
            "select to_jsonb(a) from credit_accounts a where traffic <> 'demo' order by id"
        )
        == live
    )
    assert await one(
        database, "select count(*) from credit_entries where traffic <> 'demo' and created_at < now() - interval '1 hour'"
    ) == 0  # fmt: skip
    failed = await one(
        database, "select count(*) from generations where traffic = 'demo' and status = 'failed'"
    )
    assert 1 <= failed <= 40

    assert await demo.clear(database, actor=COMMAND_LINE) == 60
    assert await tables(database) == before
    assert await demo.find(database) is None
    assert await differences(database.url) == []
    actions = [
        row[0]
        for row in await database.fetch_all(
            "select action from audit where subject_kind = 'demo' order by id"
        )
    ]
    assert actions == ["demo.load", "demo.clear"]


async def test_earlier_months_are_grants_that_expired_and_leave_the_books_whole(sandbox: World) -> None:
    database = sandbox.purser.database
    await demo.load(database, actor=COMMAND_LINE, users=30, generations=200, months=3)

    assert await differences(database.url) == []
    kinds = dict(
        await database.fetch_all(
            "select type, count(*) from credit_entries where traffic = 'demo' and created_at < now() - interval '31 days'"
            " group by type"
        )
    )
    assert kinds["expiry"] >= 60
    first = await database.fetch_one(
        "select count(*), min(seq), max(seq) from credit_entries where traffic = 'demo' and seq <= 7"
    )
    assert first == (30 * 7, 1, 7)
    out_of_order = await database.fetch_one(
        "select count(*) from (select id < lag(id) over (partition by account_id order by seq) as earlier"
        " from credit_entries where traffic = 'demo' and seq <= 7) e where earlier"
    )
    assert out_of_order == (0,)


async def test_ids_and_times_lie_in_the_past_month_and_agree(sandbox: World) -> None:
    database, now = sandbox.purser.database, datetime.now(UTC)

    await demo.load(database, actor=COMMAND_LINE, users=20, generations=400, now=now)

    rows = await database.fetch_all(
        "select id, latency_ms, finished_at from generations where traffic = 'demo'"
    )
    for identifier, latency, finished in rows:
        began = time_of(identifier)
        assert now - timedelta(days=30) <= began <= now
        assert abs((finished - began).total_seconds() * 1000 - latency) < 2
        assert finished <= now
    assert all(
        identifier.version == 7 and identifier.variant == "specified in RFC 4122" for identifier, *_ in rows
    )
    ordered = await one(
        database, "select bool_and(later) from (select created_at >= lag(created_at, 1, '-infinity') over"
        " (partition by account_id order by seq) later from credit_entries where traffic = 'demo' and type <> 'refund') e"
    )  # fmt: skip
    assert ordered


async def test_months_past_get_their_partitions(sandbox: World) -> None:
    await demo.load(sandbox.purser.database, actor=COMMAND_LINE, users=5, generations=100, days=75)

    months = await sandbox.purser.database.fetch_all(
        "select distinct tableoid::regclass::varchar from generations where traffic = 'demo'"
    )
    assert len(months) >= 3


async def test_twice_is_once_unless_more_is_asked_for(sandbox: World) -> None:
    database = sandbox.purser.database
    await demo.load(database, actor=COMMAND_LINE, users=10, generations=50)

    second = await demo.load(database, actor=COMMAND_LINE, users=10, generations=50)
    assert not second.new
    assert await one(database, "select count(*) from generations") == 50

    third = await demo.load(database, actor=COMMAND_LINE, users=5, generations=20, again=True)
    assert (third.data.users, third.data.generations) == (15, 70)
    assert await one(database, "select count(*) from generations") == 70
    assert await one(database, "select count(*) from providers where slug like 'demo-%%'") == 4
    assert await differences(database.url) == []
    assert await demo.clear(database, actor=COMMAND_LINE) == 15
    assert await one(database, "select count(*) from generations") == 0


async def test_live_routing_never_meets_the_demos_providers(sandbox: World) -> None:
    database = sandbox.purser.database
    await demo.load(database, actor=COMMAND_LINE, users=5, generations=20)
    await sandbox.purser.changes.refresh()

    result = await sandbox.ask()

    assert {step["provider"] for step in result.trace} == {"sandbox"}
    assert sandbox.purser.snapshots.current.sandbox_only
    provider = sandbox.purser.snapshots.current.provider("demo-anthropic")
    assert provider is not None
    assert (provider.name, provider.enabled) == ("Anthropic (demo)", False)
    status = sandbox.purser.breakers.status(provider.id, Modality.TEXT)
    assert (status.state, status.error_class, status.openings) == ("open", "overloaded", 3)
    assert (
        await one(database, "select count(*) from provider_events where provider_id = %s", provider.id) == 9
    )


async def test_a_demo_user_with_live_credits_stays(sandbox: World) -> None:
    database = sandbox.purser.database
    await demo.load(database, actor=COMMAND_LINE, users=5, generations=20)
    user_id = await one(database, "select user_id from credit_accounts where traffic = 'demo' limit 1")
    async with database.transaction() as session:
        await adjust(session, user_id, 10, actor=COMMAND_LINE, reason_code="kindness")

    await demo.clear(database, actor=COMMAND_LINE)

    assert await database.fetch_all("select id from users where email like '%%.example'", {}) == [(user_id,)]
    assert await database.fetch_all("select traffic, balance from credit_accounts where user_id = %s", (user_id,)) == [
        (Traffic.LIVE, 10)
    ]  # fmt: skip
    assert await differences(database.url) == []
    again = await demo.load(database, actor=COMMAND_LINE, users=5, generations=20)
    assert again.new


async def test_many_accounts_are_cleared_with_an_index_that_goes_again(
    sandbox: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.system.demo.service.MANY_ACCOUNTS", 3)
    database = sandbox.purser.database
    await demo.load(database, actor=COMMAND_LINE, users=5, generations=20)

    assert await demo.clear(database, actor=COMMAND_LINE) == 5
    assert await one(database, "select to_regclass('demo_clear') is null")


async def test_two_at_once_and_a_broken_one_are_refused(sandbox: World) -> None:
    database = sandbox.purser.database
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute(f"select pg_advisory_lock({LOCK})".encode())
        with pytest.raises(Conflict) as busy:
            await demo.load(database, actor=COMMAND_LINE, users=1, generations=1)
        assert busy.value.code == "demo_busy"
    await demo.load(database, actor=COMMAND_LINE, users=1, generations=1)
    await database.execute(
        "update settings set value = value || '{\"state\": \"loading\"}' where key = 'demo'"
    )

    with pytest.raises(Conflict) as broken:
        await demo.load(database, actor=COMMAND_LINE, users=1, generations=1, again=True)
    assert broken.value.code == "demo_incomplete"
    await demo.clear(database, actor=COMMAND_LINE)
    assert (await demo.load(database, actor=COMMAND_LINE, users=1, generations=1)).new


async def test_the_demos_providers_have_a_history_that_goes_with_them(sandbox: World) -> None:
    database, now = sandbox.purser.database, datetime.now(UTC)
    await sandbox.ask()
    await demo.load(database, actor=COMMAND_LINE, users=20, generations=3_000, now=now)
    await sandbox.purser.changes.refresh()
    vendors = {p.slug: p for p in sandbox.purser.snapshots.current.providers if p.slug.startswith("demo-")}
    tripped = vendors["demo-anthropic"]

    assert sum(quarter.calls for quarter in await history.course(database, tripped.id, None, now)) > 0
    open_now, earlier = sorted(
        await history.bands(database, tripped.id, now), key=lambda band: band.start, reverse=True
    )
    assert (open_now.end, earlier.end is not None) == (None, True)
    ticks = (await history.hours(database, now))[tripped.id]
    assert any(tick.state == "down" for tick in ticks)
    uptime = (await history.uptime(database, ZoneInfo("UTC"), now))[vendors["demo-openai"].id]
    assert 29 <= sum(day.share is not None for day in uptime) <= 31
    assert await one(database, "select count(*) from hour_figures where traffic = 'demo'") == 0
    live = await one(database, "select count(*) from provider_health where calls = 1 and provider_id = any(%s)",
        [p.id for p in sandbox.purser.snapshots.current.providers if p.slug == "sandbox"])  # fmt: skip
    assert live == 1

    await demo.clear(database, actor=COMMAND_LINE)

    assert await one(database, "select count(*) from provider_health") == 1
