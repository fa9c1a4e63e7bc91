"""What a user has used, and what is left."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from core.accounts.keys import Scope
from core.entitlements.rules import Reason
from core.generation.usage import UsageReport, usage_of
from dashboard.api.answers import Answer, Shape, errors, utc
from dashboard.api.credits import CreditsAnswer
from dashboard.api.identity import Identified

router = APIRouter(prefix="/api/usage", tags=["Usage"])


class PlanName(Shape):
    id: str = Field(examples=["creator"])
    display_name: str = Field(examples=["Creator"])


class Monthly(Shape):
    """Credits of the calendar month."""

    used: int = Field(description="Spent or held.")
    ceiling: int | None = Field(description="What may be spent; null is unlimited.")


class Trial(Shape):
    """What is left of a trial; null is without end."""

    days_remaining: int | None
    usage_remaining: int | None
    contact: str = Field(description="Whom to turn to in order to go on.")
    upgrade_url: str | None = None


class UsageAnswer(Shape):
    """Today, this month, the trial, the credits."""

    plan: PlanName | None
    status: Reason = Field(description="`ok`, or why the plan does not carry now.")
    generations_today: int
    daily_limit: int | None = Field(description="null is unlimited.")
    remaining_generations: int | None = Field(description="By day and trial; null is unlimited.")
    resets_at: datetime = Field(description="When the day's count starts anew.")
    monthly: Monthly
    credits: CreditsAnswer
    trial: Trial | None = Field(None, description="On a trial only.")
    total_cost_today: float | None = Field(None, description="USD; only for those who may see costs.")


@router.get(
    "",
    summary="Usage and limits",
    responses={200: {"model": UsageAnswer, "description": "As of now."}, **errors(400, 403, 404, 429)},
)
async def get_usage(caller: Identified) -> Answer:
    """What the user has used today and this month, and what is left.

    Of a visitor (`X-Client-IP`) the same by plan free: `monthly` is the free allowance, and there are no credits.
    """
    caller.require(Scope.GENERATE, Scope.CREDITS)
    purser = caller.purser
    report = await usage_of(
        purser.database,
        purser.snapshots.current,
        caller.active_user_or_visitor(),
        datetime.now(UTC),
        purser.settings.zone,
        with_cost=caller.sees_own_costs,
        take=not caller.looks,
    )
    return Answer(_told(report))


def _told(report: UsageReport) -> dict[str, Any]:
    credits, plan, trial = report.credits, report.plan, report.trial
    told: dict[str, Any] = {
        "plan": {"id": plan.id, "displayName": plan.display_name} if plan else None,
        "status": report.standing.value,
        "generationsToday": report.today,
        "dailyLimit": report.daily_limit,
        "remainingGenerations": report.remaining,
        "resetsAt": utc(report.resets_at),
        "monthly": {"used": report.monthly_used, "ceiling": report.monthly_ceiling},
        "credits": {"balance": credits.balance, "held": credits.held, "available": credits.available},
    }
    if trial:
        told["trial"] = {
            "daysRemaining": trial.days,
            "usageRemaining": trial.uses,
            "contact": trial.contact,
            **({"upgradeUrl": trial.upgrade_url} if trial.upgrade_url else {}),
        }
    if report.cost_today is not None:
        told["totalCostToday"] = report.cost_today
    return told
