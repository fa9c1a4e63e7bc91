"""The tables of what is sold or given away by code: packages, purchases, promotional codes."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, big, id_field, made_now, moment, usd


class Package(Table, table=True):
    """Credits as they are sold; `price_usd` is what is paid, by hand to begin with."""

    __tablename__ = "packages"
    __table_args__ = (
        sa.Index(
            "packages_name",
            sa.text("lower(name)"),
            unique=True,
            postgresql_where=sa.text("retired_at is null"),
        ),
    )

    id: UUID = id_field()
    name: str
    credits: int = big()
    bonus: int = big(default=0)
    price_usd: Decimal = usd()
    rank: int = 0
    retired_at: datetime | None = moment(default=None)
    created_at: datetime = made_now()
    updated_at: datetime = made_now()


class PurchaseRow(Table, table=True):
    """What was paid for: once per reference, with the price of its moment."""

    __tablename__ = "purchases"
    __table_args__ = (sa.Index("purchases_user", "user_id", sa.text("created_at desc")),)

    reference: str = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    package_id: UUID = Field(foreign_key="packages.id")
    price_usd: Decimal = usd()
    entry_id: UUID | None = None
    bonus_entry_id: UUID | None = None
    note: str = ""
    recorded_by: UUID | None = None
    recorded_label: str
    created_at: datetime = made_now()


class PromoCode(Table, table=True):
    """A code that gives credits, once to each person; `most_uses` None is as many as come."""

    __tablename__ = "promo_codes"

    code: str = Field(primary_key=True)
    credits: int = big()
    uses: int = 0
    most_uses: int | None = None
    expires_at: datetime | None = moment(default=None)
    credits_last_days: int | None = None
    note: str = ""
    retired_at: datetime | None = moment(default=None)
    created_by: UUID | None = None
    created_at: datetime = made_now()


class PromoUse(Table, table=True):
    __tablename__ = "promo_uses"

    code: str = Field(primary_key=True, foreign_key="promo_codes.code")
    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    entry_id: UUID
    created_at: datetime = made_now()
