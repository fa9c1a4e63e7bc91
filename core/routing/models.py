"""The circuit breaker's shared state, and the history of health: both per provider and modality."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, json_field, made_now, moment, word
from core.vocabulary import Modality


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    ISOLATED = "isolated"


class Breaker(Table, table=True):
    __tablename__ = "breakers"

    provider_id: UUID = Field(primary_key=True, foreign_key="providers.id", ondelete="CASCADE")
    modality: Modality = word(Modality, primary_key=True)
    state: BreakerState = word(BreakerState, default=BreakerState.CLOSED)
    failures: int = 0
    openings: int = 0
    error_class: str | None = None
    reason: str | None = None
    vendor_message: str | None = None
    opened_at: datetime | None = moment(default=None)
    open_until: datetime | None = moment(default=None)
    probe_lease_until: datetime | None = moment(default=None)
    actor_id: UUID | None = None
    updated_at: datetime = made_now()


class ProviderHealth(Table, table=True):
    """A quarter of an hour of one provider and modality: calls, errors by class, seconds down, probes."""

    __tablename__ = "provider_health"
    __table_args__ = (sa.Index("provider_health_at", "at"),)

    provider_id: UUID = Field(primary_key=True, foreign_key="providers.id", ondelete="CASCADE")
    modality: Modality = word(Modality, primary_key=True)
    at: datetime = moment(primary_key=True)
    calls: int = 0
    good: int = 0
    errors: dict[str, int] = json_field(default_factory=dict)
    down_seconds: int = 0
    probes: int = 0
    probes_good: int = 0
