"""The integrity check: silent on honest books, however busy, and precise about every kind of damage."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from core.audit import COMMAND_LINE, SYSTEM, record
from core.audit.sealing import seal
from core.credits.service import adjust, refund
from core.database import Database
from core.entitlements.seed import seed
from core.errors import DatabaseUnavailable, PurserError
from core.generation.order import TextOrder
from core.system import demo
from core.system.integrity import Checked, Difference, differences, verify
from core.system.invariants import INVARIANTS, Invariant, files_are_there
from tests.conftest import TEMPLATE, url_of
from tests.world import World, person

CHARGED = (
    "(select e.* from credit_entries e where e.type = 'usage' and not exists"
    " (select from credit_entries r where r.refund_of = e.id) order by e.id limit 1)"
)
"""A usage entry that was not refunded."""
A_USER = "(select user_id from credit_accounts order by id limit 1)"
AN_ACCOUNT = "(select id from credit_accounts where balance > 0 order by id limit 1)"
NEW_ID = "uuid_v7()"
RUNNING = (
    f"insert into generations (id, user_id, modality, status) values ({NEW_ID}, {A_USER}, 'text', 'processing')"
    " returning id"
)


@dataclass(frozen=True)
class Damage:
    """Statements that no code of ours would run, and the invariants they break: these and no others."""

    name: str
    breaks: set[str]
    statements: tuple[str, ...]


DAMAGES = (
    Damage(
        "an entry was changed",
        {"balance-is-entries", "balance-after-chains", "charge-is-entry"},
        (f"update credit_entries set amount = amount - 1 where id = (select id from {CHARGED} c)",),
    ),
    Damage(
        "an entry is missing",
        {"balance-is-entries", "balance-after-chains", "entries-are-complete", "charge-is-entry"},
        (f"delete from credit_entries where id = (select id from {CHARGED} c)",),
    ),
    Damage(
        "all entries of an account are missing",
        {"balance-is-entries", "entries-are-complete", "charge-is-entry", "lot-is-entry"},
        ("delete from credit_entries where account_id = (select account_id from credit_entries where type = 'usage'"
         " group by account_id having not bool_or(type = 'refund') limit 1)",),
    ),
    Damage(
        "a balance is off by one",
        {"balance-is-entries", "balance-is-lots"},
        (f"update credit_accounts set balance = balance + 1 where id = {AN_ACCOUNT}",),
    ),
    Damage(
        "an account counts an entry that is not there",
        {"entries-are-complete"},
        (f"update credit_accounts set seq = seq + 1 where id = {AN_ACCOUNT}",),
    ),
    Damage(
        "a lot lost a credit",
        {"balance-is-lots"},
        ("update credit_lots set remaining = remaining - 1 where id = (select id from credit_lots where remaining > 0 limit 1)",),
    ),
    Damage(
        "a lot holds more than was granted",
        {"lot-within-grant", "balance-is-lots"},
        ("update credit_lots set remaining = granted + 1 where id = (select id from credit_lots where remaining < granted limit 1)",),
    ),
    Damage(
        "a spent lot is missing",
        {"lot-is-entry", "balance-is-lots"},
        ("delete from credit_lots where id = (select id from credit_lots where remaining > 0 limit 1)",),
    ),
    Damage(
        "a lot was closed with credits in it",
        {"lots-are-closed"},
        ("update credit_lots set closed_at = now() where id = (select id from credit_lots where remaining > 0 limit 1)",),
    ),
    Damage(
        "a lot whose time is up was not closed",
        {"lots-are-closed"},
        ("update credit_accounts set traffic = 'live' where id = (select account_id from credit_lots where remaining > 0 limit 1)",
         "update credit_lots l set expires_at = now() - interval '11 minutes' from credit_accounts a"
         " where a.id = l.account_id and a.traffic = 'live' and l.remaining > 0"),
    ),
    Damage(
        "a request was approved and nothing booked",
        {"request-is-entry"},
        (f"insert into credit_requests (id, kind, user_id, amount, reason_code, asked_by, asked_label, state, decided_by,"
         f" decided_at) values ({NEW_ID}, 'adjustment', {A_USER}, 7, 'test', {NEW_ID}, 'x', 'approved', {NEW_ID}, now())",),
    ),
    Damage(
        "somebody approved their own",
        {"request-is-entry"},
        ("update credit_entries set actor_id = account_id, approved_by = account_id where id = (select id from credit_entries limit 1)",),
    ),
    Damage(
        "a line of a bulk grant counts as booked and is not",
        {"bulk-line-is-entry"},
        (f"with b as (insert into bulk_grants (id, title, source, reason_code, created_by, created_label)"
         f" values ({NEW_ID}, 'x', 'csv', 'test', {NEW_ID}, 'x') returning id)"
         f" insert into bulk_grant_lines (bulk_id, number, user_id, amount, entry_id) select id, 1, {A_USER}, 7, {NEW_ID} from b",),
    ),
    Damage(
        "a bulk grant booked somebody whom no line names",
        {"bulk-line-is-entry"},
        ("update credit_entries set reference = 'bulk:x' where id = (select id from credit_entries where type = 'grant' limit 1)",),
    ),
    Damage(
        "a purchase was recorded and not booked",
        {"purchase-is-entry"},
        (f"with p as (insert into packages (id, name, credits, price_usd) values ({NEW_ID}, 'x', 1, 1) returning id)"
         f" insert into purchases (reference, user_id, package_id, price_usd, recorded_label) select 'r', {A_USER}, id, 1, 'x' from p",),
    ),
    Damage(
        "a code counts a use that nobody made",
        {"code-uses-are-entries"},
        ("insert into promo_codes (code, credits, uses) values ('X', 1, 1)",),
    ),
    Damage(
        "an hour of the ledger says more than its entries",
        {"hours-are-entries"},
        ("insert into credit_hours (at, traffic, type, entries, credits) values ('2020-01-01', 'live', 'usage', 1, -1)",),
    ),
    Damage(
        "an account holds what no reservation holds",
        {"held-is-reservations"},
        (f"update credit_accounts set held = 1 where id = {AN_ACCOUNT}",),
    ),
    Damage(
        "an account holds more than it has",
        {"held-within-balance", "held-is-reservations"},
        (f"update credit_accounts set held = balance + 1 where id = {AN_ACCOUNT}",),
    ),
    Damage(
        "a usage entry without its reservation",
        {"entry-is-charge", "credits-are-charge"},
        (f"delete from reservations where generation_id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "a reservation charged another amount",
        {"charge-is-entry", "credits-are-charge"},
        (f"update reservations set charged = charged - 1 where generation_id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "a charge was posted twice",
        {"charge-is-entry", "balance-is-entries", "balance-after-chains", "entries-are-complete"},
        (f"insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind, generation_id,"
         f" traffic) select {NEW_ID}, account_id, (select seq + 1 from credit_accounts a where a.id = account_id), 'usage',"
         f" amount, balance_after, reason, actor_kind, generation_id, traffic from {CHARGED} c",),
    ),
    Damage(
        "a released reservation has charged",
        {"only-settled-is-charged", "entry-is-charge"},
        (f"update reservations set state = 'released' where generation_id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "a generation is missing",
        {"reservation-has-generation"},
        (f"delete from generations where id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "a reservation is held for nothing",
        {"reservation-has-generation"},
        (f"with r as (insert into reservations (generation_id, account_id, amount, lease_until)"
         f" values ({NEW_ID}, {AN_ACCOUNT}, 1, now()) returning account_id)"
         " update credit_accounts a set held = held + 1 from r where a.id = r.account_id",),
    ),
    Damage(
        "the sweeper does not run",
        {"leases-are-swept"},
        (f"with g as ({RUNNING}), r as (insert into reservations (generation_id, account_id, amount, lease_until)"
         f" select id, {AN_ACCOUNT}, 1, now() - interval '11 minutes' from g returning account_id)"
         " update credit_accounts a set held = held + 1 from r where a.id = r.account_id",),
    ),
    Damage("a generation runs on nothing", {"running-is-held"}, (RUNNING,)),
    Damage(
        "a reservation is held for a generation that ended",
        {"held-is-running"},
        (f"with r as (update reservations set state = 'held', lease_until = now() + interval '1 minute', amount = 1,"
         f" account_id = {AN_ACCOUNT} where generation_id = (select generation_id from reservations"
         " where state = 'released' limit 1) returning account_id)"
         " update credit_accounts a set held = held + 1 from r where a.id = r.account_id",),
    ),
    Damage(
        "a generation says other credits than were charged",
        {"credits-are-charge"},
        (f"update generations set credits = credits + 1 where id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "a completed generation was never reserved",
        {"credits-are-charge"},
        (f"insert into generations (id, user_id, modality, status) values ({NEW_ID}, {A_USER}, 'text', 'completed')",),
    ),
    Damage(
        "a failure was charged",
        {"failed-costs-nothing"},
        (f"update generations set status = 'failed', cut = null where id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "a refund is larger than its charge",
        {"refunds-within-charge", "balance-is-entries", "balance-after-chains", "lot-is-entry"},
        ("update credit_entries set amount = amount + 1 where id = (select id from credit_entries where type = 'refund' limit 1)",),
    ),
    Damage(
        "a refund belongs to no charge",
        {"refunds-within-charge"},
        ("update credit_entries set refund_of = null where type = 'refund'",),
    ),
    Damage(
        "a cost is off by a billionth of a dollar",
        {"cost-is-attempts"},
        (f"update generations set cost = cost + 0.000000001 where id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "an attempt is missing",
        {"cost-is-attempts"},
        (f"delete from attempts where cost > 0 and generation_id = (select generation_id from {CHARGED} c)",),
    ),
    Damage(
        "an organisation has lost its last member",
        {"organisation-has-members"},
        (f"insert into organisations (id, name) values ({NEW_ID}, 'Nobody & Co')",),
    ),
    Damage(
        "a user has no account",
        {"user-has-account"},
        (f"insert into users (id, email) values ({NEW_ID}, 'lost@example.com')",),
    ),
    Damage(
        "a sealed row of the audit was changed",
        {"audit-is-chained"},
        ("update audit set reason = 'another' where seq = 3",),
    ),
    Damage(
        "a number in the audit was changed behind the last place that a float has",
        {"audit-is-chained"},
        ("""update audit set after = '{"exact": 0.10000000000000000002}' where after ? 'exact'""",),
    ),
    Damage(
        "a row of the audit is missing",
        {"audit-is-chained"},
        ("delete from audit where seq = 3",),
    ),
    Damage(
        "the first rows of the audit are missing",
        {"audit-is-chained"},
        ("delete from audit where seq < 3",),
    ),
    Damage(
        "a row was put into the audit, and all behind it counted anew",
        {"audit-is-chained"},
        ("alter table audit drop constraint audit_seq_key", "update audit set seq = seq + 1 where seq >= 3",
         f"insert into audit (id, actor_kind, actor_label, action, subject_kind, seq, hash) values ({NEW_ID}, 'system', 'x',"
         " 'user.update', 'user', 3, sha256('x'))",
         "update audit_head set seq = seq + 1"),
    ),
    Damage(
        "a link of the audit is broken",
        {"audit-is-chained"},
        ("update audit set hash = sha256('x') where seq = 3",),
    ),
    Damage(
        "a row of the audit stands twice",
        {"audit-is-chained"},
        ("alter table audit drop constraint audit_seq_key",
         f"insert into audit (id, actor_kind, actor_label, action, subject_kind, seq, hash) select {NEW_ID}, actor_kind,"
         " actor_label, action, subject_kind, seq, hash from audit where seq = 3"),
    ),
    Damage(
        "the end of the audit was cut off",
        {"audit-ends-at-head"},
        ("delete from audit where seq > 3",),
    ),
    Damage("all of the audit is missing", {"audit-ends-at-head"}, ("delete from audit",)),
    Damage(
        "the end of the audit was cut off, and its head set back with another hash",
        {"audit-ends-at-head"},
        ("delete from audit where seq > 3", "update audit_head set seq = 3"),
    ),
    Damage("the audit has lost its head", {"audit-ends-at-head"}, ("delete from audit_head",)),
    Damage(
        "the audit's sealer does not run",
        {"audit-is-sealed"},
        (f"insert into audit (id, at, actor_kind, actor_label, action, subject_kind) values ({NEW_ID},"
         " now() - interval '6 minutes', 'system', 'Purser', 'user.update', 'user')",),
    ),
    Damage(
        "a row of the audit has lost its number",
        {"audit-is-chained", "audit-is-sealed"},
        ("update audit set seq = null where seq = 3",),
    ),
    Damage(
        "a file's bytes never came",
        {"files-have-arrived"},
        (
            f"insert into files (id, name, kind, type, size, place, created_at) values ({NEW_ID}, 'x', 'image', 'image/png', 1, 'x',"
            " now() - interval '2 hours')",
        ),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def books(server_url: str) -> Iterator[str]:
    """A database with a small month of books, without the constraints that would refuse the damage. For one transaction each."""
    name = f"test_{uuid.uuid4().hex}"
    url = url_of(server_url, name)

    async def fill() -> None:
        database = Database(url)
        await database.open()
        async with database.transaction() as session:
            await seed(session)
        await demo.load(database, actor=COMMAND_LINE, users=8, generations=300)
        async with database.transaction() as session:
            for number in range(5):
                fields = {"exact": 0.1} if number == 2 else {"number": number}
                await record(session, SYSTEM, "user.update", ("user", None), after=fields)
        await seal(database)
        await database.close()

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        asyncio.run(fill())
        yield url
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


FREED = (
    "alter table credit_entries disable trigger all",
    "alter table credit_lots disable trigger all",
    "alter table credit_accounts disable trigger all",
    "alter table credit_lots drop constraint credit_lots_check",
    "alter table credit_accounts drop constraint held_within_balance",
    "alter table audit disable trigger all",
    "alter table audit_head disable trigger all",
    "alter table audit drop constraint audit_sealed_whole",
)
"""What keeps code from doing such things at all; its owner can take it away."""


def found_by_each(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """What breaks the invariants, by those that are broken."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for one in INVARIANTS:
        prove = one.prover()
        rows[one.name] = [
            found for row in connection.execute(one.sql.encode()).fetchall() for found in prove(row)
        ]
    return {name: found for name, found in rows.items() if found}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_each_damage_is_found_by_the_invariants_that_it_breaks(books: str, damage: Damage) -> None:
    with psycopg.connect(books) as connection:
        assert found_by_each(connection) == {}
        for statement in FREED:
            connection.execute(statement.encode())
        for statement in damage.statements:
            assert connection.execute(statement.encode()).rowcount != 0
        found = found_by_each(connection)
        connection.rollback()

    assert found.keys() == damage.breaks
    for name, rows in found.items():
        for *ids, expected, seen, detail in rows:
            assert any(ids) or detail, f"{name} says not where"
            assert expected != seen


