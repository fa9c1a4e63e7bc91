"""The models Purser knows: the catalogue file as the base, and over it what people changed, per provider.

Reading the file is `core.catalogue.file`; hot paths read the `Model` objects of the snapshot.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from core.catalogue.models import ModelRow
from core.catalogue.prices import DatedPrice
from core.errors import InvalidRequest
from core.log import get_logger
from core.vocabulary import Modality

log = get_logger(__name__)


class Unit(StrEnum):
    """What a model's credits are charged for."""

    GENERATION = "generation"
    IMAGE = "image"
    TOKENS = "1k tokens"
    SECOND = "second"


UNITS: Mapping[Modality, frozenset[Unit]] = {
    Modality.TEXT: frozenset({Unit.GENERATION, Unit.TOKENS}),
    Modality.IMAGE: frozenset({Unit.GENERATION, Unit.IMAGE}),
    Modality.VIDEO: frozenset({Unit.GENERATION, Unit.SECOND}),
    Modality.AUDIO: frozenset({Unit.GENERATION, Unit.SECOND, Unit.TOKENS}),
}
"""The units that make sense for each modality."""

DEFAULT_UNIT: Mapping[Modality, Unit] = {
    Modality.TEXT: Unit.TOKENS,
    Modality.IMAGE: Unit.IMAGE,
    Modality.VIDEO: Unit.SECOND,
    Modality.AUDIO: Unit.GENERATION,
}
DEFAULT_QUALITY = 0.7
"""Of a model that nobody has rated."""
DEFAULT_CREDITS = Decimal(1)
"""Credits per unit of a model that somebody added without stating them: never given away by omission."""


@dataclass(frozen=True, slots=True)
class Model:
    """Something a provider runs. `credits` are per `unit`; `plans` None means that every plan may use it.

    `max_output_tokens` and `context_tokens` are None where nobody has said. `quality` is 0 to 1, for the strategy "score".
    """

    kind: str
    id: str
    modality: Modality
    display_name: str
    credits: Decimal
    unit: Unit
    description: str = ""
    max_output_tokens: int | None = None
    context_tokens: int | None = None
    takes_sampling: bool = False
    streams: bool = True
    quality: float = DEFAULT_QUALITY
    plans: frozenset[str] | None = None
    active: bool = True
    deprecated_at: datetime | None = None
    ends_at: datetime | None = None

    def available(self, now: datetime) -> bool:
        """Whether it may be called: switched on, and not past its end."""
        return self.active and (self.ends_at is None or now < self.ends_at)

    def deprecated(self, now: datetime) -> bool:
        """Whether the vendor has said by now that it will end."""
        return self.deprecated_at is not None and self.deprecated_at <= now

    def allows(self, plan_id: str | None) -> bool:
        """Whether users of a plan may use it."""
        return self.plans is None or plan_id in self.plans


@dataclass(frozen=True, slots=True)
class KindDefaults:
    """What the file says about a kind: its default and fallback model by modality, and whether it is free."""

    default: Mapping[Modality, str] = field(default_factory=lambda: MappingProxyType({}))
    fallback: Mapping[Modality, str] = field(default_factory=lambda: MappingProxyType({}))
    free: bool = False


NO_DEFAULTS = KindDefaults()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue file, validated."""

    version: int
    date: date
    models: Mapping[str, Mapping[str, Model]]
    """By kind and id."""
    kinds: Mapping[str, KindDefaults]
    prices: tuple[DatedPrice, ...]

    @property
    def free_kinds(self) -> frozenset[str]:
        """The kinds whose calls cost exactly 0 USD by declaration."""
        return frozenset(kind for kind, said in self.kinds.items() if said.free)

    def find(self, kind: str, model_id: str) -> Model | None:
        """The file's own entry."""
        return self.models.get(kind, {}).get(model_id)

    def default(self, kind: str, modality: Modality) -> str | None:
        """The id that a provider of a kind starts with; the provider's own setting goes before it."""
        return self.kinds.get(kind, NO_DEFAULTS).default.get(modality)

    def fallback(self, kind: str, modality: Modality) -> str | None:
        """The id that stands in for the default at the same provider."""
        return self.kinds.get(kind, NO_DEFAULTS).fallback.get(modality)

    def effective(self, kind: str, rows: Iterable[ModelRow] = ()) -> dict[str, Model]:
        """The models of one provider, by id: the file's for its kind, with the provider's rows over them.

        A row without a counterpart in the file adds a model. A row that makes no sense never takes the rest of the
        configuration down: its senseless part is left out, and logged.
        """
        models = dict(self.models.get(kind, {}))
        for row in rows:
            models[row.model_id] = _changed(models.get(row.model_id) or _added(kind, row), row)
        return models


class Capabilities(BaseModel):
    """The keys of a row's `capabilities`; what is absent stays as in the file."""

    model_config = ConfigDict(extra="forbid")

    sampling: StrictBool | None = None
    streaming: StrictBool | None = None
    context_tokens: Annotated[int, Field(strict=True, gt=0)] | None = None
    max_output_tokens: Annotated[int, Field(strict=True, gt=0)] | None = None
    quality: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None


def check_row(row: ModelRow) -> None:
    """What a writer asks before it stores a row.

    Raises:
        InvalidRequest: the unit does not go with the modality, credits are negative, or capabilities are unknown.
    """
    if row.unit is not None and row.unit not in UNITS[row.modality]:
        allowed = ", ".join(sorted(UNITS[row.modality]))
        raise InvalidRequest(
            f"{row.model_id}: {row.modality} models are charged per {allowed}, not {row.unit!r}."
        )
    if row.credits is not None and (not row.credits.is_finite() or row.credits < 0):
        raise InvalidRequest(f"{row.model_id}: credits must be 0 or more.")
    try:
        Capabilities.model_validate(row.capabilities or {})
    except ValidationError as faults:
        fault = faults.errors()[0]
        raise InvalidRequest(f"{row.model_id}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}.") from None


def _added(kind: str, row: ModelRow) -> Model:
    return Model(kind, row.model_id, row.modality, row.model_id, DEFAULT_CREDITS, DEFAULT_UNIT[row.modality])


def _changed(model: Model, row: ModelRow) -> Model:
    changes: dict[str, Any] = _capabilities(row)
    for name in ("display_name", "active", "credits"):
        if (value := getattr(row, name)) is not None:
            changes[name] = value
    if row.plans is not None:
        changes["plans"] = frozenset(row.plans)
    if row.unit is not None:
        if row.unit in UNITS[model.modality]:
            changes["unit"] = Unit(row.unit)
        else:
            log.warning("stored unit does not go with the model", model=row.model_id, unit=row.unit)
    return replace(model, **changes)


def _capabilities(row: ModelRow) -> dict[str, Any]:
    try:
        said = Capabilities.model_validate(row.capabilities or {})
    except ValidationError as faults:
        log.warning("stored capabilities cannot be read", model=row.model_id, faults=faults.error_count())
        return {}
    names = {
        "takes_sampling": said.sampling,
        "streams": said.streaming,
        "context_tokens": said.context_tokens,
        "max_output_tokens": said.max_output_tokens,
        "quality": said.quality,
    }
    return {name: value for name, value in names.items() if value is not None}
