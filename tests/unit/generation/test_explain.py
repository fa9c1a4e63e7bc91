"""Every way of failing has its explanation: what, whose fault, money, next step."""

import pytest

from core.errors import ErrorClass
from core.generation.explain import OURS, Attempts, answered, deadline_of, explain, provider_name, short_cause
from core.generation.service import TEXT_DEADLINE


def row(**fields: object) -> dict[str, object]:
    return {
        "status": "failed",
        "allow_fallback": True,
        "latency_ms": 12_400,
        "held": 8,
        "credits": 0,
    } | fields


def call(
    error_class: str | None = "overloaded", provider: str = "anthropic", **fields: object
) -> dict[str, object]:
    return {"provider": provider, "error_class": error_class, "model": "m", **fields}


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_every_class_of_error_is_explained(error_class: ErrorClass) -> None:
    told = explain(row(error_class=error_class, error_code="all_providers_failed"), [call(error_class)])
    assert told
    assert told.cause.startswith("Anthropic ")
    assert all((told.what, told.fault, told.money, told.next_step))
    assert not told.cause.endswith("..")


@pytest.mark.parametrize("code", list(OURS))
def test_every_refusal_is_explained_with_its_own_words(code: str) -> None:
    told = explain(row(error_code=code, error_message="5 required, 3 available.", held=0), [])
    assert told
    assert told.what == "5 required, 3 available."
    assert all((told.cause, told.fault, told.next_step))
    assert told.money == "Nothing; nothing was held"


def test_an_overloaded_provider_and_a_caller_who_allowed_no_other() -> None:
    told = explain(row(allow_fallback=False, error_class="overloaded"), [call()] * 4)
    assert told
    assert told.cause == "Anthropic was overloaded."
    assert told.what == "Four calls in 12.4 s failed, and the caller allowed no other provider."
    assert told.fault == "The vendor's, not the user's"
    assert told.money == "Nothing; 8 cr were held and came back"
    assert told.next_step == "Retry with fallback"


def test_all_providers_failed_names_each_with_its_last_cause() -> None:
    told = explain(row(), [call(), call("quota"), call("timeout", "openai")])
    assert told
    assert told.cause == "Every provider failed."
    assert told.what == "Three calls in 12.4 s: Anthropic: quota; OpenAI: timeout."


def test_a_drill_is_nobodys_fault() -> None:
    alone = explain(row(allow_fallback=False), [call(simulated=True)])
    assert alone
    assert alone.cause == "Anthropic was overloaded (simulated)."
    assert alone.fault == "Nobody's: the outage is a drill, for test runs only"
    assert alone.next_step == "Nothing to do: the drill ends by itself"
    everywhere = explain(row(), [call(simulated=True), call(provider="openai", simulated=True)])
    assert everywhere
    assert everywhere.fault == alone.fault
    partly = explain(row(), [call(simulated=True), call(provider="openai")])
    assert partly
    assert partly.fault == "The vendors', not the user's"


def test_nobody_was_called() -> None:
    trace = [
        {"provider": "anthropic", "decision": "skipped", "reason": "breaker_open", "detail": "breaker open"},
        {"provider": "openai", "decision": "skipped", "reason": "no_fallback", "detail": "no fallback"},
    ]
    told = explain(row(error_code="all_providers_failed", trace=trace), [])
    assert told
    assert told.cause == "No provider could be called."
    assert told.what == "Anthropic: breaker open."
    assert explain(row(error_code="what nobody knows", error_message="Odd."), [])


def test_a_cut_stream_keeps_what_was_delivered() -> None:
    told = explain(row(cut="vendor", credits=3), [call("connection")])
    assert told
    assert "broke off" in told.cause
    assert told.money == "3 cr for what was delivered; 5 of 8 held came back"


def test_a_cancelled_one() -> None:
    early = explain(row(status="cancelled"), [])
    late = explain(row(status="cancelled", credits=8), [call(None)])
    assert early
    assert "Nothing had been delivered" in early.what
    assert early.fault == "Nobody's"
    assert late
    assert late.money == "8 cr for what was delivered"


def test_the_database_is_not_the_vendors_fault() -> None:
    told = explain(
        row(error_code="database_unavailable", error_class="overloaded"), [call(), call(None, "openai")]
    )
    assert told
    assert told.fault == "Ours"


def test_what_went_well_needs_no_explanation() -> None:
    assert explain(row(status="completed"), [call(None)]) is None
    assert explain(row(status="processing"), []) is None


@pytest.mark.parametrize(
    ("attempts", "fields", "sentence"),
    [
        ([call(None)], {}, "Anthropic answered at the first call, in 12.4 s."),
        (
            [call(), call(), call(None)],
            {},
            "Anthropic answered in 12.4 s, at the third call; before, it was overloaded.",
        ),
        (
            [call(), call(None, "openai")],
            {},
            "OpenAI answered in 12.4 s, after Anthropic was overloaded.",
        ),
        (
            [call(None, "openai")],
            {"trace": [{"provider": "anthropic", "reason": "breaker_open", "detail": "breaker open"}]},
            "OpenAI answered in 12.4 s, after Anthropic was passed over: breaker open.",
        ),
        (
            [call(None)],
            {"finish_reason": "length"},
            "Anthropic answered at the first call, in 12.4 s. The answer ends where the limit of tokens was reached.",
        ),
        (
            [
                call(None, "openai", outcome="completed", serving=True),
                call(None, "gemini", outcome="cancelled"),
                call(None, outcome="cancelled"),
            ],
            {},
            "OpenAI answered at the first call, in 12.4 s. Gemini and Anthropic were asked at the same time, and cancelled"
            " when it had answered.",
        ),
        (
            [
                call(provider="openai"),
                call(None, "gemini", serving=True),
                call(None, outcome="cancelled"),
            ],
            {},
            "Gemini answered in 12.4 s, after OpenAI was overloaded. Anthropic was asked at the same time, and cancelled when"
            " it had answered.",
        ),
        (
            [call(simulated=True), call(None, "openai")],
            {},
            "OpenAI answered in 12.4 s, after Anthropic was overloaded (simulated).",
        ),
        ([], {"provider": "sandbox"}, "Sandbox answered at the first call, in 12.4 s."),
    ],
)
def test_how_an_answer_came(attempts: Attempts, fields: dict[str, object], sentence: str) -> None:
    assert answered(row(status="completed", **fields), attempts) == sentence


def test_the_short_cause_for_lists() -> None:
    assert short_cause(row(error_class="quota", error_code="all_providers_failed")) == "quota"
    assert short_cause(row(error_code="trial_used")) == "trial_used"
    assert short_cause(row(status="cancelled")) == "by the user"
    assert short_cause(row(status="completed")) == ""


def test_names_and_deadlines() -> None:
    assert [provider_name(slug) for slug in ("openai", "deepseek", "my-vllm")] == [
        "OpenAI",
        "DeepSeek",
        "My vllm",
    ]
    assert deadline_of("text") == TEXT_DEADLINE
    assert deadline_of("video") == 900
