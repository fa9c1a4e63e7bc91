"""How many projects somebody may own, by their plan."""

from datetime import UTC, datetime
from uuid import UUID

from core.accounts.person import Person
from core.bootstrap import Purser
from core.entitlements.rules import effective_limit


def project_limit(purser: Purser, person: Person) -> int | None:
    """How many projects a person may own that are not archived; None is unlimited, and without a plan there are none."""
    plan = purser.snapshots.current.entitlements.plans.get(person.plan_id) if person.plan_id else None
    return effective_limit(plan, person, "max_projects", datetime.now(UTC)) if plan else 0


async def project_limit_of(purser: Purser, user_id: UUID) -> int | None:
    """The same by a user's id."""
    person = await purser.identities.resolve_user(str(user_id))
    return project_limit(purser, person) if person else 0