def test_every_invariant_is_broken_by_some_damage_and_says_what_it_proves() -> None:
    assert {name for damage in DAMAGES for name in damage.breaks} == {one.name for one in INVARIANTS}
    assert all(one.proves.endswith(".") for one in INVARIANTS)


async def test_a_busy_ledger_agrees_at_every_moment(sandbox: World) -> None:
    purser = sandbox.purser
    await purser.database.execute("update providers set base_url = 'sandbox://?latency_ms=30&piece_ms=2'")
    await purser.snapshots.rebuild()
    people = [await person(purser, f"p{n}@example.com", credits=4 + n) for n in range(5)]

    async def whole(number: int) -> None:
        try:
            await sandbox.ask(f"Question {number}", by=people[number % 5])
        except PurserError:
            return  # some run out of credits: that is honest too

    async def left_early(number: int) -> None:
        pieces = purser.generations.stream_text(
            sandbox.user, TextOrder.of_prompt(f"Tell me of {number}", streamed=True)
        )
        async for _ in pieces:
            break
        await pieces.aclose()

    work = [asyncio.create_task(one(n)) for n in range(40) for one in (whole, left_early)]
    looks = 0
    while not all(task.done() for task in work):
        assert await differences(purser.database.url) == []
        looks += 1
    await asyncio.gather(*work)
    await purser.generations.drain()
    charged = next(row for row in await sandbox.rows() if row["credits"])
    async with purser.database.transaction() as session:
        await refund(session, actor=SYSTEM, reason_code="test", generation_id=uuid.UUID(charged["id"]))
        await adjust(session, people[0].id, 50, actor=SYSTEM, reason_code="test")
    async with purser.database.transaction() as session:
        await adjust(session, people[0].id, -20, actor=SYSTEM, reason_code="test")

    assert looks > 1, "it was looked at while it was busy"
    statuses = {row["status"] for row in await sandbox.rows()}
    assert {"completed", "cancelled", "failed"} <= statuses
    assert await differences(purser.database.url) == []


