"""The price book: sources in order, validity, and the library's own sums to the last decimal."""

import timeit
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage as LibraryUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue.file import catalogue
from core.catalogue.library import VENDORS
from core.catalogue.models import PriceRow
from core.catalogue.prices import DatedPrice, PriceBook, PriceUnit, Source, next_change
from core.money import round_usd
from tests.unit.catalogue.samples import NOW, Used

BOOK = PriceBook(catalogue().prices, free_kinds=catalogue().free_kinds)
LIBRARY_ONLY = PriceBook(())
LISTED = sorted((kind, model_id) for kind in VENDORS for model_id in catalogue().models[kind])

moments = st.datetimes(datetime(2026, 9, 1), datetime(2027, 6, 1), timezones=st.just(UTC))


@st.composite
def usages(draw: st.DrawFn) -> Used:
    edges = st.sampled_from([0, 1, 99_999, 100_000, 100_001, 272_000, 272_001])
    sent = draw(st.integers(0, 1_050_000) | edges)
    cached = draw(st.integers(0, sent))
    written = draw(st.integers(0, sent - cached))
    return Used(sent, draw(st.integers(0, 400_000)), cached, written)


def by_library(kind: str, model_id: str, used: Used, moment: datetime) -> Decimal:
    counted = LibraryUsage(
        input_tokens=used.input_tokens,
        cache_read_tokens=used.cached_tokens,
        cache_write_tokens=used.cache_write_tokens,
        output_tokens=used.output_tokens,
    )
    price = calc_price(counted, model_id, provider_id=VENDORS[kind], genai_request_timestamp=moment)
    return round_usd(price.total_price)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(LISTED), usages(), moments)
def test_every_model_costs_exactly_what_the_library_says(
    model: tuple[str, str], used: Used, moment: datetime
) -> None:
    resolved = BOOK.resolve(*model, moment)
    assert BOOK.cost(resolved, used, moment) == by_library(*model, used, moment)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(LISTED), usages(), moments, moments)
def test_a_price_resolved_for_one_moment_prices_any_other_rightly(
    model: tuple[str, str], used: Used, resolved_at: datetime, moment: datetime
) -> None:
    resolved = BOOK.resolve(*model, resolved_at)
    assert BOOK.cost(resolved, used, moment) == by_library(*model, used, moment)


def test_the_library_s_other_models_cost_the_same_or_are_unpriced_where_it_would_say_0() -> None:
    used = [Used(700, 300), Used(300_000, 5_000, 1_000, 2_000), Used(2_000, 0, 2_000)]
    compared = 0
    for kind, vendor in VENDORS.items():
        for model_id in (model.id for p in get_snapshot().providers if p.id == vendor for model in p.models):
            resolved = LIBRARY_ONLY.resolve(kind, model_id, NOW)
            for one in used:
                if (cost := LIBRARY_ONLY.cost(resolved, one, NOW)) is not None:
                    assert cost == by_library(kind, model_id, one, NOW), model_id
                    compared += 1
                else:
                    assert resolved.unpriced, model_id
            if resolved.unpriced and resolved.source is not Source.NONE:
                prices = get_snapshot().find_provider_model(model_id, None, vendor, None)[1].get_prices(NOW)
                assert prices.input_mtok is None or prices.output_mtok is None, model_id
    assert compared > 400


def own(
    unit: str, usd: str, *, valid_from: datetime = NOW - timedelta(days=9), model_id: str = "new"
) -> DatedPrice:
    return DatedPrice("openai", model_id, unit, Decimal(usd), valid_from)


def stored(
    unit: str, usd: str, *, valid_from: datetime = NOW - timedelta(days=9), model_id: str = "new"
) -> PriceRow:
    return PriceRow(kind="openai", model_id=model_id, unit=unit, usd=Decimal(usd), valid_from=valid_from)


INPUT_AND_OUTPUT = [own("input", "1"), own("output", "4")]


def test_an_unknown_model_is_unpriced_and_never_0() -> None:
    resolved = BOOK.resolve("openai", "nobody-knows-this", NOW)
    assert resolved.unpriced
    assert resolved.source is Source.NONE
    assert BOOK.cost(resolved, Used(1, 1), NOW) is None
    assert BOOK.cost(resolved, Used(), NOW) is None


