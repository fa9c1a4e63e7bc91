"""The circuit breaker's shared state, one row per provider and modality."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from core.database.columns import Table, made_now, moment, word
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
