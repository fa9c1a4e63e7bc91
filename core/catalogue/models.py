"""What superadmins changed of the catalogue file: models and dated prices."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, id_field, json_field, made_now, moment, usd, word
from core.vocabulary import Modality


class ModelRow(Table, table=True):
    """A model that was added or changed by a person; None leaves the catalogue file's value."""

    __tablename__ = "models"

    provider_id: UUID = Field(primary_key=True, foreign_key="providers.id", ondelete="CASCADE")
    model_id: str = Field(primary_key=True)
    modality: Modality = word(Modality)
    display_name: str | None = None
    active: bool | None = None
    credits: Decimal | None = Field(default=None, sa_type=sa.Numeric(18, 6))
    unit: str | None = None
    capabilities: dict[str, Any] | None = json_field(default=None)
    plans: list[str] | None = Field(default=None, sa_type=sa.ARRAY(sa.String()))
    updated_at: datetime = made_now()


class PriceRow(Table, table=True):
    """USD per unit (see `core.catalogue.prices`), from a date on, for the models of a kind of provider."""

    __tablename__ = "prices"
    __table_args__ = (sa.UniqueConstraint("kind", "model_id", "unit", "valid_from"),)

    id: UUID = id_field()
    kind: str
    model_id: str
    unit: str
    usd: Decimal = usd()
    valid_from: datetime = moment()
    created_by: UUID | None = None
    created_at: datetime = made_now()
