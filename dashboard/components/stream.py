"""Text that grows while it is read: what is finished is frozen in elements of its own, only the tail is sent anew.

Writing every token into one element costs the square of the length; here a flush sends at most `LONGEST_TAIL` characters.
"""

import re

from dashboard.components.html import Node

LONGEST_TAIL = 400
PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
TIME_MARK = re.compile(r"\[?\d{1,2}:\d{2}\]?(?=\s)")
"""A script's time mark at the head of a paragraph; it is set apart."""


class StreamedText(Node):
    """`add` takes pieces, `flush` shows them; call it some ten times a second. While `live`, a caret stands at the end."""

    def __init__(self) -> None:
        super().__init__("div", "", "pu-streamed is-live")
        self._waiting: list[str] = []
        self._tail = ""
        self._fresh = True
        self._paragraph: Node | None = None
        self._span: Node | None = None
        self.length = 0

    def add(self, piece: str) -> None:
        """Take a piece; it is seen with the next flush."""
        self._waiting.append(piece)
        self.length += len(piece)

    def flush(self) -> None:
        """Show what has come since the last time."""
        if not self._waiting:
            return
        self._tail += "".join(self._waiting)
        self._waiting.clear()
        if self._paragraph is None:
            self._tail = self._tail.lstrip()
        while (end := PARAGRAPH.search(self._tail)) and end.end() < len(self._tail):
            self._write(self._tail[: end.start()])
            self._tail = self._tail[end.end() :]
            self._paragraph = self._span = None
        self._tail = self._write(self._tail)

    def end(self) -> None:
        """No more comes."""
        self.flush()
        self.switch("is-live", False)

    def _write(self, text: str) -> str:
        """Shows `text` as the tail of the paragraph, freezes what of it is long enough, and gives what stays the tail."""
        if not text:
            return text
        if self._paragraph is None:
            with self:
                self._paragraph = Node("p")
            self._fresh = True
        if self._fresh and (mark := TIME_MARK.match(text)):
            self._set(mark[0]).classes("is-mark")
            self._fresh, self._span = False, None
            text = text[mark.end() :]
        while len(text) > LONGEST_TAIL:
            cut = text.rfind(" ", 0, LONGEST_TAIL) + 1 or LONGEST_TAIL
            self._set(text[:cut])
            self._fresh, self._span = False, None
            text = text[cut:]
        self._set(text)
        return text

    def _set(self, text: str) -> Node:
        assert self._paragraph is not None, "the paragraph is begun"
        if self._span is None:
            with self._paragraph:
                self._span = Node("span")
        return self._span.set_text(text)
