"""Loading and clearing the demo from a page: begun by a superadmin, done by the queue, watched in the tray."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor
from core.audit.rules import require_superadmin
from core.database import Database
from core.queue.background import Body, Work, begin
from core.system.demo.service import Progress, clear, find, load
from core.vocabulary import Role

LOAD, CLEAR = "demo.load", "demo.clear"
SHOWN_AT = "/generations?traffic=demo&range=30d"


async def begin_load(session: AsyncSession, actor: Actor, *, credit_usd_value: Decimal) -> UUID:
    """Begins to load demo data; what an interrupted load left is removed first.

    Args:
        credit_usd_value: USD a credit is worth, for the revenue of the rows.

    Raises:
        NotAllowed: not a superadmin.
        Conflict: `job_running`, demo data is being loaded or removed.
    """
    require_superadmin(actor, "load demo data")
    return await _begin(
        session, LOAD, "Load demo data", actor, href=SHOWN_AT, creditUsdValue=str(credit_usd_value)
    )


async def begin_clear(session: AsyncSession, actor: Actor) -> UUID:
    """Begins to remove all demo data. Raises as `begin_load` does."""
    require_superadmin(actor, "remove demo data")
    return await _begin(session, CLEAR, "Remove demo data", actor)


async def load_in_background(work: Work, context: Mapping[str, Any]) -> str:
    """The body of `demo.load`: a load that a death cut off is cleared and begun anew."""
    database: Database = context["database"]
    actor, worth = _actor(work), Decimal(work.parameters["creditUsdValue"])
    there = await find(database)
    if there and not there.complete:
        await clear(database, actor=actor, progress=_telling(work))
    loaded = await load(database, actor=actor, credit_usd_value=worth, progress=_telling(work))
    what = f"{loaded.data.users:,} users and {loaded.data.generations:,} generations of 30 days"
    return f"{what}, tagged demo." if loaded.new else f"It was there already: {what}."


async def clear_in_background(work: Work, context: Mapping[str, Any]) -> str:
    """The body of `demo.clear`; one transaction, so that a death leaves all of it or nothing."""
    found = await clear(context["database"], actor=_actor(work), progress=_telling(work))
    return f"{found:,} demo users and all that was theirs are gone."


BODIES: Mapping[str, Body] = {LOAD: load_in_background, CLEAR: clear_in_background}
"""The kinds of jobs of this folder, and what does them."""


async def _begin(
    session: AsyncSession, kind: str, title: str, actor: Actor, *, href: str | None = None, **parameters: str
) -> UUID:
    # Who began it stands in the audit when the work is done, with where from.
    said = {"actor": asdict(actor), **parameters}
    return await begin(
        session, kind=kind, title=title, parameters=said, actor=actor, href=href, apart_from=(LOAD, CLEAR)
    )


def _actor(work: Work) -> Actor:
    said = work.parameters["actor"]
    return Actor(**(said | {"role": Role(said["role"]), "id": UUID(said["id"]) if said["id"] else None}))


def _telling(work: Work) -> Progress:
    return lambda what, done, total: work.tell(f"{what.capitalize()}: {done:,} of {total:,}", done, total)
