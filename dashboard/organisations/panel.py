"""What one user belongs to, on their page: organisations with their role in each, and projects with their places."""

from uuid import UUID

from core.accounts.organisation_lists import Membership, organisations_of
from core.accounts.projects import ProjectLine, count_owned, projects_of
from core.audit import Actor
from core.vocabulary import Role
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.cells import Bit, Cell, moment, tag
from dashboard.components.html import Node
from dashboard.components.table import Column, DataTable, Row
from dashboard.organisations import project_actions
from dashboard.organisations.actions import ROLES
from dashboard.organisations.address import Address
from dashboard.organisations.projects import ProjectTable
from dashboard.page import Screen
from dashboard.projects import project_limit_of

MAY = (Role.SUPERADMIN, Role.SUPPORT)
SHOWN = 200
ORGANISATIONS = (
    Column("name", "Organisation", None, card="title"),
    Column("role", "Role", 120, card="status"),
    Column("since", "Since", 140, "end", card="meta"),
)


class ProjectsPanel:
    """Made where it shall stand; `load` reads and shows, for whom the page has asked who they are, `reload` asks itself."""

    def __init__(self, screen: Screen, user_id: UUID, email: str) -> None:
        self._screen, self._user_id, self._email = screen, user_id, email
        self._memberships: list[Membership] = []
        with Node("div", "", "pu-stack"):
            with Node("div", "", "pu-row is-spread"):
                with Node("h2", "Projects ", "pu-h3"):
                    self._places = Node("span", "", "is-second")
                self._new = Button("New project…", self._make, icon="create_new_folder", small=True)
            self.projects = ProjectTable(screen, self.reload, of=self._where)
            Node("h2", "Organisations", "pu-h3")
            self.organisations = DataTable("Organisations", ORGANISATIONS, skeletons=1)

    async def load(self) -> None:
        """Reads and shows."""
        database = self._screen.purser.database
        self._memberships = await organisations_of(database, self._user_id)
        lines = await projects_of(database, self._user_id, limit=SHOWN, archived=True)
        used = await count_owned(database, self._user_id)
        limit = await project_limit_of(self._screen.purser, self._user_id)
        self._places.set_text(f"{used:,} of {'unlimited' if limit is None else f'{limit:,}'} places")
        full = limit is not None and used >= limit
        self._new.enable(not full, why="All places of the plan are taken: archive one, or raise the limit")
        self._show_projects(lines)
        self._show_organisations()

    async def reload(self) -> None:
        """The same again, for the person as they are now; a refusal is said."""

        async def again(_actor: Actor) -> None:
            await self.load()

        await self._screen.act(again, roles=MAY)

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
            moment(one.since, self._screen.now(), self._screen.zone),
        ]
        return Row(str(one.organisation_id), cells)

    def _where(self, project: ProjectLine) -> Bit:
        if project.organisation is None:
            return Bit("own", "second")
        whose = "" if project.owner_id == self._user_id else " (another member's)"
        return Bit(f"{project.organisation}{whose}", title=project.organisation)

    def _make(self) -> None:
        open_ones = {one.organisation_id: one.name for one in self._memberships if not one.archived_at}
        project_actions.make(self._screen, self._user_id, self._email, open_ones, self.reload)
