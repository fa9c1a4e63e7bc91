"""Bringing a database up to date: Alembic migrations, then the functions, under one lock.

Functions (`core/*/functions.sql`) are put in place anew whenever their text has changed: they hold rules, not data,
and so have a present and no history.
"""

import hashlib
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "migrations"
FUNCTIONS = tuple(sorted((ROOT / "core").glob("*/functions.sql")))
LOCK = 0x50555253  # "PURS"
MONTHS_AHEAD = 3


def migrate(url: str) -> bool:
    """Applies what is missing; blocking. Processes that start together wait for one another.

    Returns:
        Whether anything had to be done.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        try:
            done = _apply_migrations(connection, url) | _apply_functions(connection)
            # The day in UTC, whatever the server's time zone: partitions begin at midnight UTC.
            connection.execute(
                "select ensure_partitions((now() at time zone 'UTC')::date, %s)", (MONTHS_AHEAD,)
            )
            return done
        finally:
            connection.execute("select pg_advisory_unlock(%s)", (LOCK,))


def latest_revision() -> str:
    """The newest migration's number, which its file name begins with."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current_revision(connection: psycopg.Connection[Any]) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("select version_num from alembic_version").fetchone()
    return row[0] if row else None


def _apply_migrations(connection: psycopg.Connection[Any], url: str) -> bool:
    if current_revision(connection) == latest_revision():
        return False
    # Imported late: a start that has nothing to migrate does not pay for Alembic.
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sa.create_engine("postgresql+psycopg://" + url.split("://", 1)[1])
    try:
        with engine.connect() as alembic_connection:
            config.attributes["connection"] = alembic_connection
            command.upgrade(config, "head")
            alembic_connection.commit()
    finally:
        engine.dispose()
    return True


def _apply_functions(connection: psycopg.Connection[Any]) -> bool:
    source = "\n".join(path.read_text() for path in FUNCTIONS)
    digest = hashlib.sha256(source.encode()).hexdigest()
    connection.execute(
        "create table if not exists function_sources (only_row boolean primary key default true, digest varchar)"
    )
    if connection.execute("select digest from function_sources").fetchone() == (digest,):
        return False
    with connection.transaction():
        connection.execute(source.encode())
        connection.execute(
            "insert into function_sources (digest) values (%s) on conflict (only_row) do update set digest = excluded.digest",
            (digest,),
        )
    return True
