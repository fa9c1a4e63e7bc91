"""The Playground's parts that need no browser: what a link carries, the words, and text that grows."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from nicegui import Client, ui
from starlette.datastructures import QueryParams

from core.generation.estimate import Estimate
from dashboard.components.html import Node
from dashboard.components.stream import LONGEST_TAIL, StreamedText
from dashboard.playground.draft import LONGEST_IN_LINK, Draft
from dashboard.playground.ending import tries
from dashboard.playground.form import words_of
from dashboard.playground.trace import _tells, _why

OFFERED = ("openai/gpt-6.1-sol", "gemini/gemini-3.8-flash", "groq/meta/llama-9", "sandbox/sandbox-text")


def read(address: str) -> Draft:
    return Draft.from_query(QueryParams(address.partition("?")[2]), OFFERED, ("sandbox/sandbox-text",))


# The link


def test_a_link_restores_everything() -> None:
    draft = Draft(
        models=("groq/meta/llama-9", "openai/gpt-6.1-sol"),
        type="script",
        system="Short sentences & no jargon.\nNone.",
        prompt="Why 100 % of octopuses have three hearts? #1 — „Herz“",
        temperature=0.3,
        max_tokens=900,
        fallback=False,
    )

    assert read(draft.address()) == draft


def test_without_a_query_the_suggestion_stands() -> None:
    assert read("/playground") == Draft(models=("sandbox/sandbox-text",))


def test_a_prompt_that_is_too_long_stays_out_of_the_link() -> None:
    draft = Draft(models=OFFERED[:1], prompt="x" * (LONGEST_IN_LINK + 1))

    assert "prompt=" not in draft.address()
    assert draft.too_long


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("temperature=99", {"temperature": 2.0}),
        ("temperature=nan", {"temperature": 0.7}),
        ("temperature=-1", {"temperature": 0.0}),
        ("maxTokens=inf", {"max_tokens": 128_000}),
        ("maxTokens=none", {"max_tokens": 1_200}),
        ("type=nonsense", {"type": None}),
        ("fallback=maybe", {"fallback": True}),
        ("prompt=a%00b", {"prompt": "ab"}),
    ],
)
def test_senseless_parts_of_an_address_are_left_out(query: str, expected: dict[str, object]) -> None:
    draft = read(f"/playground?{query}")

    assert {name: getattr(draft, name) for name in expected} == expected


def test_a_model_that_is_not_offered_any_more_is_named() -> None:
    draft = read("/playground?model=openai/gone&model=openai/gpt-6.1-sol")

    assert draft.models == ("openai/gpt-6.1-sol",)
    assert draft.missing == ("openai/gone",)


def test_at_most_four_models_and_none_twice_from_a_link() -> None:
    query = "&".join(f"model={key}" for key in (*OFFERED, *OFFERED, "x/y"))

    assert read(f"/playground?{query}").models == OFFERED


def test_an_order_names_provider_and_model_and_sends_a_temperature_only_where_it_is_taken() -> None:
    draft = Draft(models=OFFERED, prompt="Hello", fallback=False)

    order = draft.order("groq/meta/llama-9", sampling=True)

    assert (order.provider, order.model, order.streamed) == ("groq", "meta/llama-9", True)
    assert order.temperature == 0.7
    assert not order.fallback
    assert draft.order(OFFERED[0], sampling=False).temperature is None


# Words


def usd(low: str, high: str, *, unpriced: int = 0) -> Estimate:
    return Estimate(4, 9, Decimal(low), Decimal(high), models=2, unpriced=unpriced)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (usd("0.0121", "0.031"), "4–9 cr ≈ $0.01–0.03"),
        (usd("0", "0"), "4–9 cr, free"),
        (usd("0.01", "0.03", unpriced=1), "4–9 cr ≈ $0.01–0.03, 1 without a price"),
        (usd("0", "0", unpriced=2), "4–9 cr, no price"),
    ],
)
def test_an_estimate_in_words(made: Estimate, said: str) -> None:
    assert words_of(made, sees_costs=True) == said


def test_support_sees_credits_and_no_usd() -> None:
    assert words_of(usd("0.01", "0.03"), sees_costs=False) == "4–9 cr"


@pytest.mark.parametrize(
    ("error_class", "detail", "said"),
    [
        ("rate_limit", "HTTP 429 rate_limit: Slow down.", "HTTP 429: Slow down."),
        ("timeout", "timeout: No answer within 30 s.", "No answer within 30 s."),
        ("connection", "connection: The connection broke.", "The connection broke."),
        ("rate_limit", "rate_limit", "rate limit"),
        (
            None,
            "breaker open (overloaded), next probe in 38 s",
            "breaker open (overloaded), next probe in 38 s",
        ),
    ],
)
def test_a_failures_why_does_not_repeat_its_class(error_class: str | None, detail: str, said: str) -> None:
    assert _why({"detail": detail, "errorClass": error_class}) == said


def test_the_trace_leaves_out_who_was_not_needed() -> None:
    assert _tells({"decision": "skipped", "reason": "breaker_open"})
    assert not _tells({"decision": "not_needed", "reason": "answered"})
    assert not _tells({"decision": "skipped", "reason": "no_fallback"})


def test_tries_are_counted_of_the_model_that_answered() -> None:
    calls = [("a", "failed"), ("b", "failed"), ("b", "failed"), ("b", "chosen")]
    steps = [
        {"provider": name, "model": "m", "decision": decision, "attempt": number}
        for number, (name, decision) in enumerate(calls, 1)
    ]

    assert tries(steps) == 3
    assert tries(steps[:3]) == 0


# Text that grows


@pytest.fixture
def streamed() -> Iterator[StreamedText]:
    with Client(ui.page("/streamed"), request=None):
        yield StreamedText()


def paragraphs(streamed: StreamedText) -> list[str]:
    return ["".join(node.text for node in p if isinstance(node, Node)) for p in streamed]


def test_a_finished_paragraph_is_frozen_and_the_next_begins(streamed: StreamedText) -> None:
    for piece in ("One ", "line.\n", "\nAno", "ther.\n\n", "Third"):
        streamed.add(piece)
        streamed.flush()
    streamed.end()

    assert paragraphs(streamed) == ["One line.", "Another.", "Third"]


def test_the_pieces_and_flushes_make_no_difference(streamed: StreamedText) -> None:
    text = "0:00 An octopus could break its heart twice.\n\n0:06 Two of its hearts do one job.\n\nEnd."
    for piece in text:
        streamed.add(piece)
        streamed.flush()

    assert paragraphs(streamed) == text.split("\n\n")


def test_only_the_tail_is_sent_anew(streamed: StreamedText) -> None:
    for _ in range(500):
        streamed.add("word ")
        streamed.flush()

    (paragraph,) = streamed
    pieces = [node.text for node in paragraph if isinstance(node, Node)]
    assert "".join(pieces) == "word " * 500
    assert all(len(piece) <= LONGEST_TAIL for piece in pieces)


def test_a_time_mark_is_set_apart(streamed: StreamedText) -> None:
    streamed.add("0:0")
    streamed.flush()
    streamed.add("6 Two hearts")
    streamed.flush()

    (paragraph,) = streamed
    mark, rest = (node for node in paragraph if isinstance(node, Node))
    assert (mark.text, rest.text) == ("0:06", " Two hearts")
    assert "is-mark" in mark.classes
