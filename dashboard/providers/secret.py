"""The field for a vendor's key, which goes in and never comes out again."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from core.providers.registry import KINDS
from dashboard.components import fields


def ask_secret(on_change: Callable[[], Any] | None = None) -> ui.input:
    """The field."""
    field = fields.text(
        "API key",
        help_text="Encrypted at rest; later only its last four characters are shown.",
        on_change=on_change,
    )
    return field.props("type=password autocomplete=off")


def shape_words(kind: str, secret: str) -> str:
    """A word on a key of an unusual shape, which is a warning and never a refusal."""
    shape, said = KINDS[kind].key_shape, secret.strip()
    unusual = shape and said and not said.startswith(shape)
    return f"Keys of this vendor usually begin with {shape}." if unusual else ""
