"""The pane of one organisation: its members and their roles, its projects, and what can be done to it."""

from collections.abc import Sequence
from uuid import UUID

from core.accounts.organisation_lists import Detail, MemberLine
from core.accounts.person import Person
from core.accounts.project_lists import ProjectLine
from core.ids import short
from core.vocabulary import Role
from dashboard.components import time
from dashboard.components.button import Button
from dashboard.components.cells import Bit, Cell
from dashboard.components.html import Node
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours, copy_link, neighbour_buttons
from dashboard.components.status import Chip, Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.forms import Desk
from dashboard.organisations import actions
from dashboard.organisations.address import Address
from dashboard.organisations.projects import NarrowProjects
from dashboard.reach import beyond_account

ACTIVE = Status("Active", "check_circle", "ok")
ARCHIVED = Status("Archived", "archive", "neutral")
MEMBERS = (
    Column("member", "Member"),
    Column("role", "Role", 84),
    Column("act", "Change", 132, "end", silent=True),
)
PROJECTS = (
    Column("project", "Project"),
    Column("act", "Change", 148, "end", silent=True),
)
ROLE, REMOVE = "role", "remove"


def fill(
    pane: Pane,
    shown: Detail,
    projects: Sequence[ProjectLine],
    desk: Desk,
    neighbours: Neighbours,
) -> None:
    """Shows an organisation."""
    with pane.fill(shown.name):
        with pane.actions:
            neighbour_buttons(neighbours)
            copy_link(Address(sel=shown.id).url)
        with pane.sub:
            Chip(ARCHIVED if shown.archived_at else ACTIVE)
            made = time.absolute(shown.created_at, desk.screen.zone)
            Node("time", f"made {made}", datetime=time.iso(shown.created_at))
        with pane.section("Members", note=f"{len(shown.members):,}"):
            _members(shown, desk)
        with pane.section("Projects", note=_many(projects)):
            _projects(shown, projects, desk)
        with pane.section("Organisation"), Node("div", "", "pu-row"):
            Button("Rename…", lambda: actions.rename(desk, shown), icon="edit", small=True)
            if shown.archived_at:
                Button("Restore…", lambda: actions.archive(desk, shown), icon="unarchive", small=True)
            else:
                Button("Archive…", lambda: actions.archive(desk, shown), icon="archive", small=True)


def _members(shown: Detail, desk: Desk) -> None:
    members = {member.user_id: member for member in shown.members}

    def pressed(identifier: str, action: str) -> None:
        member = members.get(UUID(identifier))
        if member and action == ROLE:
            actions.change_role(desk, shown, member)
        elif member and action == REMOVE:
            actions.remove(desk, shown, member)

    with Node("div", "", "pu-stack"):
        table = DataTable("Members", MEMBERS, row_height=48, framed=False, cards=False)
        table.on_action(pressed).show_rows([_member(member, desk.screen.person) for member in shown.members])
        if not shown.archived_at:
            with Node("div", "", "pu-row"):
                Button("Add member…", lambda: actions.add(desk, shown), icon="group_add", small=True)


def _member(member: MemberLine, reader: Person) -> Row:
    if beyond := beyond_account(reader, member.user_id, member.account_role):
        act = [Bit("superadmins only", "quiet", title=beyond)]
    else:
        act = [
            Bit("Role…", label=f"Change the role of {member.email}…", action=ROLE),
            Bit("Remove…", label=f"Remove {member.email}…", action=REMOVE),
        ]
    person: Cell = [
        Bit(member.email, "strong", href=f"/users/{member.user_id}", title=member.email),
        Bit(member.name or "no name", "second" if member.name else "quiet"),
    ]
    return Row(str(member.user_id), [person, actions.ROLES[member.role], [act]])


def _projects(shown: Detail, projects: Sequence[ProjectLine], desk: Desk) -> None:
    if not projects:
        Node("p", "None yet. Members make them by the API, or support on their pages.", "pu-meta")
        return
    owners = {member.user_id: member.email for member in shown.members}
    roles = {member.user_id: member.account_role for member in shown.members}

    def owner(project: ProjectLine) -> Bit:
        email = owners.get(project.owner_id, short(project.owner_id))
        return Bit(f"of {email}", "second", title=email)

    def may(project: ProjectLine) -> bool:
        role = roles.get(project.owner_id, Role.USER)
        return beyond_account(desk.screen.person, project.owner_id, role) is None

    NarrowProjects(desk, columns=PROJECTS, of=owner, may=may).show_projects(projects)


def _many(projects: Sequence[ProjectLine]) -> str:
    archived = sum(project.archived_at is not None for project in projects)
    return f"{len(projects) - archived:,}" + (f" and {archived:,} archived" if archived else "")
