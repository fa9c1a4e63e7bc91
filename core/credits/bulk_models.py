"""The tables of grants to many people at once."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.credits.models import EntryType
from core.database.columns import Table, big, id_field, json_field, made_now, moment, word


class BulkState(StrEnum):
    """`DRAFTING`: a job still makes the list of its people."""

    DRAFTING = "drafting"
    DRAFT = "draft"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class BulkGrant(Table, table=True):
    """Credits for many people at once: who they are stands in its lines before anything is booked."""

    __tablename__ = "bulk_grants"
    __table_args__ = (sa.Index("bulk_grants_newest", sa.text("id desc")),)

    id: UUID = id_field()
    title: str
    source: str
    filter: dict[str, Any] = json_field(default_factory=dict)
    type: EntryType = word(EntryType, default=EntryType.GRANT)
    reason_code: str
    note: str = ""
    expires_at: datetime | None = moment(default=None)
    people: int = big(default=0)
    credits: int = big(default=0)
    state: BulkState = word(BulkState, default=BulkState.DRAFT)
    created_by: UUID
    created_label: str
    approved_by: UUID | None = None
    job_id: UUID | None = None
    created_at: datetime = made_now()
    finished_at: datetime | None = moment(default=None)


class BulkGrantLine(Table, table=True):
    """One person of a bulk grant; booked once, with `entry_id`, or refused, with why."""

    __tablename__ = "bulk_grant_lines"
    __table_args__ = (
        sa.UniqueConstraint("bulk_id", "user_id"),
        sa.Index(
            "bulk_grant_lines_open",
            "bulk_id",
            "number",
            postgresql_where=sa.text("entry_id is null and refusal is null"),
        ),
    )

    bulk_id: UUID = Field(primary_key=True, foreign_key="bulk_grants.id", ondelete="CASCADE")
    number: int = big(primary_key=True)
    user_id: UUID
    amount: int = big()
    entry_id: UUID | None = None
    refusal: str | None = None
