"""The person behind a request, as authentication hands it on: all that decisions need, in memory and immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.accounts.models import KeyKind, UserStatus
from core.audit import Actor
from core.vocabulary import Role


@dataclass(frozen=True, slots=True)
class ActiveOverride:
    """An exception for one user: a feature allowed or denied, or a limit's other value, until `expires_at`.

    It was active when the person was read; whoever decides by it looks at `expires_at` again.
    """

    feature_id: str | None
    limit_name: str | None
    allowed: bool | None
    value: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActivePrice:
    """What one unit of a model costs this person, in credits, until `expires_at`; whoever uses it looks at that again."""

    model_id: str
    credits: Decimal
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """The API key that a request came with."""

    id: UUID
    kind: KeyKind
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """Who a request acts for. Routes, pages and services receive this, never a table's row.

    A person found by a key may be suspended: what is refused then, and how, is the caller's answer to give
    (`rules.require_active`). A person found by a session never is.
    """

    id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    status_reason: str | None
    plan_id: str | None
    plan_expires_at: datetime | None
    trial_ends_at: datetime | None
    trial_uses: int | None
    time_zone: str
    language: str
    preferred_provider: str | None
    preferred_model: str | None
    overrides: tuple[ActiveOverride, ...] = ()
    prices: tuple[ActivePrice, ...] = ()
    session_id: UUID | None = None
    key: KeyIdentity | None = None
    visitor: str | None = None
    """The network of somebody without an account, whom a service key named by their address; `id` is then nobody's."""

    @property
    def user_id(self) -> UUID | None:
        """The id as rows keep it: None for a visitor."""
        return None if self.visitor else self.id

    def actor(self, address: str | None = None, request_id: str | None = None) -> Actor:
        """How this person appears in the audit, and by which key; the id is the person's either way."""
        if self.key:
            label = f"{self.email} by key “{self.key.name}”"
            return Actor("key", label, self.role, self.id, address, request_id)
        return Actor("user", self.email, self.role, self.id, address, request_id)

    def own_prices(self, now: datetime) -> Mapping[str, Decimal]:
        """Credits per unit by model, where this person has another price than the catalogue's."""
        return {
            price.model_id: price.credits
            for price in self.prices
            if price.expires_at is None or now < price.expires_at
        }

    def through(self, key: KeyIdentity) -> "Person":
        """This person as a service key acts for them: what their plan allows, and none of the powers of a role."""
        return replace(self, key=key, role=Role.USER, session_id=None)


PERSON_COLUMNS = """
    u.id, u.email, u.name, u.role, u.status, u.status_reason, u.plan_id, u.plan_expires_at,
    u.trial_ends_at, u.trial_uses, u.time_zone, u.language, u.preferred_provider, u.preferred_model,
    (select jsonb_agg(jsonb_build_array(
                o.feature_id, o.limit_name, o.allowed, o.value, extract(epoch from o.expires_at)) order by o.id)
        from overrides o
        where o.user_id = u.id and o.ended_at is null and (o.expires_at is null or o.expires_at > now())),
    (select jsonb_agg(jsonb_build_array(p.model_id, p.credits::varchar, extract(epoch from p.expires_at)) order by p.id)
        from price_overrides p
        where p.user_id = u.id and p.ended_at is null and (p.expires_at is null or p.expires_at > now()))
"""
"""What a statement over `users u` selects for `person_from`."""

PERSON_WIDTH = 16


def person_from(
    row: tuple[Any, ...], *, session_id: UUID | None = None, key: KeyIdentity | None = None
) -> Person:
    """The person in the first `PERSON_WIDTH` columns of a row."""
    identifier, email, name, role, status, *others, overrides, prices = row[:PERSON_WIDTH]
    return Person(
        identifier,
        email,
        name,
        Role(role),
        UserStatus(status),
        *others,
        overrides=tuple(_override_from(fields) for fields in overrides or ()),
        prices=tuple(_price_from(fields) for fields in prices or ()),
        session_id=session_id,
        key=key,
    )


def _override_from(fields: list[Any]) -> ActiveOverride:
    *plain, expires = fields
    return ActiveOverride(*plain, expires_at=_moment(expires))


def _price_from(fields: list[Any]) -> ActivePrice:
    model_id, credits, expires = fields
    return ActivePrice(model_id, Decimal(credits), _moment(expires))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
