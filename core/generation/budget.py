"""The test budget: what a person's test runs may cost in a calendar month, in USD."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.errors import BudgetBlocked
from core.ids import first_id_at
from core.money import ZERO_USD, Usd
from core.routing.route import Route, Wish
from core.snapshot import Snapshot
from core.vocabulary import Traffic

DEFAULT_BUDGET = Decimal(50)


def budget_of_tests(snapshot: Snapshot) -> Usd:
    """USD a month and person, as superadmins have set it."""
    return Decimal(str(snapshot.settings.get("test_budget_usd", DEFAULT_BUDGET)))


async def spent_on_tests(database: Database, user_id: UUID, now: datetime, zone: ZoneInfo) -> Usd:
    """What a person's test runs have cost since the month began."""
    month = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    row = await database.fetch_one(
        "select coalesce(sum(cost), 0) from generations where user_id = %s and traffic = %s and id >= %s",
        (user_id, Traffic.TEST, first_id_at(month)),
    )
    return row[0] if row else ZERO_USD


async def check_test_budget(
    database: Database,
    snapshot: Snapshot,
    user_id: UUID,
    route: Route,
    wish: Wish,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    """Lets a test run through whose dearest candidate still fits.

    Raises:
        BudgetBlocked: it does not.
    """
    costs = [
        offer.estimated_cost(wish.input_tokens, wish.max_tokens, now) or ZERO_USD
        for stop in route.stops
        for offer in stop.offers
    ]
    dearest = max(costs, default=ZERO_USD)
    if not dearest:
        return
    budget, spent = budget_of_tests(snapshot), await spent_on_tests(database, user_id, now, zone)
    if spent + dearest > budget:
        raise BudgetBlocked(
            f"This run may cost ${dearest:.4f}; ${max(budget - spent, ZERO_USD):.2f} of the test budget of ${budget:.2f} are left"
            " this month.",
            details={"budget": str(budget), "spent": str(spent), "estimate": str(dearest)},
        )
