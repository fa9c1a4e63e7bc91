"""A menu of actions behind a button with three dots; arrow keys move in it, Esc leaves it."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from dashboard.components.button import IconButton
from dashboard.components.html import Icon, Node

Action = Callable[[], Awaitable[Any] | Any]


class Menu(IconButton):
    """`menu = Menu("More about Anthropic")`, then `menu.item("Edit…", "edit", edit)`."""

    def __init__(self, label: str, *, icon: str = "more_vert") -> None:
        super().__init__(icon, label)
        self.set(aria_haspopup="menu", aria_expanded=False)
        with self:
            self._menu = ui.menu().props("role=menu no-parent-event anchor='bottom right' self='top right'")
            self._menu.props["aria-label"] = label
        self._filled = False
        self._menu.on_value_change(lambda event: self.set(aria_expanded=bool(event.value)))
        self.on("click", self._menu.toggle, args=[])

    def item(self, label: str, icon: str, action: Action) -> Node:
        """Adds an action; the menu closes before it runs."""

        def chosen() -> Any:
            self._menu.close()
            return action()

        with (
            self._menu,
            Node("button", label, "pu-item", type="button", role="menuitem", tabindex=-1) as item,
        ):
            Icon(icon)
        if not self._filled:  # the focus goes to the first of them when it opens
            self._filled = True
            item.set(data_autofocus="true")
        return item.on("click.stop", chosen, args=[])
