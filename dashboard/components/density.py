"""How high rows are: 32, 40 or 48 pixels, for every table of this browser. Kept in a cookie, so that the first paint is right."""

from nicegui import ui

from dashboard.components.button import IconButton
from dashboard.components.html import Icon, Node

COOKIE = "purser_rows"
HEIGHTS = {"32": "Compact", "40": "Normal", "48": "Roomy"}


def chosen() -> str | None:
    """The height that this browser asks for; None leaves each table its own."""
    value = ui.context.client.request.cookies.get(COOKIE)
    return value if value in HEIGHTS else None


class Density(IconButton):
    """The button in a list's head row; the choice itself happens in the browser (keys.js)."""

    def __init__(self) -> None:
        super().__init__("density_medium", "Row height")
        self.classes("pu-density").set(aria_haspopup="listbox", aria_expanded=False, data_local="true")
        with self:
            self._menu = ui.menu().props("role=listbox no-parent-event")
            self._menu.props["aria-label"] = "Row height"
            with self._menu:
                self._options = {height: self._option(height, word) for height, word in HEIGHTS.items()}
                Node("p", "Rows with two lines stay at 40 or more.", "pu-menu-note")
        self._menu.on_value_change(lambda event: self.set(aria_expanded=bool(event.value)))
        self.on("click", self._menu.toggle, args=[])

    def _option(self, height: str, word: str) -> Node:
        option = Node("button", word, "pu-option", type="button", role="option", data_density=height)
        option.set(aria_selected=height == chosen())
        with option:
            Node("span", f"{height} px", "is-quiet")
            Icon("check")
        return option.on("click.stop", lambda: self._chosen(height), args=[])

    def _chosen(self, height: str) -> None:
        """The browser has set the rows already; an opened menu is made anew from what is known here."""
        self._menu.close()
        for other, option in self._options.items():
            option.set(aria_selected=other == height)
