"""The estimate of tokens, by script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.providers.base import Message
from core.providers.tokens import PER_MESSAGE, estimate_messages, estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a" * 420, 120),
        ("é" * 420, 120),
        ("ж" * 250, 120),
        ("字" * 110, 120),
        ("한" * 110, 120),
        ("か" * 110, 120),
        ("😀" * 110, 120),
        ("a" * 420 + "ж" * 250 + "字" * 110, 360),
    ],
)
def test_a_text_is_counted_by_its_scripts(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_punctuation_beyond_ascii_counts_as_latin() -> None:
    assert estimate_tokens("“—…”" * 105) == 120


@given(st.text(), st.text())
def test_a_longer_text_never_takes_fewer_tokens(text: str, more: str) -> None:
    assert estimate_tokens(text + more) >= estimate_tokens(text)


@given(st.text(min_size=1))
def test_a_text_that_is_not_empty_takes_at_least_one_token(text: str) -> None:
    assert estimate_tokens(text) >= 1


def test_a_prompt_counts_its_system_text_and_the_frames_of_its_messages() -> None:
    messages = (Message("user", "a" * 420), Message("assistant", "a" * 420))
    assert estimate_messages(messages) == 2 * (120 + PER_MESSAGE)
    assert estimate_messages(messages, "a" * 420) == 3 * (120 + PER_MESSAGE)