def test_a_model_at_an_unknown_host_is_unpriced_though_its_name_is_known() -> None:
    assert BOOK.resolve("openai_compatible", "gpt-6-luna", NOW).unpriced
    assert BOOK.resolve("openai_compatible", "gpt-6-luna", NOW, base_url="http://localhost:11434/v1").unpriced


def test_a_compatible_provider_is_priced_by_the_host_behind_its_address() -> None:
    groq = BOOK.resolve(
        "openai_compatible", "llama-3.3-70b-versatile", NOW, base_url="https://api.groq.com/openai/v1"
    )
    assert not groq.unpriced
    assert (
        BOOK.cost(groq, Used(1000, 1000), NOW - timedelta(days=1)) is not None
    )  # resolved anew, by its address


def test_the_sandbox_is_free_which_is_not_unpriced() -> None:
    resolved = BOOK.resolve("sandbox", "sandbox-text", NOW)
    assert resolved.free
    assert not resolved.unpriced
    assert BOOK.cost(resolved, Used(10**6, 10**6), NOW) == 0


def test_output_without_a_price_makes_a_call_unpriced_not_cheap() -> None:
    resolved = PriceBook([own("input", "1")]).resolve("openai", "new", NOW)
    assert resolved.unpriced
    assert resolved.cost(Used(1000, 1)) is None
    assert resolved.cost(Used(1000, 0)) == Decimal("0.001")


def test_a_price_of_0_that_somebody_stated_is_a_price() -> None:
    resolved = PriceBook([own("input", "0"), own("output", "0")]).resolve("openai", "new", NOW)
    assert not resolved.unpriced
    assert resolved.cost(Used(1000, 1000)) == 0


def test_cached_tokens_are_counted_once() -> None:
    book = PriceBook([*INPUT_AND_OUTPUT, own("cached_input", "0.1"), own("cache_write", "2")])
    used = Used(1_000_000, 0, cached_tokens=600_000, cache_write_tokens=100_000)
    assert book.resolve("openai", "new", NOW).cost(used) == Decimal("0.3") + Decimal("0.06") + Decimal("0.2")


def test_cached_tokens_without_a_price_of_their_own_pay_as_input() -> None:
    resolved = PriceBook(INPUT_AND_OUTPUT).resolve("openai", "new", NOW)
    assert resolved.cost(Used(1_000_000, 0, 400_000, 100_000)) == 1


def test_what_the_vendor_itself_says_it_charged_wins() -> None:
    for resolved in (BOOK.resolve("openai", "gpt-6-luna", NOW), BOOK.resolve("openai", "unknown", NOW)):
        assert BOOK.cost(resolved, Used(9, 9, cost=Decimal("0.0123456789")), NOW) == Decimal("0.012345679")


@pytest.mark.parametrize("claim", ["NaN", "-1", "Infinity", "1E+30"])
def test_a_vendor_s_senseless_cost_is_not_believed(claim: str) -> None:
    resolved = PriceBook(INPUT_AND_OUTPUT).resolve("openai", "new", NOW)
    assert resolved.cost(Used(1_000_000, 0, cost=Decimal(claim))) == 1


def test_senseless_counts_never_raise_and_never_pay_back() -> None:
    resolved = PriceBook([*INPUT_AND_OUTPUT, own("cached_input", "0.1")]).resolve("openai", "new", NOW)
    assert resolved.cost(Used(10, 0, cached_tokens=1_000_000)) == Decimal("0.1")
    assert resolved.cost(Used(10**40, 10**40)) is None
    assert resolved.cost(Used(10, -(10**9))) is None


def test_the_newest_price_valid_by_then_counts() -> None:
    change = datetime(2026, 12, 1, tzinfo=UTC)
    book = PriceBook([*INPUT_AND_OUTPUT, own("output", "8", valid_from=change)])
    before = book.resolve("openai", "new", NOW)
    assert (before.output, before.valid_until) == (Decimal("0.000004"), change)
    assert book.cost(before, Used(0, 10**6), change - timedelta(microseconds=1)) == 4
    assert book.cost(before, Used(0, 10**6), change) == 8  # though resolved before
    assert book.resolve("openai", "new", change).valid_until is None


