"""The command line, as a shell runs it: data on stdout, messages on stderr, an exit status."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from core.accounts.identities import Identities
from core.accounts.passwords import verify_password
from core.credits.service import adjust, balance_of
from core.database import Database, EmbeddedServer
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.integration.audit.rows import as_owner

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(**settings: str) -> dict[str, str]:
    """A bare environment: none of this machine's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"COLUMNS": "200"} | settings


def run_in(
    folder: Path, settings: dict[str, str], *words: str, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    # In a folder of its own, so that no .env of this checkout is read.
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *words],
        cwd=folder, env=environment(**settings), input=stdin, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def purser(database_url: str, tmp_path: Path) -> Run:
    """`python main.py …` on a fresh database."""

    def run(*words: str, stdin: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
        there = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path / "data")}
        return run_in(tmp_path, there | settings, *words, stdin=stdin)

    return run


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = run_in(tmp_path, {}, "--help")

    assert shown.returncode == 0
    for command in (
        "serve", "migrate", "seed", "check", "verify", "demo", "user", "api-key", "credits", "rotate-keys",
    ):  # fmt: skip
        assert command in shown.stdout


def test_wrong_settings_are_a_line_each_and_status_2(tmp_path: Path) -> None:
    failed = run_in(tmp_path, {"PORT": "x", "TIME_ZONE": "Mars/Olympus"}, "user", "list")

    assert failed.returncode == 2
    assert failed.stdout == ""
    lines = failed.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("PORT: ")
    assert "Example: TIME_ZONE=Europe/Berlin" in lines[1]


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": f"postgresql://me:hunter2@/none?host={tmp_path}"}
    for words in (("user", "list"), ("serve",)):
        failed = run_in(tmp_path, nowhere, *words)
        assert failed.returncode == 1
        assert failed.stderr.startswith("The database that DATABASE_URL names does not answer: ")
        assert len(failed.stderr.splitlines()) == 1
        assert "hunter2" not in failed.stderr

    checked = run_in(tmp_path, nowhere, "check")
    assert checked.returncode == 1
    assert "fault    database: " in checked.stdout


async def test_people_and_their_one_time_passwords(purser: Run, database: Database) -> None:
    made = await asyncio.to_thread(
        purser, "user", "create", "Boss@Example.com", "--role", "superadmin", "--name", "The Boss"
    )
    assert made.returncode == 0
    (password,) = made.stdout.splitlines()
    stored = await database.fetch_one(
        "select password_hash, password_one_time from users where email = 'boss@example.com'"
    )
    assert stored
    assert (await verify_password(password, stored[0]))[0]
    assert stored[1]

    given = await asyncio.to_thread(
        purser,
        "user",
        "create",
        "help@example.com",
        "--role",
        "support",
        "--password-stdin",
        stdin="a long enough one\n",
    )
    assert (given.returncode, given.stdout) == (0, "")
    stored = await database.fetch_one(
        "select password_hash, password_one_time from users where email = 'help@example.com'"
    )
    assert stored
    assert (await verify_password("a long enough one", stored[0]))[0]
    assert not stored[1]

    again = await asyncio.to_thread(purser, "user", "create", "boss@example.com")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "There is a user with this e-mail address already.\n"

    listed = await asyncio.to_thread(purser, "user", "list")
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert [(row[1], row[2], row[4], row[6]) for row in rows] == [
        ("boss@example.com", "superadmin", "unlimited", "The Boss"),
        ("help@example.com", "support", "unlimited", ""),
    ]
    audited = await database.fetch_all(
        "select actor_kind, action from audit where subject_kind = 'user' order by id"
    )
    assert audited == [("command_line", "user.create")] * 2


async def test_a_key_stands_alone_on_stdout_and_authenticates(purser: Run, database: Database) -> None:
    await make_user(database, email="api@example.com")
    made = await asyncio.to_thread(
        purser, "api-key", "create", "--user", "api@example.com", "--name", "laptop"
    )

    assert made.returncode == 0
    (key,) = made.stdout.splitlines()
    person = await Identities(database).authenticate_key(key)
    assert person is not None
    assert (person.email, person.key and person.key.name) == ("api@example.com", "laptop")

    refused = await asyncio.to_thread(purser, "api-key", "create", "--user", "api@example.com", "--service")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "belongs to the superadmin" in refused.stderr
    unknown = await asyncio.to_thread(purser, "api-key", "create", "--user", "who@example.com")
    assert unknown.stderr == "There is no user with this id or e-mail address.\n"


