"""How many credits a call holds, and then costs (DATA, "Money"). Pure.

Hold = ceil(credits x units of estimated input + largest output); charge = ceil(credits x units used). Both round up
the same product, so a call that stays within its estimate is never charged above its hold.
"""

from decimal import Decimal

from core.catalogue.catalogue import Model, Unit
from core.catalogue.usage import Usage
from core.money import Credits, round_credits

TOKENS_PER_UNIT = Decimal("0.001")


def hold(model: Model, estimated_input_tokens: int, max_output_tokens: int) -> Credits:
    """Credits to set aside before a call that may use so many tokens."""
    return _credits(model, estimated_input_tokens + max_output_tokens)


def charge(model: Model, usage: Usage, *, delivered: bool = True) -> Credits:
    """Credits for what a call used: at least one where the model has a price and something was delivered.

    Cached tokens count like others: the credits are the product's price, the vendor's discount is its margin.
    """
    return _credits(model, usage.input_tokens + usage.output_tokens) if delivered else 0


def _credits(model: Model, tokens: int) -> Credits:
    if not model.credits:
        return 0
    # A unit that is no token count (generation, and one image or second at a time) is used once per call.
    units = tokens * TOKENS_PER_UNIT if model.unit is Unit.TOKENS else Decimal(1)
    return max(1, round_credits(model.credits * units))
