"""Cards: a border, no shadow, an optional head with title, note and what stands at its end."""

from dashboard.components.html import Node


class Card(Node):
    """A card: `with Card("Trace", note="5 steps").body: …`; `with card.end: …` for the right of its head.

    `ruled` draws a line under the head; `flush` leaves the body without padding, for tables and lists.
    """

    def __init__(
        self, title: str = "", *, note: str = "", ruled: bool = False, flush: bool = False, cls: str = ""
    ) -> None:
        super().__init__("section" if title else "div", "", f"pu-card {cls}".strip())
        with self:
            if title:
                self.head = Node("div", "", f"pu-card-head{' is-ruled' if ruled else ''}")
                with self.head:
                    self.title = Node("h2", title)
                    self.note = Node("span", note, "pu-meta")
                    self.end = Node("div", "", "pu-end")
                self.set(aria_labelledby=self.title.html_id)
            self.body = Node("div", "", "" if flush else "pu-card-body")
