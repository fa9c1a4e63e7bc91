"""Schedules, and the bodies of jobs. Each tick runs in one process; each body may be killed, run again, and run twice at once.

No task has procrastinate's `lock`: the job of a dead process would hold it, and with it every later tick.
"""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from core.accounts.attempts import forget_attempts
from core.accounts.sessions import forget_sessions
from core.audit.sealing import ChainBroken, seal
from core.credits.expiry import expire_due
from core.credits.idempotency import forget_keys
from core.credits.totals import fold_credit_hours
from core.database import Database
from core.entitlements.overrides import end_due
from core.generation.hours import fold_hours
from core.generation.sweeper import sweep
from core.generation.user_figures import count_users
from core.log import get_logger
from core.membership.booking import BODIES as BOOKING
from core.membership.drafting import BODIES as DRAFTING
from core.membership.drafting import forget_drafts
from core.membership.periods import grant_due
from core.providers import drills
from core.queue import background
from core.quotas.counters import forget_counters
from core.routing.fold import fold
from core.routing.prober import Prober
from core.routing.probes import forget_probes
from core.system import reports
from core.system.demo.background import BODIES as DEMO

log = get_logger(__name__)

jobs = Blueprint()

PROBES_LATE = 90
"""Seconds after its tick from which on a round of probes has missed its minute."""

KEPT_HOURS = 7 * 24
"""How long the queue keeps a job that failed."""

BODIES = {**DEMO, **DRAFTING, **BOOKING}
"""What does each kind of job that a person begins (`core.queue.background`)."""


@jobs.periodic(cron="* * * * * */30")
@jobs.task(name="sweep_reservations", pass_context=True)
async def sweep_reservations(context: JobContext, timestamp: int) -> None:
    """Every 30 s: reservations past their lease are resolved."""
    await sweep(_database(context))


@jobs.periodic(cron="* * * * * */30")
@jobs.task(name="count_users", pass_context=True, queueing_lock="count_users")
async def count_user_figures(context: JobContext, timestamp: int) -> None:
    """Every 30 s: what the list of users is sorted by is counted anew for whomever something happened to."""
    await count_users(_database(context), datetime.now(UTC))


@jobs.periodic(cron="* * * * * */10")
@jobs.task(name="seal_audit", pass_context=True, queueing_lock="seal_audit")
async def seal_audit(context: JobContext, timestamp: int) -> None:
    """Every 10 s: what was written to the audit is chained. A chain that is broken is told; `verify` says where."""
    try:
        await seal(_database(context))
    except ChainBroken as broken:
        log.warning("the audit cannot be sealed", reason=broken.message)


@jobs.periodic(cron="7 * * * *")
@jobs.task(name="make_partitions", pass_context=True)
async def make_partitions(context: JobContext, timestamp: int) -> None:
    """Every hour: the coming months have their partitions."""
    await _database(context).fetch_one("select ensure_partitions(%s::date, 3)", (datetime.now(UTC).date(),))


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="forget_ended", pass_context=True)
async def forget_ended(context: JobContext, timestamp: int) -> None:
    """Every hour: sessions that ended a month ago, counters of past periods, old probes, keys of repeated calls and drafts
    that nobody began are deleted; exceptions whose time is over are noted as ended."""
    now = datetime.now(UTC)
    await forget_sessions(_database(context), now)
    await forget_attempts(_database(context), now)
    await forget_counters(_database(context), now)
    await forget_probes(_database(context), now)
    await forget_keys(_database(context), now)
    await forget_drafts(_database(context), now)
    await end_due(_database(context))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="expire_credits", pass_context=True, queueing_lock="expire_credits")
async def expire_credits(context: JobContext, timestamp: int) -> None:
    """Every minute: credits whose time is up expire."""
    await expire_due(_database(context), datetime.now(UTC))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="grant_months", pass_context=True, queueing_lock="grant_months")
async def grant_months(context: JobContext, timestamp: int) -> None:
    """Every minute: the months that have begun are granted."""
    await grant_due(_database(context), datetime.now(UTC))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="fold_credits", pass_context=True, queueing_lock="fold_credits")
async def fold_credits(context: JobContext, timestamp: int) -> None:
    """Every minute: the ledger's totals by the hour are brought up to now."""
    await fold_credit_hours(_database(context), datetime.now(UTC))


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="check_books", pass_context=True, queueing_lock="check_books")
async def check_books(context: JobContext, timestamp: int) -> None:
    """Every hour: the books are proved, and what was found is kept for the pages to say."""
    await reports.check_books(_database(context))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="probe_providers", pass_context=True, queueing_lock="probe_providers")
async def probe_providers(context: JobContext, timestamp: int) -> None:
    """Every minute: the vendors are asked whether they are there. A round that comes late is left to the next one."""
    prober: Prober = context.additional_context["prober"]
    if datetime.now(UTC).timestamp() - timestamp < PROBES_LATE:
        await prober.round()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="fold_history", pass_context=True, queueing_lock="fold_history")
async def fold_history(context: JobContext, timestamp: int) -> None:
    """Every minute: the history of the providers' health, and the key figures of whole hours, are brought up to now."""
    database, now = _database(context), datetime.now(UTC)
    await fold(database, now)
    await fold_hours(database, context.additional_context["zone"], now)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="clear_drills", pass_context=True, queueing_lock="clear_drills")
async def clear_drills(context: JobContext, timestamp: int) -> None:
    """Every minute: drills whose time is over are told as ended; they had no effect any more."""
    await drills.clear_drills(_database(context))


@jobs.task(name="run_background", pass_context=True)
async def run_background(context: JobContext, job_id: str) -> None:
    """A job that a person began."""
    await background.work_on(_database(context), UUID(job_id), BODIES, context.additional_context)


@jobs.periodic(cron="* * * * * */30")
@jobs.task(name="take_up_background", pass_context=True)
async def take_up_background(context: JobContext, timestamp: int) -> None:
    """Every 30 s: what a dead process was at is ended. Jobs of people are handed to another process; a schedule's are
    deleted, for the next tick does their work."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        log.warning("the process that worked on a job has ended", task=job.task_name, job=job.id)
        with suppress(ConnectorException):  # another process has ended it meanwhile
            await manager.finish_job(job, Status.FAILED, delete_job=job.task_name != background.TASK)
    await background.take_up(_database(context))


@jobs.periodic(cron="37 * * * *")
@jobs.task(name="forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Every hour: the queue's jobs that ended a week ago are deleted. Those that succeeded go at once."""
    await context.app.job_manager.delete_old_jobs(
        KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


def _database(context: JobContext) -> Database:
    return context.additional_context["database"]
