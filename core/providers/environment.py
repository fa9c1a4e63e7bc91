"""The import of providers from the environment at the first start, and what each kind starts with."""

from collections.abc import Mapping

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import SYSTEM, record
from core.config import Settings
from core.database import CONFIG, announce
from core.providers.defaults import PREFILLED_LIMITS, SPECIALISATIONS, KindDefaults
from core.providers.keyring import encrypted_key
from core.providers.models import ProviderRow
from core.providers.registry import KINDS
from core.providers.rows import add_event
from core.providers.vault import Vault
from core.vocabulary import Modality


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
        add_event(session, row.id, "added", "imported from the environment at first start", SYSTEM)
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
