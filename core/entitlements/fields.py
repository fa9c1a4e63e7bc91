"""The properties of a plan that people may change: what each may be, and how it reads.

None is unlimited wherever a limit stands. A value is plain: a number, a text, yes or no, or a sorted tuple of texts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.audit.rules import clean_line
from core.entitlements.models import Tier
from core.errors import InvalidRequest
from core.vocabulary import STRATEGIES, Modality

LARGEST = 1_000_000_000
LONGEST_NAME = 60
LONGEST_DESCRIPTION = 300

Check = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Property:
    """One property: its name in lists, what it takes (`check` cleans or refuses), and how a value reads."""

    label: str
    check: Check
    words: Callable[[Any], str]
    default: Any = None
    optional: bool = False
    """Whether None is a value: no limit, no trial."""


def checked(name: str, value: Any) -> Any:
    """A property's value, cleaned.

    Raises:
        InvalidRequest: no such property, or a value that it cannot have, with the sentence for it.
    """
    found = PROPERTIES.get(name)
    if found is None:
        raise InvalidRequest(f"A plan has no property {name[:50]!r}; it has {', '.join(PROPERTIES)}.")
    return found.check(found.label, value)


def checked_name(label: str, value: Any) -> str:
    """A display name, cleaned."""
    name = clean_line(_text(label, value), label, LONGEST_NAME)
    if not name:
        raise InvalidRequest(f"{label}: there has to be one.")
    return name


def checked_description(label: str, value: Any) -> str:
    """A description of one line; it may be empty."""
    return clean_line(_text(label, value), label, LONGEST_DESCRIPTION)


def checked_switch(label: str, value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise InvalidRequest(f"{label}: yes or no.")
    return value


def switch_words(value: Any) -> str:
    """`Yes` or `No`."""
    return "Yes" if value else "No"


def _text(label: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{label}: a text.")
    return value


def _whole(*, least: int = 0, most: int = LARGEST, unlimited: bool = False) -> Check:
    def check(label: str, value: Any) -> int | None:
        if value is None and unlimited:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            nothing = ", or nothing for no limit" if unlimited else ""
            raise InvalidRequest(f"{label}: a whole number from {least:,} to {most:,}{nothing}.")
        return value

    return check


def _one_of(*known: str) -> Check:
    def check(label: str, value: Any) -> str:
        if value not in known:
            raise InvalidRequest(f"{label}: one of {', '.join(known)}.")
        return str(value)

    return check


def _tier(label: str, value: Any) -> Tier:
    return Tier(_one_of(*Tier)(label, value))


def _modalities(label: str, value: Any) -> tuple[str, ...]:
    known = tuple(str(modality) for modality in Modality)
    if isinstance(value, str) or not all(one in known for one in _listed(label, value)):
        raise InvalidRequest(f"{label}: some of {', '.join(known)}.")
    if not value:
        raise InvalidRequest(f"{label}: at least one of {', '.join(known)}.")
    return tuple(sorted(set(value)))


def _listed(label: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise InvalidRequest(f"{label}: a list.")
    return list(value)


def _limit(value: Any) -> str:
    return "No limit" if value is None else f"{value:,}"


def _number(value: Any) -> str:
    return f"{value:,}"


def _or_none(noun: str) -> Callable[[Any], str]:
    return lambda value: "–" if value is None else f"{value:,} {noun if value == 1 else noun + 's'}"


def _modality_words(value: Any) -> str:
    return ", ".join(modality.capitalize() for modality in Modality if modality in value) or "–"


def _word(value: Any) -> str:
    return str(value).capitalize()


PROPERTIES: Mapping[str, Property] = {
    "display_name": Property("Name", checked_name, str),
    "tier": Property("Tier", _tier, _word, Tier.PAID),
    "rank": Property("Rank", _whole(most=10_000), _number, 0),
    "daily_generations": Property("Generations a day", _whole(unlimited=True), _limit, optional=True),
    "monthly_credits": Property("Credits a month", _whole(), _number, 0),
    "monthly_ceiling": Property("Ceiling a month, credits", _whole(unlimited=True), _limit, optional=True),
    "daily_credits": Property("Free credits a day", _whole(), _number, 0),
    "trial_days": Property(
        "Trial, days", _whole(least=1, most=3_650, unlimited=True), _or_none("day"), optional=True
    ),
    "trial_uses": Property(
        "Trial, generations", _whole(least=1, unlimited=True), _or_none("generation"), optional=True
    ),
    "max_projects": Property("Projects", _whole(unlimited=True), _limit, optional=True),
    "modalities": Property("Modalities", _modalities, _modality_words, (str(Modality.TEXT),)),
    "watermark": Property("Watermark", checked_switch, switch_words, False),
    "routing_strategy": Property("Routing strategy", _one_of(*STRATEGIES), _word, STRATEGIES[0]),
    "retired": Property("Retired", checked_switch, switch_words, False),
}
"""By the name that the plan's row has for it, in the order in which pages show them."""

FEATURE_PROPERTIES: Mapping[str, Property] = {
    "display_name": Property("Name", checked_name, str),
    "description": Property("Description", checked_description, lambda value: value or "–", ""),
    "retired": Property("Retired", checked_switch, switch_words, False),
}
"""The same of a feature."""
