"""Reading the catalogue file, and what the one in this release holds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalogue.catalogue import Unit
from core.catalogue.file import CatalogueError, catalogue, parse, read
from core.catalogue.prices import PriceBook
from core.config import KEYED_KINDS
from core.vocabulary import Modality
from tests.unit.catalogue.samples import NOW, Used

CREDIT_USD = Decimal("0.01")

GOOD = """
version = 3
date = 2026-11-01
[kind.openai]
default = { text = "m" }
[[model]]
kind = "openai"
id = "m"
modality = "text"
display_name = "M"
credits = 0.1
unit = "1k tokens"
sampling = true
streaming = false
plans = ["pro"]
deprecated = 2026-12-01
ends = 2027-01-06
[[price]]
kind = "openai"
model = "m"
unit = "output"
usd = 0.3
valid_from = 2026-10-01
"""


def test_a_model_carries_what_its_entry_says() -> None:
    read_in = parse(GOOD)
    model = read_in.models["openai"]["m"]
    assert (read_in.version, str(read_in.date)) == (3, "2026-11-01")
    assert (model.credits, model.unit, model.plans) == (Decimal("0.1"), Unit.TOKENS, {"pro"})
    assert (model.takes_sampling, model.streams) == (True, False)
    assert model.ends_at == datetime(2027, 1, 6, tzinfo=UTC)
    assert read_in.prices[0].usd == Decimal("0.3")


def test_a_model_without_a_stated_quality_is_taken_for_an_everyday_one() -> None:
    assert parse(GOOD).models["openai"]["m"].quality == 0.7
    rated = GOOD.replace("streaming = false", "streaming = false\nquality = 0.95")
    assert parse(rated).models["openai"]["m"].quality == 0.95


def test_a_familys_larger_model_is_rated_above_its_smaller_one() -> None:
    for kind in (*KEYED_KINDS, "sandbox"):
        models = catalogue().models[kind]
        credits = {model.credits for model in models.values()}
        if len(credits) > 1:
            by_credits = sorted(models.values(), key=lambda model: model.credits)
            assert [model.quality for model in by_credits] == sorted(model.quality for model in by_credits)


def test_a_model_is_available_until_the_day_it_ends() -> None:
    model = parse(GOOD).models["openai"]["m"]
    end = datetime(2027, 1, 6, tzinfo=UTC)
    assert model.available(end - timedelta(seconds=1))
    assert not model.available(end)
    assert model.deprecated(end)
    assert not model.deprecated(datetime(2026, 11, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("credits = 0.1", "credits = -1", "models.toml, line 6: model 'm': credits: "),
        ("credits = 0.1", "credits = nan", "models.toml, line 6: model 'm': credits: "),
        ("credits = 0.1", "creditz = 1", "models.toml, line 6: model 'm': creditz: Extra inputs"),
        ('id = "m"', "", "models.toml, line 6: model number 1: id: Field required"),
        ("sampling = true", "sampling = true\nquality = 1.1", "models.toml, line 6: model 'm': quality: "),
        ('unit = "1k tokens"', 'unit = "second"', "line 6: model 'm': a text model is charged per"),
        ('unit = "output"', 'unit = "outputs"', "models.toml, line 18: price 'm': unit: "),
        ('{ text = "m" }', '{ text = "n" }', "line 4: kind 'openai': default: 'n' is no text model"),
        ("ends = 2027-01-06", "ends = 2026-11-30", "would end before it is deprecated"),
        ("version = 3", "", "models.toml: version: Field required"),
        ("version = 3", "version = ", "at line 2"),
    ],
)
def test_a_bad_entry_is_named_with_its_line(was: str, becomes: str, says: str) -> None:
    assert was in GOOD
    with pytest.raises(CatalogueError) as fault:
        parse(GOOD.replace(was, becomes, 1))
    assert says in str(fault.value)


def test_a_model_that_stands_twice_is_refused() -> None:
    entry = GOOD[GOOD.index("[[model]]") : GOOD.index("[[price]]")]
    with pytest.raises(CatalogueError, match="line 30: model 'm': stands twice"):
        parse(GOOD.rstrip() + "\n\n\n\n\n\n\n" + entry)


def test_two_prices_of_one_day_are_refused() -> None:
    with pytest.raises(CatalogueError, match="a second price per output"):
        parse(GOOD + GOOD[GOOD.index("[[price]]") :])


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"gone\.toml: cannot be read"):
        read(tmp_path / "gone.toml")


def test_every_kind_with_a_key_has_a_default_and_another_fallback() -> None:
    for kind in (*KEYED_KINDS, "sandbox"):
        default = catalogue().default(kind, Modality.TEXT)
        fallback = catalogue().fallback(kind, Modality.TEXT)
        assert default
        assert fallback
        assert default != fallback


def test_every_model_of_a_vendor_is_priced_and_only_the_sandbox_is_free() -> None:
    book = PriceBook(catalogue().prices, free_kinds=catalogue().free_kinds)
    for kind, models in catalogue().models.items():
        for model_id in models:
            price = book.resolve(kind, model_id, NOW)
            assert not price.unpriced, model_id
            assert price.free is (kind == "sandbox"), model_id


def test_credits_cover_the_dearest_tokens_of_every_model_by_a_fifth() -> None:
    book = PriceBook(catalogue().prices, free_kinds=catalogue().free_kinds)
    moments = [NOW + timedelta(hours=hours) for hours in (*range(24), 24 * 60, 24 * 365)]
    for kind, models in catalogue().models.items():
        for model in models.values():
            earned = model.credits * CREDIT_USD
            for moment in moments:
                price = book.resolve(kind, model.id, moment)
                for rates in (price, *price.tiers):
                    assert rates.output is not None
                    assert earned >= rates.output * 1000 * Decimal("1.2"), model.id


def test_a_typical_request_leaves_more_than_half_of_what_it_earns() -> None:
    book = PriceBook(catalogue().prices, free_kinds=catalogue().free_kinds)
    for kind, models in catalogue().models.items():
        for model in models.values():
            cost = book.resolve(kind, model.id, NOW).cost(Used(700, 300))
            assert cost is not None
            assert cost <= model.credits * CREDIT_USD / 2, model.id
