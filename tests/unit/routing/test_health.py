"""The one word for a provider and its reasons, from its breaker, its keys, its probes and its last five minutes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import ErrorClass
from core.providers.config import KeyConfig
from core.routing.breaker import Status
from core.routing.health import Calls, Health, Verdict, health, overall
from core.routing.models import BreakerState
from core.routing.probes import Probe
from tests.unit.routing.samples import NOW, provider

CLOSED = Status()
GOOD = Calls(recent=20, good=20)
NONE = Calls()


def probes(story: str, *, minutes_ago: float = 0.5, error: ErrorClass = ErrorClass.CONNECTION) -> list[Probe]:
    """One probe a minute, the newest first: `.` was answered, `x` was not."""
    return [
        Probe(
            NOW - timedelta(minutes=minutes_ago + place), None, one == ".", 10, None if one == "." else error
        )
        for place, one in enumerate(story)
    ]


def verdict(
    breaker: Status = CLOSED, calls: Calls = GOOD, *, keys: int = 1, story: str = "", **fields: object
) -> Verdict:
    chosen = replace(provider("alpha", 1, "big"), **fields)
    return health(chosen, breaker, calls, NOW, usable_keys=keys, probes=probes(story))


def word(*args: Status | Calls, keys: int = 1, story: str = "", **fields: object) -> str:
    breaker = next((one for one in args if isinstance(one, Status)), CLOSED)
    calls = next((one for one in args if isinstance(one, Calls)), GOOD)
    return verdict(breaker, calls, keys=keys, story=story, **fields).word.value


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
    assert word(Status(state=state), story="...") == expected


def test_an_open_breaker_and_an_isolated_one_say_why() -> None:
    broken = Status(state=BreakerState.OPEN, reason="5 of 5 consecutive failures, the last: overloaded")
    assert verdict(broken).reasons == ("breaker open: 5 of 5 consecutive failures, the last: overloaded",)
    assert verdict(Status(state=BreakerState.ISOLATED)).reasons == ("isolated",)


def test_without_a_usable_key_it_is_down_unless_it_needs_none() -> None:
    stored = KeyConfig(provider("alpha").id, "1234")
    assert verdict(keys=0) == Verdict(Health.DOWN, ("no key is stored",))
    unusable = health(replace(provider("alpha"), keys=(stored,)), CLOSED, GOOD, NOW, usable_keys=0)
    assert unusable == Verdict(Health.DOWN, ("no key can be used",))
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
    assert word(Calls(recent=recent, good=good)) == expected


def test_two_failures_in_a_row_degrade_it_before_any_rate_says_so() -> None:
    assert word(Status(failures=1)) == "healthy"
    assert verdict(Status(failures=2)) == Verdict(Health.DEGRADED, ("2 failures in a row",))


@pytest.mark.parametrize(
    ("story", "calls", "expected"),
    [
        ("", NONE, "unknown"),
        (".", NONE, "healthy"),
        ("...", NONE, "healthy"),
        (".xx", NONE, "healthy"),
        ("x", NONE, "degraded"),
        ("xx.", NONE, "degraded"),
        ("x.x", NONE, "degraded"),
        ("x..", GOOD, "degraded"),
        ("xxx", NONE, "down"),
        ("xxx", GOOD, "degraded"),
        ("xxx", Calls(recent=3, good=0), "down"),
    ],
)
def test_the_last_probe_degrades_it_and_three_in_a_row_without_a_good_call_take_it_down(
    story: str, calls: Calls, expected: str
) -> None:
    assert word(calls, story=story) == expected


def test_the_reasons_are_in_words_for_the_page() -> None:
    chosen = provider("alpha")
    story = probes("x..", error=ErrorClass.TIMEOUT)
    assert health(chosen, CLOSED, NONE, NOW, usable_keys=1, probes=story).reasons == (
        "1 of 3 probes unanswered: timeout",
    )
    refused = [replace(story[0], error_class=ErrorClass.SERVER, http_status=503), *story[1:]]
    assert health(chosen, CLOSED, Calls(8, 6), NOW, usable_keys=1, probes=refused).reasons == (
        "6 of 8 calls answered in 5 minutes",
        "1 of 3 probes unanswered: server (HTTP 503)",
    )


def test_a_refusal_of_the_key_is_an_answer_of_the_vendor() -> None:
    refused = probes("xxx", error=ErrorClass.AUTHENTICATION)
    assert health(provider("alpha"), CLOSED, NONE, NOW, usable_keys=1, probes=refused).word is Health.HEALTHY


def test_what_a_probe_found_long_ago_says_nothing() -> None:
    old = probes("xxx", minutes_ago=6)
    assert health(provider("alpha"), CLOSED, NONE, NOW, usable_keys=1, probes=old).word is Health.UNKNOWN


def test_the_sandbox_is_healthy_without_any_traffic() -> None:
    assert word(Calls(), kind="sandbox", needs_key=False, keys=0) == "healthy"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["healthy", "unknown"], "healthy"),
        (["healthy", "degraded"], "degraded"),
        (["degraded", "half_open"], "half_open"),
        (["half_open", "down", "healthy"], "down"),
        (["unknown"], "unknown"),
        ([], "unknown"),
    ],
)
def test_over_all_it_is_as_bad_as_its_worst_modality_of_which_something_is_known(
    words: list[str], expected: str
) -> None:
    assert overall(Verdict(Health(one)) for one in words).word == expected


def test_over_all_the_reasons_of_the_worst_are_said_once() -> None:
    down = Verdict(Health.DOWN, ("no key can be used",))
    assert overall([down, down, Verdict(Health.DEGRADED, ("2 failures in a row",))]) == down


def test_every_word_can_be_reached() -> None:
    assert {h.value for h in Health} == {"healthy", "degraded", "down", "half_open", "unknown", "disabled"}
