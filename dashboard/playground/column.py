"""One model's column: who answers, four figures, the answer as it comes, and how it ended (mock-up 11)."""

from dataclasses import dataclass

from dashboard.components.facts import Box, Facts
from dashboard.components.html import Node, link
from dashboard.components.status import STREAMING, Chip, generation
from dashboard.components.stream import StreamedText
from dashboard.playground.ending import Ending

FIRST, TOTAL, TOKENS = "First token", "Total", "Tokens out"
SHORT = 200
"""Characters of an answer above which its end is shown, rather than the beginning of what went wrong."""
COUNTED = "Our own count; the vendor tells its own at the end, if at all"


@dataclass(frozen=True, slots=True)
class Failure:
    """What stands in a column that brought no answer, or only a part."""

    cause: str
    what: str = ""
    money: str = ""
    next_step: str = ""
    request_id: str = ""


class AnswerColumn(Node):
    """A card beside the others; the setters change it in place, and only where something differs."""

    def __init__(self, letter: str, model: str, provider: str, *, last_figure: str) -> None:
        super().__init__("section", "", "pu-card pu-play-column", aria_label=f"{letter}: {model}")
        self.letter, self._model, self._last = letter, model, last_figure
        self._counted = False
        with self:
            with Node("div", "", "pu-play-head"):
                with Node("div", "", "pu-play-who"):
                    Node("span", letter, "pu-letter", aria_hidden="true")
                    with Node("div", "", "pu-grow"):
                        Node("h2", model, title=model)
                        self._sub = Node("p", provider)
                    self.chip = Chip(generation("pending"))
                self._figures = _figures(FIRST, TOTAL, TOKENS, last_figure)
            self._scroll = Node(
                "div", "", "pu-play-scroll", tabindex=0, role="region", aria_label=f"Answer of {letter}"
            )
            with self._scroll, Node("div", "", "pu-play-answer"):
                self.answer = StreamedText()
                self._after = Node("div")

    def set_figures(self, first: str, total: str, tokens: str, last: str, *, counted: bool) -> None:
        """First token, total, tokens out, and cost (or credits).

        While `counted`, the last two are our own count, and look and say so: the vendor tells its own at the end.
        """
        for name, value in ((FIRST, first), (TOTAL, total), (TOKENS, tokens), (self._last, last)):
            node = self._figures[name]
            if node.text != value:
                node.set_text(value)
        if counted != self._counted:
            self._counted = counted
            for name in (TOKENS, self._last):
                self._figures[name].switch("is-counted", counted).set(title=COUNTED if counted else None)

    def streams(self) -> None:
        """The first piece has come."""
        self.chip.set_status(STREAMING)

    def set_sub(self, text: str, *, fell_back: bool = False) -> None:
        """Who served it, under the model's name."""
        self._sub.set_text(text).switch("is-warn", fell_back).set(title=text)

    def end(self, ending: Ending | None, failure: Failure | None, *, stopped: bool) -> None:
        """The answer is whole, stopped or failed: what was charged, and the way to its row."""
        self.answer.end()
        status = ending.status if ending else "cancelled" if stopped else "failed"
        self.chip.set_status(generation(status))
        with self._after:
            if failure:
                self._scroll.switch("is-failed", self.answer.length < SHORT)
                self._explain(failure)
            with Node("p", "", "pu-play-end pu-meta"):
                if stopped:
                    Node("span", "Stopped")
                if ending and not failure:
                    Node("span", f"{ending.credits:,} cr charged")
                if ending:
                    link("Open the row", f"/generations?sel={ending.id}").set(
                        aria_label=f"Open the row of {self.letter}, {self._model}"
                    )

    def _explain(self, failure: Failure) -> None:
        with Box("bad").classes("pu-play-failure").set(role="alert"):
            Node("p", failure.cause, "is-strong is-bad")
            if failure.what:
                Node("p", failure.what)
            said = {"Charged": failure.money, "Next": failure.next_step, "Request": failure.request_id}
            facts = Facts({name: value for name, value in said.items() if value}, name_width=60)
            if failure.request_id:
                facts.value("Request").classes("is-mono")


def _figures(*names: str) -> dict[str, Node]:
    with Node("dl", "", "pu-play-figures"):
        made: dict[str, Node] = {}
        for name in names:
            with Node("div"):
                Node("dt", name)
                made[name] = Node("dd", "—")
    return made
