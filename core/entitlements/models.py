"""Plans, features, which plan holds which feature, and exceptions for single users."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, big, id_field, json_field, list_field, made_now, moment, word


class Tier(StrEnum):
    FREE = "free"
    PAID = "paid"
    PREMIUM = "premium"


class Plan(Table, table=True):
    """What a user pays for. None means unlimited wherever a limit stands."""

    __tablename__ = "plans"

    id: str = Field(primary_key=True)
    display_name: str
    tier: Tier = word(Tier)
    rank: int = 0
    daily_generations: int | None = None
    monthly_credits: int = big(default=0)
    monthly_ceiling: int | None = big(default=None)
    daily_credits: int = big(default=0)
    trial_days: int | None = None
    trial_uses: int | None = None
    max_projects: int | None = None
    modalities: list[str] = list_field()
    watermark: bool = False
    routing_strategy: str = "priority"
    retired_at: datetime | None = moment(default=None)
    created_at: datetime = made_now()
    updated_at: datetime = made_now()


class Feature(Table, table=True):
    __tablename__ = "features"

    id: str = Field(primary_key=True)
    display_name: str
    description: str = ""
    retired_at: datetime | None = moment(default=None)
    created_at: datetime = made_now()


class PlanFeature(Table, table=True):
    __tablename__ = "plan_features"

    plan_id: str = Field(primary_key=True, foreign_key="plans.id")
    feature_id: str = Field(primary_key=True, foreign_key="features.id")


class Override(Table, table=True):
    """An exception for one user: a feature allowed or denied, or a limit raised; it ends by itself."""

    __tablename__ = "overrides"
    __table_args__ = (
        sa.Index("overrides_user", "user_id"),
        sa.Index("overrides_open", sa.text("id desc"), postgresql_where=sa.text("ended_at is null")),
        sa.Index("overrides_feature", "feature_id", "id", postgresql_where=sa.text("feature_id is not null")),
        sa.Index("overrides_limit", "limit_name", "id", postgresql_where=sa.text("limit_name is not null")),
        sa.Index(
            "overrides_expiring",
            "expires_at",
            postgresql_where=sa.text("ended_at is null and expires_at is not null"),
        ),
    )

    id: UUID = id_field()
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    feature_id: str | None = None
    limit_name: str | None = None
    allowed: bool | None = None
    value: int | None = big(default=None)
    reason: str
    expires_at: datetime | None = moment(default=None)
    created_by: UUID | None = None
    created_at: datetime = made_now()
    ended_at: datetime | None = moment(default=None)


class PlanVersion(Table, table=True):
    """One saved change set, with its whole difference."""

    __tablename__ = "plan_versions"

    id: UUID = id_field()
    number: int = big(unique=True)
    diff: dict[str, Any] = json_field()
    reason: str
    actor_id: UUID | None = None
    actor_label: str = ""
    reverts: int | None = big(default=None, foreign_key="plan_versions.number")
    created_at: datetime = made_now()


class ProposalState(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class PlanProposal(Table, table=True):
    """A change set that somebody who may not save it asks for; `base` is the version they saw."""

    __tablename__ = "plan_proposals"
    __table_args__ = (
        sa.Index(
            "plan_proposals_waiting",
            sa.text("id desc"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
    )

    id: UUID = id_field()
    base: int = big()
    changes: dict[str, Any] = json_field()
    reason: str
    asked_by: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    created_at: datetime = made_now()
    state: ProposalState = word(ProposalState, default=ProposalState.WAITING)
    decided_by: UUID | None = None
    decided_at: datetime | None = moment(default=None)
    decision_note: str | None = None


class UndefinedFeature(Table, table=True):
    """A feature id that was asked for and is not defined; counted on where somebody has dismissed it from the list."""

    __tablename__ = "undefined_features"

    feature_id: str = Field(primary_key=True)
    checks: int = big(default=1)
    first_seen_at: datetime = made_now()
    last_seen_at: datetime = made_now()
    dismissed_at: datetime | None = moment(default=None)
