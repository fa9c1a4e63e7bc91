"""What a person has set up to run, and how it travels in the address: a copied link restores it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams

from core.generation.order import MOST_TOKENS, TextOrder
from core.generation.templates import TEMPLATES
from core.providers.base import Message
from core.routing.route import NO_PRICES
from core.snapshot import Offer, Snapshot
from core.vocabulary import Modality

LETTERS = "ABCD"
"""One a model: four at most."""
LONGEST_IN_LINK = 2_000
"""Characters of a prompt, or of a system prompt, that a link carries; longer ones stay out of it."""
DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 1_200
HOTTEST = 2.0


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be run. `models` are keys as `key_of` makes them; `missing` were in the link and are not offered."""

    models: tuple[str, ...] = ()
    type: str | None = None
    system: str = ""
    prompt: str = ""
    temperature: float = DEFAULT_TEMPERATURE
    max_tokens: int = DEFAULT_MAX_TOKENS
    fallback: bool = True
    missing: tuple[str, ...] = ()

    @classmethod
    def from_query(cls, query: QueryParams, offered: Collection[str], default: Iterable[str]) -> "Draft":
        """The draft of an address. Whatever it says: nothing in it is trusted, and what makes no sense is left out."""
        wanted = list(dict.fromkeys(query.getlist("model")))
        models = [key for key in wanted if key in offered][: len(LETTERS)]
        template = query.get("type")
        return cls(
            models=tuple(models or default),
            type=template if template in TEMPLATES else None,
            system=_text(query.get("system")),
            prompt=_text(query.get("prompt")),
            temperature=_number(query.get("temperature"), 0, HOTTEST, DEFAULT_TEMPERATURE),
            max_tokens=int(_number(query.get("maxTokens"), 1, MOST_TOKENS, DEFAULT_MAX_TOKENS)),
            fallback=query.get("fallback") != "false",
            missing=tuple(key[:80] for key in wanted if key not in offered)[: len(LETTERS)],
        )

    @property
    def too_long(self) -> bool:
        """Whether something of it does not fit into a link."""
        return max(len(self.prompt), len(self.system)) > LONGEST_IN_LINK

    def address(self) -> str:
        """The page's address with this draft in it."""
        said: list[tuple[str, str]] = [("model", key) for key in self.models]
        if self.type:
            said.append(("type", self.type))
        said += [
            ("temperature", f"{self.temperature:g}"),
            ("maxTokens", str(self.max_tokens)),
            ("fallback", "true" if self.fallback else "false"),
        ]
        said += [
            (name, text)
            for name, text in (("system", self.system), ("prompt", self.prompt))
            if text and len(text) <= LONGEST_IN_LINK
        ]
        return f"/playground?{urlencode(said, quote_via=quote)}"

    def order(self, key: str, *, sampling: bool) -> TextOrder:
        """The order for one of its models."""
        provider, model = key.split("/", 1)
        return TextOrder(
            messages=(Message("user", self.prompt),),
            system=self.system.strip() or None,
            type=self.type,
            model=model,
            provider=provider,
            allow_fallback=self.fallback,
            temperature=self.temperature if sampling else None,
            max_tokens=self.max_tokens,
            streamed=True,
        )


def key_of(offer: Offer) -> str:
    """A model as one provider offers it: `openai/gpt-6.1-sol`."""
    return f"{offer.provider.slug}/{offer.model.id}"


def offered(
    snapshot: Snapshot, now: datetime, own_prices: Mapping[str, Decimal] = NO_PRICES
) -> dict[str, Offer]:
    """All that can stream a text now, in the order of the providers' ranks, a provider's default model first.

    `own_prices`: credits per unit by model, where the person has other prices than the catalogue's.
    """
    text = Modality.TEXT
    offers = [
        offer.at(own_prices)
        for offer in snapshot.offers
        if offer.provider.enabled
        and text in offer.provider.ranks
        and offer.model.modality == text
        and offer.model.streams
        and offer.model.available(now)
    ]
    offers.sort(
        key=lambda offer: (
            offer.provider.rank(text),
            offer.provider.slug,
            offer.provider.default_models.get(text) != offer.model.id,
            offer.model.id,
        )
    )
    return {key_of(offer): offer for offer in offers}


def suggested(offers: Sequence[Offer]) -> tuple[str, ...]:
    """What stands there at first: the default models of the first two providers, the sandbox only where it is alone."""
    real = [offer for offer in offers if offer.provider.kind != "sandbox"] or list(offers)
    first = {offer.provider.id: key_of(offer) for offer in reversed(real)}
    ordered = list(dict.fromkeys(first[offer.provider.id] for offer in real))
    return tuple((ordered if len(ordered) > 1 else [key_of(offer) for offer in real])[:2])


def _text(said: str | None) -> str:
    return (said or "").replace("\x00", "")[:LONGEST_IN_LINK]


def _number(said: str | None, low: float, high: float, default: float) -> float:
    try:
        number = float(said) if said else default
    except ValueError:
        return default
    return min(max(number, low), high) if number == number else default  # NaN differs from itself
