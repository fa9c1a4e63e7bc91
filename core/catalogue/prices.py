"""The price book: what a call costs us in USD, resolved ahead of time so that pricing a call is a few products.

For each token kind the first source that knows a price wins: what people wrote into the database, the catalogue
file's dated rows, the genai-prices library. Within a source the newest row counts that is valid by then. Nobody
knows: the call is unpriced, which is None and never 0; only kinds declared free cost 0.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from core.catalogue import library
from core.catalogue.models import PriceRow
from core.catalogue.usage import Usage
from core.money import ZERO_USD, Usd, round_usd

MOST_USD = Decimal(10**9)
"""More than numeric(18,9) holds: no call costs that, so such a figure is an error of its source."""


class PriceUnit(StrEnum):
    """What a dated price is for: 1M tokens of a kind, or one of the others."""

    INPUT = "input"
    CACHED_INPUT = "cached_input"
    CACHE_WRITE = "cache_write"
    OUTPUT = "output"
    IMAGE = "image"
    SECOND = "second"
    CHARACTER = "character"
    REQUEST = "request"


class Source(StrEnum):
    """Where a resolved price comes from."""

    OWN = "own"
    LIBRARY = "library"
    MIXED = "mixed"
    FREE = "free"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """USD per unit from a moment on, for a model of a kind of provider."""

    kind: str
    model_id: str
    unit: str
    usd: Decimal
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class Tier:
    """USD per token for calls whose whole prompt is longer than `above` tokens; all tokens pay it."""

    above: int
    input: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None
    output: Decimal | None


@dataclass(frozen=True, slots=True)
class ResolvedPrice:
    """USD per token (and per request) of one model, good from `valid_from` until `valid_until`.

    A kind of input without a price of its own pays as input, as vendors bill it. `valid_until` None: nothing is
    known to change. `tiers` are the prices of long prompts, the longest first.
    """

    kind: str
    model_id: str
    source: Source
    valid_from: datetime
    valid_until: datetime | None = None
    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    request: Decimal = ZERO_USD
    tiers: tuple[Tier, ...] = ()
    base_url: str | None = None

    @property
    def unpriced(self) -> bool:
        """Whether ordinary calls of the model cannot be priced."""
        return self.input is None or self.output is None

    @property
    def free(self) -> bool:
        """Whether calls cost exactly 0 because that was declared."""
        return self.source is Source.FREE

    def covers(self, moment: datetime) -> bool:
        """Whether the price holds at a moment."""
        return self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)

    def cost(self, usage: Usage) -> Usd | None:
        """What a call costs, at nine places; None is unpriced. Never raises, whatever a vendor claims."""
        if usage.cost is not None and usage.cost.is_finite() and 0 <= usage.cost < MOST_USD:
            return round_usd(usage.cost)
        rates = self
        total, cached, written, output = (
            usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens,
        )  # fmt: skip
        for tier in self.tiers:
            if total > tier.above:
                rates = tier
                break
        if rates.input is None or (output and rates.output is None):
            return None
        # A vendor that claims more cached than sent is believed for the cached part and pays no negative rest.
        amount = self.request + max(0, total - cached - written) * rates.input
        if cached:
            amount += cached * (rates.input if rates.cached_input is None else rates.cached_input)
        if written:
            amount += written * (rates.input if rates.cache_write is None else rates.cache_write)
        if output and rates.output:
            amount += output * rates.output
        try:
            return round_usd(amount) if 0 <= amount < MOST_USD else None
        except InvalidOperation:  # more digits than a decimal carries
            return None


class PriceBook:
    """All sources of prices at one version; immutable, safe to share."""

    def __init__(
        self, file: Iterable[DatedPrice], rows: Iterable[PriceRow] = (), *, free_kinds: Iterable[str] = ()
    ) -> None:
        self._free = frozenset(free_kinds)
        self._rows = _by_model(
            DatedPrice(row.kind, row.model_id, row.unit, row.usd, row.valid_from) for row in rows
        )
        self._file = _by_model(file)

    def resolve(
        self, kind: str, model_id: str, moment: datetime, *, base_url: str | None = None
    ) -> ResolvedPrice:
        """The price of a model at a moment, with the time until which it holds.

        `base_url` tells the vendor behind an `openai_compatible` provider, where the library knows it.
        """
        if kind in self._free:
            return ResolvedPrice(
                kind, model_id, Source.FREE, datetime.min.replace(tzinfo=UTC), input=ZERO_USD, output=ZERO_USD
            )
        rows, file = self._rows.get((kind, model_id), ()), self._file.get((kind, model_id), ())
        own = _newest(file, moment) | _newest(rows, moment)
        listed = library.look_up(kind, model_id, moment, base_url)
        changes = [price.valid_from for price in (*rows, *file)]
        changes += [listed.valid_until] if listed and listed.valid_until else []
        until = min((change for change in changes if change > moment), default=None)
        return _merged(kind, model_id, moment, until, own, listed, base_url)

    def cost(self, resolved: ResolvedPrice, usage: Usage, moment: datetime) -> Usd | None:
        """What a call at `moment` costs in USD; None is unpriced.

        A price that does not hold at that moment (a change since, a call from before it) is resolved anew.
        """
        if not resolved.covers(moment):
            resolved = self.resolve(resolved.kind, resolved.model_id, moment, base_url=resolved.base_url)
        return resolved.cost(usage)


def next_change(resolved: Iterable[ResolvedPrice]) -> datetime | None:
    """When the first of several prices ends, and a snapshot of them has to be made anew."""
    return min((price.valid_until for price in resolved if price.valid_until is not None), default=None)


PER_TOKEN = -6
"""The power of ten that turns USD per 1M tokens into USD per token, exactly."""

TOKEN_UNITS = {
    PriceUnit.INPUT: "input",
    PriceUnit.CACHED_INPUT: "cached_input",
    PriceUnit.CACHE_WRITE: "cache_write",
    PriceUnit.OUTPUT: "output",
}


def _by_model(prices: Iterable[DatedPrice]) -> dict[tuple[str, str], tuple[DatedPrice, ...]]:
    found: dict[tuple[str, str], tuple[DatedPrice, ...]] = {}
    for price in sorted(prices, key=lambda price: price.valid_from):
        found[price.kind, price.model_id] = (*found.get((price.kind, price.model_id), ()), price)
    return found


def _newest(prices: Iterable[DatedPrice], moment: datetime) -> dict[str, Decimal]:
    """By unit, the USD of the newest price that is valid by then; `prices` come oldest first."""
    return {price.unit: price.usd for price in prices if price.valid_from <= moment}


def _merged(
    kind: str,
    model_id: str,
    moment: datetime,
    until: datetime | None,
    own: Mapping[str, Decimal],
    listed: library.Listed | None,
    base_url: str | None,
) -> ResolvedPrice:
    ours = {name: own[unit].scaleb(PER_TOKEN) for unit, name in TOKEN_UNITS.items() if unit in own}
    theirs = dict(listed.rates) if listed else {}
    rates: dict[str, Decimal] = theirs | ours
    request = own.get(PriceUnit.REQUEST, listed.request if listed else None)
    if request is not None and not rates:  # sold by the request alone: its tokens are in that price
        rates = {"input": ZERO_USD, "output": ZERO_USD}
    said_by_us = bool(ours) or PriceUnit.REQUEST in own
    if not rates:
        source = Source.NONE
    elif said_by_us:
        source = Source.MIXED if theirs.keys() - ours.keys() else Source.OWN
    else:
        source = Source.LIBRARY
    tiers = tuple(_tier(above, long | ours) for above, long in listed.tiers) if listed else ()
    return ResolvedPrice(
        kind,
        model_id,
        source,
        moment,
        until,
        rates.get("input"),
        rates.get("cached_input"),
        rates.get("cache_write"),
        rates.get("output"),
        request or ZERO_USD,
        tiers,
        base_url,
    )


def _tier(above: int, rates: Mapping[str, Decimal]) -> Tier:
    return Tier(
        above, rates.get("input"), rates.get("cached_input"), rates.get("cache_write"), rates.get("output")
    )
