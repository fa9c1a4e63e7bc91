"""Writing providers: the import from the environment at the first start, the sandbox, defaults, and keys' states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import SYSTEM, Actor, record
from core.config import Settings
from core.database import CONFIG, Database, announce, announce_now
from core.errors import ErrorClass, NotAllowed, NotFound
from core.ids import new_id
from core.providers.models import ProviderEvent, ProviderKey, ProviderRow
from core.providers.registry import KINDS
from core.providers.vault import Vault, fingerprint, last_four
from core.vocabulary import Modality, Role

# What a provider may be asked for and what it is good at (DATA, Defaults): prefilled, off until switched on.
PREFILLED_LIMITS: Mapping[str, Mapping[str, float]] = {
    "deepseek": {"requests_per_minute": 60, "tokens_per_day": 1_000_000, "usd_per_day": 100},
    "openai": {"requests_per_minute": 30, "tokens_per_day": 500_000, "usd_per_day": 1_000},
    "anthropic": {"requests_per_minute": 20, "tokens_per_day": 300_000, "usd_per_day": 900},
    "gemini": {"requests_per_minute": 60, "tokens_per_day": 1_000_000, "usd_per_day": 100},
}
SPECIALISATIONS: Mapping[str, tuple[str, ...]] = {
    "deepseek": ("code", "technical"),
    "openai": ("general", "creative"),
    "anthropic": ("analysis", "ethics", "safety"),
    "gemini": ("general",),
    "sandbox": ("general",),
}


@dataclass(frozen=True, slots=True)
class KindDefaults:
    """The catalogue's default and fallback model of a kind, by modality."""

    default_models: Mapping[str, str] = field(default_factory=dict)
    fallback_models: Mapping[str, str] = field(default_factory=dict)


async def import_environment(
    session: AsyncSession, settings: Settings, vault: Vault, defaults: Mapping[str, KindDefaults]
) -> list[str]:
    """Brings what the environment configures into an empty providers table; later starts leave the table alone.

    The sandbox comes with it: on where no key is configured (or `ENABLE_SANDBOX` says so), off otherwise.

    Returns:
        The names of what was added.
    """
    if (await session.exec(select(func.count()).select_from(ProviderRow))).one():
        return []
    ranked = [
        *settings.ai_provider_priority,
        *(kind for kind in KEYED if kind not in settings.ai_provider_priority),
    ]
    added: list[ProviderRow] = []
    for kind in ranked:
        secret = getattr(settings, KEYED[kind])
        if secret is None:
            continue
        row = _row(kind, len(added) + 1, defaults.get(kind, KindDefaults()), settings)
        session.add(row)
        await session.flush()
        session.add(encrypted_key(vault, row.id, secret.get_secret_value()))
        added.append(row)
    sandbox = _row("sandbox", 99, defaults.get("sandbox", KindDefaults()), settings)
    sandbox.enabled = not added if settings.enable_sandbox is None else settings.enable_sandbox
    session.add(sandbox)
    await session.flush()
    for row in [*added, sandbox]:
        session.add(
            ProviderEvent(
                provider_id=row.id, kind="added", reason="imported from the environment at first start"
            )
        )
        await record(
            session,
            SYSTEM,
            "provider.import",
            ("provider", row.id),
            after={"slug": row.slug, "enabled": row.enabled},
        )
    await announce(session, CONFIG)
    return [row.name for row in added]


KEYED = {
    "openai": "openai_api_key",
    "gemini": "google_ai_api_key",
    "anthropic": "anthropic_api_key",
    "deepseek": "deepseek_api_key",
}


def encrypted_key(vault: Vault, provider_id: UUID, secret: str) -> ProviderKey:
    """A key as it is stored: encrypted, with the four characters and the fingerprint by which it is known."""
    return ProviderKey(
        provider_id=provider_id,
        ciphertext=vault.encrypt(secret),
        last_four=last_four(secret),
        fingerprint=fingerprint(secret),
    )


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


def _row(kind: str, rank: int, defaults: KindDefaults, settings: Settings) -> ProviderRow:
    def setting(pattern: str) -> object | None:
        return getattr(settings, pattern.format(kind), None)

    default_models, fallback_models = dict(defaults.default_models), dict(defaults.fallback_models)
    for chosen, models in (
        (setting("{}_default_model"), default_models),
        (setting("{}_fallback_model"), fallback_models),
    ):
        if chosen:
            models[Modality.TEXT] = str(chosen)
    base_url = setting("{}_base_url")
    return ProviderRow(
        slug=kind,
        name=KINDS[kind].label,
        kind=kind,
        base_url=str(base_url).rstrip("/") if base_url else None,
        enabled=setting("enable_{}") is not False,
        ranks=dict.fromkeys(sorted(KINDS[kind].modalities), rank),
        default_models=default_models,
        fallback_models=fallback_models,
        limits=dict(PREFILLED_LIMITS.get(kind, {})),
        specialisations=list(SPECIALISATIONS.get(kind, ("general",))),
    )
