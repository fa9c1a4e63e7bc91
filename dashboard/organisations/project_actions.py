"""What support does to projects for their owners, each by a dialog that says why."""

from collections.abc import Mapping
from uuid import UUID

from core.accounts.project_lists import ProjectLine
from core.accounts.projects import change_project, create_project
from core.audit import Actor
from core.database import Session
from dashboard.components import fields
from dashboard.forms import Desk, Form
from dashboard.organisations.asking import ask_archive, ask_name, ask_rename
from dashboard.projects import project_limit_of

NO_ORGANISATION = ""


def make(desk: Desk, user_id: UUID, email: str, organisations: Mapping[UUID, str]) -> None:
    """A new project of a user, within the places of their plan."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await create_project(
            session,
            user_id,
            name.value or "",
            limit=await project_limit_of(desk.purser, user_id),
            organisation_id=UUID(within.value) if within.value else None,
            actor=actor,
            reason=reason,
        )

    form = Form(desk, "New project", change, f"{email} has a new project", verb="Make project")
    name = ask_name(form)
    with form.body:
        choices = {NO_ORGANISATION: "their own", **{str(one): word for one, word in organisations.items()}}
        within = fields.select("Organisation", choices, value=NO_ORGANISATION)
    form.open()


def rename(desk: Desk, project: ProjectLine) -> None:
    """Another name."""

    async def change(session: Session, actor: Actor, name: str, reason: str) -> None:
        await change_project(session, project.id, name=name, limit=None, actor=actor, reason=reason)

    ask_rename(desk, project, "project", change)


def archive(desk: Desk, project: ProjectLine) -> None:
    """Into the archive, or out of it."""
    put_away = project.archived_at is None

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await change_project(
            session,
            project.id,
            archived=put_away,
            limit=None if put_away else await project_limit_of(desk.purser, project.owner_id),
            actor=actor,
            reason=reason,
        )

    ask_archive(
        desk,
        project,
        change,
        into="It takes no more generations, and frees its place. What was attributed to it stays.",
        out="It takes one of its owner's places, and generations again.",
    )
