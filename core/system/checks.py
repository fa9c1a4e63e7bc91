"""The health of an installation: settings, disk, database, keys, providers, plans, queue, people.

The same list is printed by `check` and is meant for pages and /api/health; every fault says how it is mended. Nothing
here costs money at a vendor, and nothing is changed.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg

from core.config import Settings
from core.database import Database
from core.database.migrate import latest_revision
from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.providers.clients import ClientPool
from core.providers.vault import Vault
from core.system.health import Check, State, worst
from core.system.vendors import check_vendors

__all__ = ["Check", "State", "check_all", "check_away", "worst"]

log = get_logger(__name__)

LEAST_VERSION = 16
SLOW_DATABASE_MS = 50.0
QUEUE_LATE_SECONDS = 300
PATIENCE = 30.0
"""Seconds for any one check."""
GIB = 1024**3
DISK_FAULT, DISK_WARNING = 1 * GIB, 5 * GIB


async def check_all(
    settings: Settings, database: Database, vault: Vault, clients: ClientPool | None = None
) -> list[Check]:
    """All checks, each standing on those before it. Never raises: what cannot be asked is a fault of its own.

    Args:
        clients: those of a running process, so that probes reuse its connections.
    """
    found = [check_settings(settings), check_disk(settings.data_dir)]
    found.append(await check_database(settings, database))
    if found[-1].state is State.FAULT:
        return found
    found += await _asked("migrations", check_migrations(database))
    if found[-1].state is State.FAULT:
        return found
    for name, check in ON_THE_DATABASE:
        found += await _asked(name, check(database))
    found += await _asked("providers", check_vendors(database, vault, clients))
    return found


def check_away(settings: Settings, said: str) -> list[Check]:
    """The same list where the database could not even be opened, with what it said."""
    return [check_settings(settings), check_disk(settings.data_dir), _database_fault(settings, said)]


def check_settings(settings: Settings) -> Check:
    """The settings were valid when they were read; here stands what is valid and still unwise."""
    where = f"{settings.environment}, time zone {settings.time_zone}"
    if settings.environment == "prod" and settings.database_url is None:
        return Check(
            "settings",
            State.WARNING,
            f"{where}, on the embedded database, which any local user may open",
            "Set DATABASE_URL to a PostgreSQL server with users and backups of its own.",
        )
    return Check("settings", State.OK, where)


def check_disk(folder: Path) -> Check:
    """Room where secrets and the embedded database are kept."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / GIB:,.1f} GiB free for DATA_DIR"
    fix = "Free some space, or let DATA_DIR name a folder on a larger disk."
    if free < DISK_FAULT:
        return Check("disk", State.FAULT, detail, fix)
    if free < DISK_WARNING:
        return Check("disk", State.WARNING, detail, fix)
    return Check("disk", State.OK, detail)


async def check_database(settings: Settings, database: Database) -> Check:
    """Whether the server answers, how fast, and whether it is new enough."""
    kind = "DATABASE_URL" if settings.database_url else "embedded"
    try:
        await database.ping()  # the first one may have to connect
        latency = await database.ping()
        row = await database.fetch_one("select current_setting('server_version_num')::integer")
    except (DatabaseUnavailable, psycopg.Error):
        return _database_fault(settings, f"does not answer ({kind})")
    major, minor = divmod(row[0] if row else 0, 10_000)
    detail = f"PostgreSQL {major}.{minor}, {kind}"
    if major < LEAST_VERSION:
        return Check(
            "database", State.FAULT, detail, f"Move to PostgreSQL {LEAST_VERSION} or later.", latency
        )
    if latency > SLOW_DATABASE_MS:
        fix = "Run Purser near its database: every generation asks it twice."
        return Check("database", State.WARNING, f"{detail}, slow to answer", fix, latency)
    return Check("database", State.OK, detail, latency_ms=latency)


