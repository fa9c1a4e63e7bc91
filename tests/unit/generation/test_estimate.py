"""What a run may cost, before it is made."""

from datetime import UTC, datetime
from decimal import Decimal

from core.catalogue.catalogue import Model, Unit
from core.catalogue.prices import DatedPrice, PriceBook
from core.generation.estimate import SHORT_ANSWER, estimate
from core.ids import new_id
from core.providers.base import Message
from core.providers.config import ProviderConfig
from core.providers.tokens import estimate_messages
from core.snapshot import Offer
from core.vocabulary import Modality

NOW = datetime(2026, 11, 19, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PROMPT = "Why do octopuses have three hearts?"


def offer(
    model_id: str = "m",
    *,
    kind: str = "own",
    credits: str = "2",
    usd: str | None = "10",
    most: int | None = None,
) -> Offer:
    """A model at `usd` per million tokens of either kind; None has no price."""
    model = Model(
        kind, model_id, Modality.TEXT, model_id, Decimal(credits), Unit.TOKENS, max_output_tokens=most
    )
    prices = [DatedPrice(kind, model_id, unit, Decimal(usd), LONG_AGO) for unit in ("input", "output") if usd]
    book = PriceBook(prices, free_kinds={"sandbox"})
    provider = ProviderConfig(new_id(), kind, kind.title(), kind)
    return Offer(provider, model, book.resolve(kind, model_id, NOW), book)


def test_the_lower_end_is_a_short_answer_and_the_upper_one_uses_all_it_may() -> None:
    tokens = estimate_messages([Message("user", PROMPT)])

    made = estimate([offer()], PROMPT, None, 1_200, NOW)

    assert (made.low_credits, made.high_credits) == (1, 3)
    assert made.low_usd == Decimal(tokens + SHORT_ANSWER) * 10 / 1_000_000
    assert made.high_usd == Decimal(tokens + 1_200) * 10 / 1_000_000
    assert not made.free


def test_both_ends_add_up_over_the_models() -> None:
    one, two = offer("a"), offer("b", credits="5", usd="40")

    both = estimate([one, two], PROMPT, None, 1_200, NOW)

    apart = [estimate([each], PROMPT, None, 1_200, NOW) for each in (one, two)]
    assert both.low_credits == sum(each.low_credits for each in apart)
    assert both.high_credits == sum(each.high_credits for each in apart)
    assert both.high_usd == sum(each.high_usd for each in apart)
    assert both.models == 2


def test_the_system_prompt_counts() -> None:
    without = estimate([offer()], PROMPT, None, 1_200, NOW)
    with_it = estimate([offer()], PROMPT, "Short sentences. " * 50, 1_200, NOW)

    assert with_it.low_usd > without.low_usd


def test_a_cap_below_a_short_answer_makes_both_ends_the_same() -> None:
    made = estimate([offer()], PROMPT, None, 50, NOW)

    assert made.low_usd == made.high_usd
    assert made.low_credits == made.high_credits


def test_no_answer_is_longer_than_its_model_gives() -> None:
    capped = estimate([offer(most=300)], PROMPT, None, 100_000, NOW)

    assert capped == estimate([offer()], PROMPT, None, 300, NOW)


def test_a_model_without_a_price_is_counted_and_not_taken_for_free() -> None:
    made = estimate([offer("a"), offer("b", usd=None)], PROMPT, None, 1_200, NOW)

    assert made.unpriced == 1
    assert made.high_usd == estimate([offer("a")], PROMPT, None, 1_200, NOW).high_usd
    assert not estimate([offer(usd=None)], PROMPT, None, 1_200, NOW).free


def test_the_sandbox_costs_credits_and_no_usd() -> None:
    made = estimate([offer(kind="sandbox", usd=None)], PROMPT, None, 1_200, NOW)

    assert made.free
    assert made.high_credits > 0
    assert made.unpriced == 0
