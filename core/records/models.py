"""Tables that several concepts read: generations, their attempts, and their content.

All three are partitioned by month on the id itself (UUIDv7 orders by time). `attempts` is the grain of cost: one row
per call to a vendor, priced at its own model.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, big, id_field, json_field, made_now, moment, usd, word
from core.vocabulary import GenerationStatus, Modality, Traffic


class Generation(Table, table=True):
    """One request, and what became of it, for ever after. Costs in USD, times in milliseconds."""

    __tablename__ = "generations"
    __table_args__ = (
        sa.Index("generations_user", "user_id", sa.text("id desc")),
        sa.Index("generations_status", "status", sa.text("id desc")),
        sa.Index("generations_provider", "provider_id", sa.text("id desc")),
        sa.Index(
            "generations_project",
            "project_id",
            sa.text("id desc"),
            postgresql_where=sa.text("project_id is not null"),
        ),
        sa.Index("generations_traffic", "traffic", sa.text("id desc"), postgresql_include=["status"]),
        sa.Index(
            "generations_cause",
            sa.text("coalesce(error_class, error_code)"),
            sa.text("id desc"),
            postgresql_where=sa.text("coalesce(error_class, error_code) is not null"),
        ),
        sa.Index("generations_failed", "finished_at", postgresql_where=sa.text("status = 'failed'")),
        {"postgresql_partition_by": "range (id)"},
    )

    id: UUID = id_field()
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    project_id: UUID | None = None
    traffic: Traffic = word(Traffic, default=Traffic.LIVE)
    modality: Modality = word(Modality)
    type: str | None = None
    style: str | None = None
    status: GenerationStatus = word(GenerationStatus)
    streamed: bool = False
    requested_provider: str | None = None
    requested_model: str | None = None
    allow_fallback: bool = True
    strategy: str = "priority"
    provider_id: UUID | None = None
    provider: str | None = None
    model: str | None = None
    held: int = big(default=0)
    credits: int = big(default=0)
    excess_credits: int = big(default=0)
    revenue: Decimal = usd(default=Decimal(0))
    cost: Decimal | None = usd(default=None)
    unpriced: bool = False
    input_tokens: int | None = big(default=None)
    cached_tokens: int | None = big(default=None)
    output_tokens: int | None = big(default=None)
    usage_estimated: bool = False
    attempts: int = 0
    latency_ms: int | None = None
    first_token_ms: int | None = None
    finish_reason: str | None = None
    error_class: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    cut: str | None = None
    trace: list[Any] = json_field(default_factory=list)
    parameters: dict[str, Any] = json_field(default_factory=dict)
    request_id: str | None = None
    finished_at: datetime | None = moment(default=None)


class Attempt(Table, table=True):
    """One call to a vendor. `offset_ms` counts from the generation's start; `waited_ms` is the backoff before it."""

    __tablename__ = "attempts"
    __table_args__ = (
        sa.Index("attempts_generation", "generation_id"),
        sa.Index("attempts_provider", "provider_id", sa.text("id desc")),
        {"postgresql_partition_by": "range (id)"},
    )

    id: UUID = id_field()
    generation_id: UUID
    user_id: UUID | None = None
    number: int
    traffic: Traffic = word(Traffic, default=Traffic.LIVE)
    modality: Modality = word(Modality)
    provider_id: UUID | None = None
    provider: str
    model: str
    key_id: UUID | None = None
    outcome: str
    serving: bool = False
    offset_ms: int = 0
    waited_ms: int = 0
    latency_ms: int = 0
    first_token_ms: int | None = None
    error_class: str | None = None
    http_status: int | None = None
    vendor_code: str | None = None
    vendor_message: str | None = None
    vendor_request_id: str | None = None
    retry_after_ms: int | None = None
    input_tokens: int | None = big(default=None)
    cached_tokens: int | None = big(default=None)
    output_tokens: int | None = big(default=None)
    usage_estimated: bool = False
    cost: Decimal | None = usd(default=None)
    unpriced: bool = False
    simulated: bool = False


class GenerationContent(Table, table=True):
    """What was asked and answered, apart from the row: own readers, own retention."""

    __tablename__ = "generation_content"
    __table_args__ = ({"postgresql_partition_by": "range (id)"},)

    id: UUID = Field(primary_key=True)
    prompt: dict[str, Any] = json_field()
    answer: str | None = None


class HourFigures(Table, table=True):
    """What all generations of one hour came to, computed anew from their rows until the hour is long over."""

    __tablename__ = "hour_figures"

    traffic: Traffic = word(Traffic, primary_key=True)
    at: datetime = moment(primary_key=True)
    completed: int = 0
    failed: int = 0
    p95_ms: float | None = None
    credits: int = big(default=0)
    revenue: Decimal = usd(default=Decimal(0))
    cost: Decimal = usd(default=Decimal(0))
    unpriced: int = 0
    queue_age_s: int = 0


class FileState(StrEnum):
    PENDING = "pending"
    STORED = "stored"
    DELETED = "deleted"


class StoredFile(Table, table=True):
    """A file: its row is written first ("pending"), then its bytes at `place`, then "stored". `size` in bytes."""

    __tablename__ = "files"
    __table_args__ = (
        sa.Index("files_user", "user_id", sa.text("id desc")),
        sa.Index(
            "files_expiry",
            "expires_at",
            postgresql_where=sa.text("state <> 'deleted' and expires_at is not null"),
        ),
    )

    id: UUID = id_field()
    user_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    name: str
    kind: str
    type: str
    size: int = big()
    place: str = Field(unique=True)
    state: FileState = word(FileState, default=FileState.PENDING)
    created_at: datetime = made_now()
    expires_at: datetime | None = moment(default=None)
