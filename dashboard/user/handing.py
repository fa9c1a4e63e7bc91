"""Text that a person takes away: copied by the browser where it lets us, else shown to be copied; secrets shown once."""

import json
from typing import Any

from nicegui import ui

from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.dialog import Dialog
from dashboard.components.facts import Box
from dashboard.components.html import Node
from dashboard.components.toast import toast
from dashboard.forms import telling
from dashboard.page import Screen

COPY = """return (async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { return false; }
})(%s)"""
"""Browsers copy for pages of localhost and https, and soon after a person has pressed something."""


async def copy(text: str) -> bool:
    """Puts a text on the clipboard; whether the browser let us."""
    try:
        return await ui.run_javascript(COPY % json.dumps(text), timeout=3.0) is True
    except TimeoutError:
        return False


async def hand_over(screen: Screen, text: str, *, what: str, title: str) -> None:
    """Copies a text and says so; where the browser does not, shows it to be copied by hand."""
    if await copy(text):
        with screen.frame.main:
            toast(f"{what} copied")
        return
    show_text(
        screen, title, text, what=what, sub="The browser does not let this page copy: copy it from here."
    )


def show_text(screen: Screen, title: str, text: str, *, what: str, sub: str = "") -> None:
    """A text to read and to copy."""
    dialog = telling(screen, title, sub=sub, width=640)
    with dialog.body:
        field = fields.area(what, value=text, rows=min(18, text.count("\n") + 2))
        field.props("readonly autofocus input-class=is-mono")
    _offer_copy(dialog, text, what)
    dialog.open()


def show_once(screen: Screen, title: str, what: str, secret: str, *, sub: str = "") -> None:
    """A secret that nobody can find out again."""
    dialog = telling(
        screen, title, sub=sub or "Shown once: copy it now, and hand it over by a safe way.", width=520
    )
    with dialog.body, Box(lined=True):
        Node("p", what, "pu-label")
        Node("p", secret, "is-mono is-strong pu-secret")
    _offer_copy(dialog, secret, what)
    dialog.open()


def _offer_copy(dialog: Dialog, text: str, what: str) -> None:
    async def press() -> Any:
        done = await copy(text)
        button.set_text("Copied" if done else "Select it and copy")

    with dialog.body, Node("div", "", "pu-row"):
        button = Button("Copy", press, icon="content_copy")