async def test_a_service_key_with_its_scopes(purser: Run, database: Database) -> None:
    await make_user(database, email="boss@example.com", role=Role.SUPERADMIN)
    made = await asyncio.to_thread(
        purser,
        "api-key",
        "create",
        "--user",
        "boss@example.com",
        "--service",
        "--scope",
        "costs",
        "--scope",
        "generate",
    )

    person = await Identities(database).authenticate_key(made.stdout.strip())
    assert person is not None
    assert person.key is not None
    assert (person.key.kind, person.key.scopes) == ("service", {"costs", "generate"})


async def test_granting_twice_grants_twice(purser: Run, database: Database) -> None:
    poor = await make_user(database, email="poor@example.com")
    grants = [
        await asyncio.to_thread(
            purser, "credits", "grant", "poor@example.com", "500", "--reason", "Sorry for the outage"
        )
        for _ in range(2)
    ]

    assert [grant.stdout for grant in grants] == ["500\n", "1000\n"]
    assert (await balance_of(database, poor.id)).balance == 1_000
    entries = await database.fetch_all(
        "select type, amount, reason, actor_kind from credit_entries order by seq"
    )
    assert entries == [("grant", 500, "Sorry for the outage", "command_line")] * 2
    audited = await database.fetch_all("select action, reason from audit where action like 'credits%%'", {})
    assert audited == [("credits.grant", "Sorry for the outage")] * 2

    refused = await asyncio.to_thread(
        purser, "credits", "grant", "poor@example.com", "0", "--reason", "nothing"
    )
    assert refused.returncode == 2


async def test_a_lone_superadmin_approves_what_waits(purser: Run, database: Database) -> None:
    boss = await make_user(database, email="boss@example.com", role=Role.SUPERADMIN)
    rich = await make_user(database, email="rich@example.com")
    async with database.transaction() as session:
        moved = await adjust(
            session, rich.id, 20_000, actor=actor_of(boss), reason_code="promotion", note="won"
        )
    assert moved.request

    listed = await asyncio.to_thread(purser, "credits", "waiting")
    second = await make_user(database, email="second@example.com", role=Role.SUPERADMIN)
    refused = await asyncio.to_thread(purser, "credits", "approve", str(moved.request.id))
    await database.execute("update users set status = 'suspended' where id = %s", (second.id,))
    approved = await asyncio.to_thread(purser, "credits", "approve", str(moved.request.id))
    again = await asyncio.to_thread(purser, "credits", "approve", str(moved.request.id))

    assert (
        listed.stdout == f"{moved.request.id}\t+20000\trich@example.com\tPromotion\twon\tboss@example.com\n"
    )
    assert refused.returncode == 1
    assert "second@example.com" in refused.stderr
    assert (approved.returncode, approved.stderr) == (0, "Approved: +20,000 cr, the balance is 20,000.\n")
    assert (again.returncode, (await balance_of(database, rich.id)).balance) == (1, 20_000)
    (audited,) = await database.fetch_all("select actor_label from audit where action = 'credits.approve'")
    assert audited == ("command line",)


async def test_check_and_verify_say_by_their_status_whether_all_is_well(
    purser: Run, database: Database
) -> None:
    nobody = await asyncio.to_thread(purser, "check")
    assert nobody.returncode == 1
    assert "fault    superadmin: " in nobody.stdout
    assert "→ Run: python main.py user create EMAIL --role superadmin" in nobody.stdout

    await asyncio.to_thread(purser, "user", "create", "boss@example.com", "--role", "superadmin")
    well = await asyncio.to_thread(purser, "check", "--generate")
    assert well.returncode == 0, well.stdout + well.stderr
    assert "ok       generation: sandbox answered with sandbox-text in " in well.stdout

    agreed = await asyncio.to_thread(purser, "verify")
    assert (agreed.returncode, agreed.stdout) == (0, "")
    assert agreed.stderr.splitlines()[-1] == "All agree."

    await database.execute("update generations set credits = credits + 1")
    differs = await asyncio.to_thread(purser, "verify")
    assert differs.returncode == 1
    (line,) = differs.stdout.splitlines()
    assert line.startswith("credits-are-charge: account ")
    assert line.endswith("expected 1, found 2")


