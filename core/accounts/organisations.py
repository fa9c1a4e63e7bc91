"""Organisations: who belongs to which, in what role. Support and superadmins keep them; every deed is audited.

Credits stay with users: an organisation is what projects, and so cost, are attributed to. The verbs lock the
organisation's row, so that two that meet see one another: an organisation keeps an owner, whatever comes at once.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import Member, Organisation, Project, User
from core.accounts.queries import get_user
from core.accounts.rules import require_manager, require_reason, required_name
from core.audit import Actor, record
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.vocabulary import Role

MOST_MEMBERS = 500
"""Of one organisation."""


class MemberRole(StrEnum):
    """Owners and admins manage the organisation's projects; every member may attribute generations to them."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


MANAGERS = frozenset({MemberRole.OWNER, MemberRole.ADMIN})


async def create_organisation(
    session: AsyncSession, name: str, owner_id: UUID, *, actor: Actor, reason: str
) -> Organisation:
    """Makes an organisation with its first owner.

    Raises:
        NotAllowed: neither support nor superadmin; superadmins are members by superadmins' doing only.
        NotFound: `user_not_found`.
        InvalidRequest: no name, or no reason.
    """
    reason = require_reason(reason)
    owner = await get_user(session, owner_id)
    require_manager(actor, owner.role, "make organisations")
    organisation = Organisation(id=new_id(), name=required_name(name, "An organisation"))
    session.add(organisation)
    await session.flush()
    session.add(Member(organisation_id=organisation.id, user_id=owner.id, role=MemberRole.OWNER))
    await record(
        session,
        actor,
        "organisation.create",
        ("organisation", organisation.id),
        reason=reason,
        after={"name": organisation.name, "owner": owner.email},
    )
    return organisation


async def rename_organisation(
    session: AsyncSession, organisation_id: UUID, name: str, *, actor: Actor, reason: str
) -> Organisation:
    """Gives it another name; raises as `create_organisation`, and `NotFound` (`unknown_organisation`)."""
    organisation, reason = await _held(session, organisation_id, actor, reason, "rename organisations")
    before, organisation.name = organisation.name, required_name(name, "An organisation")
    if before != organisation.name:
        await record(
            session,
            actor,
            "organisation.rename",
            ("organisation", organisation.id),
            reason=reason,
            before={"name": before},
            after={"name": organisation.name},
        )
    return organisation


async def archive_organisation(
    session: AsyncSession, organisation_id: UUID, *, actor: Actor, reason: str
) -> Organisation:
    """Puts it away: its projects take no more generations, and nothing of its past is lost."""
    return await _set_archived(session, organisation_id, datetime.now(UTC), actor, reason)


async def restore_organisation(
    session: AsyncSession, organisation_id: UUID, *, actor: Actor, reason: str
) -> Organisation:
    """Takes it out of the archive."""
    return await _set_archived(session, organisation_id, None, actor, reason)


async def add_member(
    session: AsyncSession,
    organisation_id: UUID,
    user_id: UUID,
    role: MemberRole,
    *,
    actor: Actor,
    reason: str,
) -> Member:
    """Takes somebody in.

    Raises:
        NotAllowed: as `create_organisation`.
        NotFound: `unknown_organisation`, `user_not_found`.
        Conflict: `member_already`, `organisation_archived`, `organisation_full`.
    """
    organisation, reason = await _held(session, organisation_id, actor, reason, "add members")
    if organisation.archived_at:
        raise Conflict("This organisation is archived; restore it first.", code="organisation_archived")
    user = await get_user(session, user_id)
    require_manager(actor, user.role, "add members")
    members = await _members(session, organisation_id)
    if user.id in members:
        raise Conflict(f"{user.email} is a member already.", code="member_already")
    if len(members) >= MOST_MEMBERS:
        raise Conflict(f"An organisation has at most {MOST_MEMBERS} members.", code="organisation_full")
    member = Member(organisation_id=organisation_id, user_id=user.id, role=role)
    session.add(member)
    await _record_member(session, actor, "add", organisation_id, user, reason, after=role)
    return member


