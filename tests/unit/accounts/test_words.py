"""What a search box's text asks for."""

import pytest

from core.accounts.words import beginnings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mara", ("mara",)),
        ("  Mara   OKA ", ("mara", "oka")),
        ("mara.o@", ("mara.o@",)),
        ("<Mara.O@a.example>,", ("mara.o@a.example",)),
        ("O'Brien", ("o'brien",)),
        ("<img", ("<img",)),
        ("Jörg", ("jörg",)),
        ("mara mar ma", ("mara",)),
        ("mara mara", ("mara",)),
        ("", ()),
        ("  ,; ", ()),
        ("a\0b", ()),
        ("x" * 321, ()),
        ("a b c d e f", ()),
    ],
)
def test_a_text_asks_for_beginnings_without_what_says_nothing_more(text: str, words: tuple[str, ...]) -> None:
    assert beginnings(text) == words
