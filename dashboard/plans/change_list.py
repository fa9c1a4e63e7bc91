"""A change set for the eyes: a line each, before → after, with whom it touches or why it is left out."""

from collections.abc import Iterable, Sequence

from core.entitlements.change_words import Words, described
from core.entitlements.changes import Change
from core.entitlements.matrix import Matrix
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count
from dashboard.components.status import Chip, Status

SHOWN = 8
"""Lines of a change set in a list; the others come on asking."""


def gain(count: int) -> Status:
    """So many who gain by it."""
    return Status(f"{format_count(count)} gain", "add_circle", "ok")


def lose(count: int) -> Status:
    """So many who lose by it."""
    return Status(f"{format_count(count)} lose", "do_not_disturb_on", "warn")


NOBODY = Status("nobody yet", "person_off", "neutral")


def show_changes(
    changes: Sequence[Change], matrix: Matrix, touched: Sequence[tuple[int, int]] | None
) -> Node:
    """The lines of a review; `touched` says how many gain and lose by each, None while that is not known."""
    with Node("ul", "", "pu-changeset") as made:
        for place, words in enumerate(described(changes, matrix)):
            with Node("li"):
                _line(words)
                if touched is not None:
                    with Node("span", "", "pu-row"):
                        _chips(*touched[place])
    return made


def show_dropped(dropped: Sequence[tuple[Change, str]], matrix: Matrix) -> None:
    """Changes that change nothing any more, and why."""
    if not dropped:
        return
    with Node("ul", "", "pu-changeset", aria_label="Left out"):
        words = described([change for change, _ in dropped], matrix)
        for said, (_, why) in zip(words, dropped, strict=True):
            with Node("li", "", "is-dropped"):
                Node("span", said.where)
                Node("span", said.what)
                Node("span", f"Left out: {why}")


def show_words(changes: Iterable[Change], matrix: Matrix) -> None:
    """A change set in a list of several: sentences, the first few at once."""
    told = described(changes, matrix)
    with Node("ul", "", "pu-words"):
        for words in told[:SHOWN]:
            _sentence(words)
        if len(told) > SHOWN:
            with Node("li"), Node("details"):
                Node("summary", f"{len(told) - SHOWN} more")
                with Node("ul", "", "pu-words"):
                    for words in told[SHOWN:]:
                        _sentence(words)


def count_words(number: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{format_count(number)} {noun if number == 1 else noun + 's'}"


def _line(words: Words) -> None:
    Node("span", words.where, "is-strong")
    Node("span", words.what)
    with Node("span"):
        Node("span", words.before, "is-second")
        Icon("arrow_forward", "is-to", label="to")
        Node("span", words.after, "is-strong")


def _chips(gaining: int, losing: int) -> None:
    if gaining:
        Chip(gain(gaining))
    if losing:
        Chip(lose(losing))
    if not gaining and not losing:
        Chip(NOBODY)


def _sentence(words: Words) -> None:
    with Node("li"):
        Node("b", f"{words.where}, {words.what}" if words.where != words.what else words.where)
        Node("span", f": {words.before}")
        Icon("arrow_forward", label="to")
        Node("span", words.after, "is-strong")
