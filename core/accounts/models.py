"""People and what identifies them: users, sessions, API keys, organisations, projects."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from core.database.columns import Table, id_field, json_field, list_field, made_now, moment, word
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
    created_at: datetime = made_now()
    updated_at: datetime = made_now()


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
    __table_args__ = (sa.Index("api_keys_user", "user_id"),)

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

    id: UUID = id_field()
    name: str
    created_at: datetime = made_now()


class Member(Table, table=True):
    __tablename__ = "members"
    __table_args__ = (sa.Index("members_user", "user_id"),)

    organisation_id: UUID = Field(foreign_key="organisations.id", primary_key=True, ondelete="CASCADE")
    user_id: UUID = Field(foreign_key="users.id", primary_key=True, ondelete="CASCADE")
    role: str
    created_at: datetime = made_now()


class Project(Table, table=True):
    __tablename__ = "projects"
    __table_args__ = (sa.Index("projects_owner", "owner_id"),)

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
