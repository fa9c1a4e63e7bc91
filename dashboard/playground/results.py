"""The right side: what will stand here, then the columns side by side and the trace below them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.playground.column import AnswerColumn
from dashboard.playground.reading import Reading
from dashboard.playground.trace import Name, Trace


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt to begin with."""

    label: str
    template: str | None
    prompt: str


SAMPLES = (
    Sample(
        "A 60-second script",
        "script",
        "Write a 60-second video script about why octopuses have three hearts. Hook in the first sentence, one"
        " surprising fact, end with a question.",
    ),
    Sample(
        "A story's first page",
        "story",
        "A lighthouse keeper finds a letter addressed to herself, dated next winter. Write the first page.",
    ),
    Sample(
        "A plain explanation",
        None,
        "Explain to a new colleague, in five sentences, how a circuit breaker keeps an outage from spreading.",
    ),
)


class Results(Node):
    """Empty until the first run; each run takes the place of the one before."""

    def __init__(self, name: Name, on_sample: Callable[[Sample], None]) -> None:
        super().__init__("div", "", "pu-play-results")
        self._name = name
        self.trace: Trace | None = None
        with self:
            self._said = Node("p", "", "pu-hidden", role="status", aria_live="polite")
            self._place = Node("div", "", "pu-play-place")
        with self._place:
            _first_use(on_sample)

    def begin(self, models: Sequence[tuple[str, str, str]], last_figure: str) -> list[AnswerColumn]:
        """Fresh columns for `(letter, model, provider)`."""
        self._place.clear()
        with self._place:
            with Node("div", "", f"pu-play-columns is-{len(models)}"):
                columns = [
                    AnswerColumn(letter, model, provider, last_figure=last_figure)
                    for letter, model, provider in models
                ]
            self.trace = Trace(self._name)
        return columns

    def show_trace(self, readings: Sequence[Reading]) -> None:
        """The trace as it stands."""
        if self.trace:
            self.trace.show_steps(readings)

    def say(self, text: str) -> None:
        """To those who listen instead of looking."""
        self._said.set_text(text)


def _first_use(on_sample: Callable[[Sample], None]) -> None:
    with Card(cls="pu-play-empty").body:
        state = states.empty(
            "Which is better, which is cheaper?",
            "Each model's answer streams into a column of its own, with the time to its first token, its total time,"
            " tokens and cost. Below stands the trace: who was asked, who was skipped, and why.",
            icon="science",
        )
        with state:
            with Node("div", "", "pu-row"):
                for sample in SAMPLES:
                    Button(sample.label, lambda sample=sample: on_sample(sample))
            Node("p", "Test runs count against your test budget, and stay out of revenue.", "pu-meta")
