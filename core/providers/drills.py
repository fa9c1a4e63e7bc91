"""Simulated outages: an error or a delay that only test traffic meets, for a time that is set beforehand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import SYSTEM, Actor, record
from core.audit.rules import require_reason, require_superadmin
from core.database import CONFIG, Database, announce
from core.errors import Conflict, ErrorClass, InvalidRequest
from core.providers.config import Drill
from core.providers.models import DrillRow
from core.providers.rows import add_event, lock_provider

LONGEST_MINUTES = 120
LONGEST_LATENCY_MS = 60_000


async def start_drill(
    session: AsyncSession,
    provider_id: UUID,
    *,
    error_class: ErrorClass | None,
    latency_ms: int,
    minutes: int,
    actor: Actor,
    reason: str,
) -> Drill:
    """Lets test traffic meet an outage of the provider. Live requests notice nothing; it ends by itself.

    Args:
        error_class: what its calls end with; None: they are only late.
        latency_ms: milliseconds before that, 0 to 60,000.
        minutes: 1 to 120.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: no reason, neither an error nor a delay, or a figure out of its bounds.
        Conflict: `drill_running`.
    """
    require_superadmin(actor, "simulate an outage")
    reason = require_reason(reason)
    _check_bounds("A drill lasts", "minutes", minutes, 1, LONGEST_MINUTES)
    _check_bounds("The delay is", "ms", latency_ms, 0, LONGEST_LATENCY_MS)
    if error_class is None and not latency_ms:
        raise InvalidRequest("Choose an error, a delay, or both.")
    provider = await lock_provider(session, provider_id)
    now = datetime.now(UTC)
    row = await session.get(DrillRow, provider_id, with_for_update=True)
    if row and row.ends_at > now:
        raise Conflict(
            f"A drill of {provider.name} is running until {row.ends_at:%H:%M} UTC. End it first.",
            code="drill_running",
        )
    if row:
        _tell_end(session, row)
    row = row or DrillRow(provider_id=provider_id, reason=reason, ends_at=now)
    row.error_class, row.latency_ms, row.reason = error_class and error_class.value, latency_ms, reason
    row.actor_id, row.started_at, row.ends_at = actor.id, now, now + timedelta(minutes=minutes)
    session.add(row)
    add_event(
        session,
        provider_id,
        "drill_started",
        f"{_what(row)}, {minutes} min, until {row.ends_at:%H:%M} UTC; test traffic only: {reason}",
        actor,
        detail={"until": row.ends_at.isoformat()},
    )
    await record(
        session,
        actor,
        "provider.drill_started",
        ("provider", provider_id),
        reason=reason,
        after={"error_class": row.error_class, "latency_ms": latency_ms, "ends_at": row.ends_at},
    )
    await announce(session, CONFIG)
    return Drill(error_class, latency_ms, reason, now, row.ends_at)


async def end_drill(session: AsyncSession, provider_id: UUID, *, actor: Actor) -> None:
    """Ends a drill before its time.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        Conflict: `no_drill`, none is running (any more).
    """
    require_superadmin(actor, "end a simulated outage")
    provider = await lock_provider(session, provider_id)
    row = await session.get(DrillRow, provider_id, with_for_update=True)
    now = datetime.now(UTC)
    if row is None or row.ends_at <= now:
        raise Conflict(f"No drill of {provider.name} is running.", code="no_drill")
    ran, meant = ((moment - row.started_at).total_seconds() / 60 for moment in (now, row.ends_at))
    add_event(session, provider_id, "drill_ended", f"{_what(row)}, after {ran:.0f} of {meant:.0f} min", actor)
    await record(
        session,
        actor,
        "provider.drill_ended",
        ("provider", provider_id),
        before={"error_class": row.error_class, "latency_ms": row.latency_ms, "ends_at": row.ends_at},
    )
    await session.delete(row)
    await announce(session, CONFIG)


async def clear_drills(database: Database) -> int:
    """Tells the end of drills that are over, and takes them away; returns how many there were.

    They had no effect any more: this is for the story, and may run at any time, twice too.
    """
    async with database.transaction() as session:
        over = select(DrillRow).where(col(DrillRow.ends_at) <= datetime.now(UTC))
        rows = (await session.exec(over.order_by(col(DrillRow.provider_id)).with_for_update())).all()
        for row in rows:
            _tell_end(session, row)
            await session.delete(row)
        if rows:
            await announce(session, CONFIG)
        return len(rows)


def _tell_end(session: AsyncSession, row: DrillRow) -> None:
    add_event(
        session, row.provider_id, "drill_ended", f"{_what(row)}, by itself at {row.ends_at:%H:%M} UTC", SYSTEM
    )


def _what(row: DrillRow) -> str:
    late = f"{row.latency_ms:,} ms late" if row.latency_ms else ""
    return " ".join(part for part in (row.error_class, late) if part)


def _check_bounds(what: str, unit: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidRequest(f"{what} {least:,} to {most:,} {unit}.")
