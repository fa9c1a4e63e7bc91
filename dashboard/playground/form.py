"""The left column: what to run, what it may cost, and Run or Stop (mock-up 11)."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from nicegui import ui

from core.generation.estimate import Estimate, estimate
from core.generation.order import MOST_TOKENS
from core.generation.templates import TEMPLATES, system_prompt
from core.money import Usd
from core.snapshot import Offer
from dashboard.components import fields
from dashboard.components.button import Button, Handler
from dashboard.components.facts import Box, Facts
from dashboard.components.filters import FilterMenu
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_credits_range, format_percent, format_usd, format_usd_range
from dashboard.components.stat import Meter
from dashboard.playground.draft import HOTTEST, Draft
from dashboard.playground.models import Models

ESTIMATE, SO_FAR, BUDGET = "Estimate", "So far", "Test budget left"
SETTLE_SECONDS = 0.25
"""After the last key, before the estimate and the address follow."""
CTRL_ENTER = """(event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    document.getElementById("%s").click();
  }
}"""
"""Presses the button itself, so that a disabled one, or a lost connection, holds it back."""


class Form(Node):
    """`form.draft()` is what stands in the fields; the address follows it."""

    def __init__(
        self,
        offers: Mapping[str, Offer],
        draft: Draft,
        *,
        sees_costs: bool,
        on_run: Handler,
        on_stop: Handler,
    ) -> None:
        super().__init__("section", "", "pu-card pu-play-form", aria_label="What to run")
        self._sees_costs = sees_costs
        self._due: asyncio.TimerHandle | None = None
        self._type = draft.type
        with self:
            self._prompts(draft)
            self._models = Models(offers, draft.models, self._touched)
            if draft.missing:
                names = ", ".join(draft.missing)
                Node("p", f"Not offered any more, and left out: {names}.", "pu-help is-warn")
            self._parameters(draft)
            with Node("div", "", "pu-play-foot"):
                self._money()
                self._buttons(on_run, on_stop)
        self.on("keydown", js_handler=CTRL_ENTER % self.run.html_id)
        self.client.on_delete(self._forget)
        self._settle(write_address=False)

    def draft(self) -> Draft:
        """What stands in the fields now."""
        return Draft(
            models=tuple(self._models.keys),
            type=self._type,
            system=self.system.value or "",
            prompt=self.prompt.value or "",
            temperature=min(max(float(self._temperature.value or 0), 0), HOTTEST),
            max_tokens=int(self._max_tokens.value or 0),
            fallback=bool(self._fallback.value),
        )

    def fill(self, template: str | None, prompt: str) -> None:
        """Puts a sample in; the focus goes to the prompt."""
        self._template.set_value(template)
        self._choose_template(template)
        self.prompt.set_value(prompt)
        self.prompt.run_method("focus")

    def check(self) -> bool:
        """Whether the fields can be run; what is wrong stands at its field."""
        self.prompt.error = None if (self.prompt.value or "").strip() else "Write a prompt first."
        tokens = int(self._max_tokens.value or 0)
        self._max_tokens.error = None if 1 <= tokens <= MOST_TOKENS else f"Between 1 and {MOST_TOKENS:,}"
        if self.prompt.error:
            self.prompt.run_method("focus")
        elif self._max_tokens.error:
            self._max_tokens.run_method("focus")
        return not (self.prompt.error or self._max_tokens.error)

    def set_running(self, running: bool) -> None:
        """Run or Stop: while one is offered, the other is not."""
        self.stop.show(running)
        self.run.enable(not running, why="Stop the run first")
        self.run.switch("is-primary", not running)

    def set_spent(self, text: str) -> None:
        """What this run has cost so far."""
        self._facts.set_fact(SO_FAR, text)

    def set_budget(self, spent: Usd, budget: Usd) -> None:
        """What is left of the month's test budget; its amounts are for those who see costs."""
        left = max(budget - spent, Usd(0))
        part = float(left / budget) if budget else 0.0
        said = f"{format_usd(left, zero='$0.00')} of {format_usd(budget, zero='$0.00')}"
        self._facts.set_fact(BUDGET, said if self._sees_costs else format_percent(part, 0))
        self._meter.set_part(part)

    def write_address(self) -> None:
        """The address says what stands in the fields, so that it can be copied, and reloaded."""
        with self.client:
            ui.navigate.history.replace(self.draft().address())

    def _prompts(self, draft: Draft) -> None:
        with Node("div", "", "pu-play-system"):
            self.system = fields.area(
                "System prompt", value=draft.system, rows=2, on_change=lambda: self._touched()
            )
            self._template = FilterMenu(
                "Template:",
                {key: template.label.lower() for key, template in TEMPLATES.items()},
                draft.type,
                self._choose_template,
                nothing="none",
            )
            self._template.classes("pu-play-template")
        self.prompt = fields.area("Prompt", value=draft.prompt, rows=5, on_change=lambda: self._touched())
        self._show_template()

    def _parameters(self, draft: Draft) -> None:
        with Node("div", "", "pu-play-parameters"):
            self._temperature = fields.slider(
                "Temperature",
                low=0,
                high=HOTTEST,
                step=0.1,
                value=draft.temperature,
                show="{:.1f}".format,
                on_change=lambda: self._touched(),
            )
            self._max_tokens = fields.number(
                "Max tokens",
                value=draft.max_tokens,
                low=1,
                high=MOST_TOKENS,
                step=1,
                inline=True,
                width=92,
                on_change=lambda: self._touched(),
            )
            self._fallback = fields.switch(
                "Allow fallback", value=draft.fallback, on_change=lambda: self._touched()
            )

    def _money(self) -> None:
        with Box(lined=True).classes("pu-play-money"):
            self._facts = Facts({ESTIMATE: "—", SO_FAR: "—", BUDGET: "—"}, ends=True)
            self._facts.value(ESTIMATE).classes("is-strong")
            self._meter = Meter(0, BUDGET)

    def _buttons(self, on_run: Handler, on_stop: Handler) -> None:
        with Node("div", "", "pu-play-buttons"):
            self.stop = Button("Stop, keep output", on_stop, icon="stop_circle").show(False)
            self.run = Button("Run", on_run, kind="primary")
            with self.run:
                Node("kbd", "Ctrl", aria_hidden="true")
                with Node("kbd", "", aria_hidden="true"):
                    Icon("keyboard_return")
        self.run.set(aria_keyshortcuts="Control+Enter")

    def _choose_template(self, template: str | None) -> None:
        self._type = template
        self._show_template()
        self._touched()

    def _show_template(self) -> None:
        """The template's own words stand where the person's would, and are sent before them."""
        template = TEMPLATES.get(self._type or "")
        self.system.props.set_optional("placeholder", template.system if template else None)

    def _touched(self) -> None:
        """Something changed: the estimate and the address follow when it has come to rest."""
        if self._due:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)

    def _settle(self, *, write_address: bool = True) -> None:
        draft = self.draft()
        self._show_temperature()
        if draft.prompt.strip():
            self.prompt.error = None
        if 1 <= draft.max_tokens <= MOST_TOKENS:
            self._max_tokens.error = None
        self._facts.set_fact(ESTIMATE, self._estimate(draft))
        if write_address:
            self.write_address()

    def _show_temperature(self) -> None:
        """The slider is there where a chosen model takes it, and says which do."""
        letters = zip("ABCD", self._models.offers, strict=False)
        by_taking: dict[bool, list[str]] = {True: [], False: []}
        for letter, offer in letters:
            by_taking[offer.model.takes_sampling].append(letter)
        takes, none = by_taking[True], by_taking[False]
        fields.show(self._temperature, bool(takes))
        verb = "has" if len(none) == 1 else "have"
        note = f"{_listed(takes)} only, {_listed(none)} {verb} none" if takes and none else ""
        fields.note_of(self._temperature).set_text(note)

    def _estimate(self, draft: Draft) -> str:
        if not draft.prompt.strip() or not 1 <= draft.max_tokens <= MOST_TOKENS:
            return "—"
        system = system_prompt(draft.type, draft.system.strip() or None)
        made = estimate(self._models.offers, draft.prompt, system, draft.max_tokens, datetime.now(UTC))
        return words_of(made, sees_costs=self._sees_costs)

    def _forget(self) -> None:
        if self._due:
            self._due.cancel()


def words_of(made: Estimate, *, sees_costs: bool) -> str:
    """An estimate in words: `4–9 cr ≈ $0.01–0.03`; what has no price is said, not counted as nothing."""
    credits = format_credits_range(made.low_credits, made.high_credits)
    if not sees_costs:
        return credits
    if made.free:
        return f"{credits}, free"
    if made.unpriced == made.models:
        return f"{credits}, no price"
    said = f"{credits} ≈ {format_usd_range(made.low_usd, made.high_usd)}"
    return f"{said}, {made.unpriced} without a price" if made.unpriced else said


def _listed(letters: list[str]) -> str:
    return letters[0] if len(letters) == 1 else f"{', '.join(letters[:-1])} and {letters[-1]}"
