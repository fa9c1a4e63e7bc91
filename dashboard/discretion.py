"""What a trace says to those who may not see USD or anything of keys: the same, without them."""

import re
from dataclasses import replace
from typing import Any

from core.errors import PurserError
from core.generation.detail import Detail

WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"may cost \$[\d.,E+-]+, above the limit of \$[\d.,E+-]+"),
        "may cost more than maxCost allows",
    ),
    (re.compile(r"at its limit of \$[\d.,]+ a day"), "at its limit for the day"),
    (re.compile(r"key ····\w+"), "its key"),
    # How prices compare says what they are, and the other parts with the total say how prices compare.
    (re.compile(r"(score [\d.]+): cost [\d.]+, quality [\d.]+, speed [\d.]+, reliability [\d.]+"), r"\1"),
)


def discreet(text: str) -> str:
    """A sentence without amounts of USD, what compares them, and ends of keys."""
    if "$" in text or "····" in text or "score " in text:
        for pattern, instead in WORDS:
            text = pattern.sub(instead, text)
    return text


def discreet_steps(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a trace, or the causes of a failure, likewise."""
    return [
        {name: discreet(value) if name in ("detail", "message") else value for name, value in step.items()}
        for step in steps
    ]


def make_discreet(error: PurserError) -> None:
    """An error likewise: its sentence and its causes."""
    error.message = discreet(error.message)
    if isinstance(causes := error.details.get("causes"), list):
        error.details["causes"] = discreet_steps(causes)


def discreet_detail(found: Detail) -> Detail:
    """A generation for those who may not see USD or anything of keys."""
    row = {**found.row, "trace": discreet_steps(found.row["trace"])}
    if row.get("error_message"):
        row["error_message"] = discreet(row["error_message"])
    return replace(found, row=row)
