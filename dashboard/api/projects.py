"""A user's projects: what their generations may be attributed to."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from core.accounts.keys import Scope
from core.accounts.project_lists import ProjectLine, count_owned, line_of, owner_of, projects_of
from core.accounts.projects import change_project, create_project
from core.accounts.rules import LONGEST_NAME
from core.database import Session
from core.errors import InvalidRequest
from dashboard.api.answers import Answer, Body, Shape, errors, utc
from dashboard.api.identity import Identified
from dashboard.api.once import IdempotencyKey, once_only
from dashboard.projects import project_limit, project_limit_of

router = APIRouter(prefix="/api/projects", tags=["Projects"])

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class ProjectEntry(Shape):
    """A project: the user's own, or of an organisation that they are a member of."""

    id: UUID
    name: str = Field(examples=["Autumn campaign"])
    own: bool = Field(description="Whether the user owns it, so that it takes one of their places.")
    organisation_id: UUID | None
    organisation: str | None = Field(None, description="The organisation's name.")
    created_at: datetime
    archived_at: datetime | None


class ProjectList(Shape):
    """One page of projects, newest first."""

    items: list[ProjectEntry]
    next: UUID | None = Field(description="Send it as `after` for the next page; null at the end.")
    used: int = Field(description="Projects that the user owns and that are not archived.")
    limit: int | None = Field(description="How many these may be; null is unlimited.")


class NewProject(Body):
    """What to make."""

    name: Name = Field(examples=["Autumn campaign"])
    organisation_id: UUID | None = Field(
        None, strict=False, description="One that the user is a member of; their own project unless given."
    )


class ProjectChange(Body):
    """What to change; what is left out stays."""

    name: Name | None = Field(None, examples=["Winter campaign"])
    archived: bool | None = Field(None, description="An archived project takes no generations and no place.")


@router.get(
    "",
    summary="Projects",
    responses={
        200: {"model": ProjectList, "description": "A page of projects."},
        **errors(400, 403, 404, 429),
    },
)
async def list_projects(
    caller: Identified,
    limit: Annotated[int, Query(ge=1, le=200, description="Projects on a page.")] = 50,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    archived: Annotated[bool, Query(description="Whether archived ones are told, too.")] = False,
) -> Answer:
    """The user's own projects and those of their organisations, with how many places their plan has."""
    caller.require(Scope.USERS, Scope.GENERATE)
    user, purser = caller.active_user(), caller.purser
    found = await projects_of(purser.database, user.id, limit=limit + 1, after=after, archived=archived)
    page = found[:limit]
    return Answer(
        {
            "items": [_told(one, user.id) for one in page],
            "next": page[-1].id if len(found) > limit else None,
            "used": await count_owned(purser.database, user.id),
            "limit": project_limit(purser, user),
        }
    )


@router.post(
    "",
    summary="Make a project",
    responses={
        200: {"model": ProjectEntry, "description": "The project."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def make_project(
    body: NewProject, caller: Identified, idempotency_key: IdempotencyKey = None
) -> Answer:
    """Makes a project for the user, within the places of their plan (`project_limit` where there is none left)."""
    caller.require(Scope.USERS)
    user = caller.active_user()

    async def make(session: Session) -> dict[str, Any]:
        project = await create_project(
            session,
            user.id,
            body.name,
            limit=project_limit(caller.purser, user),
            organisation_id=body.organisation_id,
            actor=caller.actor,
        )
        return _told(await line_of(session, project), user.id)

    return await once_only(caller, idempotency_key, body.model_dump(mode="json"), make)


@router.patch(
    "/{project_id}",
    summary="Rename or archive a project",
    responses={
        200: {"model": ProjectEntry, "description": "The project as it is now."},
        **errors(400, 403, 404, 409, 429),
    },
)
async def patch_project(
    project_id: UUID, body: ProjectChange, caller: Identified, idempotency_key: IdempotencyKey = None
) -> Answer:
    """Changes a project that the user owns, or whose organisation they are an owner or admin of.

    Archiving frees its place; taking it out of the archive needs one.
    """
    caller.require(Scope.USERS)
    user, purser = caller.active_user(), caller.purser
    if body.name is None and body.archived is None:
        raise InvalidRequest("Give a name, or whether it is archived.")
    owner = await owner_of(purser.database, project_id)
    limit = await project_limit_of(purser, owner) if owner else 0

    async def change(session: Session) -> dict[str, Any]:
        project = await change_project(
            session,
            project_id,
            by=user.id,
            limit=limit,
            name=body.name,
            archived=body.archived,
            actor=caller.actor,
        )
        return _told(await line_of(session, project), user.id)

    return await once_only(caller, idempotency_key, body.model_dump(mode="json"), change)


def _told(project: ProjectLine, user_id: UUID) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "own": project.owner_id == user_id,
        "organisationId": project.organisation_id,
        "organisation": project.organisation,
        "createdAt": utc(project.created_at),
        "archivedAt": utc(project.archived_at),
    }
