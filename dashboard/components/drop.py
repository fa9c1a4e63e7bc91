"""What drops from an icon in the header: a button with a count, and a panel below it. The browser opens and closes it
(the popover API), so it also works while the connection is away; Esc closes it and gives the focus back."""

from collections.abc import Callable
from typing import Any, Self

from dashboard.components.button import IconButton
from dashboard.components.html import Node
from dashboard.components.status import Tone


class Drop(IconButton):
    """`drop = Drop("notifications", "Alerts")`, then `with drop.panel: …`; `set_count` changes the button."""

    def __init__(self, icon: str, name: str, *, cls: str = "", width: int = 400) -> None:
        super().__init__(icon, name)
        self._name = name
        self._tone = ""
        self.classes(cls or None).set(data_local="true")
        with self:
            self._bubble = Node("span", "", "pu-bubble", aria_hidden="true").show(False)
        with Node("div", "", "pu-drop", popover="auto", role="dialog") as self.panel:
            self.panel.style(f"--wide: {width}px")
            with Node("div", "", "pu-drop-head"):
                heading = Node("h2", name)
                self.note = Node("span", "", "pu-meta")
        self.panel.set(aria_labelledby=heading.html_id)
        self.set(popovertarget=self.panel.html_id)

    def on_open(self, handler: Callable[[], Any]) -> Self:
        """Call `handler` when a person opens it: what it says about the time is then of now."""
        self.panel.on("toggle", handler, args=[])
        return self

    def set_count(self, count: int, said: str = "", tone: Tone | str = "") -> Self:
        """Show a count, or none for nought; `said` is what it counts ("2 alerts"), for those who do not see it."""
        if tone != self._tone:
            self._bubble.classes(
                add=f"is-{tone}" if tone else None, remove=f"is-{self._tone}" if self._tone else None
            )
            self._tone = tone
        self._bubble.set_text(str(count) if count < 100 else "99+").show(count > 0)
        self.switch("has-count", count > 0)
        label = f"{self._name}: {said}" if said else self._name
        self.label = label
        return self.set(aria_label=label, title=label)
