"""Get started: the steps of a first run, the next of which stands out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.components.button import Button, IconButton
from dashboard.components.html import Icon, Node
from dashboard.components.stat import Meter


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `verb` is its button; `again` what the button says once it is done ("": none).

    A step that is not `possible` yet waits for the one before it.
    """

    name: str
    title: str
    text: str
    done: bool
    verb: str
    act: Callable[[], Any]
    again: str = ""
    possible: bool = True


class Checklist(Node):
    """The card; `show_steps` fills it anew."""

    def __init__(self, on_put_away: Callable[[], Any]) -> None:
        super().__init__("section", "", "pu-card", aria_label="Get started")
        self._on_put_away = on_put_away
        self._shown: list[tuple[str, bool, bool]] = []

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Shows the steps; what has not changed stays untouched, and keeps the focus."""
        shown = [(step.text, step.done, step.possible) for step in steps]
        if shown == self._shown:
            return
        self._shown = shown
        done = sum(step.done for step in steps)
        following = next((step for step in steps if not step.done), None)
        self.clear()
        with self:
            with Node("div", "", "pu-steps-head"):
                with Node("div"):
                    Node("h2", "Get started", "pu-steps-title")
                    Node(
                        "div",
                        f"{len(steps)} steps, about five minutes. Leave any of them for later.",
                        "is-second",
                    )
                Node("span", f"{done} of {len(steps)}", "is-strong")
                Meter(done / len(steps), "Steps done", bare=True)
                IconButton("close", "Put the checklist away", self._on_put_away)
            with Node("ol", "", "pu-steps"):
                for number, step in enumerate(steps, 1):
                    _step(number, step, following=step is following)


def _step(number: int, step: Step, *, following: bool) -> None:
    with Node("li", "", f"pu-step{' is-done' if step.done else ''}{' is-next' if following else ''}"):
        with Node("span", "" if step.done else str(number), "pu-step-mark"):
            if step.done:
                Icon("check_circle", label="done")
        with Node("div"):
            Node("h3", step.title)
            Node("p", step.text)
        if step.done and step.again:
            Button(step.again, step.act, kind="plain")
        elif not step.done:
            button = Button(step.verb, step.act, kind="primary" if following else "secondary")
            button.enable(step.possible, why="First run a sample")
