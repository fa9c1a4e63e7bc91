"""What a run may cost before it is made: from a short answer to one that uses all it may. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.money import ZERO_USD, Credits, Usd
from core.providers.base import Message
from core.providers.tokens import estimate_messages
from core.snapshot import Offer

SHORT_ANSWER = 200
"""Tokens of an answer that is over soon, some 150 words: the lower end."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Both ends, over all the models that run. `unpriced` counts those whose USD nobody knows; they are not in `usd`."""

    low_credits: Credits
    high_credits: Credits
    low_usd: Usd
    high_usd: Usd
    models: int
    unpriced: int = 0

    @property
    def free(self) -> bool:
        """Whether no vendor will be paid, for certain."""
        return not self.unpriced and self.high_usd == 0


def estimate(
    offers: Sequence[Offer], prompt: str, system: str | None, max_tokens: int, moment: datetime
) -> Estimate:
    """The estimate for sending one prompt to each of `offers` at `moment`.

    Prompt tokens are counted rather too high than too low, and no answer is longer than its model gives.
    """
    input_tokens = estimate_messages([Message("user", prompt)], system)
    low_credits = high_credits = unpriced = 0
    low_usd = high_usd = ZERO_USD
    for offer in offers:
        most = min(max_tokens, offer.model.max_output_tokens or max_tokens)
        least = min(SHORT_ANSWER, most)
        low_credits += offer.hold(input_tokens, least)
        high_credits += offer.hold(input_tokens, most)
        low = offer.estimated_cost(input_tokens, least, moment)
        high = offer.estimated_cost(input_tokens, most, moment)
        if low is None or high is None:
            unpriced += 1
        else:
            low_usd += low
            high_usd += high
    return Estimate(low_credits, high_credits, low_usd, high_usd, len(offers), unpriced)
