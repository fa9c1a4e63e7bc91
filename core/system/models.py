"""What the integrity check found, kept so that pages can say when the books were last proved."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.database.columns import Table, id_field, json_field, moment


class IntegrityReport(Table, table=True):
    """One run: how many rows of each kind were looked at, and each difference found."""

    __tablename__ = "integrity_reports"

    id: UUID = id_field()
    started_at: datetime = moment()
    finished_at: datetime = moment()
    checked: dict[str, Any] = json_field(default_factory=dict)
    findings: list[Any] = json_field(default_factory=list)
