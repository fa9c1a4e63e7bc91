"""Who did what, when, from where and why. Append-only; rows are sealed into a chain of hashes afterwards."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, big, id_field, json_field, made_now


class AuditEntry(Table, table=True):
    __tablename__ = "audit"
    __table_args__ = (
        sa.Index("audit_actor", "actor_id", sa.text("id desc")),
        sa.Index("audit_actor_kind", "actor_kind", sa.text("id desc")),
        sa.Index("audit_actor_label", sa.text("lower(actor_label) text_pattern_ops"), sa.text("id desc")),
        sa.Index("audit_action", "action", sa.text("id desc")),
        sa.Index("audit_subject", "subject_id", sa.text("id desc")),
        sa.Index("audit_subject_kind", "subject_kind", sa.text("id desc")),
        sa.Index("audit_unsealed", "id", postgresql_where=sa.text("hash is null")),
    )

    id: UUID = id_field()
    at: datetime = made_now()
    actor_kind: str
    actor_id: UUID | None = None
    actor_label: str
    action: str
    subject_kind: str
    subject_id: str | None = None
    reason: str | None = None
    before: dict[str, Any] | None = json_field(default=None)
    after: dict[str, Any] | None = json_field(default=None)
    address: str | None = None
    request_id: str | None = None
    seq: int | None = big(default=None, unique=True)
    hash: bytes | None = None


class AuditHead(Table, table=True):
    """The end of the chain: one row, written with the seals. Rows that are cut off the end contradict it."""

    __tablename__ = "audit_head"

    only_row: bool = Field(default=True, primary_key=True)
    seq: int = big()
    hash: bytes
    sealed_at: datetime = made_now()
