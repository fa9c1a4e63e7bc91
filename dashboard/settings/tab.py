"""What the tabs of Settings share that are one list: what it is about, the button that adds to it, and the table."""

from collections.abc import Sequence

from dashboard.access import SUPERADMINS
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.table import Column, DataTable
from dashboard.forms import Desk
from dashboard.lists.refresher import Refresher, fail_table
from dashboard.live import plans_changed
from dashboard.page import Screen


class ListTab:
    """Read again when somebody has changed it. Subclasses give `add`, `load`, and what is done when a row's button is
    pressed."""

    about = ""
    verb = ""
    """Of the button that adds."""

    def __init__(self, screen: Screen, name: str, columns: Sequence[Column]) -> None:
        self.screen = screen
        self.desk = Desk(screen, self.refresh)
        with Node("div", "", "pu-tab-head"):
            Node("p", self.about, "pu-meta pu-grow")
            Button(self.verb, self.add, icon="add")
        self.table = DataTable(name, columns, row_height=40, skeletons=3)
        self.table.on_action(self.acted)
        self._reader = Refresher(screen, self.load, self._fail, roles=SUPERADMINS, news=plans_changed)

    def add(self) -> None:
        """The dialog that adds one."""
        raise NotImplementedError

    async def load(self) -> None:
        """Reads what there is now, and shows it."""
        raise NotImplementedError

    def acted(self, row_id: str, action: str) -> object:
        """A button in a row was pressed."""
        raise NotImplementedError

    async def refresh(self) -> None:
        """As they are now."""
        await self._reader.refresh()

    def add_button(self) -> Button:
        """The same once more, where the list is empty."""
        return Button(self.verb, self.add, icon="add", kind="primary")

    def _fail(self, words: str, request_id: str) -> None:
        fail_table(self.table, words, request_id, self.refresh)
