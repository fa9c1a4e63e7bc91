"""Vendors' keys under another encryption key, so that the one before it may go (`main.py rotate-keys`)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_superadmin
from core.database import CONFIG, announce
from core.providers.models import ProviderKey, ProviderRow
from core.providers.vault import KeyUnreadable, Vault


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """How many keys were stored anew, how many were under the first encryption key before, and those that none of the
    encryption keys can read, each as provider and last four characters."""

    renewed: int
    current: int
    unreadable: Sequence[str]


async def reencrypt_keys(session: AsyncSession, vault: Vault, *, actor: Actor) -> Reencrypted:
    """Stores each vendor's key under the vault's first encryption key; the keys themselves, and what uses them, stay
    as they are. Run twice, it finds nothing to do.

    Every process must have that encryption key before: all read their keys again at once.

    Raises:
        NotAllowed: the actor is no superadmin.
    """
    require_superadmin(actor, "store keys under another encryption key")
    query = (
        select(ProviderKey, ProviderRow.name)
        .join(ProviderRow, col(ProviderRow.id) == col(ProviderKey.provider_id))
        .order_by(col(ProviderKey.id))
        .with_for_update(of=ProviderKey)
    )
    renewed: defaultdict[UUID, list[str]] = defaultdict(list)
    current, unreadable = 0, list[str]()
    for key, provider in (await session.exec(query)).all():
        if vault.is_current(key.ciphertext):
            current += 1
            continue
        try:
            key.ciphertext = vault.rotate(key.ciphertext)
        except KeyUnreadable:
            unreadable.append(f"{provider} ····{key.last_four}")
        else:
            session.add(key)
            renewed[key.provider_id].append(key.last_four)
    for provider_id, keys in renewed.items():
        await record(
            session, actor, "provider.keys_reencrypted", ("provider", provider_id), after={"last_four": keys}
        )
    if renewed:
        await announce(session, CONFIG)
    return Reencrypted(sum(map(len, renewed.values())), current, unreadable)
