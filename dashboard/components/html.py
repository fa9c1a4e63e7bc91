"""Plain HTML elements with escaped text, from which the components are made.

NiceGUI writes an element's text and attributes through Vue, which escapes both: nothing here takes markup. Addresses
pass `safe_href`, since a `javascript:` link would run what a stranger wrote.
"""

from typing import Any, Self

from nicegui.elements.mixins.text_element import TextElement

Attribute = str | int | float | bool | None


class Node(TextElement):
    """One HTML element: `Node("h2", "Attempts", "pu-h2", aria_label="…")`; children by `with`.

    Attributes are named as in HTML with `_` for `-`; None leaves one out. Setters change it in place.
    """

    def __init__(self, tag: str = "div", text: str = "", cls: str = "", **attributes: Attribute) -> None:
        super().__init__(tag=tag, text=text)
        if cls:
            self.classes(cls)
        self.set(**attributes)

    def set(self, **attributes: Attribute) -> Self:
        """Set attributes in place; None removes one."""
        for key, value in attributes.items():
            name = key.strip("_").replace("_", "-")
            self.props.set_optional(name, _written(name, value))
        return self

    def switch(self, name: str, on: bool) -> Self:
        """Add or remove a class."""
        return self.classes(add=name if on else None, remove=None if on else name)

    def show(self, shown: bool) -> Self:
        """Show or hide it, for eyes and for assistive technology."""
        return self.set(hidden=None if shown else True)

    def _text_to_model_text(self, text: str) -> None:
        self._text = text or None


class Icon(Node):
    """A symbol of Material Symbols Outlined: decoration beside text, or with `label` an image of its own."""

    def __init__(self, name: str, cls: str = "", *, label: str | None = None, filled: bool = False) -> None:
        super().__init__("i", name, f"pu-icon {'is-filled ' if filled else ''}{cls}".strip())
        self.label = label
        self.set(aria_hidden=None if label else "true", role="img" if label else None, aria_label=label)

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [self.label]  # the name of the symbol is not something a reader sees


def link(text: str, href: str, cls: str = "", **attributes: Attribute) -> Node:
    """A real link."""
    return Node("a", text, cls, href=safe_href(href), **attributes)


def safe_href(href: str) -> str:
    """`href` if it leads to a page, else `#`: only paths, queries, fragments, http(s) and mailto."""
    address = href.strip()
    harmless = address.startswith(("/", "?", "#", "https://", "http://", "mailto:"))
    return address if harmless and not address.startswith(("//", "/\\")) else "#"


def _written(name: str, value: Attribute) -> Attribute:
    if isinstance(value, bool) and name.startswith("aria-"):
        return "true" if value else "false"
    return None if value is False else value
