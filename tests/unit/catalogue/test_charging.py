"""Credits held before a call and charged after it."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.catalogue.catalogue import Unit
from core.catalogue.charging import charge, hold
from tests.unit.catalogue.samples import Used, model

prices = st.decimals(0, 10_000, places=6)
units = st.sampled_from([Unit.TOKENS, Unit.GENERATION])
tokens = st.integers(0, 2_000_000)


@given(prices, units, tokens, tokens, st.data())
def test_a_call_within_its_estimate_is_never_charged_above_its_hold(
    credits: Decimal, unit: Unit, most_input: int, most_output: int, data: st.DataObject
) -> None:
    used = Used(data.draw(st.integers(0, most_input)), data.draw(st.integers(0, most_output)))
    priced = model(credits, unit)
    assert charge(priced, used) <= hold(priced, most_input, most_output)


@given(prices, tokens, tokens)
def test_a_charge_is_the_exact_product_rounded_up(credits: Decimal, sent: int, received: int) -> None:
    charged = charge(model(credits), Used(sent, received))
    exact = credits * (sent + received) / 1000
    assert charged >= exact
    assert charged - 1 < exact or charged == 1


def test_anything_delivered_by_a_priced_model_costs_at_least_one_credit() -> None:
    assert charge(model("0.1"), Used(1, 1)) == 1
    assert charge(model("0.1"), Used()) == 1


def test_nothing_delivered_costs_nothing() -> None:
    assert charge(model("5"), Used(700), delivered=False) == 0
    assert charge(model("5", Unit.GENERATION), Used(700), delivered=False) == 0


def test_a_model_without_a_price_in_credits_costs_none() -> None:
    assert hold(model("0"), 10_000, 10_000) == 0
    assert charge(model("0"), Used(10_000, 10_000)) == 0


def test_a_generation_costs_the_same_whatever_its_length() -> None:
    per_generation = model("1.5", Unit.GENERATION)
    assert charge(per_generation, Used(1, 1)) == charge(per_generation, Used(90_000, 9_000)) == 2


def test_cached_tokens_are_charged_in_credits_like_others() -> None:
    assert charge(model("2"), Used(2_000, 1_000, cached_tokens=1_900)) == 6
