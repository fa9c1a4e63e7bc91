"""The genai-prices library as a source of prices: its bundled data, without network.

Its traps, and what becomes of them here: an unknown model raises LookupError (nothing is listed); a unit without a
price silently costs 0 (it is left out, so that the price book says unpriced); without a time it takes today's prices
(the time is always passed).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

VENDORS: Mapping[str, str] = {
    "openai": "openai",
    "gemini": "google",
    "anthropic": "anthropic",
    "deepseek": "deepseek",
}
"""Our kinds, as the library calls their vendors."""

KEYS: Mapping[str, str] = {
    "input": "input_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "output": "output_mtok",
}
REQUESTS = "requests_kcount"

UNKNOWN_RULE_HOLDS = timedelta(minutes=1)
"""How long a price is trusted whose rule of validity a newer library made up."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The library's prices of a model: USD per token by kind, and per request."""

    rates: Mapping[str, Decimal]
    tiers: tuple[tuple[int, dict[str, Decimal]], ...]
    """Prices of prompts above so many tokens, the longest first."""
    request: Decimal | None
    valid_until: datetime | None


def look_up(kind: str, model_id: str, moment: datetime, base_url: str | None = None) -> Listed | None:
    """What the library lists for a model at a moment; None where it knows neither model nor vendor.

    An `openai_compatible` provider is looked up by its base URL, never by the model's name alone: the same weights
    cost different sums at different hosts, and nothing on one's own machine.
    """
    # Imported late: the library reads 1.5 MB of data.
    from genai_prices.data_snapshot import get_snapshot

    vendor = VENDORS.get(kind)
    if vendor is None and base_url is None:
        return None
    try:
        _, model = get_snapshot().find_provider_model(model_id, None, vendor, None if vendor else base_url)
    except LookupError:
        return None
    return _listed(model, moment)


def _listed(model: "ModelInfo", moment: datetime) -> Listed:
    prices = model.get_prices(moment)
    starts = sorted({start for key in KEYS.values() for start in _tier_starts(prices, key)}, reverse=True)
    request = getattr(prices, REQUESTS)
    return Listed(
        rates=_rates(prices, 0),
        tiers=tuple((start, _rates(prices, start + 1)) for start in starts),
        request=request / 1000 if isinstance(request, Decimal) else None,
        valid_until=min(_changes(model, moment), default=None),
    )


def _rates(prices: "ModelPrice", prompt_tokens: int) -> dict[str, Decimal]:
    """USD per token by kind, for a prompt of so many tokens."""
    from genai_prices.types import TieredPrices

    rates: dict[str, Decimal] = {}
    for name, key in KEYS.items():
        price = getattr(prices, key)
        if isinstance(price, TieredPrices):
            reached = [tier.price for tier in price.tiers if prompt_tokens > tier.start]
            price = reached[-1] if reached else price.base
        if isinstance(price, Decimal):
            rates[name] = price.scaleb(-6)
    return rates


def _tier_starts(prices: "ModelPrice", key: str) -> list[int]:
    return [tier.start for tier in getattr(getattr(prices, key), "tiers", ())]


def _changes(model: "ModelInfo", moment: datetime) -> Iterator[datetime]:
    """Moments after `moment` at which another of the model's prices may begin."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    for conditional in () if isinstance(model.prices, ModelPrice) else model.prices:
        match conditional.constraint:
            case None:
                pass
            case StartDateConstraint(start_date=day):
                if (start := datetime.combine(day, time.min, UTC)) > moment:
                    yield start
            case TimeOfDateConstraint(start_time=start, end_time=end):
                yield _next_time(start, moment)
                yield _next_time(end, moment)
            case _:
                yield moment + UNKNOWN_RULE_HOLDS


def _next_time(of_day: time, moment: datetime) -> datetime:
    """The next moment at which it is that time of day; a time without zone is UTC."""
    zone = of_day.tzinfo or UTC
    here = datetime.combine(moment.astimezone(zone).date(), of_day.replace(tzinfo=zone))
    return here if here > moment else here + timedelta(days=1)
