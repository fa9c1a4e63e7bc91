"""Projects: what a generation may be attributed to."""

from uuid import UUID

from core.database import Database
from core.errors import Conflict, NotFound

FIND = """
select p.archived_at is not null from projects p
where p.id = %(project)s and (p.owner_id = %(user)s or exists (
    select from members m where m.organisation_id = p.organisation_id and m.user_id = %(user)s))
"""


async def require_project(database: Database, user_id: UUID, project_id: UUID) -> None:
    """Sees that the project is the user's own or of an organisation that they are a member of.

    Raises:
        NotFound: `unknown_project`; other people's projects are told as little as none.
        Conflict: `project_archived`.
    """
    row = await database.fetch_one(FIND, {"project": project_id, "user": user_id})
    if row is None:
        raise NotFound(f"This user has no project {project_id}.", code="unknown_project")
    if row[0]:
        raise Conflict("This project is archived.", code="project_archived")
