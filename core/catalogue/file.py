"""Reading and validating the catalogue file, `models.toml`, with every fault named by entry and line."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
    model_validator,
)

from core.catalogue.catalogue import DEFAULT_QUALITY, UNITS, Catalogue, KindDefaults, Model, Unit
from core.catalogue.prices import DatedPrice, PriceUnit
from core.vocabulary import Modality

FILE = Path(__file__).with_name("models.toml")


class CatalogueError(Exception):
    """The catalogue file cannot be used; `lines` has one per fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@cache
def catalogue() -> Catalogue:
    """The catalogue that this release carries, read once.

    Raises:
        CatalogueError: one line per fault.
    """
    return read(FILE)


def read(path: Path) -> Catalogue:
    """The catalogue of a file; raises `CatalogueError`."""
    try:
        return parse(path.read_text(encoding="utf-8"), name=path.name)
    except (OSError, UnicodeDecodeError) as unreadable:
        raise CatalogueError([f"{path.name}: cannot be read: {unreadable}"]) from unreadable


def parse(text: str, *, name: str = "models.toml") -> Catalogue:
    """The catalogue that a TOML text holds; raises `CatalogueError`."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as malformed:
        raise CatalogueError([f"{name}: {malformed}"]) from None
    where = _Where(name, text, raw)
    try:
        entries = _File.model_validate(raw)
    except ValidationError as faults:
        raise CatalogueError([where.of(fault["loc"]) + _words(fault) for fault in faults.errors()]) from None
    if lines := list(_contradictions(entries, where)):
        raise CatalogueError(lines)
    return _catalogue(entries)


Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=18, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, gt=0)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ModelEntry(_Entry):
    kind: Name
    id: Name
    modality: Modality
    display_name: Name
    description: str = ""
    credits: Amount
    unit: Unit
    context_tokens: Count | None = None
    max_output_tokens: Count | None = None
    sampling: StrictBool
    streaming: StrictBool
    quality: Share = DEFAULT_QUALITY
    plans: tuple[Name, ...] | None = None
    active: StrictBool = True
    deprecated: date | None = None
    ends: date | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.unit not in UNITS[self.modality]:
            allowed = ", ".join(sorted(UNITS[self.modality]))
            raise ValueError(f"a {self.modality} model is charged per {allowed}, not per {self.unit}")
        if self.deprecated and self.ends and self.ends < self.deprecated:
            raise ValueError("it would end before it is deprecated")
        return self

    def model(self) -> Model:
        return Model(
            kind=self.kind,
            id=self.id,
            modality=self.modality,
            display_name=self.display_name,
            description=self.description,
            credits=self.credits,
            unit=self.unit,
            max_output_tokens=self.max_output_tokens,
            context_tokens=self.context_tokens,
            takes_sampling=self.sampling,
            streams=self.streaming,
            quality=self.quality,
            plans=None if self.plans is None else frozenset(self.plans),
            active=self.active,
            deprecated_at=self.deprecated and _midnight(self.deprecated),
            ends_at=self.ends and _midnight(self.ends),
        )


class _PriceEntry(_Entry):
    kind: Name
    model: Name
    unit: PriceUnit
    usd: Amount
    valid_from: date


class _KindEntry(_Entry):
    default: dict[Modality, Name] = {}
    fallback: dict[Modality, Name] = {}
    free: StrictBool = False


class _File(_Entry):
    version: Count
    date: date
    kind: dict[Name, _KindEntry] = {}
    model: tuple[_ModelEntry, ...]
    price: tuple[_PriceEntry, ...] = ()


class _Where:
    """Finds the line on which an entry of the file begins, for people who have to mend it."""

    def __init__(self, name: str, text: str, raw: Mapping[str, Any]) -> None:
        self._name, self._raw = name, raw
        self._headers: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*([\w.\"-]+)\s*\]+", line):
                self._headers.setdefault(header[1], []).append(number)

    def of(self, location: tuple[int | str, ...]) -> str:
        match location:
            case ("model" | "price" as table, int(index), *rest):
                entry = self._raw[table][index]
                label = entry.get("id" if table == "model" else "model") if isinstance(entry, dict) else None
                parts = [f"{table} {label!r}" if label else f"{table} number {index + 1}", *rest]
                line = self._line(table, index)
            case ("kind", str(kind), *rest):
                parts, line = [f"kind {kind!r}", *rest], self._line(f"kind.{kind}", 0)
            case _:
                parts, line = [*location], ""
        return f"{self._name}{line}: " + "".join(f"{part}: " for part in parts)

    def _line(self, header: str, index: int) -> str:
        lines = self._headers.get(header, [])
        return f", line {lines[index]}" if index < len(lines) else ""


def _contradictions(entries: _File, where: _Where) -> Iterator[str]:
    """Faults between entries, each valid by itself."""
    known: dict[tuple[str, str], _ModelEntry] = {}
    for index, model in enumerate(entries.model):
        if (model.kind, model.id) in known:
            yield where.of(("model", index)) + f"stands twice under kind {model.kind!r}"
        known[model.kind, model.id] = model
    for kind, said in entries.kind.items():
        for role in ("default", "fallback"):
            for modality, model_id in getattr(said, role).items():
                named = known.get((kind, model_id))
                if named is None or named.modality != modality:
                    yield where.of(("kind", kind, role)) + f"{model_id!r} is no {modality} model of this kind"
    seen: set[tuple[str, str, str, date]] = set()
    for index, price in enumerate(entries.price):
        key = (price.kind, price.model, price.unit, price.valid_from)
        if key in seen:
            yield where.of(("price", index)) + f"a second price per {price.unit} from {price.valid_from}"
        seen.add(key)


def _catalogue(entries: _File) -> Catalogue:
    models: dict[str, dict[str, Model]] = {}
    for entry in entries.model:
        models.setdefault(entry.kind, {})[entry.id] = entry.model()
    return Catalogue(
        version=entries.version,
        date=entries.date,
        models=MappingProxyType({kind: MappingProxyType(of_kind) for kind, of_kind in models.items()}),
        kinds=MappingProxyType(
            {
                kind: KindDefaults(MappingProxyType(said.default), MappingProxyType(said.fallback), said.free)
                for kind, said in entries.kind.items()
            }
        ),
        prices=tuple(
            DatedPrice(price.kind, price.model, price.unit, price.usd, _midnight(price.valid_from))
            for price in entries.price
        ),
    )


def _midnight(day: date) -> datetime:
    """Dates in the file begin at midnight UTC."""
    return datetime.combine(day, time.min, UTC)


def _words(fault: Any) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")
