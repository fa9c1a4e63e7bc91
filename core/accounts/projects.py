"""Projects: what a generation may be attributed to. A person's own, or an organisation's whose member they are.

How many a person may own says their plan; the caller hands the number in. The owner's row is locked while they are
counted, so that it holds however many are made at once. What is archived frees its place.
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import Member, Organisation, Project
from core.accounts.organisations import MANAGERS
from core.accounts.project_lists import unknown_project
from core.accounts.queries import get_user
from core.accounts.rules import clean_line, is_self, require_manager, require_reason, required_name
from core.audit import Actor, record
from core.audit.rules import LONGEST_REASON
from core.errors import Conflict, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role


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
        id=new_id(), owner_id=owner_id, organisation_id=organisation_id, name=required_name(name, "A project")
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
        raise unknown_project(project_id)
    owner = await get_user(session, owner_id, lock=True)
    project = await session.get(Project, project_id, with_for_update=True, populate_existing=True)
    if project is None:
        raise unknown_project(project_id)
    if by is not None:
        await _require_right(session, project, by)
    reason = _reason(actor, by, owner.role, reason, "change projects")
    before = {"name": project.name, "archived": project.archived_at is not None}
    if name is not None:
        project.name = required_name(name, "A project")
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


def _reason(actor: Actor, by: UUID | None, owner_role: Role, reason: str | None, deed: str) -> str | None:
    """The reason, after seeing that the actor may: in person for themselves, else support and superadmins for others.

    A key acts for whoever it is meant to act for: a user key for its user, a service key for the user it names.
    """
    if by is not None and (is_self(actor, by) or actor.kind == "key"):
        return clean_line(reason, "A reason", LONGEST_REASON) if reason else None
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
        raise unknown_project(project.id)
    if member.role not in MANAGERS:
        raise NotAllowed("Only the project's owner, or an owner or admin of its organisation, can change it.")
