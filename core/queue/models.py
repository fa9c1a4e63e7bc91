"""Jobs that people start and watch in the tray; procrastinate's own rows say when they run, these say how far they are."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.database.columns import Table, big, id_field, json_field, made_now, moment, word


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class BackgroundJob(Table, table=True):
    """One job: what it is, for whom it runs, and how far it is (`done` of `total`, 0 while that is not known)."""

    __tablename__ = "background_jobs"
    __table_args__ = (
        sa.Index("background_jobs_actor", "actor_id", sa.text("id desc")),
        sa.Index("background_jobs_open", "id", postgresql_where=sa.text("state in ('waiting', 'running')")),
    )

    id: UUID = id_field()
    kind: str
    title: str
    parameters: dict[str, Any] = json_field(default_factory=dict)
    state: JobState = word(JobState, default=JobState.WAITING)
    done: int = big(default=0)
    total: int = big(default=0)
    message: str = ""
    href: str | None = None
    actor_id: UUID | None = None
    created_at: datetime = made_now()
    started_at: datetime | None = moment(default=None)
    finished_at: datetime | None = moment(default=None)
