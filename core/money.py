"""Credits and US dollars, and the one rounding rule of each.

Credits are whole numbers and are rounded up, in favour of the books; USD carry nine decimal places and are rounded
half-even (DATA, "Money").
"""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

Credits = int
Usd = Decimal

USD_STEP = Decimal("0.000000001")
ZERO_USD = Decimal(0)


def round_usd(amount: Decimal) -> Usd:
    """`amount` at nine places, half-even."""
    return amount.quantize(USD_STEP, rounding=ROUND_HALF_EVEN)


def round_credits(amount: Decimal) -> Credits:
    """The next whole credit at or above `amount`."""
    return int(amount.to_integral_value(rounding=ROUND_CEILING))


def revenue(credits: Credits, credit_usd_value: Usd) -> Usd:
    """What `credits` are worth in USD at the value of the moment."""
    return round_usd(credits * credit_usd_value)
