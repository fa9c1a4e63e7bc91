"""The one rounding rule of each: credits up, USD half-even at nine places."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import USD_STEP, revenue, round_credits, round_usd

amounts = st.decimals(-1_000_000, 1_000_000, places=12)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("0.0000000005", "0"),
        ("0.0000000015", "0.000000002"),
        ("0.0000000025", "0.000000002"),
        ("0.00000000250000001", "0.000000003"),
        ("-0.0000000015", "-0.000000002"),
        ("12.345", "12.345"),
    ],
)
def test_usd_are_rounded_half_even_at_nine_places(amount: str, rounded: str) -> None:
    assert round_usd(Decimal(amount)) == Decimal(rounded)


@pytest.mark.parametrize(
    ("amount", "credits"), [("0", 0), ("0.000001", 1), ("1", 1), ("1.0000000001", 2), ("-0.5", 0)]
)
def test_credits_are_rounded_up(amount: str, credits: int) -> None:
    assert round_credits(Decimal(amount)) == credits


@given(amounts)
def test_rounding_again_changes_nothing(amount: Decimal) -> None:
    once = round_usd(amount)

    assert round_usd(once) == once
    assert abs(once - amount) <= USD_STEP / 2
    assert once.as_tuple().exponent == -9


@given(amounts)
def test_credits_are_never_below_the_amount_and_less_than_one_above(amount: Decimal) -> None:
    assert 0 <= round_credits(amount) - amount < 1


@given(st.lists(amounts, max_size=30))
def test_a_sum_of_rounded_parts_is_off_by_at_most_half_a_step_for_each(parts: list[Decimal]) -> None:
    total = sum((round_usd(part) for part in parts), Decimal(0))

    assert abs(total - sum(parts, Decimal(0))) <= len(parts) * USD_STEP / 2


@given(st.integers(0, 10**9), st.decimals(0, 100, places=9))
def test_revenue_is_credits_at_their_value(credits: int, value: Decimal) -> None:
    assert revenue(credits, value) == credits * value
