"""The attempts of a generation on one time line: calls as bars, waits dotted (mock-up 09)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboard.components.html import Icon, Node
from dashboard.components.time import duration


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call: what was called, when it began and how long it took, in seconds from the first."""

    name: str
    start: float
    seconds: float
    outcome: str
    tone: Literal["ok", "bad", "info", "warn"]
    note: str = ""
    waited: float = 0


@dataclass(frozen=True, slots=True)
class Skip:
    """A candidate that was not called, and why."""

    name: str
    why: str


class Waterfall(Node):
    """`Waterfall([Attempt(…)], [Skip(…)])`."""

    def __init__(self, attempts: Sequence[Attempt], skipped: Sequence[Skip] = ()) -> None:
        super().__init__("div")
        whole = max((attempt.start + attempt.seconds for attempt in attempts), default=0) or 1
        with self:
            if attempts:
                with Node("ol"):
                    for number, attempt in enumerate(attempts, 1):
                        _attempt(number, attempt, whole)
            if skipped:
                with Node("ul", "", "pu-skips"):
                    for skip in skipped:
                        _skip(skip)


def _attempt(number: int, attempt: Attempt, whole: float) -> None:
    with Node("li", "", "pu-attempt"):
        Node("span", str(number))
        with Node("span"):
            Node("b", attempt.name)
            if attempt.note:
                Node("span", f" {attempt.note}")
        Node("span", attempt.outcome, f"pu-attempt-outcome is-{attempt.tone}")
        Node("span", duration(attempt.seconds, 2))
        with Node("div", "", f"pu-track is-{attempt.tone}", aria_hidden="true"):
            if attempt.waited:
                _piece(attempt.start - attempt.waited, attempt.waited, whole, "is-wait")
            _piece(attempt.start, attempt.seconds, whole)


def _piece(start: float, seconds: float, whole: float, cls: str = "") -> None:
    Node("span", "", cls).style(f"left: {start / whole:.3%}; width: {seconds / whole:.3%}")


def _skip(skip: Skip) -> None:
    with Node("li", "", "pu-skipped"):
        Icon("redo")
        Node("b", skip.name)
        Node("span", f"skipped: {skip.why}")
