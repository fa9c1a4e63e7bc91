"""A menu of actions behind a button with three dots; arrow keys move in it, Esc leaves it."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

from nicegui import ui

from dashboard.components.button import IconButton
from dashboard.components.html import Icon, Node

Action = Callable[[], Awaitable[Any] | Any]


class MenuItem(Node):
    """An action of a menu. The focus goes to the first that can be chosen when the menu opens."""

    def __init__(self, label: str) -> None:
        super().__init__("button", label, "pu-item", type="button", role="menuitem", tabindex=-1)
        self._mark()

    def enable(self, enabled: bool = True, *, why: str | None = None) -> Self:
        """Let it be chosen or not; `why` stands in the tooltip of one that cannot."""
        self.set(disabled=not enabled, title=None if enabled else why)
        return self._mark()

    def show(self, shown: bool) -> Self:
        super().show(shown)
        return self._mark()

    def _mark(self) -> Self:
        free = "disabled" not in self.props and "hidden" not in self.props
        return self.set(data_autofocus="true" if free else None)


class Menu(IconButton):
    """`menu = Menu("More about Anthropic")`, then `menu.item("Edit…", "edit", edit)`."""

    def __init__(self, label: str, *, icon: str = "more_vert") -> None:
        super().__init__(icon, label)
        self.set(aria_haspopup="menu", aria_expanded=False)
        with self:
            self._menu = ui.menu().props("role=menu no-parent-event anchor='bottom right' self='top right'")
            self._menu.props["aria-label"] = label
        self._menu.on_value_change(lambda event: self.set(aria_expanded=bool(event.value)))
        self.on("click", self._menu.toggle, args=[])

    def item(self, label: str, icon: str, action: Action) -> MenuItem:
        """Adds an action; the menu closes before it runs."""

        def chosen() -> Any:
            self._menu.close()
            return action()

        with self._menu, MenuItem(label) as item:
            Icon(icon)
        return item.on("click.stop", chosen, args=[])