async def remove_member(
    session: AsyncSession, organisation_id: UUID, user_id: UUID, *, actor: Actor, reason: str
) -> None:
    """Lets somebody go. The organisation's projects that they own go to its longest-standing owner, so that they
    stay the organisation's. Raises as `set_member_role`."""
    _, reason = await _held(session, organisation_id, actor, reason, "remove members")
    user, member = await _membership(session, organisation_id, user_id)
    require_manager(actor, user.role, "remove members")
    heir = await _another_owner(session, member)
    if heir is None:
        raise _last_owner()
    await session.delete(member)
    left = update(Project).where(
        col(Project.organisation_id) == organisation_id, col(Project.owner_id) == user_id
    )
    await session.exec(left.values(owner_id=heir.user_id))
    await _record_member(session, actor, "remove", organisation_id, user, reason, before=member.role)


async def set_member_role(
    session: AsyncSession,
    organisation_id: UUID,
    user_id: UUID,
    role: MemberRole,
    *,
    actor: Actor,
    reason: str,
) -> Member:
    """Changes what a member may do in the organisation.

    Raises:
        NotAllowed: as `create_organisation`.
        NotFound: `unknown_organisation`, `unknown_member`.
        Conflict: `last_owner`.
    """
    _, reason = await _held(session, organisation_id, actor, reason, "change members' roles")
    user, member = await _membership(session, organisation_id, user_id)
    require_manager(actor, user.role, "change members' roles")
    if member.role == role:
        return member
    if member.role == MemberRole.OWNER and await _another_owner(session, member) is None:
        raise _last_owner()
    before, member.role = member.role, role
    session.add(member)
    await _record_member(session, actor, "role", organisation_id, user, reason, before=before, after=role)
    return member


async def _held(
    session: AsyncSession, organisation_id: UUID, actor: Actor, reason: str, deed: str
) -> tuple[Organisation, str]:
    """The organisation, its row locked, for somebody who may and says why."""
    require_manager(actor, Role.USER, deed)
    reason = require_reason(reason)
    held = await session.get(
        Organisation, organisation_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if held is None:
        raise NotFound("There is no such organisation.", code="unknown_organisation")
    return held, reason


async def _set_archived(
    session: AsyncSession, organisation_id: UUID, archived_at: datetime | None, actor: Actor, reason: str
) -> Organisation:
    verb = "archive" if archived_at else "restore"
    organisation, reason = await _held(session, organisation_id, actor, reason, f"{verb} organisations")
    if bool(organisation.archived_at) != bool(archived_at):
        before, organisation.archived_at = organisation.archived_at, archived_at
        await record(
            session,
            actor,
            f"organisation.{verb}",
            ("organisation", organisation.id),
            reason=reason,
            before={"archived": before is not None},
            after={"archived": archived_at is not None},
        )
    return organisation


async def _members(session: AsyncSession, organisation_id: UUID) -> dict[UUID, Member]:
    found: Iterable[Member] = await session.exec(
        select(Member).where(Member.organisation_id == organisation_id)
    )
    return {member.user_id: member for member in found}


async def _membership(session: AsyncSession, organisation_id: UUID, user_id: UUID) -> tuple[User, Member]:
    member = await session.get(Member, (organisation_id, user_id), populate_existing=True)
    if member is None:
        raise NotFound("This user is no member of the organisation.", code="unknown_member")
    return await get_user(session, user_id), member


async def _another_owner(session: AsyncSession, member: Member) -> Member | None:
    """The longest-standing owner of a member's organisation beside that member."""
    members = await _members(session, member.organisation_id)
    owners = [
        one for one in members.values() if one.role == MemberRole.OWNER and one.user_id != member.user_id
    ]
    return min(owners, key=lambda owner: (owner.created_at, owner.user_id), default=None)


def _last_owner() -> Conflict:
    return Conflict(
        "This is the organisation's last owner: make somebody else an owner first.", code="last_owner"
    )


async def _record_member(
    session: AsyncSession,
    actor: Actor,
    verb: str,
    organisation_id: UUID,
    user: User,
    reason: str,
    *,
    before: str | None = None,
    after: str | None = None,
) -> None:
    await record(
        session,
        actor,
        f"organisation.member_{verb}",
        ("organisation", organisation_id),
        reason=reason,
        before={"member": user.email, "role": str(before)} if before else None,
        after={"member": user.email, "role": str(after)} if after else None,
    )
