"""The tab Export and import: plans and features as a file, and a file as a change set to be reviewed."""

from collections.abc import Awaitable, Callable, Sequence

from core.entitlements.changes import Change
from core.entitlements.files import parse
from core.errors import InvalidRequest
from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.toast import toast
from dashboard.plans.desk import Desk

FILE = "/plans.toml"
"""Where the file is to be had."""

Taken = Callable[[Sequence[Change]], Awaitable[None]]


class FileTab:
    """`taken` gets the change set that a file comes to."""

    def __init__(self, desk: Desk, taken: Taken) -> None:
        self._desk, self._taken = desk, taken
        with Node("div", "", "pu-stack"):
            with Card("Export", ruled=True).body.classes("pu-file"):
                Node(
                    "p",
                    "All plans and features as one file, a line for each property, so that two versions of it compare"
                    " well in version control.",
                )
                with Node("div", "", "pu-row"):
                    Button("Download", icon="download", href=FILE).set(download="")
            with Card("Import", ruled=True).body.classes("pu-file"):
                Node(
                    "p",
                    "The differences to what is saved become changes to review. What the file does not mention stays"
                    " as it is.",
                )
                self._text = fields.area("File", rows=10, placeholder="Choose a file, or paste it here.")
                with Node("div", "", "pu-row is-wrapping"):
                    Node(
                        "input", "", type="file", accept=".toml,text/plain", aria_label="Choose a file",
                        data_file_into=f"{self._text.html_id}_control",
                    )  # fmt: skip
                    Button("Review the differences…", self._read, kind="primary")
                self._fault = Node("p", "", "pu-alert", role="alert", hidden=True)

    async def _read(self) -> None:
        self._say("")
        try:
            changes = parse(self._text.value or "", self._desk.draft.saved)
        except InvalidRequest as refusal:
            self._say(refusal.message)
            return
        if not changes:
            toast("The file says what is saved already: nothing differs.", "info")
            return
        await self._taken(changes)

    def _say(self, words: str) -> None:
        self._fault.set_text(words).show(bool(words))
