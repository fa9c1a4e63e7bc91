"""Rate limits: in memory per address and service key, exact in the database for generations."""

import asyncio

import pytest

from core.config import Rate
from core.database import Database
from core.errors import LimitReached
from core.quotas.rates import Rates
from core.quotas.table import RateTable
from tests.api.conftest import USER, Serve, error_of


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_table_admits_exactly_the_rate_and_says_how_long_to_wait() -> None:
    clock = Clock()
    table = RateTable(Rate(3, 10), clock=clock)
    assert [table.take("a") for _ in range(3)] == [None, None, None]
    wait = table.take("a")
    assert wait is not None
    clock.now += wait - 0.01
    assert table.take("a") is not None
    clock.now += 0.02
    assert table.take("a") is None
    assert table.take("b") is None, "others are not concerned"


def test_a_burst_across_a_windows_edge_is_seen() -> None:
    clock = Clock()
    table = RateTable(Rate(10, 10), clock=clock)
    clock.now = 1_009.9
    assert all(table.take("a") is None for _ in range(10))
    clock.now = 1_010.1
    assert table.take("a") is not None


def test_a_quiet_subject_starts_anew() -> None:
    clock = Clock()
    table = RateTable(Rate(1, 10), clock=clock)
    assert table.take("a") is None
    clock.now += 20
    assert table.take("a") is None


def test_a_table_never_outgrows_its_capacity_and_keeps_whom_it_saw_last() -> None:
    table = RateTable(Rate(1, 10), capacity=3, clock=Clock())
    for number in range(100):
        table.take("busy")
        table.take(f"stranger {number}")
    assert len(table) == 3
    assert table.take("busy") is not None


async def test_fifty_at_once_in_two_processes_admit_exactly_the_rate(database: Database) -> None:
    processes = [
        Rates(database, address=Rate(1, 60), service_key=Rate(1, 60), generation=Rate(20, 3600))
        for _ in range(2)
    ]
    asked = await asyncio.gather(
        *(processes[n % 2].count_generation("key:a") for n in range(50)), return_exceptions=True
    )
    refused = [answer for answer in asked if answer is not None]
    assert len(refused) == 30
    assert all(isinstance(answer, LimitReached) and answer.retry_after for answer in refused)


async def test_the_next_window_starts_anew_on_the_same_row(database: Database) -> None:
    rates = Rates(database, address=Rate(1, 60), service_key=Rate(1, 60), generation=Rate(1, 3600))
    await rates.count_generation("key:a")
    with pytest.raises(LimitReached):
        await rates.count_generation("key:a")
    await database.execute("update quota_counters set updated_at = now() - interval '2 hours'")
    await rates.count_generation("key:a")
    assert await database.fetch_one("select count(*), max(used) from quota_counters") == (1, 1)


async def test_an_address_is_limited_whatever_it_sends(serve: Serve) -> None:
    site = await serve(rate_api=Rate(3, 3600))
    for headers, status in (
        ({}, 200),
        (site.with_key("psr_u_wrong"), 401),
        (site.with_key("psr_s_" + "A" * 32), 401),
        ({}, 429),
    ):
        answer = await site.client.get("/api/credits", headers=headers)
        assert answer.status_code == status
    assert error_of(answer, 429, "rate_limited")["details"] == {"limit": 3, "seconds": 3_600}
    assert 0 < int(answer.headers["Retry-After"]) <= 7_200
    error_of(await site.anonymous.get("/api/credits"), 429, "rate_limited")
    assert (await site.anonymous.get("/api/health")).status_code == 200
    service = site.with_key(await site.service_key("credits"), **{"X-User": USER})
    assert (await site.anonymous.get("/api/credits", headers=service)).status_code == 200, "spared"


async def test_a_service_key_has_a_limit_of_its_own(serve: Serve) -> None:
    site = await serve(rate_service_key=Rate(2, 3600), rate_generation=Rate(1, 3600))
    service = site.with_key(await site.service_key("generate"), **{"X-User": USER})
    answers = [await site.generate(headers=service) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    other = site.with_key(await site.service_key("generate"), **{"X-User": USER})
    assert (await site.generate(headers=other)).status_code == 200


async def test_signed_in_people_are_counted_as_people(serve: Serve) -> None:
    site = await serve(rate_generation=Rate(1, 3600))
    statuses: list[int] = []
    for _ in range(2):
        headers = {**await site.session_of(), "Sec-Fetch-Site": "same-origin"}
        answer = await site.anonymous.post(
            "/api/ai/generate-text", json={"prompt": "Say hello"}, headers=headers
        )
        statuses.append(answer.status_code)
    assert statuses == [200, 429]
