"""The server that comes with Purser: shared by all processes of a folder, gone with the last, back after a crash."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg

from core.database import EmbeddedServer
from tests.integration.database.conftest import Holder, kill, postmaster_of

Start = Callable[[], Holder]


def test_it_starts_in_an_empty_folder_and_stops_with_its_only_user(folder: Path) -> None:
    server = EmbeddedServer(folder)

    with psycopg.connect(server.start()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert postmaster_of(folder) is not None
    server.stop()

    assert postmaster_of(folder) is None


def test_a_second_process_shares_it_and_the_last_one_to_leave_stops_it(folder: Path, holder: Start) -> None:
    one = holder()
    url = one.url
    first = postmaster_of(folder)
    other = holder()

    assert other.url == url
    assert postmaster_of(folder) == first
    one.leave()
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    other.leave()
    assert postmaster_of(folder) is None


def test_a_process_that_was_killed_neither_takes_it_away_nor_keeps_it_alive(
    folder: Path, holder: Start
) -> None:
    killed, other = holder(), holder()
    url = killed.url
    assert other.url == url

    killed.kill()
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    other.leave()

    assert postmaster_of(folder) is None


def test_two_processes_that_start_together_start_one(folder: Path, holder: Start) -> None:
    one, other = holder(), holder()

    assert one.url == other.url
    users = json.loads((folder / ".handle_pids.json").read_text())
    assert sorted(users) == sorted([one.process.pid, other.process.pid])


def test_the_dead_are_struck_from_the_list_of_users(
    private: EmbeddedServer, folder: Path, holder: Start
) -> None:
    dead = holder()
    assert dead.url
    dead.kill()
    users = folder / ".handle_pids.json"
    assert dead.process.pid in json.loads(users.read_text())

    private.ensure_running()

    assert json.loads(users.read_text()) == [os.getpid()]


def test_after_a_kill_of_the_server_itself_it_recovers_what_was_committed(folder: Path) -> None:
    server = EmbeddedServer(folder)
    connection = psycopg.connect(server.start(), autocommit=True)
    connection.execute("create table kept (n integer)")
    connection.execute("insert into kept select generate_series(1, 10000)")
    connection.execute("begin")
    connection.execute("insert into kept values (-1)")
    kill(folder)
    assert postmaster_of(folder) is None
    connection.close()

    server.ensure_running()
    with psycopg.connect(server.start()) as connection:
        count = connection.execute("select count(*), min(n) from kept").fetchone()
    server.stop()

    assert count == (10_000, 1)


def test_a_new_process_starts_it_after_everything_was_killed(folder: Path, holder: Start) -> None:
    before = holder()
    with psycopg.connect(before.url, autocommit=True) as connection:
        connection.execute("create table kept as select 7 as n")
    before.kill()
    kill(folder)

    after = holder()

    with psycopg.connect(after.url) as connection:
        assert connection.execute("select n from kept").fetchone() == (7,)
    after.leave()
    assert postmaster_of(folder) is None


def test_bringing_back_what_runs_changes_nothing(private: EmbeddedServer, folder: Path) -> None:
    before = postmaster_of(folder)

    threads = [threading.Thread(target=private.ensure_running) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert postmaster_of(folder) == before
