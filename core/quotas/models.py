"""What the processes tell one another about their counts."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, big, moment


class RateWindow(Table, table=True):
    """Requests of one subject in one window of a rate, by all processes together. Unlogged: a crash begins anew."""

    __tablename__ = "rate_windows"
    __table_args__ = (sa.Index("rate_windows_changed", "changed_at"),)

    subject: str = Field(primary_key=True)
    number: int = big(primary_key=True)
    used: int = big()
    changed_at: datetime = moment(sa_column_kwargs={"server_default": sa.text("clock_timestamp()")})
