"""The trace below the answers: for every candidate of every column, what was decided and why, in order of events."""

from collections.abc import Callable, Sequence

from dashboard.components.card import Card
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.html import Node
from dashboard.components.status import SKIPPED, STREAMING, Status, generation
from dashboard.components.table import Column, DataTable, Row
from dashboard.components.time import duration
from dashboard.playground.ending import Step
from dashboard.playground.reading import Reading

COLUMNS = (
    Column("letter", "Column", 52, silent=True),
    Column("candidate", "Candidate", card="title"),
    Column("decision", "Decision", 124, card="status"),
    Column("first", "First token", 84, "end"),
    Column("took", "Took", 72, "end", card="key"),
    Column("why", "Why", card="meta"),
)
QUIET = frozenset({"no_fallback", "disabled", "task_type"})
"""Reasons to skip that hold for a whole row of candidates and say nothing about this run."""

Name = Callable[[str], str]


class Trace(Card):
    """`show(readings)` draws it anew; running columns say so."""

    def __init__(self, name: Name) -> None:
        super().__init__("Trace", ruled=True, flush=True, cls="pu-play-trace")
        self._name = name
        with self.end:
            self._clock = Node("span", "")
        with self.body:
            self._table = DataTable("Trace", COLUMNS, row_height=32, framed=False, least_width=540)

    def show_steps(self, readings: Sequence[Reading]) -> None:
        """The steps of all columns, a column's own in their order."""
        rows: list[Row] = []
        passed = 0
        for reading in readings:
            letter = reading.column.letter
            shown = [step for step in reading.ending.steps if _tells(step)] if reading.ending else []
            passed += len(reading.ending.steps) - len(shown) if reading.ending else 0
            if reading.ending is None and not reading.over:
                rows.append(Row(f"{letter}0", self._running(reading)))
            rows += [
                Row(f"{letter}{number}", self._step(letter, step)) for number, step in enumerate(shown, 1)
            ]
        self._table.show_rows(rows)
        self.show(bool(rows))  # a run that was refused before anybody was asked has none
        others = f"; {passed} candidates were not needed" if passed else ""
        steps = "1 step" if len(rows) == 1 else f"{len(rows)} steps"
        self.note.set_text(f"{steps}, fallback order of text{others}")
        longest = max((reading.seconds for reading in readings), default=0)
        running = any(not reading.over for reading in readings)
        self._clock.set_text(f"{'running' if running else 'took'} {duration(longest)}")

    def _running(self, reading: Reading) -> list[Cell]:
        offer, first = reading.offer, reading.first
        return [
            Bit(reading.column.letter, shape="letter"),
            _candidate(offer.provider.name, offer.model.id),
            chip(generation("pending") if first is None else STREAMING),
            DASH if first is None else duration(first, 2),
            duration(reading.seconds),
            Bit("the model that was asked for", "second"),
        ]

    def _step(self, letter: str, step: Step) -> list[Cell]:
        first, took = step.get("firstTokenMs"), step.get("latencyMs")
        why = _why(step)
        return [
            Bit(letter, shape="letter"),
            _candidate(self._name(step["provider"]), step.get("model") or ""),
            chip(_decision(step)),
            DASH if first is None else duration(first / 1000, 2),
            DASH if took is None else duration(took / 1000),
            Bit(why, "second", title=why),
        ]


def _candidate(provider: str, model: str) -> Cell:
    return [[Bit(provider, "strong"), Bit(model, "second", title=model)]]


def _decision(step: Step) -> Status:
    if step["decision"] == "failed":
        return Status(step.get("errorClass") or "failed", "error", "bad")
    if step["decision"] == "chosen":
        return generation("completed")
    return generation("cancelled") if step["decision"] == "cancelled" else SKIPPED


def _why(step: Step) -> str:
    """The step's own words; of a failure without the class, which the chip says."""
    head, colon, said = step["detail"].partition(": ")
    error_class = step.get("errorClass")
    if not error_class or not head.endswith(error_class):
        return step["detail"]
    status = head.removesuffix(error_class).strip()
    return f"{status}{colon}{said}" if status else said or error_class.replace("_", " ")


def _tells(step: Step) -> bool:
    return step["decision"] != "not_needed" and step["reason"] not in QUIET
