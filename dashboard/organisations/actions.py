"""What is done to an organisation and its members, each by a dialog that says why."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from core.accounts.organisation_lists import Detail, MemberLine
from core.accounts.organisations import (
    MemberRole,
    add_member,
    archive_organisation,
    create_organisation,
    remove_member,
    rename_organisation,
    restore_organisation,
    set_member_role,
)
from core.accounts.queries import find_user
from core.audit import Actor
from core.database import Session
from dashboard.components import fields
from dashboard.forms import Desk, Form
from dashboard.organisations.asking import ask_archive, ask_name, ask_rename

ROLES: Mapping[str, str] = {
    MemberRole.OWNER: "Owner",
    MemberRole.ADMIN: "Admin",
    MemberRole.MEMBER: "Member",
}
ABOUT_ROLES = "Owners and admins change the organisation's projects; every member may use them."


def make(desk: Desk, then: Callable[[UUID], Awaitable[Any]]) -> None:
    """A new organisation, with its first owner; `then` is told its id."""
    made: list[UUID] = []

    async def change(session: Session, actor: Actor, reason: str) -> None:
        person = await find_user(session, owner.value or "")
        organisation = await create_organisation(
            session, name.value or "", person.id, actor=actor, reason=reason
        )
        made[:] = [organisation.id]

    form = Form(
        desk,
        "New organisation",
        change,
        "The organisation is made",
        verb="Make organisation",
        sub="Projects, and so costs, are attributed to it; credits stay with its members.",
        then=lambda: then(made[0]),
    )
    name = ask_name(form)
    with form.body:
        owner = fields.text("Owner", placeholder="E-mail or id of a user", note="required")
        owner.props("maxlength=320")
    form.open()


def rename(desk: Desk, shown: Detail) -> None:
    """Another name."""

    async def change(session: Session, actor: Actor, name: str, reason: str) -> None:
        await rename_organisation(session, shown.id, name, actor=actor, reason=reason)

    ask_rename(desk, shown, "organisation", change)


def archive(desk: Desk, shown: Detail) -> None:
    """Into the archive, or out of it."""
    verb = archive_organisation if shown.archived_at is None else restore_organisation
    ask_archive(
        desk,
        shown,
        lambda session, actor, reason: verb(session, shown.id, actor=actor, reason=reason),
        into="Its projects take no more generations and it takes no more members, until it is restored.",
        out="Its projects take generations again.",
    )


def add(desk: Desk, shown: Detail) -> None:
    """One more member."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        user = await find_user(session, person.value or "")
        await add_member(session, shown.id, user.id, MemberRole(role.value), actor=actor, reason=reason)

    form = Form(desk, f"Add a member to {shown.name}", change, "The member is added", verb="Add member")
    with form.body:
        person = fields.text("User", placeholder="E-mail or id", note="required")
        person.props("maxlength=320 autofocus")
        role = fields.select("Role", ROLES, value=MemberRole.MEMBER, help_text=ABOUT_ROLES)
    form.open()


def change_role(desk: Desk, shown: Detail, member: MemberLine) -> None:
    """Another role in the organisation."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await set_member_role(
            session, shown.id, member.user_id, MemberRole(role.value), actor=actor, reason=reason
        )

    form = Form(
        desk,
        f"Role of {member.email}",
        change,
        f"{member.email} has the new role",
        verb="Change role",
        sub=f"In {shown.name}. What they may do in Purser stays as it is.",
    )
    with form.body:
        role = fields.select("Role", ROLES, value=member.role.value, help_text=ABOUT_ROLES)
    form.open()


def remove(desk: Desk, shown: Detail, member: MemberLine) -> None:
    """One member less."""
    Form(
        desk,
        f"Remove {member.email}?",
        lambda session, actor, reason: remove_member(
            session, shown.id, member.user_id, actor=actor, reason=reason
        ),
        f"{member.email} is no member any more",
        verb="Remove member",
        sub=f"Their projects of {shown.name} go to its longest-standing owner. Account and credits stay as they are.",
        kind="danger",
    ).open()
