"""Sealing: every row once, in one chain without a gap, whoever seals and whatever happens meanwhile."""

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from core.audit import SYSTEM, record, sealing
from core.audit.chain import READ, START, link
from core.audit.sealing import ChainBroken, seal
from core.database import Database
from core.jobs import seal_audit
from tests.integration.audit.rows import as_owner, broken, person, rows, write, write_many
from tests.waiting import until
from tests.world import running, settings_for

ROOT = Path(__file__).resolve().parents[3]
MANUAL = ROOT / "docs" / "operations.md"


async def head(database: Database) -> tuple[int, bytes]:
    row = await database.fetch_one("select seq, hash from audit_head")
    assert row is not None
    return row[0], row[1]


async def numbers(database: Database) -> list[int | None]:
    return [row.seq for row in await rows(database)]


async def test_rows_are_numbered_and_linked_one_to_the_next(database: Database) -> None:
    for number in range(3):
        await write(database, person("ann"), before={"n": number}, after={"n": 1.5}, reason="än example")

    assert await numbers(database) == [None, None, None], "nothing is sealed in the transaction of a change"
    assert await seal(database) == 3

    previous = START
    stored = await database.fetch_all(f"select seq, hash, {READ} from audit order by seq")
    for place, (seq, digest, *fields) in enumerate(stored, 1):
        assert seq == place
        assert digest == link(previous, seq, fields)
        previous = digest
    assert await head(database) == (3, previous)
    assert await broken(database) == []


async def test_with_nothing_new_nothing_happens(database: Database) -> None:
    await write(database)
    await seal(database)
    before = await head(database)

    assert await seal(database) == 0
    assert await head(database) == before


async def test_a_row_that_is_committed_late_is_sealed_next(database: Database) -> None:
    async with database.transaction() as late:
        await record(late, SYSTEM, "late", ("user", None))
        await late.flush()
        await write(database, action="early")
        assert await seal(database) == 1
    assert await seal(database) == 1

    assert [(row.action, row.seq) for row in await rows(database)] == [("late", 2), ("early", 1)]
    assert await broken(database) == []


async def test_two_sealers_at_once_make_one_chain(database: Database, database_url: str) -> None:
    other = Database(database_url)
    await other.open()
    await write_many(database, 300)

    async def some(of: Database) -> int:
        return sum([await seal(of, batch=7) for _ in range(30)])

    sealed = await asyncio.gather(some(database), some(other), some(database))
    await other.close()

    assert sum(sealed) == 300
    assert sorted(number for number in await numbers(database) if number) == list(range(1, 301))
    assert await broken(database) == []


async def test_rows_are_written_while_others_are_sealed(database: Database) -> None:
    async def writing() -> None:
        for _ in range(60):
            await write(database)

    async def reading() -> int:
        sealed = 0
        while sealed < 180:
            sealed += await seal(database, batch=5)
        return sealed

    *_, sealed = await asyncio.gather(writing(), writing(), writing(), reading())

    assert sealed == 180
    assert await broken(database) == []


async def test_batches_carry_the_chain_on(database: Database) -> None:
    await write_many(database, 25)

    assert await seal(database, batch=10) == 25
    assert (await head(database))[0] == 25
    assert await broken(database) == []


async def test_while_another_one_seals_it_is_left_to_it(database: Database, database_url: str) -> None:
    await write(database)
    with psycopg.connect(database_url) as other:
        other.execute("select from audit_head for update")
        assert await seal(database) == 0

    assert await seal(database) == 1


DYING = """
import asyncio, os, sys
from core.audit import sealing
from core.database import Database

async def main():
    database = Database(sys.argv[1])
    await database.open()
    chained, batches = sealing._chained, []
    def dying(*arguments):
        batches.append(1)
        if len(batches) == 3:
            os.kill(os.getpid(), 9)
        return chained(*arguments)
    sealing._chained = dying
    await sealing.seal(database, batch=10)

asyncio.run(main())
"""


