"""Facts: names and values side by side, and boxes that hold them."""

from collections.abc import Iterable, Mapping

from dashboard.components.html import Node
from dashboard.components.status import Tone

Value = str | Node


class Facts(Node):
    """A definition list; `set_fact` changes a value in place.

    `ends` puts the values at the right edge, as in an estimate. `name_width` is the width of the names in pixels.
    """

    def __init__(
        self, facts: Mapping[str, str], *, ends: bool = False, name_width: int | None = None
    ) -> None:
        super().__init__("dl", "", f"pu-facts{' is-ends' if ends else ''}")
        if name_width:
            self.style(f"--name: {name_width}px")
        self._names: dict[str, Node] = {}
        self._values: dict[str, Node] = {}
        for name, value in facts.items():
            self.set_fact(name, value)

    def set_fact(self, name: str, value: str | None) -> Node:
        """Set the value of `name`, adding it when it is new, hiding it for None; gives the value's element."""
        if name not in self._values:
            with self:
                self._names[name] = Node("dt", name)
                self._values[name] = Node("dd")
        for node in (self._names[name], self._values[name]):
            if (value is None) != bool(node.props.get("hidden")):
                node.show(value is not None)
        return self._values[name].set_text(value or "")

    def value(self, name: str) -> Node:
        """The element of a value, to put chips and links into: `with facts.value("Cause"): …`."""
        return self._values[name]


class Trio(Node):
    """Three short facts in a row (`Held 13:30:57 · 8 cr`)."""

    def __init__(self, facts: Iterable[tuple[str, str]]) -> None:
        super().__init__("dl", "", "pu-trio")
        with self:
            for name, value in facts:
                with Node("div"):
                    Node("dt", name)
                    Node("dd", value)


class Box(Node):
    """A filled box of a tone: `with Box("bad"): Facts(…)`."""

    def __init__(self, tone: Tone | None = None, *, lined: bool = False) -> None:
        super().__init__("div", "", f"pu-box{f' is-{tone}' if tone else ''}{' is-lined' if lined else ''}")


class Strip(Node):
    """A row of cells in one card: label, value, and what it means (mock-up 07)."""

    def __init__(self, cells: Iterable[tuple[str, str, str]]) -> None:
        super().__init__("dl", "", "pu-card pu-strip")
        self._cells: list[tuple[Node, Node, Node]] = []
        with self:
            for label, value, sub in cells:
                with Node("div"):
                    self._cells.append((Node("dt", label), Node("dd", value), Node("dd", sub)))

    def set_cells(self, cells: Iterable[tuple[str, str, str]]) -> None:
        """Other words in the cells that are there."""
        for nodes, words in zip(self._cells, cells, strict=True):
            for node, word in zip(nodes, words, strict=True):
                node.set_text(word)
