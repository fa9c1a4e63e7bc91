"""Money as text (UX, "Money"): pure functions, no elements.

`$1,234.56`; under a cent two significant digits; never `$0.00` for what is not zero; an unknown price is not zero.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from core.money import Credits, Usd

MINUS = "\N{MINUS SIGN}"
CENT = Decimal("0.01")


def format_usd(
    amount: Usd | None, *, zero: str = "Free", missing: str = "No price", signed: bool = False
) -> str:
    """`amount` in dollars.

    Args:
        zero: what nothing is called; `"$0.00"` in sums, `"none"` in a row.
        missing: what None is called.
        signed: whether a gain carries its `+`.
    """
    if amount is None:
        return missing
    if amount == 0:
        return zero
    sign = MINUS if amount < 0 else "+" if signed else ""
    return f"{sign}${_digits(abs(amount))}"


def format_usd_range(low: Usd, high: Usd) -> str:
    """An estimate: `$0.01–0.03`; one amount when both ends read the same."""
    first, last = format_usd(low, zero="$0.00"), format_usd(high, zero="$0.00")
    return first if first == last else f"{first}–{last.removeprefix('$')}"


def format_price(amount: Usd | None, unit: str = "1M tokens") -> str:
    """A price with its unit: `$3.00 / 1M tokens`, `No price`, `Free`."""
    return f"{format_usd(amount)} / {unit}" if amount else format_usd(amount)


def format_credits(amount: Credits) -> str:
    """`1,250 cr`."""
    return f"{_grouped(amount)} cr"


def format_credits_signed(amount: Credits) -> str:
    """A ledger's movement: `+500 cr`, `−120 cr`, `0 cr`."""
    return f"{'+' if amount > 0 else ''}{format_credits(amount)}"


def format_credits_range(low: Credits, high: Credits) -> str:
    """An estimate: `4–9 cr`."""
    return format_credits(low) if low == high else f"{_grouped(low)}–{_grouped(high)} cr"


def format_count(amount: int, *, at_least: bool = False) -> str:
    """`12,418`, or `10,000+` when counting stopped there."""
    return f"{_grouped(amount)}{'+' if at_least else ''}"


def format_percent(share: float | Decimal, places: int = 1) -> str:
    """A share of one as `98.7 %`; never 100 % for what is not all, nor 0 % for what is not nothing."""
    if not 0 < share < 1:
        return f"{_grouped_places(float(share) * 100, 0 if share in (0, 1) else places)} %"
    step = 10.0**-places
    return f"{min(max(round(float(share) * 100, places), step), 100 - step):.{places}f} %"


def _digits(amount: Decimal) -> str:
    if amount < CENT:
        step = Decimal(1).scaleb(amount.adjusted() - 1)  # two significant digits
        rounded = amount.quantize(step, rounding=ROUND_HALF_EVEN)
        if rounded < CENT:
            if rounded.adjusted() > amount.adjusted():  # 0.000996 became 0.00100
                rounded = rounded.quantize(step.scaleb(1))
            return f"{rounded:f}"
    return f"{amount.quantize(CENT, rounding=ROUND_HALF_EVEN):,f}"


def _grouped(number: int) -> str:
    return f"{MINUS if number < 0 else ''}{abs(number):,}"


def _grouped_places(number: float, places: int) -> str:
    return f"{MINUS if number < 0 else ''}{abs(number):,.{places}f}"
