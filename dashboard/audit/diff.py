"""A change field by field, from what the audit keeps of before and after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Way = Literal["changed", "added", "gone", "same"]
DEEPEST = 3
"""Objects inside of objects are taken apart so far; what lies deeper is compared as a whole."""
MISSING = object()


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name (`limits › text › daily`), its values in words (None where there is none), and its way."""

    name: str
    before: str | None
    after: str | None
    way: Way


def fields_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Field]:
    """All fields, those that changed first, each group by name."""
    found = list(_fields(before or {}, after or {}, "", DEEPEST))
    return sorted(found, key=lambda field: (field.way == "same", field.name))


def words(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, str):
        return value or "empty"
    if isinstance(value, list) and not any(isinstance(inner, (list, dict)) for inner in value):
        return ", ".join(map(words, value)) or "empty"
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else "empty"


def _fields(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str, deep: int) -> Iterator[Field]:
    for name in {**before, **after}:
        old, new = before.get(name, MISSING), after.get(name, MISSING)
        if deep > 1 and _parts(old, new):
            yield from _fields(
                old if isinstance(old, dict) else {}, new if isinstance(new, dict) else {}, f"{prefix}{name.replace('_', ' ')} › ", deep - 1
            )  # fmt: skip
            continue
        way: Way = (
            "added"
            if old is MISSING
            else "gone"
            if new is MISSING
            else "same"
            if _same(old, new)
            else "changed"
        )
        yield Field(
            f"{prefix}{name.replace('_', ' ')}", None if old is MISSING else words(old), None if new is MISSING else words(new), way
        )  # fmt: skip


def _parts(old: Any, new: Any) -> bool:
    """Whether both are objects, or one is and the other is not there: then their fields tell more."""
    kinds = {isinstance(value, dict) and bool(value) for value in (old, new) if value is not MISSING}
    return kinds == {True}


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and old == new
