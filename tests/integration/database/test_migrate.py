"""An empty database becomes an up-to-date one, once, whoever starts first; models and migrations mean the same."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlmodel import SQLModel

import core
from core.database import migrate
from core.database import migrate as migrate_function
from core.ids import first_id_at, new_id, time_of
from tests.conftest import url_of

ROOT = Path(__file__).resolve().parents[3]
migrate_module = sys.modules[migrate_function.__module__]

NOT_OURS = ("procrastinate_", "alembic_version", "function_sources", "versions", "settings", "marks")
"""Tables without a model: the queue's, the migrations' own, and the three that plain statements keep."""


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """A database in which nothing is."""
    name = f"test_{new_id().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield url_of(server_url, name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_a_second_time_there_is_nothing_to_do(empty_url: str) -> None:
    assert migrate(empty_url) is True
    assert migrate(empty_url) is False


def test_two_processes_that_migrate_at_once_both_succeed(empty_url: str) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from core.database import migrate; print(migrate(sys.argv[1]))",
    ]
    both = [
        subprocess.Popen(
            [*command, empty_url], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]

    told = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    assert sorted(out.strip() for out, _ in told) == ["False", "True"]


def test_models_and_migrations_describe_the_same_tables(database_url: str) -> None:
    for module in pkgutil.walk_packages(core.__path__, "core."):
        if module.name.endswith("models"):
            importlib.import_module(module.name)
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        partitions = set(
            connection.execute(
                sa.text("select relname from pg_class where relispartition and relkind = 'r'")
            ).scalars()
        )

        def ours(name: str | None, kind: str, _parents: Any) -> bool:
            return kind != "table" or not (name in partitions or str(name).startswith(NOT_OURS))

        context = MigrationContext.configure(
            connection, opts={"include_name": ours, "compare_type": True, "compare_server_default": False}
        )
        differences = compare_metadata(context, SQLModel.metadata)
    engine.dispose()

    assert len(SQLModel.metadata.tables) > 15
    assert differences == []


def test_there_are_partitions_for_this_month_and_the_next_two(connection: psycopg.Connection[Any]) -> None:
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [first, (first + timedelta(days=32)).replace(day=1), (first + timedelta(days=63)).replace(day=1)]

    for table in ("generations", "attempts", "generation_content"):
        for month in months:
            row = connection.execute("select to_regclass(%s)", (f"{table}_{month:%Y_%m}",)).fetchone()
            assert row != (None,), f"{table} has no partition for {month:%Y-%m}"


def test_a_row_lies_in_the_partition_of_the_month_it_was_made_in(connection: psycopg.Connection[Any]) -> None:
    connection.execute("select ensure_partitions('2027-01-01', 2)")
    february = datetime(2027, 2, 1, tzinfo=UTC)
    for at in (february - timedelta(milliseconds=1), february):
        row = connection.execute(
            "insert into generation_content (id, prompt) values (%s, '{}') returning tableoid::regclass::text",
            (first_id_at(at),),
        ).fetchone()
        assert row == (f"generation_content_{at:%Y_%m}",)


def test_making_partitions_again_makes_none(connection: psycopg.Connection[Any]) -> None:
    ensure = "select ensure_partitions('2028-11-15', 3)"

    assert connection.execute(ensure).fetchone() == (9,)
    assert connection.execute(ensure).fetchone() == (0,)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.datetimes(datetime(2020, 1, 1), datetime(2089, 1, 1), timezones=st.just(UTC)))
def test_the_database_reads_times_out_of_ids_as_we_do(
    connection: psycopg.Connection[Any], moment: datetime
) -> None:
    ours = first_id_at(moment)

    row = connection.execute("select uuid_time(%s), first_uuid_at(%s)", (ours, moment)).fetchone()

    assert row is not None
    assert row[0] == time_of(ours)
    # A partition's bound is the month's first millisecond, with nothing after it.
    assert row[1] == UUID(int=ours.int >> 80 << 80)


def test_ids_that_the_database_makes_are_of_now_and_of_version_7(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("select array_agg(uuid_v7()) from generate_series(1, 200)").fetchone()

    assert row is not None
    assert len(set(row[0])) == 200
    for identifier in row[0]:
        assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
        assert abs(time_of(identifier) - datetime.now(UTC)) < timedelta(seconds=30)


def test_functions_are_put_in_place_anew_when_their_text_changes(
    database_url: str, connection: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = tmp_path / "functions.sql"
    monkeypatch.setattr(migrate_module, "FUNCTIONS", (*migrate_module.FUNCTIONS, added))
    for answer in (1, 2):
        added.write_text(
            f"create or replace function telling() returns integer language sql as $$ select {answer} $$;"
        )
        assert migrate(database_url) is True
        assert connection.execute("select telling()").fetchone() == (answer,)
        assert migrate(database_url) is False


def test_functions_that_cannot_be_put_in_place_leave_the_old_ones(
    database_url: str, connection: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "functions.sql"
    broken.write_text(
        "create or replace function uuid_v7() returns uuid language sql as $$ select nonsense $$;"
    )
    monkeypatch.setattr(migrate_module, "FUNCTIONS", (*migrate_module.FUNCTIONS, broken))

    with pytest.raises(psycopg.Error):
        migrate(database_url)
    row = connection.execute("select uuid_v7()").fetchone()

    assert row is not None
    assert row[0].version == 7
