"""The demo's scenarios tell what routing and the books would tell."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from core.catalogue.file import catalogue
from core.errors import ErrorClass
from core.routing.trace import Decision, Reason, Step
from core.system.demo.scenarios import STORIES, Stage
from core.system.demo.statements import ATTEMPT_COLUMNS, GENERATION_COLUMNS
from core.system.demo.take import Scenario
from core.system.demo.vendors import DEMO_KINDS, PREFIX, DemoVendor
from core.vocabulary import Modality

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STEP_NAMES = set(Step("p", "m", Decision.CHOSEN, Reason.RETRY, "d", 1, 1, "timeout", 1, 1).as_json())


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    vendors = []
    for kind in DEMO_KINDS:
        default, fallback = (
            catalogue().default(kind, Modality.TEXT),
            catalogue().fallback(kind, Modality.TEXT),
        )
        assert default
        assert fallback
        vendors.append(DemoVendor(uuid4(), kind, PREFIX + kind, default, fallback))
    return Stage(catalogue(), vendors, NOW).draw(1_000)


def test_each_story_is_told_in_its_share(scenarios: list[Scenario]) -> None:
    statuses = Counter(one.generation["status"] for one in scenarios)

    assert sum(weight for _, weight in STORIES) == 1_000
    assert len(scenarios) == 1_000
    assert 0.01 <= statuses["failed"] / 1_000 <= 0.02
    assert {one.generation["error_code"] for one in scenarios} == {
        None, "content_blocked", "insufficient_credits", "all_providers_failed",
    }  # fmt: skip
    classes = {attempt["error_class"] for one in scenarios for attempt in one.attempts}
    assert {
        ErrorClass.OVERLOADED,
        ErrorClass.RATE_LIMIT,
        ErrorClass.TIMEOUT,
        ErrorClass.CONTENT_BLOCKED,
    } <= classes


def test_a_trace_has_the_shape_that_routing_writes(scenarios: list[Scenario]) -> None:
    for one in scenarios:
        for step in one.generation["trace"]:
            assert step.keys() <= STEP_NAMES
            assert step["decision"] in list(Decision)
            assert step["reason"] in list(Reason)
        called = [step for step in one.generation["trace"] if "attempt" in step]
        assert [step["attempt"] for step in called] == [attempt["number"] for attempt in one.attempts]
        assert [step["atMs"] for step in called] == [attempt["offset_ms"] for attempt in one.attempts]


def test_the_money_of_a_scenario_adds_up(scenarios: list[Scenario]) -> None:
    for one in scenarios:
        row = one.generation
        assert 0 <= row["credits"] <= row["held"]
        assert (row["credits"] > 0) == (row["status"] in ("completed", "cancelled"))
        costs = [attempt["cost"] for attempt in one.attempts]
        assert (row["cost"] or 0) == sum(costs, Decimal(0)), "every model of the catalogue has a price"
        assert (row["cost"] or 0) > 0 or row["status"] == "failed"
        assert row["attempts"] == len(one.attempts)
        assert row["latency_ms"] == (
            one.attempts[-1]["offset_ms"] + one.attempts[-1]["latency_ms"] if one.attempts else 0
        )


def test_every_column_that_is_copied_is_drawn(scenarios: list[Scenario]) -> None:
    for one in scenarios:
        assert one.generation.keys() == set(GENERATION_COLUMNS)
        assert all(attempt.keys() == set(ATTEMPT_COLUMNS) for attempt in one.attempts)


def test_the_same_seed_draws_the_same(scenarios: list[Scenario]) -> None:
    ids = {attempt["provider"]: attempt["provider_id"] for one in scenarios for attempt in one.attempts}
    vendors = [
        DemoVendor(
            ids[PREFIX + kind], kind, PREFIX + kind,
            catalogue().default(kind, Modality.TEXT) or "", catalogue().fallback(kind, Modality.TEXT) or "",
        )
        for kind in DEMO_KINDS
    ]  # fmt: skip

    again = Stage(catalogue(), vendors, NOW).draw(1_000)

    assert [one.generation for one in again] == [one.generation for one in scenarios]
    other = Stage(catalogue(), [replace(one) for one in vendors], NOW, seed=8).draw(1_000)
    assert [one.generation for one in other] != [one.generation for one in scenarios]
