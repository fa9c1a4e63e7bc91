"""What support does to projects for their owners, each by a dialog that says why."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from core.accounts.projects import ProjectLine, change_project, create_project
from core.audit import Actor
from core.database import Session
from dashboard.components import fields
from dashboard.organisations.asking import Ask
from dashboard.page import Screen
from dashboard.projects import project_limit_of

Then = Callable[[], Awaitable[Any]]

NO_ORGANISATION = ""


def make(screen: Screen, user_id: UUID, email: str, organisations: Mapping[UUID, str], then: Then) -> None:
    """A new project of a user, within the places of their plan."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await create_project(
            session,
            user_id,
            name.value or "",
            limit=await project_limit_of(screen.purser, user_id),
            organisation_id=UUID(within.value) if within.value else None,
            actor=actor,
            reason=reason,
        )

    ask = Ask(screen, "New project", change, f"{email} has a new project", then, verb="Make project")
    name = ask.name()
    with ask.body:
        choices = {NO_ORGANISATION: "their own", **{str(one): word for one, word in organisations.items()}}
        within = fields.select("Organisation", choices, value=NO_ORGANISATION)
    ask.open()


def rename(screen: Screen, project: ProjectLine, then: Then) -> None:
    """Another name."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await change_project(
            session, project.id, name=name.value or "", limit=None, actor=actor, reason=reason
        )

    ask = Ask(screen, f"Rename {project.name}", change, "The project has its new name", then, verb="Rename")
    name = ask.name(project.name)
    ask.open()


def archive(screen: Screen, project: ProjectLine, then: Then) -> None:
    """Into the archive, or out of it."""
    put_away = project.archived_at is None

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await change_project(
            session,
            project.id,
            archived=put_away,
            limit=None if put_away else await project_limit_of(screen.purser, project.owner_id),
            actor=actor,
            reason=reason,
        )

    Ask(
        screen,
        f"Archive {project.name}?" if put_away else f"Restore {project.name}?",
        change,
        f"{project.name} is {'archived' if put_away else 'back'}",
        then,
        verb="Archive" if put_away else "Restore",
        sub="It takes no more generations, and frees its place. What was attributed to it stays."
        if put_away
        else "It takes one of its owner's places, and generations again.",
        kind="danger" if put_away else "primary",
    ).open()
