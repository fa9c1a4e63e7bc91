"""Writing providers: adding, switching, default models, and the states of keys."""

import re
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.database import CONFIG, Database, announce, announce_now, run
from core.errors import Conflict, ErrorClass, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.providers.addresses import check_base_url
from core.providers.base import Connection, ProbeResult
from core.providers.clients import ClientPool
from core.providers.config import ProviderConfig
from core.providers.defaults import PREFILLED_LIMITS, SPECIALISATIONS, KindDefaults
from core.providers.models import ProviderEvent, ProviderKey, ProviderRow
from core.providers.registry import KINDS
from core.providers.vault import Vault, fingerprint, last_four
from core.vocabulary import Modality, Role


def encrypted_key(vault: Vault, provider_id: UUID, secret: str) -> ProviderKey:
    """A key as it is stored: encrypted, with the four characters and the fingerprint by which it is known."""
    return ProviderKey(
        provider_id=provider_id,
        ciphertext=vault.encrypt(secret),
        last_four=last_four(secret),
        fingerprint=fingerprint(secret),
    )


async def add_provider(
    session: AsyncSession,
    vault: Vault,
    *,
    actor: Actor,
    kind: str,
    name: str,
    secret: str | None,
    base_url: str | None,
    allowed_hosts: tuple[str, ...],
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
    if actor.role != Role.SUPERADMIN:
        raise NotAllowed("Only superadmins may add providers.")
    chosen = KINDS.get(kind)
    if chosen is None or kind == "sandbox":
        raise InvalidRequest(f"There is no kind of provider {kind!r}.")
    name, slug = name.strip(), re.sub(r"[^a-z0-9]+", "-", name.strip().lower()).strip("-")
    if not slug:
        raise InvalidRequest("A provider needs a name.")
    if chosen.needs_key and not (secret or "").strip():
        raise InvalidRequest(f"{chosen.label} needs an API key.")
    if kind == "openai_compatible" and not base_url:
        raise InvalidRequest("An OpenAI-compatible provider needs a base URL.")
    if base_url:
        base_url = check_base_url(base_url.strip(), allowed_hosts).rstrip("/")
    # The table's lock: two additions at once would otherwise take the same name or rank.
    await run(session, "lock table providers in share row exclusive mode")
    rows = (await session.exec(select(ProviderRow))).all()
    if any(row.slug == slug for row in rows):
        raise Conflict(f"There is a provider named {name!r} already.", code="provider_exists")
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
    if secret and secret.strip():
        session.add(encrypted_key(vault, row.id, secret.strip()))
    session.add(
        ProviderEvent(provider_id=row.id, kind="added", reason=f"by {actor.label}", actor_id=actor.id)
    )
    await record(
        session,
        actor,
        "provider.create",
        ("provider", row.id),
        after={
            "slug": slug,
            "kind": kind,
            "base_url": base_url,
            "last_four": last_four(secret.strip()) if secret else None,
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
    """
    if actor.role != Role.SUPERADMIN:
        raise NotAllowed("Only superadmins may switch providers.")
    row = await session.get(ProviderRow, provider_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such provider.", code="provider_not_found")
    if row.enabled != enabled:
        await _switch(session, row, enabled, actor, reason)
        await announce(session, CONFIG)
    return row


async def _switch(session: AsyncSession, row: ProviderRow, enabled: bool, actor: Actor, reason: str) -> None:
    row.enabled = enabled
    session.add(row)
    kind = "enabled" if enabled else "disabled"
    session.add(ProviderEvent(provider_id=row.id, kind=kind, reason=reason, actor_id=actor.id))
    await record(
        session, actor, f"provider.{kind}", ("provider", row.id), reason=reason,
        before={"enabled": not enabled}, after={"enabled": enabled},
    )  # fmt: skip


async def probe_provider(clients: ClientPool, provider: ProviderConfig) -> ProbeResult:
    """The vendor's cost-free probe with the provider's first readable key.

    Raises:
        ProviderError: with the vendor's own words.
        NotFound: there is no key that could be tried.
    """
    key = next((one for one in provider.keys if one.secret and one.state != "disabled"), None)
    if key is None and provider.needs_key:
        fault = provider.keys[0].fault if provider.keys else None
        raise NotFound(f"There is nothing to test with: {fault or 'no key is stored'}.", code="no_key")
    connection = Connection(provider.kind, provider.base_url, key.secret if key else None)
    return await clients.get(str(key.id if key else provider.id), connection).probe()


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
    row = (
        await session.exec(select(ProviderRow).where(col(ProviderRow.slug) == slug).with_for_update())
    ).first()
    if row is None:
        raise NotFound(f"There is no provider {slug!r}.", code="provider_not_found")
    before = row.default_models.get(modality)
    row.default_models = {**row.default_models, modality: model_id}
    session.add(row)
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


async def set_key_aside(
    database: Database,
    provider_id: UUID,
    key_id: UUID,
    error_class: ErrorClass,
    reason: str,
    until: datetime | None,
) -> None:
    """Takes a rejected or exhausted key out of use until `until` (None: until a person looks), and tells everybody."""
    changed = await database.execute(
        "update provider_keys set state = 'set_aside', state_class = %(class)s, state_reason = %(reason)s,"
        " state_until = %(until)s where id = %(id)s and state <> 'disabled'",
        {"class": error_class, "reason": reason, "until": until, "id": key_id},
    )
    if changed:
        await database.execute(
            "insert into provider_events (id, provider_id, kind, reason, detail) values"
            " (%(event)s, %(provider)s, 'key_set_aside', %(reason)s, jsonb_build_object('key', %(id)s::varchar, 'class', %(class)s::varchar))",
            {
                "event": new_id(),
                "provider": provider_id,
                "reason": reason,
                "id": key_id,
                "class": error_class,
            },
        )
        await announce_now(database, CONFIG)


async def restore_key(database: Database, key_id: UUID) -> None:
    """Puts a key that was set aside and has just served back into ordinary use."""
    await database.execute(
        "update provider_keys set state = 'active', state_class = null, state_reason = null, state_until = null"
        " where id = %s and state = 'set_aside'",
        (key_id,),
    )
    await announce_now(database, CONFIG)
