"""Visitors: people whom a product lets generate before they have an account, known by their address alone.

A service key names the address. They are on plan free, counted against its generations a day and its credits a month,
and nobody is charged: the cost is ours. One household is one visitor (`core.accounts.rules.network_of`).
"""

import ipaddress
from uuid import UUID

from core.accounts.models import UserStatus
from core.accounts.person import KeyIdentity, Person
from core.accounts.rules import network_of
from core.entitlements.rules import VISITORS_PLAN, PlanView
from core.errors import InvalidRequest
from core.vocabulary import Role

NOBODY = UUID(int=0)

RESERVE = (
    "select * from visitor_reserve(%(visitor)s, %(id)s, %(amounts)s, %(lease_seconds)s, %(day)s, %(day_cap)s,"
    " %(month)s, %(month_cap)s)"
)
"""In the place of the ledger's own reservation; its end is the ledger's (`ledger_settle`, `ledger_release`)."""


def visitor(address: str, key: KeyIdentity) -> Person:
    """Somebody without an account, by the address that the holder of a service key sees.

    Raises:
        InvalidRequest: `invalid_address`.
    """
    return Person(
        id=NOBODY,
        email="",
        name="",
        role=Role.USER,
        status=UserStatus.ACTIVE,
        status_reason=None,
        plan_id=VISITORS_PLAN,
        plan_expires_at=None,
        trial_ends_at=None,
        trial_uses=None,
        time_zone="UTC",
        language="en",
        preferred_provider=None,
        preferred_model=None,
        key=key,
        visitor=_network(address),
    )


def subject(person: Person) -> str:
    """Whose counters a person's generations count in."""
    return f"visitor:{person.visitor}" if person.visitor else str(person.id)


def allowance(plan: PlanView) -> int:
    """Credits that visitors may use in a calendar month: what the plan grants, within its ceiling."""
    ceiling = plan.monthly_ceiling
    return plan.monthly_credits if ceiling is None else min(plan.monthly_credits, ceiling)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        parsed = None
    if parsed is None or getattr(parsed, "scope_id", None):
        raise InvalidRequest(
            "X-Client-IP must be one IPv4 or IPv6 address, without a port.", code="invalid_address"
        )
    return network_of(str(parsed))
