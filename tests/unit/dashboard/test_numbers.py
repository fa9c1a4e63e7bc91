"""Whole numbers as people write them into a field."""

import pytest

from core.errors import InvalidRequest
from dashboard.numbers import whole


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("0", 0),
        (7.0, 7),
        ("1,250", 1_250),
        ("12 000", 12_000),
        ("12’000", 12_000),
    ],
)
def test_a_number_is_read_as_people_write_it(said: str | float | None, meant: int | None) -> None:
    assert whole(said, "Credits") == meant


@pytest.mark.parametrize(
    "said", ["many", "7.5", 7.5, -1, "-1", float("inf"), float("nan"), "nan", "1,001", 1e30]
)
def test_what_is_no_whole_number_within_its_bounds_is_refused_by_its_fields_name(said: str | float) -> None:
    with pytest.raises(InvalidRequest, match="Uses at most: a whole number from 0 to 1,000"):
        whole(said, "Uses at most", high=1_000)
