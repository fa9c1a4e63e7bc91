"""Providers as the hot paths read them: immutable, with their keys decrypted, loaded into the snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from core.database import Database
from core.errors import ErrorClass
from core.providers.vault import KeyUnreadable, Vault
from core.vocabulary import Modality

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider may be asked for; None is no limit. Tokens and USD count per day of the reporting zone."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    usd_per_day: float | None = None
    concurrent: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Drill:
    """A simulated outage that test traffic meets until `ends_at`: an error of a class, after so much latency.

    Without an error class the call is only late.
    """

    error_class: ErrorClass | None
    latency_ms: int
    reason: str
    started_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """One key of a provider. `fault` says why it cannot be used at all (it could not be decrypted)."""

    id: UUID
    last_four: str
    weight: int = 1
    state: str = "active"
    state_class: ErrorClass | None = None
    state_reason: str | None = None
    state_until: datetime | None = None
    fingerprint: str = ""
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_at: datetime | None = None
    secret: str | None = field(default=None, repr=False)
    fault: str | None = None

    def usable(self, now: datetime) -> bool:
        """Whether calls may go out with this key; one set aside is tried again after its time."""
        if self.fault or self.state == "disabled" or self.expired(now):
            return False
        return self.state == "active" or (self.state_until is not None and self.state_until <= now)

    def expired(self, now: datetime) -> bool:
        """Whether its time is over: the vendor's date, or the end of a rotation's overlap."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A configured account at a vendor. `ranks`, `default_models`, `fallback_models` are by modality.

    `limits` are those that count; `stored_limits` stay what they are while limits are switched off.
    """

    id: UUID
    slug: str
    name: str
    kind: str
    base_url: str | None = None
    enabled: bool = True
    needs_key: bool = True
    ranks: Mapping[str, int] = field(default_factory=dict)
    default_models: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    fallback_models: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    limits: Limits = NO_LIMITS
    specialisations: frozenset[str] = frozenset()
    keys: tuple[KeyConfig, ...] = ()
    probing: bool = True
    drill: Drill | None = None
    stored_limits: Limits = NO_LIMITS
    limits_enabled: bool = False

    def drilled(self, now: datetime) -> Drill | None:
        """The simulated outage of now, if there is one."""
        return self.drill if self.drill and self.drill.ends_at > now else None

    def rank(self, modality: Modality) -> int:
        """The superadmin's rank for a modality, 1 first; providers without one come last."""
        return self.ranks.get(modality, 1_000)

    def usable_keys(self, now: datetime) -> tuple[KeyConfig, ...]:
        """The keys that calls may go out with now."""
        return tuple(key for key in self.keys if key.usable(now))


async def load(database: Database, vault: Vault, needs_key: Mapping[str, bool]) -> tuple[ProviderConfig, ...]:
    """All providers, by text rank. A key that the vault cannot read is kept, with its fault."""
    keys = await _keys(database, vault)
    drills = {
        provider_id: Drill(ErrorClass(error_class) if error_class else None, *rest)
        for provider_id, error_class, *rest in await database.fetch_all(
            "select provider_id, error_class, latency_ms, reason, started_at, ends_at from drills"
        )
    }
    providers = [
        ProviderConfig(
            id=identifier,
            slug=slug,
            name=name,
            kind=kind,
            base_url=base_url,
            enabled=enabled,
            needs_key=needs_key.get(kind, True),
            ranks=ranks,
            default_models=default_models,
            fallback_models=fallback_models,
            limits=Limits(**limits) if limits_enabled else NO_LIMITS,
            specialisations=frozenset(specialisations),
            keys=tuple(keys.get(identifier, ())),
            probing=probing,
            drill=drills.get(identifier),
            stored_limits=Limits(**limits),
            limits_enabled=limits_enabled,
        )
        for (
            identifier, slug, name, kind, base_url, enabled, ranks, default_models, fallback_models, limits, limits_enabled,
            specialisations, probing,
        ) in await database.fetch_all(
            "select id, slug, name, kind, base_url, enabled, ranks, default_models, fallback_models, limits,"
            " limits_enabled, specialisations, probing from providers order by id"
        )
    ]  # fmt: skip
    return tuple(sorted(providers, key=lambda provider: (provider.rank(Modality.TEXT), provider.id)))


async def _keys(database: Database, vault: Vault) -> dict[UUID, list[KeyConfig]]:
    keys: dict[UUID, list[KeyConfig]] = {}
    for provider_id, ciphertext, state_class, identifier, *rest in await database.fetch_all(
        "select provider_id, ciphertext, state_class, id, last_four, weight, state, state_reason, state_until,"
        " fingerprint, expires_at, last_used_at, created_at from provider_keys order by id"
    ):
        secret, fault = None, None
        try:
            secret = vault.decrypt(bytes(ciphertext))
        except KeyUnreadable:
            fault = "key cannot be decrypted"
        last_four, weight, state, reason, until, fingerprint, expires_at, last_used_at, created_at = rest
        keys.setdefault(provider_id, []).append(
            KeyConfig(
                id=identifier,
                last_four=last_four,
                weight=weight,
                state=state,
                state_class=ErrorClass(state_class) if state_class else None,
                state_reason=reason,
                state_until=until,
                fingerprint=fingerprint,
                expires_at=expires_at,
                last_used_at=last_used_at,
                created_at=created_at,
                secret=secret,
                fault=fault,
            )
        )
    return keys
