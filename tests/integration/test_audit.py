"""The audit: with the change or not at all, without secrets, and never changed again."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from core.accounts.service import set_role
from core.audit import COMMAND_LINE, SYSTEM, Actor, record
from core.credits.service import adjust
from core.database import Database
from core.entitlements.seed import seed
from core.errors import DatabaseUnavailable, PurserError
from core.ids import new_id
from core.log import STRUCK
from core.signup import sign_up
from core.vocabulary import Role


async def rows(database: Database) -> list[dict[str, Any]]:
    return [row for (row,) in await database.fetch_all("select to_jsonb(a) from audit a order by id")]


async def write(database: Database, actor: Actor = SYSTEM, **more: Any) -> None:
    async with database.transaction() as session:
        await record(session, actor, "user.update", ("user", more.pop("subject", None)), **more)


async def test_it_says_who_what_when_from_where_why_and_before_and_after(database: Database) -> None:
    subject, actor_id = new_id(), new_id()
    actor = Actor("user", "ann@example.com", Role.SUPPORT, actor_id, "203.0.113.7", "req-12345678")

    await write(
        database,
        actor,
        subject=subject,
        reason="asked by phone",
        before={"plan": "free"},
        after={"plan": "pro"},
    )

    (row,) = await rows(database)
    row.pop("id")
    assert row.pop("at")
    assert row == {
        "actor_kind": "user",
        "actor_id": str(actor_id),
        "actor_label": "ann@example.com",
        "action": "user.update",
        "subject_kind": "user",
        "subject_id": str(subject),
        "reason": "asked by phone",
        "before": {"plan": "free"},
        "after": {"plan": "pro"},
        "address": "203.0.113.7",
        "request_id": "req-12345678",
        "seq": None,
        "hash": None,
    }


async def test_a_change_that_fails_leaves_no_row(database: Database) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with database.transaction() as session:
            await record(session, SYSTEM, "user.update", ("user", None))
            raise RuntimeError("stop")

    assert await rows(database) == []


async def test_secrets_are_struck_out_and_an_address_is_not(database: Database) -> None:
    fields = {
        "email": "new@example.com",
        "api_key": "hunter2",
        "password": "hunter2",
        "client_secret": "hunter2",
        "token": "hunter2",
        "prompt": "hunter2",
        "max_tokens": 2_000,
        "last_four": "1234",
    }

    await write(database, before=fields, after=fields)

    (row,) = await rows(database)
    for side in (row["before"], row["after"]):
        assert side == {
            **dict.fromkeys(fields, STRUCK),
            "email": "new@example.com",
            "max_tokens": 2_000,
            "last_four": "1234",
        }


async def test_values_of_any_kind_can_be_kept(database: Database) -> None:
    identifier = uuid4()

    await write(
        database, COMMAND_LINE, after={"id": identifier, "on": True, "list": [1, "two"], "role": Role.TESTER}
    )

    (row,) = await rows(database)
    assert row["after"] == {"id": str(identifier), "on": True, "list": [1, "two"], "role": "tester"}
    assert (row["actor_kind"], row["actor_label"]) == ("command_line", "command line")


@pytest.mark.parametrize(
    "deed",
    [
        "update audit set reason = 'another'",
        "update audit set hash = 'x', reason = 'another'",
        "delete from audit",
        "truncate audit",
    ],
)
async def test_rows_are_never_changed_or_deleted(database: Database, deed: str) -> None:
    await write(database, reason="first")

    with pytest.raises(psycopg.Error, match="append-only") as refused:
        await database.execute(deed)

    assert refused.value.sqlstate == "PR001"
    assert [row["reason"] for row in await rows(database)] == ["first"]


async def test_a_row_is_sealed_once(database: Database) -> None:
    await write(database)

    await database.execute("update audit set seq = 1, hash = 'abc'")
    for deed in ("update audit set hash = 'def'", "update audit set seq = 2", "update audit set hash = null"):
        with pytest.raises(psycopg.Error, match="append-only"):
            await database.execute(deed)


async def test_a_key_inside_of_a_reason_or_deep_in_a_field_is_struck_out(database: Database) -> None:
    key = "sk-proj-abcdefgh12345678"

    await write(
        database,
        Actor("user", f"ann {key}"),
        subject=f"subject {key}",
        reason=f"{key} leaked\0",
        after={"limits": [{"api_key": "hunter2", "note": f"was {key}"}], f"by {key}": 1},
    )

    (row,) = await rows(database)
    assert "abcdefgh" not in str(row)
    assert "hunter2" not in str(row)
    assert row["reason"] == f"{STRUCK} leaked\ufffd"
    assert row["after"]["limits"] == [{"api_key": STRUCK, "note": f"was {STRUCK}"}]


async def test_a_verb_that_is_refused_leaves_no_row(database: Database) -> None:
    async with database.transaction() as session:
        await seed(session)
    async with database.transaction() as session:
        boss = await sign_up(session, email="boss@example.com", role=Role.SUPERADMIN, actor=SYSTEM)
    before = await rows(database)
    support = Actor("user", "help@example.com", Role.SUPPORT, new_id())

    for actor, deed in (
        (SYSTEM, lambda session, actor: set_role(session, actor, boss.id, Role.USER, reason="the last one")),
        (support, lambda session, actor: set_role(session, actor, boss.id, Role.USER, reason="not allowed")),
        (SYSTEM, lambda session, actor: sign_up(session, email="BOSS@example.com", actor=actor)),
        (SYSTEM, lambda session, actor: adjust(session, boss.id, -(10**9), actor=actor, reason_code="x")),
        (SYSTEM, lambda session, actor: adjust(session, boss.id, 10, actor=actor, reason_code=" ")),
    ):
        with pytest.raises(PurserError):
            async with database.transaction() as session:
                await deed(session, actor)

    assert await rows(database) == before


async def test_a_commit_that_fails_leaves_no_row(database: Database, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as owner:
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction() as session:
                await record(session, SYSTEM, "user.update", ("user", None))
                await session.flush()
                await owner.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and state = 'idle in transaction'"
                )

    assert await rows(database) == []