async def test_verify_seals_the_audit_and_proves_an_end_that_was_noted(
    purser: Run, database: Database, database_url: str
) -> None:
    for name in ("boss", "help"):
        await asyncio.to_thread(purser, "user", "create", f"{name}@example.com", "--role", "superadmin")
    first = await asyncio.to_thread(purser, "verify")
    assert (first.returncode, first.stdout) == (0, "")
    noted = re.search(r"The audit ends at (\d+:[0-9a-f]{64})", first.stderr)
    assert noted
    assert await database.fetch_one("select count(*), max(seq) from audit where hash is null") == (0, None)
    await asyncio.to_thread(purser, "user", "create", "third@example.com")

    held = await asyncio.to_thread(purser, "verify", "--anchor", noted[1])
    assert (held.returncode, held.stdout) == (0, "")
    assert noted[1] not in held.stderr, "there is a newer end"

    # The whole chain written anew, by someone who may do everything.
    as_owner(database_url, "update audit set reason = 'x', seq = null, hash = null",
             "update audit_head set seq = 0, hash = decode(repeat('00', 32), 'hex')")  # fmt: skip
    forged = await asyncio.to_thread(purser, "verify", "--anchor", noted[1])
    assert forged.returncode == 1
    (line,) = forged.stdout.splitlines()
    assert line.startswith("audit-holds-anchor: row ")

    for nonsense in ("1", "x:y", f"0:{'a' * 64}", f"1:{'a' * 63}"):
        refused = await asyncio.to_thread(purser, "verify", "--anchor", nonsense)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "NUMBER:HASH" in refused.stderr


async def test_verify_looks_at_a_chain_that_cannot_be_carried_on(
    purser: Run, database: Database, database_url: str
) -> None:
    await asyncio.to_thread(purser, "user", "create", "boss@example.com", "--role", "superadmin")
    as_owner(database_url, "delete from audit_head", "update audit set at = at - interval '1 hour'")

    found = await asyncio.to_thread(purser, "verify")

    assert found.returncode == 1
    assert "Not sealed: The head of the audit's chain is lost" in found.stderr
    assert [line.split(":")[0] for line in found.stdout.splitlines()] == [
        "audit-ends-at-head",
        "audit-is-sealed",
    ]


def test_vendors_keys_come_under_another_encryption_key(purser: Run) -> None:
    old, new, other = (Fernet.generate_key().decode() for _ in range(3))
    assert purser("seed", ENCRYPTION_KEYS=old, OPENAI_API_KEY="sk-test-openai-1234").returncode == 0

    done = purser("rotate-keys", ENCRYPTION_KEYS=f"{new},{old}")
    again = purser("rotate-keys", ENCRYPTION_KEYS=new)
    wrong = purser("rotate-keys", ENCRYPTION_KEYS=other)

    assert (done.returncode, done.stdout) == (0, "")
    assert "1 stored anew" in done.stderr
    assert "0 stored anew, 1 were under the first encryption key before" in again.stderr
    assert (wrong.returncode, wrong.stdout) == (1, "OpenAI ····1234\n")


async def test_demo_migrate_and_seed(purser: Run, database: Database) -> None:
    loaded = await asyncio.to_thread(purser, "demo", "--users", "5", "--generations", "30")
    assert (loaded.returncode, loaded.stdout) == (0, "")
    assert "5 demo users and 30 requests" in loaded.stderr
    assert await database.fetch_one("select count(*) from generations where traffic = 'demo'") == (30,)
    assert await database.fetch_one("select count(*) from providers where slug = 'sandbox'") == (1,)

    cleared = await asyncio.to_thread(purser, "demo", "--clear")
    assert cleared.returncode == 0
    assert await database.fetch_one("select count(*) from users") == (0,)
    assert (await asyncio.to_thread(purser, "migrate")).stderr == "Nothing to do.\n"
    assert (await asyncio.to_thread(purser, "seed")).returncode == 0

    await database.execute("update alembic_version set version_num = '0000'")
    old = await asyncio.to_thread(purser, "verify")
    assert old.returncode == 1
    assert "Run: python main.py migrate" in old.stderr


def test_commands_start_the_embedded_database_and_share_a_running_one(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path / "data")}
    folder = tmp_path / "data" / "postgres"

    alone = run_in(tmp_path, settings, "user", "create", "first@example.com")
    assert alone.returncode == 0, alone.stderr
    assert not (folder / "postmaster.pid").exists(), "the last one out stops it"

    server = EmbeddedServer(folder)
    url = server.start()
    try:
        beside = run_in(tmp_path, settings, "user", "create", "second@example.com")
        assert beside.returncode == 0, beside.stderr
        with psycopg.connect(url) as connection:
            assert connection.execute("select count(*) from users").fetchone() == (2,)
    finally:
        server.stop()
