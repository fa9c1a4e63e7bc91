"""The detail pane: beside the page on a desktop, over it on a smaller screen, all of it on a phone. Esc closes it."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from dashboard.components.button import IconButton
from dashboard.components.html import Node

OnClose = Callable[[], Awaitable[Any] | Any]


class Pane(Node):
    """What a page shows about one row.

        with pane.fill("claude-opus-5-5, text"):
            with pane.sub: Chip(…)
            with pane.actions: IconButton(…)
            with pane.section("Attempts", note="4 calls"): Waterfall(…)

    Hidden until filled; `close` hides it and tells `on_close`.
    """

    def __init__(self, label: str) -> None:
        super().__init__("aside", "", "pu-pane", aria_label=label, hidden=True)
        self._on_close: OnClose | None = None
        with self:
            self._content = Node("div")

    @property
    def shown(self) -> bool:
        """Whether it is open."""
        return not self.props.get("hidden")

    def on_close(self, handler: OnClose) -> Self:
        """Call `handler` when a person closes it."""
        self._on_close = handler
        return self

    @contextmanager
    def fill(self, title: str) -> Iterator[Self]:
        """Empty it, write its head, show it; the body of the `with` adds the rest."""
        self._content.clear()
        with self._content:
            with Node("div", "", "pu-pane-head"):
                with Node("div"):
                    self.title = Node("h2", title)
                    self.actions = Node("div", "", "pu-row")
                    IconButton("close", "Close", self._closed).set(data_pane_close="true", data_local="true")
                self.sub = Node("div", "", "pu-pane-sub")
            yield self
        self.show(True)

    @contextmanager
    def section(self, title: str, *, note: str = "") -> Iterator[Node]:
        """A section with its head and what stands at the head's right; sections are parted by lines."""
        with Node("section", "", "pu-section") as made:
            with Node("div", "", "pu-section-head"):
                head = Node("h3", title)
                Node("span", note)
            made.set(aria_labelledby=head.html_id)
            yield made

    def close(self) -> None:
        """Hide it, without telling the handler."""
        self.show(False)
        self._content.clear()

    async def _closed(self) -> None:
        """The handler first: closing takes the pressed button away, and with it the handler's place on the page."""
        if self._on_close:
            outcome = self._on_close()
            if inspect.isawaitable(outcome):
                await outcome
        self.close()
