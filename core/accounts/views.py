"""Saved views: a list's address under a name, for one person."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.models import SavedView
from core.audit import Actor, record
from core.audit.rules import clean_line
from core.database import Database, run
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id

LONGEST_NAME, LONGEST_QUERY = 60, 2_000
MOST_VIEWS = 50
"""Of one person on one page."""


@dataclass(frozen=True, slots=True)
class View:
    """A saved view; `query` is what stands behind the `?` of the page's address."""

    id: UUID
    name: str
    query: str


async def views(database: Database, user_id: UUID, page: str) -> list[View]:
    """A person's views of a page ("generations"), by name."""
    rows = await database.fetch_all(
        "select id, name, query from saved_views where user_id = %s and page = %s order by lower(name), id",
        (user_id, page),
    )
    return [View(*row) for row in rows]


async def save_view(
    session: AsyncSession,
    actor: Actor,
    page: str,
    name: str,
    query: str,
    *,
    replace: bool = False,
) -> View:
    """Keeps an address under a name, for the actor alone. With `replace` an earlier one of that name goes on with the new address.

    Raises:
        InvalidRequest: no name, or one that is too long; an address that is none.
        Conflict: `view_exists`, and it is not to be replaced; `too_many_views`.
    """
    user_id = _owner(actor)
    name, query = clean_line(name, "The name of a view", LONGEST_NAME), query.removeprefix("?")
    if not name:
        raise InvalidRequest("A view needs a name.")
    if len(query) > LONGEST_QUERY or not query.isprintable():
        raise InvalidRequest("This address is too long to be kept.")
    mine = select(SavedView).where(SavedView.user_id == user_id, SavedView.page == page)
    before = (await session.exec(mine.where(SavedView.name == name))).first()
    if before is None:
        await _leave_room(session, user_id, page)
    update = "do update set query = excluded.query" if replace else "do nothing"
    row = (
        await run(
            session,
            "insert into saved_views (id, user_id, page, name, query) values (:id, :user_id, :page, :name, :query)"
            f" on conflict (user_id, page, name) {update} returning id",
            {"id": new_id(), "user_id": user_id, "page": page, "name": name, "query": query},
        )
    ).first()
    if row is None:
        raise Conflict(f"There is a view “{name}” already.", code="view_exists")
    await record(
        session,
        actor,
        "view.save",
        ("view", row[0]),
        before={"query": before.query} if before else None,
        after={"page": page, "name": name, "query": query},
    )
    return View(row[0], name, query)


async def delete_view(session: AsyncSession, actor: Actor, view_id: UUID) -> View:
    """Forgets a view of the actor's own, and gives what it was.

    Raises:
        NotFound: it is another person's, or gone.
    """
    found = (
        await session.exec(
            select(SavedView)
            .where(SavedView.id == view_id, SavedView.user_id == _owner(actor))
            .with_for_update()
        )
    ).first()
    if found is None:
        raise NotFound("This view is gone already.")
    gone = View(found.id, found.name, found.query)
    await session.delete(found)
    await record(
        session,
        actor,
        "view.delete",
        ("view", view_id),
        before={"page": found.page, "name": gone.name, "query": gone.query},
    )
    return gone


def _owner(actor: Actor) -> UUID:
    if actor.id is None:
        raise NotAllowed("Views belong to people.")
    return actor.id


async def _leave_room(session: AsyncSession, user_id: UUID, page: str) -> None:
    there = select(func.count()).where(SavedView.user_id == user_id, SavedView.page == page)
    if (await session.exec(there)).one() >= MOST_VIEWS:
        raise Conflict(f"There are {MOST_VIEWS} views here already; delete one first.", code="too_many_views")