async def test_differences_name_account_user_and_generation(sandbox: World) -> None:
    result = await sandbox.ask()
    await sandbox.purser.database.execute("update generations set credits = 7 where id = %s", (result.id,))
    begun: list[str] = []

    events = [
        event
        async for event in verify(
            sandbox.purser.database.url, begun=lambda invariant: begun.append(invariant.name)
        )
    ]

    (difference,) = [event for event in events if isinstance(event, Difference)]
    assert (difference.check, difference.generation_id, difference.user_id) == (
        "credits-are-charge", result.id, sandbox.user.id,
    )  # fmt: skip
    assert (difference.expected, difference.found) == ("1", "7")
    assert str(result.id) in str(difference)
    assert begun == [one.name for one in INVARIANTS]
    counts = {event.invariant.name: event.differences for event in events if isinstance(event, Checked)}
    assert sum(counts.values()) == counts["credits-are-charge"] == 1


async def test_it_only_reads(sandbox: World) -> None:
    write = Invariant("write", "", "update credit_accounts set balance = balance + 1 returning 1")

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await anext(verify(sandbox.purser.database.url, invariants=[write]))


async def test_a_database_that_is_away_is_said(server_url: str) -> None:
    with pytest.raises(DatabaseUnavailable):
        await differences(url_of(server_url, "nowhere"))


async def test_a_file_row_without_its_bytes_is_found(database: Database, tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(b"12345")
    (tmp_path / "cut").write_bytes(b"123")
    for place in ("whole", "cut", "gone", "../elsewhere"):
        await database.execute(
            "insert into files (id, name, kind, type, size, place, state) values (uuid_v7(), %s, 'image', 'image/png', 5, %s,"
            " 'stored')",
            (place, place),
        )

    found = [
        (event.expected, event.found)
        async for event in verify(database.url, invariants=[files_are_there(tmp_path)])
        if isinstance(event, Difference)
    ]

    assert sorted(found) == [
        ("5 bytes", "3"),
        ("5 bytes", "no file"),
        ("a place in the folder", "../elsewhere"),
    ]
