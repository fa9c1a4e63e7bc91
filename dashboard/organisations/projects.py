"""Projects as rows: what they are called, whose they are, and what can be done to them."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from core.accounts.project_lists import ProjectLine
from dashboard.components.cells import Bit, Cell, moment, tag
from dashboard.components.table import Column, DataTable, Row
from dashboard.forms import Desk
from dashboard.organisations import project_actions

COLUMNS = (
    Column("project", "Project", None, card="title"),
    Column("of", "Organisation", 240, card="status"),
    Column("made", "Made", 120),
    Column("act", "Change", 170, "end", silent=True, card="meta"),
)
RENAME, ARCHIVE = "rename", "archive"


class ProjectTable(DataTable):
    """A table of projects; `of` says what they belong to, `may` whether they can be changed by whoever looks."""

    def __init__(
        self,
        desk: Desk,
        *,
        of: Callable[[ProjectLine], Bit],
        may: Callable[[ProjectLine], bool] = lambda _: True,
        columns: Sequence[Column] = COLUMNS,
        **look: Any,
    ) -> None:
        super().__init__("Projects", columns, skeletons=2, **look)
        self._desk, self.of, self._may = desk, of, may
        self._lines: dict[UUID, ProjectLine] = {}
        self.on_action(self._pressed)

    def show_projects(self, lines: Sequence[ProjectLine]) -> None:
        """Shows these."""
        self._lines = {line.id: line for line in lines}
        self.show_rows(
            [
                Row(str(line.id), [*self.cells(line), _actions(line) if self._may(line) else ""])
                for line in lines
            ]
        )

    def cells(self, line: ProjectLine) -> list[Cell]:
        """All but what can be done."""
        screen = self._desk.screen
        return [[_name(line)], self.of(line), moment(line.created_at, screen.now(), screen.zone)]

    def _pressed(self, identifier: str, action: str) -> None:
        line = self._lines.get(UUID(identifier))
        if line is None:
            return
        if action == RENAME:
            project_actions.rename(self._desk, line)
        elif action == ARCHIVE:
            project_actions.archive(self._desk, line)


class NarrowProjects(ProjectTable):
    """The same where there is little room: what they belong to stands on a second line."""

    def __init__(self, desk: Desk, *, of: Callable[[ProjectLine], Bit], **options: Any) -> None:
        super().__init__(desk, of=of, row_height=48, framed=False, cards=False, **options)

    def cells(self, line: ProjectLine) -> list[Cell]:
        return [[_name(line), self.of(line)]]


def _name(line: ProjectLine) -> list[str | Bit]:
    name = Bit(line.name, "strong", href=f"/generations?project={line.id}&range=30d", title="Its generations")
    return [name, tag("archived")] if line.archived_at else [name]


def _actions(line: ProjectLine) -> Cell:
    word = "Restore" if line.archived_at else "Archive"
    return [
        [
            Bit("Rename…", label=f"Rename {line.name}…", action=RENAME),
            Bit(f"{word}…", label=f"{word} {line.name}…", action=ARCHIVE),
        ]
    ]
