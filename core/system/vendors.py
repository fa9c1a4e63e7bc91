"""Checks of what is stored about vendors: keys that can be read, providers that answer a cost-free probe."""

import asyncio
from collections.abc import Sequence

from core.database import Database
from core.errors import ErrorClass, InvalidRequest
from core.providers import config
from core.providers.base import Connection, ProviderError
from core.providers.clients import ClientPool
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.registry import KINDS
from core.providers.vault import Vault
from core.system.health import Check, State

PROBE_SECONDS = 10.0

KEY_PAGES = {
    "openai": "https://platform.openai.com/api-keys",
    "gemini": "https://aistudio.google.com/apikey",
    "anthropic": "https://platform.claude.com/settings/keys",
    "deepseek": "https://platform.deepseek.com/api_keys",
}
"""Where a vendor's keys are made."""

PASSING = frozenset({ErrorClass.RATE_LIMIT, ErrorClass.OVERLOADED, ErrorClass.SERVER, ErrorClass.TIMEOUT})
"""Failures that end without anybody doing anything: warnings."""


async def check_vendors(database: Database, vault: Vault, clients: ClientPool | None = None) -> list[Check]:
    """The encryption keys against all stored keys, then each provider that is switched on, key by key.

    Args:
        clients: the process's own; without it, clients are built and closed again.
    """
    providers = await config.load(database, vault, {kind: one.needs_key for kind, one in KINDS.items()})
    pool = clients or ClientPool()
    try:
        return [check_encryption(providers), *await check_providers(providers, pool)]
    finally:
        if clients is None:
            await pool.close_all()


def check_encryption(providers: Sequence[ProviderConfig]) -> Check:
    """Whether ENCRYPTION_KEYS can read every key that is stored."""
    stored = [(provider, key) for provider in providers for key in provider.keys]
    unreadable = [f"{provider.name} ····{key.last_four}" for provider, key in stored if key.fault]
    if unreadable:
        return Check(
            "encryption keys",
            State.FAULT,
            f"{len(unreadable)} of {len(stored)} provider keys cannot be decrypted: {', '.join(unreadable)}",
            "Add the encryption key that they were stored with to ENCRYPTION_KEYS, behind the new one; if it is lost,"
            " enter these provider keys anew in the page Providers.",
        )
    return Check("encryption keys", State.OK, f"{len(stored)} provider keys can be read")


async def check_providers(providers: Sequence[ProviderConfig], clients: ClientPool) -> list[Check]:
    """One probe for each key of each provider that is switched on, all at once."""
    enabled = [provider for provider in providers if provider.enabled]
    if not enabled:
        return [
            Check(
                "providers",
                State.FAULT,
                "none is switched on",
                "Switch one on in the page Providers, or set OPENAI_API_KEY, GOOGLE_AI_API_KEY, ANTHROPIC_API_KEY or"
                " DEEPSEEK_API_KEY before the first start.",
            )
        ]
    probes = [_probed(clients, provider, key) for provider in enabled for key in _keys(provider)]
    found = list(await asyncio.gather(*probes))
    if all(provider.kind == "sandbox" for provider in enabled):
        found.append(
            Check(
                "providers",
                State.WARNING,
                "only the sandbox is switched on: answers are made up",
                "Enter a vendor's key in the page Providers.",
            )
        )
    return found


def _keys(provider: ProviderConfig) -> list[KeyConfig | None]:
    """The keys to be tried; one that cannot be read has been told of already, one switched off is meant to be."""
    if not provider.needs_key and not provider.keys:
        return [None]
    return [key for key in provider.keys if key.secret and key.state != "disabled"] or (
        [] if any(key.fault for key in provider.keys) else [None]
    )


async def _probed(clients: ClientPool, provider: ProviderConfig, key: KeyConfig | None) -> Check:
    name = f"provider {provider.slug}" + (f" ····{key.last_four}" if key and len(provider.keys) > 1 else "")
    if provider.needs_key and key is None:
        fix = f"Make a key at {_key_page(provider)} and enter it in the page Providers, or switch the provider off."
        return Check(name, State.FAULT, "no usable key", fix)
    try:
        client = clients.get(
            str(key.id if key else provider.id),
            Connection(provider.kind, provider.base_url, key.secret if key else None),
        )
        probe = await client.probe(timeout=PROBE_SECONDS)
    except ProviderError as failure:
        state = State.WARNING if failure.error_class in PASSING else State.FAULT
        words = failure.error_class.value.replace("_", " ")
        status = f"HTTP {failure.status}, " if failure.status else ""
        return Check(name, state, f"{status}{words}: {failure.message}", _fix(provider, failure.error_class))
    except InvalidRequest as senseless:
        return Check(
            name, State.FAULT, senseless.message, "Correct the provider's base URL in the page Providers."
        )
    if key and key.state == "set_aside":
        return Check(
            name,
            State.WARNING,
            f"answers again; its key is set aside: {key.state_reason or key.state_class}",
            "It is tried again by itself" + (f" at {key.state_until:%H:%M} UTC." if key.state_until else "."),
            probe.latency_ms,
        )
    return Check(name, State.OK, probe.detail, latency_ms=probe.latency_ms)


def _fix(provider: ProviderConfig, error_class: ErrorClass) -> str:
    if error_class is ErrorClass.AUTHENTICATION:
        return f"Make a new key at {_key_page(provider)} and enter it in the page Providers."
    if error_class is ErrorClass.QUOTA:
        return "Raise the limit or add funds in your account at the vendor; other providers serve meanwhile."
    if error_class is ErrorClass.CONNECTION:
        where = provider.base_url or "the vendor"
        return f"See that this machine can reach {where}: base URL, DNS, firewall, proxy."
    if error_class in PASSING:
        return "Nothing now: it should pass. Other providers serve meanwhile."
    return "See that the base URL in the page Providers is that of the vendor's API."


def _key_page(provider: ProviderConfig) -> str:
    return KEY_PAGES.get(provider.kind) or provider.base_url or "the vendor"
