"""Configured accounts at vendors, their keys, and what happened to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, id_field, json_field, list_field, made_now, moment


class ProviderRow(Table, table=True):
    """A provider as stored; `core.providers.config.ProviderConfig` is what hot paths read.

    `ranks`, `default_models`, `fallback_models`: by modality. `limits`: requests_per_minute, tokens_per_day,
    usd_per_day, concurrent; they count only where `limits_enabled`.
    """

    __tablename__ = "providers"

    id: UUID = id_field()
    slug: str = Field(unique=True)
    name: str
    kind: str
    base_url: str | None = None
    enabled: bool = True
    ranks: dict[str, int] = json_field(default_factory=dict)
    default_models: dict[str, str] = json_field(default_factory=dict)
    fallback_models: dict[str, str] = json_field(default_factory=dict)
    limits: dict[str, Any] = json_field(default_factory=dict)
    limits_enabled: bool = False
    specialisations: list[str] = list_field()
    probing: bool = True
    created_at: datetime = made_now()
    updated_at: datetime = made_now()


class ProviderKey(Table, table=True):
    """A key, encrypted; a rejected or exhausted one is set aside with its reason while the others serve."""

    __tablename__ = "provider_keys"
    __table_args__ = (sa.UniqueConstraint("provider_id", "fingerprint"),)

    id: UUID = id_field()
    provider_id: UUID = Field(foreign_key="providers.id", ondelete="CASCADE")
    ciphertext: bytes
    last_four: str
    fingerprint: str
    weight: int = 1
    state: str = "active"
    state_class: str | None = None
    state_reason: str | None = None
    state_until: datetime | None = moment(default=None)
    expires_at: datetime | None = moment(default=None)
    last_used_at: datetime | None = moment(default=None)
    created_by: UUID | None = None
    created_at: datetime = made_now()


class ProviderEvent(Table, table=True):
    """Something that happened to a provider, with its reason; never changed."""

    __tablename__ = "provider_events"
    __table_args__ = (sa.Index("provider_events_provider", "provider_id", sa.text("id desc")),)

    id: UUID = id_field()
    provider_id: UUID = Field(foreign_key="providers.id", ondelete="CASCADE")
    modality: str | None = None
    kind: str
    reason: str
    detail: dict[str, Any] = json_field(default_factory=dict)
    actor_id: UUID | None = None
    at: datetime = made_now()


class ProbeRow(Table, table=True):
    """What one cost-free probe found; kept for a week, counted for good in `provider_health`."""

    __tablename__ = "probes"
    __table_args__ = (sa.Index("probes_provider", "provider_id", sa.text("id desc")),)

    id: UUID = id_field()
    provider_id: UUID = Field(foreign_key="providers.id", ondelete="CASCADE")
    key_id: UUID | None = None
    ok: bool
    latency_ms: int
    error_class: str | None = None
    http_status: int | None = None
    vendor_message: str | None = None
    at: datetime = made_now()


class DrillRow(Table, table=True):
    """A simulated outage, for test traffic only; over at `ends_at` without anybody doing anything."""

    __tablename__ = "drills"

    provider_id: UUID = Field(primary_key=True, foreign_key="providers.id", ondelete="CASCADE")
    error_class: str | None = None
    latency_ms: int = 0
    reason: str
    actor_id: UUID | None = None
    started_at: datetime = made_now()
    ends_at: datetime = moment()
