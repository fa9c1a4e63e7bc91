"""A text file that a person chooses, read by the browser and handed over in pieces that a socket carries."""

from collections.abc import Callable
from typing import Any

from nicegui.events import GenericEventArguments

from dashboard.components.html import Icon, Node
from dashboard.components.toast import toast

PIECE = 200_000
"""Characters of a piece; a message of the socket is at most a million bytes."""
LARGEST = 5_000_000
"""Characters of a file."""
LONGEST_NAME = 60


class FileField(Node):
    """`FileField("Choose a CSV file…", read)`: a button that opens the browser's own dialog; `read(name, text)` gets it
    whole."""

    def __init__(self, label: str, read: Callable[[str, str], Any]) -> None:
        super().__init__("label", "", "pu-btn is-secondary is-small pu-upload")
        self._read = read
        self._pieces: dict[int, str] = {}
        with self:
            Icon("upload_file")
            Node("span", label)
            field = Node("input", "", "pu-hidden", type="file", accept=".csv,.txt,text/csv,text/plain")
        field.on("change", self._came, js_handler=READ)

    def _came(self, event: GenericEventArguments) -> Any:
        said = event.args if isinstance(event.args, list) else [event.args]
        if len(said) != 4 or not isinstance(said[1], str) or not isinstance(said[3], str):
            return None  # not what our own script sends
        number, piece, pieces, name = said
        if (
            not isinstance(number, int)
            or not isinstance(pieces, int)
            or not 0 < pieces <= LARGEST // PIECE + 1
        ):
            toast(f"A file has at most {LARGEST // 1_000_000} million characters.", "bad", seconds=10)
            return None
        if number == 0:
            self._pieces.clear()
        self._pieces[number] = piece[:PIECE]
        if len(self._pieces) < pieces:
            return None
        text = "".join(self._pieces[key] for key in sorted(self._pieces))
        self._pieces.clear()
        return self._read(name[:LONGEST_NAME], text)


READ = f"""async (event) => {{
    const file = event.target.files[0];
    if (!file) return;
    const text = file.size > {LARGEST * 4} ? "" : await file.text();
    const pieces = file.size > {LARGEST * 4} ? -1 : Math.max(1, Math.ceil(text.length / {PIECE}));
    for (let number = 0; number < Math.max(1, pieces); number++)
        emit(number, text.slice(number * {PIECE}, (number + 1) * {PIECE}), pieces, file.name);
    event.target.value = "";
}}"""
