"""Schedules, and the bodies of jobs. Each tick runs in one process; each body may be killed and run again."""

from datetime import UTC, datetime

from procrastinate import Blueprint, JobContext

from core.accounts.attempts import forget_attempts
from core.accounts.sessions import forget_sessions
from core.database import Database
from core.generation.sweeper import sweep

jobs = Blueprint()


@jobs.periodic(cron="* * * * * */30")
@jobs.task(name="sweep_reservations", pass_context=True)
async def sweep_reservations(context: JobContext, timestamp: int) -> None:
    """Every 30 s: reservations past their lease are resolved."""
    await sweep(_database(context))


@jobs.periodic(cron="7 * * * *")
@jobs.task(name="make_partitions", pass_context=True)
async def make_partitions(context: JobContext, timestamp: int) -> None:
    """Every hour: the coming months have their partitions."""
    await _database(context).fetch_one("select ensure_partitions(%s::date, 3)", (datetime.now(UTC).date(),))


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="forget_ended", pass_context=True)
async def forget_ended(context: JobContext, timestamp: int) -> None:
    """Every hour: sessions that ended a month ago, and counters of past periods, are deleted."""
    now = datetime.now(UTC)
    await forget_sessions(_database(context), now)
    await forget_attempts(_database(context), now)


def _database(context: JobContext) -> Database:
    return context.additional_context["database"]
