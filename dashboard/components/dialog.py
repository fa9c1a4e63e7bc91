"""Dialogs: named, holding the focus and giving it back; Cancel stands left of the verb (UX, "Confirmation")."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Self

from nicegui import ui

from dashboard.components import fields
from dashboard.components.button import Button, IconButton, Kind
from dashboard.components.html import Icon, Node
from dashboard.components.status import Tone, tag

OnConfirm = Callable[[], Awaitable[Any] | Any]


class Dialog:
    """`dialog = Dialog("Adjust credits", verb="Add 120 cr", on_confirm=save)`, then `with dialog.body: …`.

    `on_confirm` runs once however often the button is pressed; the dialog closes after it unless it gives False.
    `typed` is a name to be typed before the verb can be pressed, for what cannot be undone. What only tells something
    has nothing to `cancel`.
    """

    def __init__(
        self,
        title: str,
        *,
        verb: str,
        on_confirm: OnConfirm,
        sub: str = "",
        note: str = "",
        kind: Kind = "primary",
        width: int = 520,
        typed: str | None = None,
        cancel: bool = True,
    ) -> None:
        self._on_confirm = on_confirm
        self.frame = ui.dialog()
        with self.frame, Node("div", "", "pu-dialog").style(f"--wide: {width}px"):
            with Node("div", "", "pu-dialog-head"):
                with Node("div"):
                    self.title = Node("h2", title, "pu-h2")
                    self.sub = Node("p", sub, "is-second")
                IconButton("close", "Close", self.close).set(data_local="true")
            self.body = Node("div", "", "pu-dialog-body")
            with self.body:
                self._error = Node("div", "", "pu-alert", role="alert").show(False)
            with Node("div", "", "pu-dialog-foot"):
                self.note = Node("span", note, "pu-note")
                if cancel:
                    Button("Cancel", self.close).set(data_local="true")
                self.verb = Button(verb, self._confirm, kind=kind)
        self.frame.props["aria-labelledby"] = self.title.html_id
        if typed:
            self._ask_for(typed)

    def open(self) -> Self:
        """Show it; the focus goes in, and back to where it was on closing."""
        self.fail(None)
        self.frame.open()
        return self

    def close(self) -> None:
        """Close it without doing anything."""
        self.frame.close()

    @property
    def shown(self) -> bool:
        """Whether it is open."""
        return bool(self.frame.value)

    def fail(self, text: str | None) -> None:
        """Say inside the dialog why it did not work, or nothing any more."""
        self._error.set_text(text or "").show(bool(text))

    async def _confirm(self) -> None:
        outcome = self._on_confirm()
        if inspect.isawaitable(outcome):
            outcome = await outcome
        if outcome is not False:
            self.close()

    def _ask_for(self, typed: str) -> None:
        self.verb.disable(f"Type {typed} first")

        def check(event: Any) -> None:
            self.verb.enable((event.value or "").strip() == typed, why=f"Type {typed} first")

        with self.body:
            fields.text(f"Type {typed} to confirm", on_change=check)


class BeforeAfter(Node):
    """A value now and afterwards in large figures, and the difference as a chip (mock-up 08); `set_values` in place."""

    def __init__(
        self, label: str, before: str, after: str, unit: str, change: str = "", tone: Tone = "ok"
    ) -> None:
        super().__init__("div", "", "pu-box is-lined pu-before")
        self._tone: Tone = tone
        with self:
            self._before = self._large(f"{label} now", before, unit)
            Icon("arrow_forward")
            self._after = self._large(f"{label} after", after, unit)
            with self._row:
                self._change = tag(change, tone).show(bool(change))

    def set_values(self, before: str, after: str, change: str = "", tone: Tone = "ok") -> Self:
        """Show other values."""
        self._before.set_text(before)
        self._after.set_text(after)
        if tone != self._tone:
            self._change.classes(add=f"is-{tone}", remove=f"is-{self._tone}")
            self._tone = tone
        self._change.set_text(change).show(bool(change))
        return self

    def _large(self, label: str, value: str, unit: str) -> Node:
        with Node("div"):
            Node("div", label, "pu-stat-label")
            with Node("div", "", "pu-stat-value") as self._row:
                figure = Node("span", value)
                Node("small", unit)
        return figure
