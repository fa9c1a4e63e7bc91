"""What the verbs share: rows locked or a clear refusal, and the event that each verb leaves.

Order of locks: the table (who writes rows of `providers`), a provider, its key, its breakers. A provider's row is locked
without its key columns, so that the events that routing adds meanwhile do not wait.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor
from core.database import BREAKERS, announce, run
from core.errors import NotFound
from core.providers.models import ProviderEvent, ProviderKey, ProviderRow
from core.vocabulary import Modality


class Unset(Enum):
    """What a field holds that is not to be changed, where None would be a value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


async def lock_providers(session: AsyncSession) -> None:
    """One at a time may add, order or change providers: names and ranks are about all of them."""
    await run(session, "lock table providers in share row exclusive mode")


async def lock_provider(session: AsyncSession, provider_id: UUID) -> ProviderRow:
    """A provider, as it is until this transaction ends.

    Raises:
        NotFound: `provider_not_found`.
    """
    row = await session.get(
        ProviderRow, provider_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is None:
        raise NotFound("There is no such provider.", code="provider_not_found")
    return row


async def lock_key(session: AsyncSession, key_id: UUID) -> tuple[ProviderRow, ProviderKey]:
    """A key and its provider, as they are until this transaction ends.

    Raises:
        NotFound: `key_not_found`; somebody may have removed it meanwhile.
    """
    key = await session.get(ProviderKey, key_id)
    if key is not None:
        provider = await lock_provider(session, key.provider_id)
        if key := await session.get(ProviderKey, key_id, with_for_update=True, populate_existing=True):
            return provider, key
    raise NotFound("There is no such key; it may have been removed meanwhile.", code="key_not_found")


async def let_breakers_try(session: AsyncSession, provider_id: UUID) -> None:
    """A breaker that opened because no key was left need not wait any longer: there is one now."""
    waiting = await run(
        session,
        "update breakers set open_until = now(), updated_at = now() where provider_id = :provider"
        " and state = 'open' and open_until > now() and error_class in ('quota', 'authentication')",
        {"provider": provider_id},
    )
    if waiting.rowcount:
        await announce(session, BREAKERS)


def add_event(
    session: AsyncSession,
    provider_id: UUID,
    kind: str,
    reason: str,
    actor: Actor,
    *,
    modality: Modality | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Adds to the provider's story in this transaction; `detail` without what is None."""
    told = {name: value for name, value in (detail or {}).items() if value is not None}
    if actor.id is None:
        told["actor"] = actor.label
    session.add(
        ProviderEvent(
            provider_id=provider_id,
            modality=modality,
            kind=kind,
            reason=reason,
            detail=told,
            actor_id=actor.id,
        )
    )
