"""The reason block: why a breaker lets no request through, what the vendor said, when it tries again, what to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from core.routing.breaker import Status
from core.routing.models import BreakerState
from core.system.board import ModalityState, ProviderState
from core.vocabulary import Modality
from dashboard.components.button import Button
from dashboard.components.html import Icon, Node
from dashboard.components.status import Tone
from dashboard.components.ticking import Elapsed, Tick, Ticking
from dashboard.components.time import clock
from dashboard.discretion import discreet
from dashboard.providers.actions import Actions
from dashboard.providers.words import blame, wait_of, wait_words

TONES: dict[BreakerState, tuple[Tone, str]] = {
    BreakerState.OPEN: ("bad", "error"),
    BreakerState.ISOLATED: ("bad", "front_hand"),
    BreakerState.HALF_OPEN: ("probe", "science"),
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What a block says; two blocks are equal when they say the same."""

    tone: Tone
    icon: str
    title: Tick | str
    lines: tuple[str, ...]
    strong: str
    wait: tuple[datetime, datetime] | None
    rule: str


class Trouble(Node):
    """One modality's block, hidden while its breaker is closed; `show_state` changes it in place, and keeps the focus."""

    def __init__(
        self, modality: Modality, actions: Actions | None, *, timeout: timedelta, zone: tzinfo
    ) -> None:
        super().__init__("section", "", "pu-why", hidden=True)
        self._modality, self._actions = modality, actions
        self._timeout, self._zone = timeout, zone
        self._said: _Said | None = None
        self._tone = "bad"
        with self:
            self._icon = Icon("error")
            with Node("div"):
                self._title = Node("h3")
                self._lines = Node("div")
                self._next = Node("div")
                if actions:
                    self._buttons()
        self.set(aria_labelledby=self._title.html_id)

    def _buttons(self) -> None:
        actions = self._actions
        assert actions is not None, "asked for by the one who has them"
        with Node("div", "", "pu-row"):
            self._probe = Button("Probe now", lambda: actions.probe_now(self._modality), small=True)
            self._reset = Button("Reset…", lambda: actions.reset(self._modality), small=True)
            self._isolate = Button("Isolate…", lambda: actions.isolate(self._modality), small=True)
            self._drill = Button("Simulate outage…", actions.simulate, small=True)

    def show_state(self, one: ModalityState, whole: ProviderState, now: datetime) -> None:
        """Shows the breaker of now."""
        state = one.breaker.state
        trouble = state is not BreakerState.CLOSED and whole.provider.enabled
        if not trouble:
            if self._said is not None:
                self._said = None
                self.show(False)
            return
        several = len(whole.by_modality) > 1
        said = self._say(one.breaker, several=several, discreetly=self._actions is None)
        if said == self._said:
            return
        self._said = said
        self.classes(add=f"is-{said.tone}", remove=f"is-{self._tone}" if self._tone != said.tone else None)
        self._tone = said.tone
        self._icon.set_text(said.icon)
        self._write(said, now)
        if self._actions:
            self._probe.show(state is BreakerState.OPEN)
            self._isolate.show(state is not BreakerState.ISOLATED)
        self.show(True)

    def _say(self, breaker: Status, *, several: bool, discreetly: bool) -> _Said:
        tone, icon = TONES[breaker.state]
        which = f"Breaker of {self._modality}" if several else "Breaker"
        word = {BreakerState.OPEN: "open", BreakerState.HALF_OPEN: "half-open"}.get(breaker.state, "isolated")
        since = breaker.opened_at
        title: Tick | str = f"{which} {word}"
        if since:
            title = Tick("since", since, f"{which} {word} since {clock(since, self._zone)}, for {{}}")
        show = discreet if discreetly else str
        lines = tuple(show(line) for line in self._reasons(breaker) if line)
        open_now = breaker.state is BreakerState.OPEN
        return _Said(
            tone,
            icon,
            title,
            lines,
            breaker.error_class.value.replace("_", " ") if breaker.error_class else "",
            wait_of(breaker, self._timeout) if open_now else None,
            wait_words(breaker, self._timeout) if open_now else "",
        )

    def _reasons(self, breaker: Status) -> list[str]:
        reason = _sentence(breaker.reason or "")
        if breaker.state is BreakerState.ISOLATED:
            by = f"By {breaker.actor}: " if breaker.actor else ""
            return [f"{by}{reason}", "No request goes there; it stays so until a person resets it."]
        vendor = f"The vendor said “{breaker.vendor_message}”." if breaker.vendor_message else ""
        lines = [reason, f"{vendor} {blame(breaker.error_class)}".strip()]
        if breaker.state is BreakerState.HALF_OPEN:
            lines.append("One request is out as the probe; the others go on to the next provider meanwhile.")
        return lines

    def _write(self, said: _Said, now: datetime) -> None:
        self._title.clear()
        self._lines.clear()
        self._next.clear()
        with self._title:
            Ticking(said.title, now) if isinstance(said.title, Tick) else Node("span", said.title)
        with self._lines:
            for line in said.lines:
                _with_strong(line, said.strong)
        if said.wait is None:
            return
        begin, end = said.wait
        with self._next:
            with Node("div", "", "pu-why-next"):
                with Node("span", "Next probe "):
                    Ticking(Tick("until", end, "in {}", "with the next request"), now)
                    Node("span", f", at {clock(end, self._zone)}")
                Node("span", said.rule)
            Elapsed(begin, end, now)


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _with_strong(line: str, word: str) -> None:
    """A line in which the error's class stands out."""
    before, found, after = line.partition(word) if word else (line, "", "")
    with Node("p", before):
        if found:
            Node("b", found)
            Node("span", after)
