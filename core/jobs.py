"""Schedules, and the bodies of jobs. Each tick runs in one process; each body may be killed and run again."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from procrastinate.jobs import Status

from core.accounts.attempts import forget_attempts
from core.accounts.sessions import forget_sessions
from core.audit.sealing import ChainBroken, seal
from core.database import Database
from core.generation.hours import fold_hours
from core.generation.sweeper import sweep
from core.log import get_logger
from core.providers import drills
from core.queue import background
from core.routing.fold import fold
from core.routing.prober import Prober
from core.routing.probes import forget_probes
from core.system.demo.background import BODIES as DEMO

log = get_logger(__name__)

jobs = Blueprint()

PROBES_LATE = 90
"""Seconds after its tick from which on a round of probes has missed its minute."""

BODIES = {**DEMO}
"""What does each kind of job that a person begins (`core.queue.background`)."""


@jobs.periodic(cron="* * * * * */30")
@jobs.task(name="sweep_reservations", pass_context=True)
async def sweep_reservations(context: JobContext, timestamp: int) -> None:
    """Every 30 s: reservations past their lease are resolved."""
    await sweep(_database(context))


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
    """Every hour: sessions that ended a month ago, counters of past periods, and old probes are deleted."""
    now = datetime.now(UTC)
    await forget_sessions(_database(context), now)
    await forget_attempts(_database(context), now)
    await forget_probes(_database(context), now)


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
    """Every 30 s: jobs of people whose process died are handed to another one."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(task_name=background.TASK):
        await manager.finish_job(job, Status.FAILED, delete_job=False)
    await background.take_up(_database(context))


def _database(context: JobContext) -> Database:
    return context.additional_context["database"]
