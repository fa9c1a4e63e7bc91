"""The fallback order: which provider is asked first for each modality."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_superadmin
from core.database import CONFIG, announce
from core.errors import Conflict
from core.providers.models import ProviderRow
from core.providers.rows import add_event, lock_providers
from core.vocabulary import Modality


async def reorder(
    session: AsyncSession, modality: Modality, ordered: Sequence[UUID], *, actor: Actor
) -> None:
    """Gives the providers of a modality the ranks 1, 2, 3 …; it takes effect on the next request everywhere.

    The sandbox may be left out, and then stays behind the others.

    Raises:
        NotAllowed: the actor is no superadmin.
        Conflict: `changed_meanwhile`; those named are not exactly those that have the modality.
    """
    require_superadmin(actor, "change the fallback order")
    await lock_providers(session)
    rows = {row.id: row for row in (await session.exec(select(ProviderRow))).all() if modality in row.ranks}
    needed = {row.id for row in rows.values() if row.kind != "sandbox"}
    if len(set(ordered)) != len(ordered) or not needed <= set(ordered) <= set(rows):
        raise Conflict(
            f"The providers of {modality} were changed by somebody else meanwhile. Look at the order again.",
            code="changed_meanwhile",
        )
    before = _in_order(rows, modality)
    ranks = {provider_id: rank for rank, provider_id in enumerate(ordered, 1)}
    moved = False
    for row in before:
        was = row.ranks[modality]
        rank = ranks.get(row.id) or max(was, len(ordered) + 1)
        if rank != was:
            row.ranks = {**row.ranks, modality: rank}
            row.updated_at = datetime.now(UTC)
            session.add(row)
            moved = True
            add_event(session, row.id, "reordered", f"rank {was} → {rank}", actor, modality=modality)
    if not moved:
        return
    await record(
        session,
        actor,
        "provider.reorder",
        ("fallback_order", modality),
        before={"order": [row.slug for row in before]},
        after={"order": [row.slug for row in _in_order(rows, modality)]},
    )
    await announce(session, CONFIG)


def _in_order(rows: Mapping[UUID, ProviderRow], modality: Modality) -> list[ProviderRow]:
    return sorted(rows.values(), key=lambda row: (row.ranks[modality], row.slug))
