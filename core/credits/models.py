"""The ledger's tables: accounts, entries, lots, reservations, movements that wait, and the keys that make calls idempotent.

Rows of the ledger are written by the functions of functions.sql alone; the classes here read. What is sold stands in
`shop_models`, grants to many in `bulk_models`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from core.database.columns import Table, big, id_field, json_field, made_now, moment, word
from core.vocabulary import Traffic


class EntryType(StrEnum):
    GRANT = "grant"
    PURCHASE = "purchase"
    USAGE = "usage"
    REFUND = "refund"
    BONUS = "bonus"
    ADJUSTMENT = "adjustment"
    EXPIRY = "expiry"


class ReservationState(StrEnum):
    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


class CreditAccount(Table, table=True):
    """The lock of the ledger: 0 ≤ held ≤ balance, by constraint. `daily_until`: the end of the last day whose free
    credits were taken."""

    __tablename__ = "credit_accounts"
    __table_args__ = (sa.UniqueConstraint("user_id", "traffic"),)

    id: UUID = id_field()
    user_id: UUID = Field(foreign_key="users.id")
    traffic: Traffic = word(Traffic, default=Traffic.LIVE)
    balance: int = big(default=0)
    held: int = big(default=0)
    seq: int = big(default=0)
    daily_until: datetime | None = moment(default=None)
    created_at: datetime = made_now()


class CreditEntry(Table, table=True):
    """One movement, never changed. `seq` counts without a gap within its account."""

    __tablename__ = "credit_entries"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "seq"),
        sa.Index(
            "credit_entries_generation",
            "generation_id",
            postgresql_where=sa.text("generation_id is not null"),
        ),
        sa.Index(
            "credit_entries_reference",
            "reference",
            unique=True,
            postgresql_where=sa.text("type = 'purchase'"),
        ),
        sa.Index(
            "credit_entries_refund_of",
            "refund_of",
            postgresql_where=sa.text("refund_of is not null"),
        ),
        sa.Index(
            "credit_entries_moved",
            "traffic",
            "type",
            sa.text("id desc"),
            postgresql_where=sa.text("type <> 'usage'"),
        ),
        sa.Index(
            "credit_entries_moved_of",
            "account_id",
            sa.text("seq desc"),
            postgresql_where=sa.text("type <> 'usage'"),
        ),
        sa.Index(
            "credit_entries_actor",
            "actor_id",
            sa.text("id desc"),
            postgresql_where=sa.text("actor_id is not null"),
        ),
        sa.Index(
            "credit_entries_people",
            "traffic",
            sa.text("id desc"),
            postgresql_where=sa.text("actor_id is not null"),
        ),
        sa.Index(
            "credit_entries_apart",
            "traffic",
            sa.text("id desc"),
            postgresql_where=sa.text("traffic <> 'live'"),
        ),
    )

    id: UUID = id_field()
    account_id: UUID = Field(foreign_key="credit_accounts.id")
    seq: int = big()
    type: EntryType = word(EntryType)
    amount: int = big()
    balance_after: int = big()
    reason: str
    reason_code: str | None = None
    note: str | None = None
    actor_kind: str
    actor_id: UUID | None = None
    generation_id: UUID | None = None
    refund_of: UUID | None = Field(default=None, foreign_key="credit_entries.id")
    reference: str | None = None
    lots: list[UUID] = Field(default_factory=list, sa_type=ARRAY(sa.Uuid()))
    traffic: Traffic = word(Traffic, default=Traffic.LIVE)
    approved_by: UUID | None = None
    created_at: datetime = made_now()


class CreditLot(Table, table=True):
    """What is left of one grant. The lots of an account sum to its balance."""

    __tablename__ = "credit_lots"
    __table_args__ = (
        sa.Index("credit_lots_burn", "account_id", "expires_at", "id"),
        sa.Index("credit_lots_entry", "entry_id"),
        sa.Index(
            "credit_lots_ending",
            "expires_at",
            "id",
            postgresql_where=sa.text("expires_at is not null and closed_at is null"),
        ),
    )

    id: UUID = id_field()
    account_id: UUID = Field(foreign_key="credit_accounts.id")
    entry_id: UUID = Field(foreign_key="credit_entries.id")
    granted: int = big()
    remaining: int = big()
    expires_at: datetime | None = moment(default=None)
    closed_at: datetime | None = moment(default=None)
    created_at: datetime = made_now()


class Reservation(Table, table=True):
    """Credits held for one generation, and the quota periods it was counted in.

    Of a visitor without an account (`visitor`: their network, empty once it is resolved) nothing is held or charged:
    `amount` is what was counted.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        sa.Index("reservations_held", "lease_until", postgresql_where=sa.text("state = 'held'")),
    )

    generation_id: UUID = Field(primary_key=True)
    account_id: UUID | None = Field(default=None, foreign_key="credit_accounts.id")
    visitor: str | None = None
    amount: int = big()
    charged: int = big(default=0)
    state: ReservationState = word(ReservationState, default=ReservationState.HELD)
    lease_until: datetime = moment()
    day: str | None = None
    month: str | None = None
    trial: bool = False
    created_at: datetime = made_now()
    resolved_at: datetime | None = moment(default=None)


class QuotaCounter(Table, table=True):
    __tablename__ = "quota_counters"

    subject: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    used: int = big(default=0)
    updated_at: datetime = made_now()


class IdempotencyKey(Table, table=True):
    """A caller's key, the hash of what it asked, and the first answer."""

    __tablename__ = "idempotency"
    __table_args__ = (sa.Index("idempotency_created", "created_at"),)

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: bytes
    answer: dict[str, Any] | None = json_field(default=None)
    created_at: datetime = made_now()


class CreditHour(Table, table=True):
    """What was booked in one hour, by type: for totals over millions of entries."""

    __tablename__ = "credit_hours"

    traffic: Traffic = word(Traffic, primary_key=True)
    at: datetime = moment(primary_key=True)
    type: EntryType = word(EntryType, primary_key=True)
    entries: int = big()
    credits: int = big()


class RequestState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class CreditRequest(Table, table=True):
    """A movement that waits for another superadmin; `entry_id` is what became of it."""

    __tablename__ = "credit_requests"
    __table_args__ = (
        sa.Index("credit_requests_waiting", "id", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index("credit_requests_user", "user_id", sa.text("id desc")),
        sa.Index(
            "credit_requests_entry",
            "entry_id",
            unique=True,
            postgresql_where=sa.text("entry_id is not null"),
        ),
    )

    id: UUID = id_field()
    kind: str
    user_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="CASCADE")
    bulk_id: UUID | None = Field(default=None, foreign_key="bulk_grants.id", ondelete="CASCADE")
    traffic: Traffic = word(Traffic, default=Traffic.LIVE)
    type: EntryType = word(EntryType, default=EntryType.ADJUSTMENT)
    amount: int = big()
    reason_code: str
    note: str = ""
    expires_at: datetime | None = moment(default=None)
    asked_by: UUID
    asked_label: str
    asked_kind: str = "user"
    created_at: datetime = made_now()
    state: RequestState = word(RequestState, default=RequestState.WAITING)
    decided_by: UUID | None = None
    decided_label: str | None = None
    decided_at: datetime | None = moment(default=None)
    decision_note: str | None = None
    entry_id: UUID | None = Field(default=None, foreign_key="credit_entries.id")