def _database_fault(settings: Settings, said: str) -> Check:
    fix = (
        "Start the server that DATABASE_URL names; see that address, user and password are right."
        if settings.database_url
        else "See that DATA_DIR can be written and its disk is not full; postgres/log in it says more."
    )
    return Check("database", State.FAULT, said, fix)


async def check_migrations(database: Database) -> Check:
    """Whether the tables are those of this release."""
    there = await database.fetch_one("select to_regclass('alembic_version') is not null")
    row = await database.fetch_one("select version_num from alembic_version") if there and there[0] else None
    current, latest = row[0] if row else None, latest_revision()
    if current == latest:
        return Check("migrations", State.OK, f"at revision {latest}")
    if current is not None and current > latest:
        detail = f"at revision {current}, while this release knows {latest}"
        return Check(
            "migrations", State.FAULT, detail, "A newer release has used this database: run that one."
        )
    detail = f"at revision {current or '(none)'}, not {latest}"
    return Check("migrations", State.FAULT, detail, "Run: python main.py migrate")


async def check_plans(database: Database) -> Check:
    """New users need a plan."""
    plans, features = await database.fetch_one(
        "select (select count(*) from plans where retired_at is null),"
        " (select count(*) from features where retired_at is null)"
    ) or (0, 0)
    detail = f"{plans} plans, {features} features"
    if not plans or not features:
        return Check("plans", State.FAULT, detail, "Run: python main.py seed")
    return Check("plans", State.OK, detail)


async def check_superadmin(database: Database) -> Check:
    """Somebody must be able to configure."""
    active, one_time = await database.fetch_one(
        "select count(*), count(*) filter (where password_one_time) from users"
        " where role = 'superadmin' and status = 'active'"
    ) or (0, 0)
    if not active:
        fix = "Run: python main.py user create EMAIL --role superadmin"
        return Check("superadmin", State.FAULT, "there is no active superadmin", fix)
    if one_time:
        detail = f"{active} active, {one_time} of them with a one-time password"
        return Check("superadmin", State.WARNING, detail, "Sign in and choose a password of your own.")
    return Check("superadmin", State.OK, f"{active} active")


async def check_queue(database: Database) -> Check:
    """Whether jobs can be kept, and whether somebody takes them."""
    tables = await database.fetch_one("select to_regclass('procrastinate_jobs') is not null")
    if not tables or not tables[0]:
        return Check("queue", State.FAULT, "its tables are missing", "Run: python main.py migrate")
    waiting, late = await database.fetch_one(
        "select count(*), max(extract(epoch from now() - coalesce(j.scheduled_at, e.at)))"
        " from procrastinate_jobs j left join procrastinate_events e on e.job_id = j.id and e.type = 'deferred'"
        " where j.status = 'todo' and coalesce(j.scheduled_at, e.at) <= now()"
    ) or (0, None)
    detail = f"{waiting:,} jobs waiting"
    if late is not None and late > QUEUE_LATE_SECONDS:
        detail += f", the oldest for {late / 60:,.0f} minutes"
        return Check("queue", State.WARNING, detail, "Nobody works on them: start python main.py serve")
    return Check("queue", State.OK, detail)


ON_THE_DATABASE: tuple[tuple[str, Callable[[Database], Awaitable[Check]]], ...] = (
    ("plans", check_plans),
    ("superadmin", check_superadmin),
    ("queue", check_queue),
)


async def _asked(name: str, asking: Awaitable[Check | list[Check]]) -> list[Check]:
    try:
        answer = await asyncio.wait_for(asking, PATIENCE)
    except (DatabaseUnavailable, psycopg.Error, TimeoutError) as failure:
        log.warning("check could not be made", check=name, error=str(failure))
        said = str(failure).splitlines()[0] if str(failure) else f"no answer within {PATIENCE:.0f} s"
        return [
            Check(
                name,
                State.FAULT,
                f"could not be asked: {said}",
                "See that the database answers, and the log.",
            )
        ]
    return answer if isinstance(answer, list) else [answer]
