"""The one word for a provider, from its breaker, its keys and its last five minutes."""

from dataclasses import replace

import pytest

from core.routing.breaker import Status
from core.routing.health import Calls, Health, health
from core.routing.models import BreakerState
from tests.unit.routing.samples import NOW, provider

CLOSED = Status()
GOOD = Calls(recent=20, recent_good=20)


def word(breaker: Status = CLOSED, calls: Calls = GOOD, *, keys: int = 1, **fields: object) -> str:
    chosen = replace(provider("alpha", 1, "big"), **fields)
    return health(chosen, breaker, calls, NOW, usable_keys=keys).value


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (BreakerState.CLOSED, "healthy"),
        (BreakerState.OPEN, "down"),
        (BreakerState.ISOLATED, "down"),
        (BreakerState.HALF_OPEN, "half_open"),
    ],
)
def test_the_breaker_speaks_first(state: BreakerState, expected: str) -> None:
    assert word(Status(state=state)) == expected


def test_without_a_usable_key_it_is_down_unless_it_needs_none() -> None:
    assert word(keys=0) == "down"
    assert word(keys=0, needs_key=False) == "healthy"


def test_switched_off_is_its_own_word() -> None:
    assert word(Status(state=BreakerState.OPEN), enabled=False, keys=0) == "disabled"


@pytest.mark.parametrize(
    ("recent", "good", "expected"),
    [
        (0, 0, "unknown"),
        (4, 1, "healthy"),
        (1, 0, "degraded"),
        (5, 4, "degraded"),
        (20, 19, "healthy"),
        (100, 94, "degraded"),
    ],
)
def test_the_last_five_minutes_degrade_it_below_95_percent_of_enough_calls_or_without_one_success(
    recent: int, good: int, expected: str
) -> None:
    assert word(calls=Calls(recent=recent, recent_good=good)) == expected


def test_two_failures_in_a_row_degrade_it_before_any_rate_says_so() -> None:
    assert word(Status(failures=1)) == "healthy"
    assert word(Status(failures=2)) == "degraded"


def test_the_sandbox_is_healthy_without_any_traffic() -> None:
    assert word(calls=Calls(), kind="sandbox", needs_key=False, keys=0) == "healthy"


def test_success_is_unknown_without_calls() -> None:
    assert Calls().success is None
    assert Calls(hour=4, hour_good=3).success == 0.75


def test_every_word_can_be_reached() -> None:
    assert {h.value for h in Health} == {"healthy", "degraded", "down", "half_open", "unknown", "disabled"}
