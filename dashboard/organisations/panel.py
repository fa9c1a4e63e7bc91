"""What one user belongs to, on their page: organisations with their role in each, and projects with their places."""

from uuid import UUID

from core.accounts.organisation_lists import Membership, organisations_of
from core.accounts.project_lists import ProjectLine, count_owned, projects_of
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.cells import Bit, Cell, moment, tag
from dashboard.components.html import Node
from dashboard.components.table import Column, DataTable, Row
from dashboard.forms import Desk
from dashboard.organisations import project_actions
from dashboard.organisations.actions import ROLES
from dashboard.organisations.address import Address
from dashboard.organisations.projects import ProjectTable
from dashboard.projects import project_limit_of

SHOWN = 200
ORGANISATIONS = (
    Column("name", "Organisation", None, card="title"),
    Column("role", "Role", 120, card="status"),
    Column("since", "Since", 140, "end", card="meta"),
)


class ProjectsPanel:
    """Made where it shall stand; `load` reads and shows, for whom the page has asked who they are."""

    def __init__(self, desk: Desk, user_id: UUID, email: str) -> None:
        self._desk, self._user_id, self._email = desk, user_id, email
        self._beyond: str | None = None
        self._memberships: list[Membership] = []
        with Node("div", "", "pu-stack"):
            with Node("div", "", "pu-row is-spread"):
                with Node("h2", "Projects ", "pu-h3"):
                    self._places = Node("span", "", "is-second")
                self._new = Button("New project…", self._make, icon="create_new_folder", small=True)
            self.projects = ProjectTable(desk, of=self._where, may=self._may)
            Node("h2", "Organisations", "pu-h3")
            self.organisations = DataTable("Organisations", ORGANISATIONS, skeletons=1)

    async def load(self, beyond: str | None) -> None:
        """Reads and shows; `beyond` says why whoever looks may not change the user's projects."""
        self._beyond = beyond
        database = self._desk.purser.database
        self._memberships = await organisations_of(database, self._user_id)
        lines = await projects_of(database, self._user_id, limit=SHOWN, archived=True)
        used = await count_owned(database, self._user_id)
        limit = await project_limit_of(self._desk.purser, self._user_id)
        self._places.set_text(f"{used:,} of {'unlimited' if limit is None else f'{limit:,}'} places")
        full = limit is not None and used >= limit
        taken = "All places of the plan are taken: archive one, or raise the limit" if full else None
        self._new.enable(not (beyond or taken), why=beyond or taken)
        self._show_projects(lines)
        self._show_organisations()

    def _show_projects(self, lines: list[ProjectLine]) -> None:
        if lines:
            self.projects.show_projects(lines)
            return
        with self.projects.show_state():
            states.empty(
                "No projects", "Generations can be attributed to one: the API's projectId.", icon="folder"
            )

    def _show_organisations(self) -> None:
        if self._memberships:
            self.organisations.show_rows([self._organisation(one) for one in self._memberships])
            return
        with self.organisations.show_state():
            states.empty("In no organisation", "Its page under Users takes members in.", icon="domain")

    def _organisation(self, one: Membership) -> Row:
        name = Bit(one.name, "strong", href=Address(sel=one.organisation_id).url)
        cells: list[Cell] = [
            [[name, tag("archived")]] if one.archived_at else name,
            ROLES[one.role],
            moment(one.since, self._desk.screen.now(), self._desk.screen.zone),
        ]
        return Row(str(one.organisation_id), cells)

    def _may(self, project: ProjectLine) -> bool:
        return self._beyond is None or project.owner_id != self._user_id

    def _where(self, project: ProjectLine) -> Bit:
        if project.organisation is None:
            return Bit("own", "second")
        whose = "" if project.owner_id == self._user_id else " (another member's)"
        return Bit(f"{project.organisation}{whose}", title=project.organisation)

    def _make(self) -> None:
        open_ones = {one.organisation_id: one.name for one in self._memberships if not one.archived_at}
        project_actions.make(self._desk, self._user_id, self._email, open_ones)