async def test_a_sealer_that_dies_in_the_middle_leaves_whole_batches(
    database: Database, database_url: str
) -> None:
    await write_many(database, 100)

    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", DYING, database_url], cwd=ROOT, check=False, timeout=60
    )

    assert died.returncode == -9
    assert (await head(database))[0] == 20
    assert await seal(database) == 80
    assert await broken(database) == []


async def test_a_batch_that_fails_seals_nothing_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_many(database, 10)
    monkeypatch.setattr(sealing, "SEAL", sealing.SEAL + " and 1 / (a.id is null)::int = 1")
    with pytest.raises(Exception, match="division by zero"):
        await seal(database)
    monkeypatch.undo()

    assert (await head(database))[0] == 0
    assert await seal(database) == 10


async def test_the_schedule_seals_and_one_process_does_it(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, tmp_path)
    async with running(settings, worker=True) as world, running(settings, worker=True):
        database = world.purser.database

        async def sealed() -> bool:
            return None not in await numbers(database)

        await until(sealed, seconds=60)
        assert (await head(database))[0] == len(await rows(database)) > 0
        assert await broken(database) == []


async def test_a_broken_chain_is_told_by_the_schedule_and_stops_nothing(
    database: Database, database_url: str
) -> None:
    await write(database)
    as_owner(database_url, "delete from audit_head")
    context: Any = SimpleNamespace(additional_context={"database": database})

    await seal_audit(context, int(datetime.now(UTC).timestamp()))

    with pytest.raises(ChainBroken, match="is lost"):
        await seal(database)
    assert await numbers(database) == [None]


@pytest.mark.parametrize("damage", ["delete from audit_head", "update audit_head set seq = 1"])
async def test_a_head_that_is_put_back_as_the_manual_says_lets_the_sealing_go_on(
    database: Database, database_url: str, damage: str
) -> None:
    await write_many(database, 3)
    await seal(database)
    as_owner(database_url, damage)
    await write(database)
    with pytest.raises(ChainBroken):
        await seal(database)
    (mend,) = re.findall(r"    insert into audit_head .*?;", MANUAL.read_text(), re.DOTALL)

    await database.execute(mend)

    assert await seal(database) == 1
    assert await broken(database) == []


async def test_a_head_that_was_set_back_is_refused(database: Database, database_url: str) -> None:
    await write_many(database, 3)
    await seal(database)
    as_owner(database_url, "update audit_head set seq = 1")
    await write(database)

    with pytest.raises(ChainBroken, match="Row 2 of the audit is sealed already"):
        await seal(database)
    assert {one.check for one in await broken(database)} == {"audit-ends-at-head"}


@pytest.mark.parametrize(
    "deed",
    [
        "delete from audit_head",
        "truncate audit_head",
        "update audit_head set seq = seq - 1",
        "update audit_head set hash = sha256('x')",
        "insert into audit_head (seq, hash) values (9, sha256('x'))",
    ],
)
async def test_the_head_only_goes_forward(database: Database, deed: str) -> None:
    await write(database)
    await seal(database)
    before = await head(database)

    with pytest.raises(psycopg.Error):
        await database.execute(deed)

    assert await head(database) == before


async def test_what_verify_says_of_a_changed_row_leads_to_it(database: Database, database_url: str) -> None:
    await write_many(database, 5)
    await seal(database)
    as_owner(
        database_url,
        "update audit set actor_label = 'nobody' where seq = 2",
        "delete from audit where seq = 4",
    )

    changed, missing = await broken(database)

    by_number = {row.seq: row for row in await rows(database)}
    second, fifth = by_number[2], by_number[5]
    assert str(changed).startswith(
        f"audit-is-chained: row 2 ({second.action}, id {second.id}), whose fields or whose link to row 1 were changed: "
    )
    assert (missing.expected, missing.found) == ("row 4", "none")
    assert missing.detail == f"before row 5 ({fifth.action}, id {fifth.id})"
