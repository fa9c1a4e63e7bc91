"""Limits per provider: at the limit it is skipped with the reason in the trace, in all processes together."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.database import Database
from core.ids import new_id
from core.providers.config import Limits
from core.routing.meter import Meter
from tests.fakes import FakeUsage, FakeVendors
from tests.world import World

BERLIN = ZoneInfo("Europe/Berlin")
PROVIDER = new_id()


class Clock:
    """A time that stands still until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def meter(database: Database, clock: Clock, zone: ZoneInfo = BERLIN) -> Meter:
    return Meter(database, zone, clock=clock)


def call(one: Meter, provider: UUID = PROVIDER, tokens: int = 0, usd: str | None = None) -> None:
    one.began(provider)
    one.ended(provider, tokens, None if usd is None else Decimal(usd))


async def limit_openai(world: World, **limits: float) -> None:
    await world.purser.database.execute(
        "update providers set limits = %s, limits_enabled = true where slug = 'openai'",
        (limits_json(limits),),
    )
    await world.purser.snapshots.rebuild()


def limits_json(limits: dict[str, float]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in limits.items()) + "}"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"requests_per_minute": 2}, "at its limit of 2 requests a minute"),
        ({"tokens_per_day": 88}, "at its limit of 88 tokens a day"),
        ({"usd_per_day": 0.0000001}, "at its limit of $0.00 a day"),
    ],
)
async def test_at_its_limit_a_provider_is_skipped_and_the_next_one_answers(
    world: World, fakes: FakeVendors, limits: dict[str, float], reason: str
) -> None:
    fakes.openai.answer_with("hello", FakeUsage(input=20, output=24))
    await limit_openai(world, **limits)

    served = [(await world.ask()).provider for _ in range(2)]
    after = await world.ask()

    assert served[0] == "openai"
    assert (after.provider, fakes.openai.calls) == ("gemini", served.count("openai"))
    assert (after.trace[0]["provider"], after.trace[0]["reason"]) == ("openai", "limit")
    assert after.trace[0]["detail"] == reason


async def test_calls_at_once_are_limited_and_free_again_when_they_end(
    world: World, fakes: FakeVendors
) -> None:
    await limit_openai(world, concurrent=2)
    fakes.openai.latency = 0.3

    together = await asyncio.gather(*(world.ask() for _ in range(5)))
    fakes.openai.latency = 0

    assert sorted(result.provider for result in together) == ["gemini"] * 3 + ["openai"] * 2
    assert (await world.ask()).provider == "openai"


async def test_prefilled_limits_count_only_when_they_are_switched_on(
    world: World, fakes: FakeVendors
) -> None:
    await limit_openai(world, requests_per_minute=0)
    assert (await world.ask()).provider == "gemini"

    await world.purser.database.execute("update providers set limits_enabled = false")
    await world.purser.snapshots.rebuild()

    assert (await world.ask()).provider == "openai"


async def test_a_failed_call_counts_as_a_request_and_frees_its_place(
    world: World, fakes: FakeVendors
) -> None:
    await limit_openai(world, concurrent=1, requests_per_minute=1)
    fakes.openai.fail("quota", times=1)

    await world.ask()

    refusal = world.purser.meter.refusal
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    assert refusal(provider.id, Limits(concurrent=1)) is None
    assert refusal(provider.id, Limits(requests_per_minute=1)) is not None


async def test_two_processes_agree_after_they_have_reconciled(database: Database, clock: Clock) -> None:
    one, other = meter(database, clock), meter(database, clock)
    limits = Limits(requests_per_minute=5)
    for _ in range(3):
        call(one)
    for _ in range(2):
        call(other)
    assert one.refusal(PROVIDER, limits) is other.refusal(PROVIDER, limits) is None

    for each in (one, other, one):
        await each.reconcile()

    assert (
        one.refusal(PROVIDER, limits)
        == other.refusal(PROVIDER, limits)
        == "at its limit of 5 requests a minute"
    )


async def test_a_process_that_has_called_nobody_yet_learns_what_the_others_used(
    database: Database, clock: Clock
) -> None:
    one, idle = meter(database, clock), meter(database, clock)
    limits = Limits(tokens_per_day=1_000, usd_per_day=0.5)
    call(one, tokens=1_000, usd="0.10")
    await one.reconcile()

    idle.refusal(PROVIDER, limits)  # a request looks at the provider …
    await idle.reconcile()  # … and a second later

    assert idle.refusal(PROVIDER, limits) == "at its limit of 1,000 tokens a day"


async def test_nothing_counted_is_lost_or_counted_twice_by_reconciling_while_calls_go_on(
    database: Database, clock: Clock
) -> None:
    meters = [meter(database, clock) for _ in range(3)]

    async def work(one: Meter) -> None:
        for _ in range(20):
            call(one, tokens=7, usd="0.000001")
            await one.reconcile()

    await asyncio.gather(*(work(one) for one in meters))

    assert dict(await database.fetch_all("select name, used from quota_counters")) == {
        "requests": 60,
        "tokens": 420,
        "usd": 60,
    }


async def test_the_limit_holds_also_while_the_database_is_being_asked(
    database: Database, clock: Clock
) -> None:
    one = meter(database, clock)
    call(one)
    asking = asyncio.create_task(one.reconcile())
    await asyncio.sleep(0)

    assert not asking.done()
    assert one.refusal(PROVIDER, Limits(requests_per_minute=1)) is not None
    await asking
    assert one.refusal(PROVIDER, Limits(requests_per_minute=1)) is not None


async def test_a_new_minute_and_a_new_day_of_the_zone_begin_at_nought(
    database: Database, clock: Clock
) -> None:
    one = meter(database, clock)
    minute, day = Limits(requests_per_minute=1), Limits(tokens_per_day=10)
    call(one, tokens=10)
    await one.reconcile()

    clock.now += timedelta(minutes=1)
    assert one.refusal(PROVIDER, minute) is None
    clock.now = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)  # 23:59 in Berlin
    assert one.refusal(PROVIDER, day) is not None
    clock.now += timedelta(minutes=1)
    assert one.refusal(PROVIDER, day) is None


async def test_what_was_counted_survives_a_restart(database: Database, clock: Clock) -> None:
    before = meter(database, clock)
    await before.start()
    call(before, tokens=10)
    await before.stop()

    after = meter(database, clock)
    after.refusal(PROVIDER, Limits(tokens_per_day=10))
    await after.reconcile()

    assert after.refusal(PROVIDER, Limits(tokens_per_day=10)) is not None


async def test_providers_do_not_share_their_limits(database: Database, clock: Clock) -> None:
    one = meter(database, clock)
    call(one, tokens=100)
    await one.reconcile()

    assert one.refusal(new_id(), Limits(requests_per_minute=1, tokens_per_day=1, concurrent=1)) is None
