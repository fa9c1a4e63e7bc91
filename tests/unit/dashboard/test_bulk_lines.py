"""Lines of a bulk grant that name nobody's amount get the one that is meant for each."""

import pytest

from dashboard.credits.bulk_dialog import filled


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a@x.example,\nb@x.example,7", "a@x.example,50\nb@x.example,7"),
        ("a@x.example\r\nb@x.example", "a@x.example,50\nb@x.example,50"),
        ("user;credits\na@x.example;\n\nb@x.example;7\r", "user;credits\na@x.example;50\n\nb@x.example;7\r"),
        ("a@x.example, \nb@x.example,none", "a@x.example,50\nb@x.example,none"),
        ("", ""),
    ],
)
def test_only_lines_without_an_amount_are_filled(text: str, wanted: str) -> None:
    assert filled(text, 50) == wanted
