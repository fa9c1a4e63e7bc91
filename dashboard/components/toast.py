"""Toasts: a short word that something happened, said politely, gone after five seconds. Errors don't come as toasts:
they stay where they happened."""

import inspect
from weakref import WeakKeyDictionary

from nicegui import Client, ui

from dashboard.components.button import Button, Handler
from dashboard.components.html import Icon, Node
from dashboard.components.status import Tone

ICONS: dict[Tone, str] = {
    "ok": "check_circle",
    "info": "info",
    "warn": "warning",
    "bad": "error",
    "neutral": "info",
    "probe": "science",
}

_regions: WeakKeyDictionary[Client, Node] = WeakKeyDictionary()


def region() -> Node:
    """Where this page's toasts appear; the shell makes it once a page."""
    made = Node("div", "", "pu-toasts", role="status", aria_live="polite")
    _regions[ui.context.client] = made
    return made


def toast(message: str, tone: Tone = "ok", *, seconds: float = 5, undo: Handler | None = None) -> None:
    """Say `message`; with `undo` it stays ten seconds and offers to take it back."""
    with _regions[ui.context.client]:
        made = Node("div", "", f"pu-toast is-tone-{tone}", role="alert" if tone == "bad" else None)
    with made:
        Icon(ICONS[tone])
        Node("span", message)
        if undo:
            Button("Undo", _undoing(undo, made), kind="plain", small=True)
        ui.timer(max(seconds, 10) if undo else seconds, lambda: _dismiss(made), once=True)


def _undoing(undo: Handler, made: Node) -> Handler:
    async def take_back() -> None:
        outcome = undo()
        if inspect.isawaitable(outcome):
            await outcome
        _dismiss(made)

    return take_back


def _dismiss(made: Node) -> None:
    if not made.is_deleted:
        made.delete()
