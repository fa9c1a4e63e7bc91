"""What people do to breakers: isolate, reset, probe now. Each in the given session, audited, shared within a second.

Calls change breakers in `core.routing.breaker`; what a person has decided here, they never undo.
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_reason, require_superadmin
from core.database import BREAKERS, announce, run
from core.errors import Conflict, InvalidRequest
from core.providers.models import ProviderRow
from core.providers.rows import add_event, lock_provider
from core.routing.models import Breaker, BreakerState
from core.vocabulary import Modality


async def isolate(
    session: AsyncSession, provider_id: UUID, modality: Modality, *, actor: Actor, reason: str
) -> None:
    """Holds the breaker open until a person resets it: no request and no probe goes to the provider.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: no reason, or the provider does not do the modality.
        Conflict: `already_isolated`.
    """
    require_superadmin(actor, "isolate providers")
    reason = require_reason(reason)
    provider, breaker = await _lock(session, provider_id, modality)
    if breaker.state is BreakerState.ISOLATED:
        raise Conflict(
            f"{provider.name} is isolated already: {breaker.reason or 'by a person'}.",
            code="already_isolated",
        )
    before = breaker.state
    if before is BreakerState.CLOSED:
        breaker.opened_at = datetime.now(UTC)
    breaker.state, breaker.reason = BreakerState.ISOLATED, reason
    breaker.error_class = breaker.vendor_message = breaker.open_until = breaker.probe_lease_until = None
    await _save(session, breaker, "isolated", reason, actor, before)


async def reset(
    session: AsyncSession, provider_id: UUID, modality: Modality, *, actor: Actor, reason: str
) -> None:
    """Lets exactly one request through as a probe, which closes the breaker or opens it anew, for the first time again.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: no reason, or the provider does not do the modality.
        Conflict: `breaker_closed`.
    """
    require_superadmin(actor, "reset breakers")
    reason = require_reason(reason)
    provider, breaker = await _lock(session, provider_id, modality)
    before = breaker.state
    if before is BreakerState.CLOSED:
        raise Conflict(f"The breaker of {provider.name} is closed already.", code="breaker_closed")
    # No openings: a failure from before does not take this probe away (`core.routing.breaker.OPEN`).
    breaker.state, breaker.openings, breaker.open_until = BreakerState.OPEN, 0, datetime.now(UTC)
    breaker.probe_lease_until = None
    breaker.reason = f"reset by a person: {reason}"
    await _save(session, breaker, "reset", reason, actor, before)


async def probe_now(
    session: AsyncSession, provider_id: UUID, modality: Modality, *, actor: Actor, reason: str
) -> None:
    """Makes the next probe of an open breaker due: the next request is it. If it fails, the waiting goes on as before.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: no reason, or the provider does not do the modality.
        Conflict: `breaker_closed`; `isolated`; `probe_out`, one is on its way.
    """
    require_superadmin(actor, "probe providers")
    reason = require_reason(reason)
    provider, breaker = await _lock(session, provider_id, modality)
    if breaker.state is BreakerState.CLOSED:
        raise Conflict(f"The breaker of {provider.name} is closed: nothing to probe.", code="breaker_closed")
    if breaker.state is BreakerState.ISOLATED:
        raise Conflict(f"{provider.name} is isolated. Reset it, and one probe goes out.", code="isolated")
    if breaker.state is BreakerState.HALF_OPEN:
        raise Conflict("A probe is out already.", code="probe_out")
    breaker.open_until = datetime.now(UTC)
    await _save(session, breaker, "probe_now", reason, actor, BreakerState.OPEN)


async def _lock(session: AsyncSession, provider_id: UUID, modality: Modality) -> tuple[ProviderRow, Breaker]:
    """The provider, and its breaker until this transaction ends, made closed where there was none."""
    provider = await lock_provider(session, provider_id)
    if modality not in provider.ranks:
        raise InvalidRequest(f"{provider.name} does not do {modality}.")
    await run(
        session,
        "insert into breakers (provider_id, modality) values (:provider, :modality) on conflict do nothing",
        {"provider": provider_id, "modality": modality},
    )
    breaker = await session.get(
        Breaker, (provider_id, modality), with_for_update=True, populate_existing=True
    )
    assert breaker is not None, "it was there, or was just made"
    return provider, breaker


async def _save(
    session: AsyncSession, breaker: Breaker, deed: str, reason: str, actor: Actor, before: BreakerState
) -> None:
    """The row, the provider's story, the audit, and the word to all processes."""
    breaker.actor_id, breaker.updated_at = actor.id, datetime.now(UTC)
    session.add(breaker)
    add_event(
        session,
        breaker.provider_id,
        f"breaker_{deed}",
        reason,
        actor,
        modality=breaker.modality,
        detail={"before": before.value},
    )
    await record(
        session,
        actor,
        f"breaker.{deed}",
        ("provider", breaker.provider_id),
        reason=reason,
        before={"modality": breaker.modality.value, "state": before.value},
        after={"modality": breaker.modality.value, "state": breaker.state.value},
    )
    await announce(session, BREAKERS)