def test_a_price_of_the_future_is_none_of_today() -> None:
    begins = NOW + timedelta(days=1)
    resolved = PriceBook([own("input", "1", valid_from=begins)]).resolve("openai", "new", NOW)
    assert resolved.source is Source.NONE
    assert resolved.valid_until == begins


def test_people_s_prices_go_before_the_file_s_and_those_before_the_library_s() -> None:
    file = [own("input", "7", model_id="gpt-6-luna"), own("output", "9", model_id="gpt-6-luna")]
    rows = [stored("output", "11", model_id="gpt-6-luna", valid_from=NOW - timedelta(days=99))]
    resolved = PriceBook(file, rows).resolve("openai", "gpt-6-luna", NOW)
    assert resolved.input == Decimal("0.000007")
    assert resolved.output == Decimal("0.000011")
    assert resolved.cached_input == Decimal("0.00000001")  # the library's
    assert resolved.source is Source.MIXED
    assert all((tier.input, tier.output) == (resolved.input, resolved.output) for tier in resolved.tiers)


@pytest.mark.parametrize(
    ("prices", "source"),
    [(INPUT_AND_OUTPUT, Source.OWN), ([], Source.NONE)],
)
def test_a_price_says_where_it_comes_from(prices: list[DatedPrice], source: Source) -> None:
    assert PriceBook(prices).resolve("openai", "new", NOW).source is source
    assert PriceBook(prices).resolve("openai", "gpt-6-luna", NOW).source is Source.LIBRARY


def test_a_price_per_request_is_added_once_and_suffices_alone() -> None:
    with_tokens = PriceBook([*INPUT_AND_OUTPUT, own("request", "0.5")]).resolve("openai", "new", NOW)
    assert with_tokens.cost(Used(1_000_000, 0)) == Decimal("1.5")
    alone = PriceBook([own("request", "0.5")]).resolve("openai", "new", NOW)
    assert not alone.unpriced
    assert alone.cost(Used(5, 5)) == Decimal("0.5")


def test_prices_of_other_units_leave_a_text_model_unpriced() -> None:
    for unit in (PriceUnit.IMAGE, PriceUnit.SECOND, PriceUnit.CHARACTER):
        resolved = PriceBook([own(unit, "1")]).resolve("openai", "new", NOW)
        assert resolved.unpriced
        assert resolved.source is Source.NONE


def test_peak_hours_end_when_the_library_says() -> None:
    at_night = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    quiet = BOOK.resolve("deepseek", "deepseek-flash", at_night)
    assert quiet.valid_until == datetime(2026, 11, 21, 1, tzinfo=UTC)
    peak = BOOK.resolve("deepseek", "deepseek-flash", datetime(2026, 11, 21, 1, tzinfo=UTC))
    assert peak.valid_until == datetime(2026, 11, 21, 4, tzinfo=UTC)
    assert quiet.output
    assert peak.output == 2 * quiet.output


def test_a_snapshot_learns_when_its_first_price_ends() -> None:
    prices = [BOOK.resolve(*model, NOW) for model in LISTED]
    assert next_change(prices) == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert next_change([BOOK.resolve("sandbox", "sandbox-text", NOW)]) is None


def test_a_longer_prompt_pays_its_own_rate_for_all_tokens() -> None:
    prices = get_snapshot().find_provider_model("claude-haiku-5-5", None, "anthropic", None)[1].prices
    assert isinstance(prices, ModelPrice)
    assert isinstance(prices.input_mtok, TieredPrices)
    resolved = BOOK.resolve("anthropic", "claude-haiku-5-5", NOW)
    assert resolved.cost(Used(100_000, 0)) == Decimal("0.01")
    assert resolved.cost(Used(100_001, 0)) == Decimal("0.0500005")


def test_pricing_a_call_takes_less_than_15_microseconds() -> None:
    resolved, used = BOOK.resolve("openai", "gpt-6-luna", NOW), Used(1_200, 450, 300, 10)
    seconds = min(timeit.repeat(lambda: BOOK.cost(resolved, used, NOW), number=2_000, repeat=5)) / 2_000
    assert seconds < 15e-6
