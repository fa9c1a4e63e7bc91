"""What each class of vendor error leads to (SPEC 1, "Calling"), and how long is waited."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ErrorClass
from core.routing.policy import BACKOFF_CAP, MAX_TRIES, POLICIES, Policy, backoff

tries = st.integers(1, MAX_TRIES + 5)


def names(mark: str) -> set[str]:
    return {error_class.value for error_class, policy in POLICIES.items() if getattr(policy, mark)}


def test_every_class_of_error_has_its_line() -> None:
    assert set(POLICIES) == set(ErrorClass)


def test_a_users_bad_request_never_counts_and_never_travels_on() -> None:
    for error_class in (ErrorClass.INVALID_REQUEST, ErrorClass.CONTENT_BLOCKED):
        assert POLICIES[error_class] == Policy(
            retry=False, fallback_model=False, next_provider=False, counts=False, sets_key_aside=False
        )


def test_all_else_may_be_answered_by_the_next_provider() -> None:
    assert names("next_provider") == set(ErrorClass) - {"invalid_request", "content_blocked"}


def test_an_exhausted_quota_skips_retry_and_fallback_model() -> None:
    policy = POLICIES[ErrorClass.QUOTA]

    assert not policy.retry
    assert not policy.fallback_model
    assert policy.next_provider


def test_the_key_is_set_aside_where_the_key_is_at_fault() -> None:
    assert names("sets_key_aside") == {"authentication", "quota"}


def test_the_breaker_counts_what_speaks_against_the_provider() -> None:
    assert names("counts") == {"rate_limit", "overloaded", "server", "connection", "timeout"}


def test_only_what_may_pass_is_tried_again() -> None:
    assert names("retry") == {"rate_limit", "overloaded", "server", "connection"}


@given(tries, st.randoms(use_true_random=False))
def test_the_wait_doubles_within_a_quarter_and_is_ten_seconds_at_most(
    number: int, jitter: random.Random
) -> None:
    step = min(BACKOFF_CAP, 2.0 ** (number - 1))

    wait = backoff(number, None, jitter=jitter)

    assert 0.75 * step <= wait <= min(BACKOFF_CAP, 1.25 * step)


@given(tries, st.floats(0, 3600))
def test_what_the_vendor_asks_for_goes_before_our_own_wait(number: int, asked: float) -> None:
    assert backoff(number, asked) == asked


def test_callers_that_failed_together_come_back_apart() -> None:
    assert len({backoff(1, None) for _ in range(100)}) > 90


@pytest.mark.parametrize("number", [1, 2, 3])
def test_without_jitter_it_is_one_two_four(number: int) -> None:
    class Middle(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return (a + b) / 2

    assert backoff(number, None, jitter=Middle()) == (1, 2, 4)[number - 1]
