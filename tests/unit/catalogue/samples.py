"""Models and usages for the catalogue's tests."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from core.catalogue.catalogue import Model, Unit
from core.vocabulary import Modality

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Used:
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost: Decimal | None = None


def model(credits: str | Decimal = "1", unit: Unit = Unit.TOKENS) -> Model:
    return Model("openai", "some-model", Modality.TEXT, "Some model", Decimal(credits), unit)
