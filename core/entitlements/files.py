"""Plans and features as a file (TOML), to be kept and reviewed in version control.

One line per property and per feature of a plan, always in the same order: a difference of two files reads like a
change set. An import is a change set to be reviewed; what a file does not mention stays as it is, so that a plan goes
by `retired = true` and never by a lost line.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.entitlements.changes import (
    Change,
    cell,
    feature_property,
    feature_values,
    new_plan,
    plan_property,
    plan_values,
)
from core.entitlements.fields import FEATURE_PROPERTIES, PROPERTIES, Property
from core.entitlements.matrix import Matrix
from core.errors import InvalidRequest

FORMAT = 1
LONGEST_FILE = 1_000_000
NONE = "none"
"""What stands for no limit, and for no trial: TOML has no word for nothing."""


def export(stored: Matrix) -> str:
    """All plans and features as a file."""
    return "\n".join(_lines(stored)) + "\n"


def parse(text: str, stored: Matrix) -> list[Change]:
    """The change set that turns what is stored into what a file says; empty where they agree.

    Raises:
        InvalidRequest: `invalid_file`, naming the line where it is no TOML, or the field that is wrong.
    """
    said = _read(text)
    features = _tables(said, "features")
    plans = _tables(said, "plans")
    changes: list[Change] = []
    for feature_id, values in features.items():
        changes += _feature_changes(stored, feature_id, values)
    defined = {feature.id for feature in stored.features} | features.keys()
    for plan_id, values in plans.items():
        changes += _plan_changes(stored, plan_id, values, defined)
    return changes


def _lines(stored: Matrix) -> Iterator[str]:
    yield f"# Plans and features of Purser, version {stored.version}."
    yield f'# "{NONE}" is no limit, or no trial. What is left out of this file stays as it is.'
    yield f"format = {FORMAT}"
    for feature in stored.features:
        yield f"\n[features.{_key(feature.id)}]"
        for name, value in feature_values(feature).items():
            yield f"{name} = {_value(value)}"
    for plan in sorted(stored.plans, key=lambda plan: (plan.rank, plan.id)):
        yield f"\n[plans.{_key(plan.id)}]"
        for name, value in plan_values(plan).items():
            yield from _listed(name, value) if name == "features" else [f"{name} = {_value(value)}"]


def _listed(name: str, values: Iterable[str]) -> Iterator[str]:
    yield f"{name} = ["
    yield from (f"    {_value(value)}," for value in values)
    yield "]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if value is None:
        return f'"{NONE}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    # JSON's texts, numbers and words are TOML's, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_FILE:
        raise _wrong(f"it has more than {LONGEST_FILE:,} characters")
    try:
        said = tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        raise _wrong(f"it is no TOML: {str(fault)[:200]}") from None
    if said.get("format") != FORMAT:
        raise _wrong(f"format: it must say format = {FORMAT}")
    unknown = sorted(said.keys() - {"format", "features", "plans"})
    if unknown:
        raise _wrong(f"{unknown[0][:50]}: there are only features and plans")
    return said


def _tables(said: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    found = said.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise _wrong(f"{name}: sections are written [{name}.ID]")
    return found


def _feature_changes(stored: Matrix, feature_id: str, said: dict[str, Any]) -> Iterator[Change]:
    values = _checked(f"features.{feature_id[:60]}", said, FEATURE_PROPERTIES)
    feature = stored.feature(feature_id)
    if feature is None:
        _require_name(f"features.{feature_id[:60]}", values)
        yield Change("feature", None, feature_id, None, None, values)
        return
    known = feature_values(feature)
    for name, value in values.items():
        if value != known[name]:
            yield feature_property(feature, name, value)


def _plan_changes(stored: Matrix, plan_id: str, said: dict[str, Any], defined: set[str]) -> Iterator[Change]:
    place = f"plans.{plan_id[:60]}"
    features = _features(place, said["features"], defined) if "features" in said else None
    own = {name: value for name, value in said.items() if name != "features"}
    values = _checked(place, own, PROPERTIES)
    plan = stored.plan(plan_id)
    if plan is None:
        _require_name(place, values)
        yield new_plan(plan_id, **values, features=features or set())
        return
    known = plan_values(plan)
    for name, value in values.items():
        if value != known[name]:
            yield plan_property(plan, name, value)
    if features is not None:
        for feature_id in sorted(features ^ plan.features):
            yield cell(plan_id, feature_id, feature_id in features)


def _features(place: str, said: Any, defined: set[str]) -> set[str]:
    if not isinstance(said, list):
        raise _wrong(f"{place}.features: a list of ids")
    for one in said:
        if not isinstance(one, str) or one not in defined:
            raise _wrong(f"{place}.features: there is no feature {str(one)[:60]!r}")
    return set(said)


def _checked(place: str, said: Mapping[str, Any], known: Mapping[str, Property]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in said.items():
        if name not in known:
            raise _wrong(f"{place}.{name[:50]}: there is no such property; there are {', '.join(known)}")
        try:
            none = known[name].optional and value == NONE
            values[name] = known[name].check(known[name].label, None if none else value)
        except InvalidRequest as refusal:
            raise _wrong(f"{place}.{name}: {refusal.message.rstrip('.')}") from None
    return values


def _require_name(place: str, values: Mapping[str, Any]) -> None:
    if "display_name" not in values:
        raise _wrong(f"{place}.display_name: what is new needs a name")


def _wrong(what: str) -> InvalidRequest:
    return InvalidRequest(f"This file cannot be taken in: {what}.", code="invalid_file")
