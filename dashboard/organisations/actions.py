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
from dashboard.organisations.asking import Ask
from dashboard.page import Screen

Then = Callable[[], Awaitable[Any]]

ROLES: Mapping[str, str] = {
    MemberRole.OWNER: "Owner",
    MemberRole.ADMIN: "Admin",
    MemberRole.MEMBER: "Member",
}
ABOUT_ROLES = "Owners and admins change the organisation's projects; every member may use them."


def make(screen: Screen, then: Callable[[UUID], Awaitable[Any]]) -> None:
    """A new organisation, with its first owner; `then` is told its id."""
    made: list[UUID] = []

    async def change(session: Session, actor: Actor, reason: str) -> None:
        person = await find_user(session, owner.value or "")
        organisation = await create_organisation(
            session, name.value or "", person.id, actor=actor, reason=reason
        )
        made[:] = [organisation.id]

    async def done() -> None:
        await then(made[0])

    ask = Ask(
        screen,
        "New organisation",
        change,
        "The organisation is made",
        done,
        verb="Make organisation",
        sub="Projects, and so costs, are attributed to it; credits stay with its members.",
    )
    name = ask.name()
    with ask.body:
        owner = fields.text("Owner", placeholder="E-mail or id of a user", note="required")
        owner.props("maxlength=320")
    ask.open()


def rename(screen: Screen, shown: Detail, then: Then) -> None:
    """Another name."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await rename_organisation(session, shown.id, name.value or "", actor=actor, reason=reason)

    ask = Ask(
        screen, f"Rename {shown.name}", change, "The organisation has its new name", then, verb="Rename"
    )
    name = ask.name(shown.name)
    ask.open()


def archive(screen: Screen, shown: Detail, then: Then) -> None:
    """Into the archive, or out of it."""
    put_away = shown.archived_at is None

    async def change(session: Session, actor: Actor, reason: str) -> None:
        verb = archive_organisation if put_away else restore_organisation
        await verb(session, shown.id, actor=actor, reason=reason)

    Ask(
        screen,
        f"Archive {shown.name}?" if put_away else f"Restore {shown.name}?",
        change,
        f"{shown.name} is {'archived' if put_away else 'back'}",
        then,
        verb="Archive" if put_away else "Restore",
        sub="Its projects take no more generations and it takes no more members, until it is restored."
        if put_away
        else "Its projects take generations again.",
        kind="danger" if put_away else "primary",
    ).open()


def add(screen: Screen, shown: Detail, then: Then) -> None:
    """One more member."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        user = await find_user(session, person.value or "")
        await add_member(session, shown.id, user.id, MemberRole(role.value), actor=actor, reason=reason)

    ask = Ask(screen, f"Add a member to {shown.name}", change, "The member is added", then, verb="Add member")
    with ask.body:
        person = fields.text("User", placeholder="E-mail or id", note="required")
        person.props("maxlength=320 autofocus")
        role = fields.select("Role", ROLES, value=MemberRole.MEMBER, help_text=ABOUT_ROLES)
    ask.open()


def change_role(screen: Screen, shown: Detail, member: MemberLine, then: Then) -> None:
    """Another role in the organisation."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await set_member_role(
            session, shown.id, member.user_id, MemberRole(role.value), actor=actor, reason=reason
        )

    ask = Ask(
        screen,
        f"Role of {member.email}",
        change,
        f"{member.email} has the new role",
        then,
        verb="Change role",
        sub=f"In {shown.name}. What they may do in Purser stays as it is.",
    )
    with ask.body:
        role = fields.select("Role", ROLES, value=member.role.value, help_text=ABOUT_ROLES)
    ask.open()


def remove(screen: Screen, shown: Detail, member: MemberLine, then: Then) -> None:
    """One member less."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await remove_member(session, shown.id, member.user_id, actor=actor, reason=reason)

    Ask(
        screen,
        f"Remove {member.email}?",
        change,
        f"{member.email} is no member any more",
        then,
        verb="Remove member",
        sub=f"Their projects of {shown.name} go to its longest-standing owner. Account and credits stay as they are.",
        kind="danger",
    ).open()
