"""What may happen to a request, drawn once: some thousand scenarios that the load then deals out to users and moments.

Each is built as routing and the books would build it: the steps of its trace are `core.routing.trace.Step`, its
credits and USD come from the catalogue's own rules, so that demo rows cannot tell another story than live ones.
"""

import random
from datetime import datetime

from core.catalogue.catalogue import Catalogue
from core.catalogue.prices import PriceBook
from core.generation.templates import TEMPLATES
from core.routing.trace import Reason
from core.system.demo.take import MAX_TOKENS, OVERLOADED, RATE_LIMIT, SERVER, TIMEOUT, Cast, Scenario, Take
from core.system.demo.texts import EXCHANGES
from core.system.demo.vendors import DemoVendor

# How it went, and how often out of a thousand.
STORIES: tuple[tuple[str, int], ...] = (
    ("answered", 850),
    ("named", 78),
    ("retried", 18),
    ("fallback_model", 10),
    ("next_provider", 16),
    ("breaker_open", 6),
    ("reader_left", 6),
    ("blocked", 6),
    ("out_of_credits", 3),
    ("all_failed", 7),
)


class Stage:
    """Draws scenarios; the same seed draws the same."""

    def __init__(self, catalogue: Catalogue, vendors: list[DemoVendor], now: datetime, seed: int = 7) -> None:
        self._vendors = vendors
        self._random = random.Random(seed)
        book = PriceBook(catalogue.prices, free_kinds=catalogue.free_kinds)
        self._cast = Cast(catalogue, book, vendors, now, self._random)

    def draw(self, count: int) -> list[Scenario]:
        """So many scenarios, each story in its share."""
        total = sum(weight for _, weight in STORIES)
        stories = [story for story, weight in STORIES for _ in range(max(1, round(weight * count / total)))]
        self._random.shuffle(stories)
        return [self._scenario(story) for story in stories]

    def _scenario(self, story: str) -> Scenario:
        chance = self._random
        prompt, answer = chance.choice(EXCHANGES)
        template = chance.choice([None, None, *TEMPLATES])
        scenario = Scenario({
            "system": TEMPLATES[template].system if template else None,
            "messages": [{"role": "user", "content": prompt}],
        }, answer)  # fmt: skip
        first = self._vendors[0]
        scenario.generation = {
            "type": template, "status": "completed", "streamed": chance.random() < 0.6, "requested_provider": None,
            "requested_model": None, "allow_fallback": True, "parameters": {"maxTokens": MAX_TOKENS},
            "provider_id": None, "provider": None, "model": None, "held": 0, "credits": 0, "cost": None,
            "unpriced": False, "input_tokens": None, "cached_tokens": None, "output_tokens": None, "usage_estimated": False,
            "attempts": 0, "latency_ms": 0, "first_token_ms": None, "finish_reason": None, "error_class": None,
            "error_code": None, "error_message": None, "cut": None,
        }  # fmt: skip
        take = Take(self._cast, scenario)
        match story:
            case "named":
                vendor = chance.choice(self._vendors)
                scenario.generation["requested_model"] = vendor.default
                take.answers(vendor, vendor.default, Reason.NAMED_MODEL, "the model that was asked for")
            case "retried":
                take.fails(first, first.default, chance.choice((RATE_LIMIT, OVERLOADED, SERVER)))
                waited = chance.uniform(0.8, 1.2)
                take.answers(
                    first, first.default, Reason.RETRY, f"again after {waited:.1f} s", round(waited * 1000)
                )
            case "fallback_model":
                take.fails(first, first.default, OVERLOADED)
                for waited in (1_000, 2_000):
                    take.fails(first, first.default, OVERLOADED, Reason.RETRY, waited)
                take.answers(first, first.fallback, Reason.FALLBACK_MODEL, "the provider's fallback model")
            case "next_provider":
                take.fails(first, first.default, TIMEOUT)
                second = self._vendors[1]
                take.answers(second, second.default, Reason.NEXT_IN_ORDER, "next in order")
            case "breaker_open":
                tripped = self._vendors[2]
                scenario.generation["requested_model"] = tripped.default
                wait = chance.randint(5, 60)
                take.skips(
                    tripped, Reason.BREAKER_OPEN,
                    f"breaker open (5 of 5 consecutive failures, the last: overloaded), next probe in {wait} s",
                )  # fmt: skip
                take.answers(first, first.default, Reason.NEXT_IN_ORDER, "next in order")
            case "reader_left":
                take.is_left(first)
            case "blocked":
                take.is_blocked(first)
            case "out_of_credits":
                take.is_refused(required=chance.randint(5, 9), available=chance.randint(0, 4))
            case "all_failed":
                for place, vendor in enumerate(self._vendors):
                    reason = Reason.NEXT_IN_ORDER if place else Reason.FIRST_IN_ORDER
                    take.fails(
                        vendor, vendor.default, chance.choice((OVERLOADED, RATE_LIMIT, SERVER)), reason
                    )
                take.has_failed()
            case _:
                vendor = self._usual()
                reason = Reason.FIRST_IN_ORDER if vendor is first else Reason.PREFERRED
                detail = "first in order" if vendor is first else "the user's preferred provider"
                take.answers(vendor, vendor.default, reason, detail)
        return take.ended()

    def _usual(self) -> DemoVendor:
        return self._random.choices(self._vendors, (48, 27, 18, 7))[0]
