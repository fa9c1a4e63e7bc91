"""Writing providers: adding, switching, default models; and trying their keys without cost.

Changing one is `core.providers.editing`, their order `order`, their keys `keyring`, simulated outages `drills`.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_reason, require_superadmin
from core.database import CONFIG, announce
from core.errors import InvalidRequest, NotAllowed, NotFound
from core.providers.base import CONNECT_TIMEOUT, Connection, ProbeResult, ProviderError
from core.providers.clients import ClientPool
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.defaults import PREFILLED_LIMITS, SPECIALISATIONS, KindDefaults
from core.providers.editing import checked_address, checked_name, require_free_name, slug_of
from core.providers.keyring import checked_secret, encrypted_key
from core.providers.models import ProviderRow
from core.providers.registry import KINDS
from core.providers.rows import add_event, lock_provider, lock_providers
from core.providers.vault import Vault, last_four
from core.vocabulary import Modality, Role


async def add_provider(
    session: AsyncSession,
    vault: Vault,
    *,
    actor: Actor,
    kind: str,
    name: str,
    secret: str | None,
    base_url: str | None,
    allowed_hosts: Collection[str],
    defaults: KindDefaults,
    keep_sandbox: bool = False,
) -> ProviderRow:
    """Adds a provider after all others, switched on; the first real one switches the sandbox off.

    Args:
        secret: the vendor's key, stored encrypted; needed where the kind needs one.
        base_url: None for the vendor's own address.
        allowed_hosts: internal hosts that a base URL may name.
        keep_sandbox: the sandbox stays as it is (`ENABLE_SANDBOX`).

    Raises:
        NotAllowed: the actor is no superadmin.
        InvalidRequest: no such kind, no name, no key where one is needed, or an address that is not allowed.
        Conflict: the name is taken.
    """
    require_superadmin(actor, "add providers")
    chosen = KINDS.get(kind)
    if chosen is None or kind == "sandbox":
        raise InvalidRequest(f"There is no kind of provider {kind!r}.")
    name = checked_name(name)
    slug = slug_of(name)
    if not slug:
        raise InvalidRequest("A provider's name needs a plain letter or digit: traces call it by them.")
    if chosen.needs_key and not (secret or "").strip():
        raise InvalidRequest(f"{chosen.label} needs an API key.")
    secret = checked_secret(secret) if (secret or "").strip() and secret else None
    base_url = checked_address(kind, base_url, allowed_hosts)
    await lock_providers(session)
    rows = (await session.exec(select(ProviderRow))).all()
    require_free_name(name, rows)
    real = [row for row in rows if row.kind != "sandbox"]
    rank = 1 + max((row.ranks.get(Modality.TEXT, 0) for row in real), default=0)
    row = ProviderRow(
        slug=slug,
        name=name,
        kind=kind,
        base_url=base_url,
        ranks=dict.fromkeys(sorted(chosen.modalities), rank),
        default_models=dict(defaults.default_models),
        fallback_models=dict(defaults.fallback_models),
        limits=dict(PREFILLED_LIMITS.get(kind, {})),
        specialisations=list(SPECIALISATIONS.get(kind, ("general",))),
    )
    session.add(row)
    await session.flush()
    if secret:
        key = encrypted_key(vault, row.id, secret)
        key.created_by = actor.id
        session.add(key)
    add_event(session, row.id, "added", f"switched on, rank {rank}", actor)
    await record(
        session,
        actor,
        "provider.create",
        ("provider", row.id),
        after={
            "slug": slug,
            "kind": kind,
            "base_url": base_url,
            "last_four": last_four(secret) if secret else None,
        },
    )
    sandbox = next((one for one in rows if one.kind == "sandbox" and one.enabled), None)
    if sandbox and not keep_sandbox:
        await _switch(session, sandbox, False, actor, "a real provider was added")
    await announce(session, CONFIG)
    return row


async def switch_provider(
    session: AsyncSession, provider_id: UUID, enabled: bool, *, actor: Actor, reason: str
) -> ProviderRow:
    """Switches a provider on or off; it takes effect on the next request everywhere.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: no reason.
    """
    require_superadmin(actor, "switch providers")
    reason = require_reason(reason)
    await lock_providers(session)
    row = await lock_provider(session, provider_id)
    if row.enabled != enabled:
        await _switch(session, row, enabled, actor, reason)
        await announce(session, CONFIG)
    return row


async def _switch(session: AsyncSession, row: ProviderRow, enabled: bool, actor: Actor, reason: str) -> None:
    row.enabled, row.updated_at = enabled, datetime.now(UTC)
    session.add(row)
    kind = "enabled" if enabled else "disabled"
    add_event(session, row.id, kind, reason, actor)
    await record(
        session, actor, f"provider.{kind}", ("provider", row.id), reason=reason,
        before={"enabled": not enabled}, after={"enabled": enabled},
    )  # fmt: skip


async def probe_provider(clients: ClientPool, provider: ProviderConfig) -> ProbeResult:
    """The vendor's cost-free probe with the first key that serves, else the first that could be tried.

    Raises:
        ProviderError: with the vendor's own words.
        NotFound: there is no key that could be tried.
    """
    triable = [key for key in provider.keys if key.secret and key.state != "disabled"]
    usable = provider.usable_keys(datetime.now(UTC))
    key = next(iter([*usable, *triable]), None)
    if key is None and provider.needs_key:
        fault = provider.keys[0].fault if provider.keys else None
        raise NotFound(f"There is nothing to test with: {fault or 'no key is stored'}.", code="no_key")
    return await probe_key(clients, provider, key)


async def probe_key(
    clients: ClientPool,
    provider: ProviderConfig,
    key: KeyConfig | None,
    *,
    timeout: float = CONNECT_TIMEOUT,
) -> ProbeResult:
    """The vendor's cost-free probe with one key, whatever its state; None where the provider needs none.

    Raises:
        ProviderError: with the vendor's own words.
        NotFound: `no_key`, the key cannot be decrypted.
    """
    if key is not None and key.secret is None:
        raise NotFound(f"There is nothing to test with: {key.fault or 'no key is stored'}.", code="no_key")
    connection = Connection(provider.kind, provider.base_url, key.secret if key else None)
    return await clients.get(str(key.id if key else provider.id), connection).probe(timeout=timeout)


@dataclass(frozen=True, slots=True)
class KeyTest:
    """What a test of one key found. `words` are the vendor's own where it failed; `failure` is None for no vendor's."""

    key: KeyConfig | None
    ok: bool
    words: str
    latency_ms: float | None = None
    failure: ProviderError | None = None


async def probe_keys(clients: ClientPool, provider: ProviderConfig) -> tuple[KeyTest, ...]:
    """*Test connection*: every key of the provider at once, those that are set aside or switched off too."""
    keys: tuple[KeyConfig | None, ...] = provider.keys
    if not keys:
        if provider.needs_key:
            return (KeyTest(None, False, "No key is stored."),)
        keys = (None,)
    return tuple(await asyncio.gather(*(_tested(clients, provider, key) for key in keys)))


async def _tested(clients: ClientPool, provider: ProviderConfig, key: KeyConfig | None) -> KeyTest:
    try:
        found = await probe_key(clients, provider, key)
    except ProviderError as failure:
        return KeyTest(key, False, failure.message, failure=failure)
    except (NotFound, InvalidRequest) as refusal:
        return KeyTest(key, False, refusal.message)
    return KeyTest(key, True, found.detail, found.latency_ms)


async def set_default_model(
    session: AsyncSession, slug: str, model_id: str, modality: Modality, *, actor: Actor
) -> ProviderRow:
    """Makes `model_id` what a provider runs where a request names no model.

    The caller has seen that the provider offers it.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
    """
    if actor.role != Role.SUPERADMIN:
        raise NotAllowed("Only superadmins may change a provider's default model.")
    await lock_providers(session)
    row = (await session.exec(select(ProviderRow).where(col(ProviderRow.slug) == slug))).first()
    if row is None:
        raise NotFound(f"There is no provider {slug!r}.", code="provider_not_found")
    before = row.default_models.get(modality)
    row.default_models = {**row.default_models, modality: model_id}
    row.updated_at = datetime.now(UTC)
    session.add(row)
    add_event(session, row.id, "default_model", f"{before or 'none'} → {model_id}", actor, modality=modality)
    await record(
        session,
        actor,
        "provider.default_model",
        ("provider", row.id),
        before={"modality": modality, "model": before},
        after={"modality": modality, "model": model_id},
    )
    await announce(session, CONFIG)
    return row
