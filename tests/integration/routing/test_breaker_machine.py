"""The breaker under any order of events in two processes, and its finer points one by one."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.database import Database
from core.errors import ErrorClass
from core.ids import new_id
from core.routing.breaker import LONGEST_OPENING, PROBE_LEASE, Breakers, opening_time
from core.routing.events import opened_since
from core.routing.models import BreakerState
from core.vocabulary import Modality
from tests.integration.routing.breaker_machine import BreakerMachine
from tests.machines import run_machine

TEXT = Modality.TEXT


def test_no_order_of_events_breaks_the_rules(database_url: str) -> None:
    run_machine(BreakerMachine, database_url, examples=30)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_order_of_events_breaks_the_rules_at_length(database_url: str) -> None:
    run_machine(BreakerMachine, database_url, examples=1_000, shrink=True)


@pytest.fixture
async def provider(database: Database) -> UUID:
    identifier = new_id()
    await database.execute(
        "insert into providers (id, slug, name, kind, ranks) values (%s, 'p', 'P', 'openai', '{\"text\": 1}')",
        (identifier,),
    )
    return identifier


def breakers(database: Database, threshold: int = 2) -> Breakers:
    return Breakers(database, threshold=threshold, timeout=timedelta(minutes=1))


async def fail(one: Breakers, provider: UUID, **how: object) -> bool:
    options = {"probe": None} | how
    return await one.failed(provider, TEXT, ErrorClass.SERVER, "said", **options)  # pyright: ignore[reportArgumentType] - the options of `failed`


async def due(database: Database) -> None:
    await database.execute("update breakers set open_until = now() - interval '1 second'")


async def test_of_many_in_two_processes_that_want_to_probe_one_may(
    database: Database, provider: UUID
) -> None:
    one, other = breakers(database), breakers(database)
    await fail(one, provider, at_once=True)
    await due(database)

    taken = await asyncio.gather(*(b.take_probe(provider, TEXT) for b in (one, other) * 10))

    assert sum(lease is not None for lease in taken) == 1


async def test_a_probe_that_never_comes_back_is_replaced_when_its_lease_has_run_out(
    database: Database, provider: UUID
) -> None:
    one, other = breakers(database), breakers(database)
    await fail(one, provider, at_once=True)
    await due(database)
    assert await one.take_probe(provider, TEXT)
    assert not await other.take_probe(provider, TEXT)
    row = await database.fetch_one("select probe_lease_until - now() from breakers")
    assert row is not None
    assert timedelta(0) < row[0] <= PROBE_LEASE

    await database.execute("update breakers set probe_lease_until = now() - interval '1 second'")

    assert await other.take_probe(provider, TEXT)


async def test_a_failure_from_before_the_opening_does_not_disturb_the_probe_of_another_process(
    database: Database, provider: UUID
) -> None:
    one, other = breakers(database), breakers(database)
    await fail(one, provider, at_once=True)
    await other.reload()
    await due(database)
    lease = await one.take_probe(provider, TEXT)

    assert other.status(provider, TEXT).state is BreakerState.OPEN, "the word has not arrived"
    await fail(other, provider)
    await one.succeeded(provider, TEXT, probe=lease)

    await other.reload()
    assert other.status(provider, TEXT).state is BreakerState.CLOSED


@pytest.mark.parametrize("ending", ["answered", "failed", "told nothing"])
async def test_a_probe_whose_lease_has_run_out_does_not_report_for_the_one_that_came_after_it(
    database: Database, provider: UUID, ending: str
) -> None:
    one, other = breakers(database), breakers(database)
    await fail(one, provider, at_once=True)
    await due(database)
    late = await one.take_probe(provider, TEXT)
    assert late is not None
    await database.execute("update breakers set probe_lease_until = now() - interval '1 second'")
    lease = await other.take_probe(provider, TEXT)
    assert lease is not None

    if ending == "answered":
        await one.succeeded(provider, TEXT, probe=late)
    elif ending == "failed":
        await fail(one, provider, probe=late)
    else:
        await one.give_probe_back(provider, TEXT, late)

    assert one.status(provider, TEXT).state is BreakerState.HALF_OPEN
    assert await one.take_probe(provider, TEXT) is None
    await other.succeeded(provider, TEXT, probe=lease)
    assert other.status(provider, TEXT).state is BreakerState.CLOSED


async def test_two_processes_that_open_it_at_the_same_moment_tell_of_one_opening(
    database: Database, provider: UUID
) -> None:
    several = [breakers(database) for _ in range(4)]

    await asyncio.gather(*(fail(one, provider, at_once=True) for one in several))

    assert await opened_since(database, datetime.now(UTC) - timedelta(hours=1)) == {(provider, TEXT): 1}
    rows = await database.fetch_all("select kind from provider_events")
    assert rows == [("breaker_opened",)]
    row = await database.fetch_one("select openings from breakers")
    assert row == (1,)


async def test_a_probe_that_fails_is_no_new_opening_and_each_opening_after_a_closing_is_one(
    database: Database, provider: UUID
) -> None:
    one = breakers(database)
    for _ in range(3):
        await fail(one, provider, at_once=True)
        await due(database)
        await fail(one, provider, probe=await one.take_probe(provider, TEXT))
        await due(database)
        await one.succeeded(provider, TEXT, probe=await one.take_probe(provider, TEXT))
    hour = timedelta(hours=1)

    assert await opened_since(database, datetime.now(UTC) - hour) == {(provider, TEXT): 3}
    assert await opened_since(database, datetime.now(UTC) + hour) == {}


async def test_a_vendors_longer_retry_after_goes_before_our_own_time(
    database: Database, provider: UUID
) -> None:
    one = breakers(database)
    await fail(one, provider, at_once=True, retry_after=900.0)

    status = one.status(provider, TEXT)

    assert status.open_until is not None
    assert timedelta(minutes=14) < status.open_until - datetime.now(UTC) <= timedelta(minutes=15)


async def test_every_change_is_kept_with_its_reason_and_the_vendors_words(
    database: Database, provider: UUID
) -> None:
    one = breakers(database)
    await fail(one, provider)
    await fail(one, provider)
    await due(database)
    await one.succeeded(provider, TEXT, probe=await one.take_probe(provider, TEXT))

    rows = await database.fetch_all(
        "select kind, reason, detail ->> 'vendor', modality from provider_events order by id"
    )

    assert rows == [
        ("breaker_opened", "2 of 2 consecutive failures, the last: server", "said", "text"),
        ("breaker_half_open", "one probe goes out", "", "text"),
        ("breaker_closed", "the probe was answered", "", "text"),
    ]


async def test_modalities_do_not_share_a_breaker(database: Database, provider: UUID) -> None:
    one = breakers(database)
    await fail(one, provider, at_once=True)

    assert one.status(provider, TEXT).state is BreakerState.OPEN
    assert one.status(provider, Modality.IMAGE).state is BreakerState.CLOSED


@given(st.integers(0, 40), st.floats(0, 10_000) | st.none())
def test_it_stays_open_twice_as_long_on_each_repeat_up_to_an_hour(openings: int, asked: float | None) -> None:
    minute = timedelta(minutes=1)

    lasts = opening_time(minute, openings, asked)

    assert lasts >= timedelta(seconds=asked or 0)
    assert lasts == max(min(LONGEST_OPENING, minute * 2 ** min(openings, 20)), timedelta(seconds=asked or 0))
