"""Segments and tabs: one of a few, chosen by click, by arrow keys, or by address."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from dashboard.components.html import Icon, Node, safe_href

OnChoice = Callable[[str], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: its word, and an icon or a count beside it."""

    word: str
    icon: str | None = None
    count: str | None = None


class Segment(Node):
    """One of a few in a row, as a radio group: `Segment("Modality", {"text": Choice("Text", "text_fields")}, "text")`."""

    def __init__(
        self, label: str, choices: Mapping[str, Choice | str], value: str, on_choice: OnChoice | None = None
    ) -> None:
        super().__init__("div", "", "pu-segment", role="radiogroup", aria_label=label)
        self.value = value
        self._on_choice = on_choice
        with self:
            self._buttons = {key: self._button(key, choice) for key, choice in choices.items()}
        self.set_value(value)

    def set_value(self, value: str) -> Self:
        """Choose another, without telling the handler."""
        self.value = value
        for key, button in self._buttons.items():
            button.set(aria_checked=key == value, tabindex=0 if key == value else -1)
        return self

    def _button(self, key: str, choice: Choice | str) -> Node:
        choice = Choice(choice) if isinstance(choice, str) else choice
        with Node("button", choice.word, type="button", role="radio") as button:
            if choice.icon:
                Icon(choice.icon)
        return button.on("click", lambda: self._choose(key), args=[])

    def _choose(self, key: str) -> Any:
        if key == self.value:
            return None
        self.set_value(key)
        return self._on_choice(key) if self._on_choice else None


class Tabs(Node):
    """Tabs over panels: `tabs = Tabs("Provider", {"health": Choice("Health")}, "health")`, then
    `with tabs.panel("health"): …`. With `address`, tabs are links such as `?tab=keys`, followed when no handler is given."""

    def __init__(
        self,
        label: str,
        choices: Mapping[str, Choice | str],
        value: str,
        on_choice: OnChoice | None = None,
        *,
        address: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__("div", "", "pu-tabs", role="tablist", aria_label=label)
        self.value = value
        self._on_choice = on_choice
        self._panels: dict[str, Node] = {}
        self._counts: dict[str, Node] = {}
        with self:
            self._tabs = {key: self._tab(key, choice, address) for key, choice in choices.items()}
        self.set_value(value)

    def panel(self, key: str) -> Node:
        """The panel of a tab, made where this is called."""
        panel = Node(
            "div", role="tabpanel", aria_labelledby=self._tabs[key].html_id, hidden=key != self.value
        )
        self._panels[key] = panel
        self._tabs[key].set(aria_controls=panel.html_id)
        return panel

    def set_value(self, value: str) -> Self:
        """Show another tab, without telling the handler."""
        self.value = value
        for key, tab in self._tabs.items():
            tab.set(aria_selected=key == value, tabindex=0 if key == value else -1)
        for key, panel in self._panels.items():
            panel.show(key == value)
        return self

    def set_count(self, key: str, count: str) -> Self:
        """Change the count beside a tab's word."""
        self._counts[key].set_text(count)
        return self

    def _tab(self, key: str, choice: Choice | str, address: Callable[[str], str] | None) -> Node:
        choice = Choice(choice) if isinstance(choice, str) else choice
        href = safe_href(address(key)) if address else None
        tab = Node(
            "a" if href else "button", choice.word, role="tab", href=href, type=None if href else "button"
        )
        with tab:
            if choice.count is not None:
                self._counts[key] = Node("span", choice.count, "pu-meta")
        follow = href and self._on_choice is None
        return tab if follow else tab.on("click.prevent", lambda: self._choose(key), args=[])

    def _choose(self, key: str) -> Any:
        self.set_value(key)
        return self._on_choice(key) if self._on_choice else None
