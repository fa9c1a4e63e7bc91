"""Projects: what a generation may be attributed to. A person's own, or an organisation's whose member they are.

How many a person may own says their plan; the caller hands the number in. The owner's row is locked while they are
counted, so that it holds however many are made at once. What is archived frees its place.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import Member, Organisation, Project
from core.accounts.organisations import MANAGERS
from core.accounts.queries import get_user
from core.accounts.rules import clean_line, is_self, require_manager, require_reason
from core.audit import Actor, record
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role

LONGEST_NAME = 100
PAGE_LONGEST = 200


# What is done


async def create_project(
    session: AsyncSession,
    owner_id: UUID,
    name: str,
    *,
    limit: int | None,
    actor: Actor,
    organisation_id: UUID | None = None,
    reason: str | None = None,
) -> Project:
    """Makes a project for a person.

    Args:
        limit: how many they may own that are not archived; None is unlimited.
        organisation_id: one that they are a member of.
        reason: needed where a person does it for another.

    Raises:
        NotAllowed: `project_limit`; or an actor who may not act for this person.
        NotFound: `unknown_organisation`, `user_not_found`.
        Conflict: `organisation_archived`.
    """
    owner = await get_user(session, owner_id, lock=True)
    reason = _reason(actor, owner_id, owner.role, reason, "make projects")
    if organisation_id:
        await _require_open(session, organisation_id, owner_id)
    await _require_room(session, owner_id, limit)
    project = Project(
        id=new_id(), owner_id=owner_id, organisation_id=organisation_id, name=project_name(name)
    )
    session.add(project)
    await record(
        session,
        actor,
        "project.create",
        ("project", project.id),
        reason=reason,
        after={"name": project.name, "owner": owner.email, "organisation": organisation_id},
    )
    return project


async def change_project(
    session: AsyncSession,
    project_id: UUID,
    *,
    actor: Actor,
    limit: int | None,
    by: UUID | None = None,
    name: str | None = None,
    archived: bool | None = None,
    reason: str | None = None,
) -> Project:
    """Renames a project, archives it, or takes it out of the archive.

    Args:
        limit: how many the project's owner may own; looked at where one leaves the archive.
        by: whom it is done for: the owner, or an owner or admin of the organisation. None: support or a superadmin
            does it of themselves.
        name, archived: None leaves it as it is.

    Raises:
        NotFound: `unknown_project`; other people's projects are told as little as none.
        NotAllowed: `project_limit`, or a member who may not change it.
        InvalidRequest: no name, or no reason where one is needed.
    """
    owner_id = (await session.exec(select(Project.owner_id).where(Project.id == project_id))).first()
    if owner_id is None:
        raise _unknown(project_id)
    owner = await get_user(session, owner_id, lock=True)
    project = await session.get(Project, project_id, with_for_update=True, populate_existing=True)
    if project is None:
        raise _unknown(project_id)
    if by is not None:
        await _require_right(session, project, by)
    reason = _reason(actor, by, owner.role, reason, "change projects")
    before = {"name": project.name, "archived": project.archived_at is not None}
    if name is not None:
        project.name = project_name(name)
    if archived is not None and archived != before["archived"]:
        if not archived:
            await _require_room(session, owner_id, limit)
        project.archived_at = datetime.now(UTC) if archived else None
    after = {"name": project.name, "archived": project.archived_at is not None}
    if after == before:
        return project
    session.add(project)
    if after["archived"] == before["archived"]:
        action = "project.rename"
    else:
        action = "project.archive" if project.archived_at else "project.restore"
    await record(session, actor, action, ("project", project.id), reason=reason, before=before, after=after)
    return project


def project_name(text: str) -> str:
    """A name as it is stored; raises `InvalidRequest` where there is none, or too long a one."""
    name = clean_line(text, "A project's name", LONGEST_NAME)
    if not name:
        raise InvalidRequest("A project needs a name.", code="name_required")
    return name


# What is read


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
        raise _unknown(project_id)
    if row[0]:
        raise Conflict("This project is archived.", code="project_archived")


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


# Helpers


def _reason(actor: Actor, by: UUID | None, owner_role: Role, reason: str | None, deed: str) -> str | None:
    """The reason, after seeing that the actor may: in person for themselves, else support and superadmins for others.

    A key acts for whoever it is meant to act for: a user key for its user, a service key for the user it names.
    """
    if by is not None and (is_self(actor, by) or actor.kind == "key"):
        return clean_line(reason, "A reason", 500) if reason else None
    require_manager(actor, owner_role, deed)
    return require_reason(reason or "")


async def _require_open(session: AsyncSession, organisation_id: UUID, user_id: UUID) -> None:
    """Sees that an organisation takes a member's project; other people's are told as little as none."""
    found = select(Organisation).join(Member, col(Member.organisation_id) == col(Organisation.id))
    wanted = found.where(Organisation.id == organisation_id, Member.user_id == user_id)
    # Held until the project is there: a member who is being removed at this moment leaves none behind.
    organisation = (await session.exec(wanted.with_for_update(read=True, of=Organisation))).first()
    if organisation is None:
        raise NotFound("This user is a member of no such organisation.", code="unknown_organisation")
    if organisation.archived_at:
        raise Conflict("This organisation is archived.", code="organisation_archived")


async def _require_room(session: AsyncSession, owner_id: UUID, limit: int | None) -> None:
    if limit is None:
        return
    owned = select(func.count()).where(Project.owner_id == owner_id, col(Project.archived_at).is_(None))
    if (count := (await session.exec(owned)).one()) >= limit:
        raise NotAllowed(
            f"The plan allows {limit:,} project{'' if limit == 1 else 's'}, and there {'is' if count == 1 else 'are'}"
            f" {count:,}. Archiving one frees its place.",
            code="project_limit",
            details={"reason": "project_limit", "limit": limit, "used": count},
        )


async def _require_right(session: AsyncSession, project: Project, user_id: UUID) -> None:
    if project.owner_id == user_id:
        return
    member = (
        await session.get(Member, (project.organisation_id, user_id)) if project.organisation_id else None
    )
    if member is None:
        raise _unknown(project.id)
    if member.role not in MANAGERS:
        raise NotAllowed("Only the project's owner, or an owner or admin of its organisation, can change it.")


def _unknown(project_id: UUID) -> NotFound:
    return NotFound(f"This user has no project {project_id}.", code="unknown_project")
