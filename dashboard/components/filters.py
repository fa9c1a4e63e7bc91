"""The row of filters above a table: a search field, menus of values, and chips of what is set."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from nicegui import ui

from dashboard.components import fields
from dashboard.components.button import Button, Handler
from dashboard.components.html import Icon, Node


class Filters(Node):
    """The row; what is put in stands in order, `end` takes what belongs at the right."""

    def __init__(self) -> None:
        super().__init__("div", "", "pu-filters", role="search")

    def end(self) -> Node:
        """A container at the right edge of the row."""
        with self:
            return Node("div", "", "pu-actions")


def search(
    label: str, *, value: str = "", width: int = 176, on_search: Callable[[str], Any] | None = None
) -> ui.input:
    """A search field that `/` focuses; `on_search(text)` on Enter and 300 ms after the last key."""
    field = fields.text(label, value=value, placeholder=label, icon="search", key="/", silent=True)
    field.classes("pu-search").style(f"--wide: {width}px").props["data-filter"] = "true"
    if on_search:
        field.props("debounce=300")
        field.on_value_change(lambda event: on_search((event.value or "").strip()))
    return field


class FilterMenu(Button):
    """A filter with a menu of values: `FilterMenu("Status", {"failed": "Failed"}, None, choose)`; None is called `nothing`."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, str],
        value: str | None,
        on_choice: Callable[[str | None], Any],
        *,
        nothing: str = "any",
    ) -> None:
        super().__init__("", after="arrow_drop_down", cls="pu-filter")
        self.options: dict[str | None, str] = {None: nothing, **options}
        self._on_choice = on_choice
        self.set(aria_haspopup="listbox", aria_expanded=False)
        with self:
            Node("span", f"{name} ")
            self._word = Node("b")
            self._menu = ui.menu().props("role=listbox no-parent-event")
            self._menu.props["aria-label"] = name
            with self._menu:
                self._items = {key: self._item(key, word) for key, word in self.options.items()}
        self._menu.on_value_change(lambda event: self.set(aria_expanded=bool(event.value)))
        self.on("click", self._menu.toggle, args=[])
        self.set_value(value)

    def set_value(self, value: str | None) -> Self:
        """Show another value, without telling the handler; one that is not offered is "any"."""
        self.value = value if value in self.options else None
        self._word.set_text(self.options[self.value])
        for key, item in self._items.items():
            item.set(aria_selected=key == self.value)
        return self.switch("is-set", self.value is not None)

    def _item(self, key: str | None, word: str) -> Node:
        with Node("button", word, "pu-option", type="button", role="option") as item:
            Icon("check")
        return item.on("click.stop", lambda: self._choose(key), args=[])

    def _choose(self, key: str | None) -> Any:
        self._menu.close()
        self.set_value(key)
        return self._on_choice(key)


class FilterChip(Button):
    """A filter that is set, as a chip to press away (`13:25–13:32 ×`); there only while it says something."""

    def __init__(self, text: str | None, on_clear: Handler) -> None:
        super().__init__("", on_clear, after="close", cls="pu-filter is-set")
        self.say(text)

    def say(self, text: str | None) -> Self:
        """Says another filter; None where none is set."""
        return self.set_text(text or "").set(aria_label=f"{text}: remove this filter").show(bool(text))
