"""Drawings written as text by the server: one element however many bars, and everything in it escaped.

`element("text", "R&D", x=4)` escapes its text and its attributes; only what it made itself goes in unescaped.
"""

from html import escape
from typing import Self

from dashboard.components.html import Attribute, Node


class Markup(str):
    """Text that `element` made and that is therefore safe to insert."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: Attribute) -> Markup:
    """An element as text; children that are no Markup are escaped."""
    written = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>")


def join(parts: list[Markup]) -> Markup:
    """Several pieces as one."""
    return Markup("".join(parts))


class Drawing(Node):
    """An element whose content is Markup; `draw` replaces it in place."""

    def __init__(self, tag: str, drawing: Markup, cls: str = "", **attributes: Attribute) -> None:
        super().__init__(tag, "", cls, **attributes)
        self.draw(drawing)

    def draw(self, drawing: Markup) -> Self:
        """Show another drawing."""
        if not isinstance(drawing, Markup):
            raise TypeError("A drawing is made by markup.element, which escapes what it is given.")
        self.props["innerHTML"] = str(drawing)
        return self
