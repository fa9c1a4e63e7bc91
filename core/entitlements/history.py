"""The saved change sets of plans, the newest first, and their revert.

A revert is a change set of its own: the inverse of an old one, as a new version. Where something of it was changed
again since, to turn it back would undo somebody else's later decision: that is refused, with the names. Whoever has
seen them may revert the rest (`partly`). docs/decisions/0009 says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor
from core.database import Database, run
from core.entitlements.change_words import described
from core.entitlements.changes import Change, State, inverse
from core.entitlements.editing import locked_matrix, require_newest, require_superadmin, save
from core.entitlements.matrix import Matrix
from core.errors import Conflict, InvalidRequest, NotFound

LONGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One saved change set. `reverts` is the version that it undid, `reverted_by` the one that undid it last."""

    number: int
    saved_at: datetime
    saved_by: str
    reason: str
    changes: tuple[Change, ...]
    reverts: int | None = None
    reverted_by: int | None = None


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a revert comes to now: the changes back, and those that cannot be made since something changed again."""

    changes: tuple[Change, ...]
    overtaken: tuple[Change, ...]
    """As the version made them."""


async def versions(database: Database, *, limit: int = 25, before: int | None = None) -> list[Version]:
    """Versions, the newest first; those before `before` for the next page."""
    limit = max(1, min(limit, LONGEST_PAGE))
    rows = await database.fetch_all(
        f"{SELECT} where %(before)s::bigint is null or v.number < %(before)s order by v.number desc limit %(limit)s",
        {"before": before, "limit": limit},
    )
    return [_version(row) for row in rows]


async def version(source: AsyncSession | Database, number: int) -> Version:
    """One version; raises `NotFound` (`unknown_version`)."""
    if isinstance(source, Database):
        row = await source.fetch_one(f"{SELECT} where v.number = %(number)s", {"number": number})
    else:
        row = (await run(source, f"{SELECT} where v.number = :number", {"number": number})).first()
    if row is None:
        raise NotFound(f"There is no version {number} of the plans.", code="unknown_version")
    return _version(row)


def reversal(stored: Matrix, undone: Version) -> Reversal:
    """What the revert of a version would change in the plans as they are now."""
    state = State.of(stored)
    back: list[Change] = []
    overtaken: list[Change] = []
    for change in inverse(undone.changes):
        if _stands(state, change):
            state.put(change)
            back.append(change)
        else:
            overtaken.append(change.inverse)
    return Reversal(tuple(back), tuple(overtaken))


async def revert(
    session: AsyncSession, number: int, *, base: int | None, actor: Actor, reason: str, partly: bool = False
) -> int:
    """Undoes a version by a new one, whose number it returns.

    Args:
        partly: what was changed again since stays as it is, and the rest is reverted.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: `unknown_version`.
        Conflict: `changed_since` (details: names), `changed_meanwhile`, `plan_in_use`, `feature_in_use`.
        InvalidRequest: no reason; or nothing of it stands any more (`nothing_changed`).
    """
    require_superadmin(actor)
    stored = await locked_matrix(session)
    if base is not None:
        require_newest(stored, base)
    undone = await version(session, number)
    found = reversal(stored, undone)
    if not found.changes:
        raise InvalidRequest(
            f"Nothing of version {number} is in force any more: there is nothing to revert.",
            code="nothing_changed",
        )
    if found.overtaken and not partly:
        names = names_of(found.overtaken, stored)
        raise Conflict(
            f"Since version {number}, {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"
            f" {'was' if len(names) == 1 else 'were'} changed again. Revert the rest, or change"
            f" {'it' if len(names) == 1 else 'them'} by hand.",
            code="changed_since",
            details={"names": names},
        )
    return await save(session, found.changes, base=base, actor=actor, reason=reason, reverts=number)


def names_of(changes: Sequence[Change], stored: Matrix) -> list[str]:
    """What changes are about: `Premium · voice-over`."""
    return [f"{one.where} · {one.what}" for one in described(changes, stored)]


def _stands(state: State, change: Change) -> bool:
    try:
        return state.value(change) == change.before
    except InvalidRequest:  # the plan or feature itself is gone
        return False


SELECT = """
select v.number, v.created_at, v.actor_label, v.reason, v.diff, v.reverts,
    (select max(r.number) from plan_versions r where r.reverts = v.number)
from plan_versions v
"""


def _version(row: Sequence[Any]) -> Version:
    number, saved_at, saved_by, reason, diff, reverts, reverted_by = row
    changes = tuple(Change.of_json(said) for said in diff.get("changes", ()))
    return Version(number, saved_at, saved_by, reason, changes, reverts, reverted_by)
