"""Organisations as people read them: a page by name, one with its members, those of one user."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.accounts.organisations import MemberRole
from core.accounts.queries import parse_id
from core.accounts.rules import LONGEST_NAME
from core.database import Database
from core.vocabulary import Role

PAGE_LONGEST = 200
LAST = "\U0010ffff"
"""Sorts behind every other character, byte by byte."""


class OrganisationLine(NamedTuple):
    """An organisation in a list; `owners` are the addresses of at most three. `projects` are those not archived."""

    id: UUID
    name: str
    created_at: datetime
    archived_at: datetime | None
    members: int
    projects: int
    owners: tuple[str, ...]


class Listing(NamedTuple):
    """One page in the order of names; `previous` and `next` lead to the pages beside it, None where there is none."""

    lines: tuple[OrganisationLine, ...]
    previous: UUID | None = None
    next: UUID | None = None


class MemberLine(NamedTuple):
    user_id: UUID
    email: str
    name: str
    role: MemberRole
    account_role: Role
    since: datetime


class Detail(NamedTuple):
    """An organisation with its members: owners first, then by address."""

    id: UUID
    name: str
    created_at: datetime
    archived_at: datetime | None
    members: tuple[MemberLine, ...]


class Membership(NamedTuple):
    """An organisation as one of its members sees it."""

    organisation_id: UUID
    name: str
    role: MemberRole
    since: datetime
    archived_at: datetime | None


async def organisations(
    database: Database,
    text: str = "",
    *,
    limit: int = 50,
    after: UUID | None = None,
    before: UUID | None = None,
    archived: bool = False,
) -> Listing:
    """Organisations whose name begins with `text` (or the one of that id), in the order of names.

    Args:
        after, before: the id of the line at the edge of the page that was seen.
        archived: whether those in the archive are shown, too.
    """
    limit = max(1, min(limit, PAGE_LONGEST))
    wanted = " ".join(text.split()).lower()
    if not wanted.isprintable() or len(wanted) > LONGEST_NAME:
        return Listing(())
    conditions = [] if archived else ["o.archived_at is null"]
    if identifier := parse_id(wanted):
        conditions.append("o.id = %(id)s")
    elif wanted:
        # A range in the index's own order: a prepared `like` could not use the index at all.
        conditions.append("lower(o.name) ~>=~ %(first)s and lower(o.name) ~<~ %(last)s")
    backwards, edge = before is not None, before or after
    if edge:
        beyond, at = ("~<~", "~<=~") if backwards else ("~>~", "~>=~")
        conditions.append(
            f"lower(o.name) {at} (select lower(name) from organisations where id = %(edge)s)"
            f" and (lower(o.name) {beyond} (select lower(name) from organisations where id = %(edge)s)"
            f" or o.id {'<' if backwards else '>'} %(edge)s)"
        )
    rows = await database.fetch_all(
        LINES.format(where=" and ".join(conditions) or "true", by="~>~" if backwards else "~<~",
                     way="desc" if backwards else "asc"),
        {"id": identifier, "first": wanted, "last": wanted + LAST, "edge": edge, "limit": limit + 1},
    )  # fmt: skip
    more, found = len(rows) > limit, rows[:limit]
    lines = tuple(_line(row) for row in (reversed(found) if backwards else found))
    if not lines:
        return Listing(())
    has_next, has_previous = (True, more) if backwards else (more, edge is not None)
    return Listing(lines, lines[0].id if has_previous else None, lines[-1].id if has_next else None)


async def organisation(database: Database, organisation_id: UUID) -> Detail | None:
    """One organisation with its members, or None."""
    row = await database.fetch_one(
        "select id, name, created_at, archived_at from organisations where id = %s", (organisation_id,)
    )
    if row is None:
        return None
    members = await database.fetch_all(MEMBERS, (organisation_id,))
    return Detail(*row, members=tuple(_member(one) for one in members))


async def organisation_names(database: Database, ids: list[UUID]) -> dict[UUID, str]:
    """The names of organisations; those that are gone are left out."""
    if not ids:
        return {}
    return dict(await database.fetch_all("select id, name from organisations where id = any(%s)", (ids,)))


async def organisations_of(database: Database, user_id: UUID) -> list[Membership]:
    """The organisations that a user is a member of, by name; those in the archive come last."""
    rows = await database.fetch_all(
        "select o.id, o.name, m.role, m.created_at, o.archived_at"
        " from members m join organisations o on o.id = m.organisation_id where m.user_id = %s"
        " order by o.archived_at is not null, lower(o.name), o.id limit 200",
        (user_id,),
    )
    return [Membership(one, name, MemberRole(role), *rest) for one, name, role, *rest in rows]


LINES = """
select o.id, o.name, o.created_at, o.archived_at,
    (select count(*) from members m where m.organisation_id = o.id),
    (select count(*) from projects p where p.organisation_id = o.id and p.archived_at is null),
    array(select u.email from members m join users u on u.id = m.user_id
        where m.organisation_id = o.id and m.role = 'owner' order by m.created_at, u.email limit 3)
from organisations o where {where}
order by lower(o.name) using {by}, o.id {way} limit %(limit)s
"""
MEMBERS = """
select u.id, u.email, u.name, m.role, u.role, m.created_at
from members m join users u on u.id = m.user_id where m.organisation_id = %s
order by array_position(array['owner', 'admin', 'member'], m.role::text), lower(u.email)
"""


def _line(row: tuple[Any, ...]) -> OrganisationLine:
    return OrganisationLine(*row[:-1], owners=tuple(row[-1]))


def _member(row: tuple[Any, ...]) -> MemberLine:
    user_id, email, name, role, account_role, since = row
    return MemberLine(user_id, email, name, MemberRole(role), Role(account_role), since)
