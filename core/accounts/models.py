"""People and what identifies them: users, sessions, API keys, organisations, projects."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, big, id_field, json_field, list_field, made_now, moment, usd, word
from core.vocabulary import Role


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class KeyKind(StrEnum):
    """A user key acts for its user; a service key for the user that each call names."""

    USER = "user"
    SERVICE = "service"


class User(Table, table=True):
    __tablename__ = "users"
    __table_args__ = (
        sa.Index("users_email", sa.text("lower(email)"), unique=True),
        sa.Index("users_email_prefix", sa.text("lower(email) text_pattern_ops")),
        sa.Index(
            "users_next_grant",
            "next_grant_at",
            postgresql_where=sa.text("next_grant_at is not null and status = 'active'"),
        ),
    )

    id: UUID = id_field()
    email: str
    name: str = ""
    role: Role = word(Role, default=Role.USER)
    status: UserStatus = word(UserStatus, default=UserStatus.ACTIVE)
    status_reason: str | None = None
    password_hash: str | None = None
    password_one_time: bool = False
    plan_id: str | None = Field(default=None, foreign_key="plans.id")
    plan_expires_at: datetime | None = moment(default=None)
    trial_ends_at: datetime | None = moment(default=None)
    trial_uses: int | None = None
    language: str = "en"
    time_zone: str = "UTC"
    onboarding: dict[str, Any] = json_field(default_factory=dict)
    preferred_provider: str | None = None
    preferred_model: str | None = None
    period_anchor: datetime | None = moment(default=None)
    next_grant_at: datetime | None = moment(default=None)
    period_granted: int = big(default=0)
    created_at: datetime = made_now()
    updated_at: datetime = made_now()


def _orders(name: str, *columns: str, where: str | None = None, but: str = "") -> Iterator[sa.Index]:
    """An index for each order in which the list of users is read, but for one."""
    orders: dict[str, tuple[Any, ...]] = {
        "newest": ("user_id",),
        "email": (sa.text("email text_pattern_ops"),),
        "balance": ("balance", "user_id"),
        "used": ("used_7d", "user_id"),
        "failures": ("failures_7d", "user_id"),
        "active": ("last_active_at", "user_id"),
    }
    for order, keys in orders.items():
        if order != but:
            condition = sa.text(where) if where else None
            yield sa.Index(f"{name}_{order}", "demo", *columns, *keys, postgresql_where=condition)


class UserStats(Table, table=True):
    """What the list of users is sorted and filtered by: who they are by trigger, the figures by a schedule.

    `balance` is of the live account (of a demo user: the demo's) as of `counted_at`; `used_7d` in credits.
    """

    __tablename__ = "user_stats"
    __table_args__ = (
        *_orders("user_stats"),
        *_orders("user_stats_plan", "plan_id"),
        *_orders("user_stats_suspended", where="status = 'suspended'"),
        *_orders("user_stats_failing", where="failures_7d > 0", but="failures"),
        *_orders("user_stats_low", where="balance < 10", but="balance"),
        sa.Index("user_stats_staff", "user_id", postgresql_where=sa.text("role <> 'user'")),
    )

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    email: str
    plan_id: str | None = None
    status: UserStatus = word(UserStatus)
    role: Role = word(Role)
    demo: bool = False
    balance: int = big(default=0)
    used_7d: int = big(default=0)
    generations_7d: int = 0
    failures_7d: int = 0
    last_active_at: datetime = moment()
    counted_at: datetime = made_now()


class UserWord(Table, table=True):
    """A beginning by which a person is found: the address, and each word of the name, lower case. Kept by trigger."""

    __tablename__ = "user_words"
    __table_args__ = (sa.Index("user_words_prefix", sa.text("word text_pattern_ops"), "user_id"),)

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    word: str = Field(primary_key=True)


class PriceOverride(Table, table=True):
    """Another price in credits per unit of one model, for one person."""

    __tablename__ = "price_overrides"
    __table_args__ = (
        sa.Index("price_overrides_user", "user_id"),
        sa.Index(
            "price_overrides_open",
            "user_id",
            "model_id",
            unique=True,
            postgresql_where=sa.text("ended_at is null"),
        ),
    )

    id: UUID = id_field()
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    model_id: str
    credits: Decimal = usd()
    reason: str
    expires_at: datetime | None = moment(default=None)
    created_by: UUID | None = None
    created_at: datetime = made_now()
    ended_at: datetime | None = moment(default=None)


class Session(Table, table=True):
    """One signed-in browser. The cookie's token is stored as its SHA-256 only."""

    __tablename__ = "sessions"
    __table_args__ = (sa.Index("sessions_user", "user_id"),)

    id: UUID = id_field()
    token_hash: bytes = Field(unique=True)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    created_at: datetime = made_now()
    last_seen_at: datetime = made_now()
    expires_at: datetime = moment()
    revoked_at: datetime | None = moment(default=None)
    address: str | None = None
    user_agent: str | None = None


class ApiKey(Table, table=True):
    """A key for the HTTP API, stored as its SHA-256; `prefix` is what may be shown of it."""

    __tablename__ = "api_keys"
    __table_args__ = (
        sa.Index("api_keys_user", "user_id"),
        sa.Index("api_keys_used", "last_used_at", postgresql_where=sa.text("last_used_at is not null")),
    )

    id: UUID = id_field()
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    kind: KeyKind = word(KeyKind)
    name: str
    prefix: str
    key_hash: bytes = Field(unique=True)
    scopes: list[str] = list_field()
    created_by: UUID | None = None
    created_at: datetime = made_now()
    last_used_at: datetime | None = moment(default=None)
    expires_at: datetime | None = moment(default=None)
    revoked_at: datetime | None = moment(default=None)


class Organisation(Table, table=True):
    __tablename__ = "organisations"
    __table_args__ = (sa.Index("organisations_name", sa.text("lower(name) text_pattern_ops"), "id"),)

    id: UUID = id_field()
    name: str
    created_at: datetime = made_now()
    archived_at: datetime | None = moment(default=None)


class Member(Table, table=True):
    __tablename__ = "members"
    __table_args__ = (sa.Index("members_user", "user_id"),)

    organisation_id: UUID = Field(foreign_key="organisations.id", primary_key=True, ondelete="CASCADE")
    user_id: UUID = Field(foreign_key="users.id", primary_key=True, ondelete="CASCADE")
    role: str
    created_at: datetime = made_now()


class Project(Table, table=True):
    __tablename__ = "projects"
    __table_args__ = (
        sa.Index("projects_owner", "owner_id"),
        sa.Index(
            "projects_organisation",
            "organisation_id",
            postgresql_where=sa.text("organisation_id is not null"),
        ),
    )

    id: UUID = id_field()
    organisation_id: UUID | None = Field(default=None, foreign_key="organisations.id", ondelete="CASCADE")
    owner_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    name: str
    created_at: datetime = made_now()
    archived_at: datetime | None = moment(default=None)


class SavedView(Table, table=True):
    """A list's address as a person named it: `query` is what stands behind the `?`."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.UniqueConstraint("user_id", "page", "name"),)

    id: UUID = id_field()
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    page: str
    name: str
    query: str
    created_at: datetime = made_now()
