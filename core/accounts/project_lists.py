"""Projects as people read them: those of one user, those of one organisation; and whether one may be attributed to."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import Organisation, Project
from core.database import Database
from core.errors import Conflict, NotFound

PAGE_LONGEST = 200


class ProjectLine(NamedTuple):
    """A project as its people see it."""

    id: UUID
    name: str
    owner_id: UUID
    organisation_id: UUID | None
    organisation: str | None
    created_at: datetime
    archived_at: datetime | None


async def projects_of(
    database: Database,
    user_id: UUID,
    *,
    limit: int = 50,
    after: UUID | None = None,
    archived: bool = False,
) -> list[ProjectLine]:
    """The projects of a user and of the organisations that they are a member of, newest first.

    Args:
        after: the id of the last one seen.
        archived: whether those in the archive are told, too.
    """
    rows = await database.fetch_all(
        OF_USER,
        {"user": user_id, "after": after, "archived": archived, "limit": min(limit, PAGE_LONGEST + 1)},
    )
    return [ProjectLine(*row) for row in rows]


async def projects_in(database: Database, organisation_id: UUID, *, limit: int = 200) -> list[ProjectLine]:
    """The projects of an organisation, those in the archive last, newest first."""
    rows = await database.fetch_all(
        f"select {COLUMNS} from projects p left join organisations o on o.id = p.organisation_id"
        " where p.organisation_id = %s order by p.archived_at is not null, p.id desc limit %s",
        (organisation_id, limit),
    )
    return [ProjectLine(*row) for row in rows]


async def project_names(database: Database, ids: list[UUID]) -> dict[UUID, str]:
    """The names of projects; those that are gone are left out."""
    if not ids:
        return {}
    return dict(await database.fetch_all("select id, name from projects where id = any(%s)", (ids,)))


async def count_owned(database: Database, user_id: UUID) -> int:
    """How many of a user's places are taken."""
    row = await database.fetch_one(
        "select count(*) from projects where owner_id = %s and archived_at is null", (user_id,)
    )
    return row[0] if row else 0


async def owner_of(database: Database, project_id: UUID) -> UUID | None:
    """Whose places a project takes one of; None for no project."""
    row = await database.fetch_one("select owner_id from projects where id = %s", (project_id,))
    return row[0] if row else None


async def line_of(session: AsyncSession, project: Project) -> ProjectLine:
    """A project within the transaction that writes it."""
    await session.flush()
    organisation = (
        await session.get(Organisation, project.organisation_id) if project.organisation_id else None
    )
    return ProjectLine(
        project.id,
        project.name,
        project.owner_id,
        project.organisation_id,
        organisation.name if organisation else None,
        project.created_at,
        project.archived_at,
    )


async def require_project(database: Database, user_id: UUID, project_id: UUID) -> None:
    """Sees that the project is the user's own or of an organisation that they are a member of.

    Raises:
        NotFound: `unknown_project`; other people's projects are told as little as none.
        Conflict: `project_archived`, it or its organisation.
    """
    row = await database.fetch_one(FIND, {"project": project_id, "user": user_id})
    if row is None:
        raise unknown_project(project_id)
    if row[0]:
        raise Conflict("This project is archived.", code="project_archived")


def unknown_project(project_id: UUID) -> NotFound:
    """What is said of a project that is not there, or not this user's to see."""
    return NotFound(f"This user has no project {project_id}.", code="unknown_project")


COLUMNS = "p.id, p.name, p.owner_id, p.organisation_id, o.name, p.created_at, p.archived_at"
# Two ways to a project, an index each; who owns a project of their own organisation finds it once.
OF_USER = f"""
select {COLUMNS} from (
    select * from projects where owner_id = %(user)s
    union
    select p.* from members m join projects p on p.organisation_id = m.organisation_id where m.user_id = %(user)s
) p left join organisations o on o.id = p.organisation_id
where (%(after)s::uuid is null or p.id < %(after)s) and (%(archived)s or p.archived_at is null)
order by p.id desc limit %(limit)s
"""
FIND = """
select p.archived_at is not null or o.archived_at is not null
from projects p left join organisations o on o.id = p.organisation_id
where p.id = %(project)s and (p.owner_id = %(user)s or exists (
    select from members m where m.organisation_id = p.organisation_id and m.user_id = %(user)s))
"""
