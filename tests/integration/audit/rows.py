"""Rows of the audit for tests: written as services write them, or many at once by the database itself."""

from typing import Any

import psycopg
from sqlmodel import col, select

from core.audit import SYSTEM, Actor, record
from core.audit.models import AuditEntry
from core.database import Database
from core.ids import new_id
from core.system.integrity import Difference, differences
from core.vocabulary import Role


def person(name: str, role: Role = Role.SUPERADMIN, kind: str = "user") -> Actor:
    """Somebody who acts."""
    return Actor(kind, f"{name}@example.com", role, new_id(), "203.0.113.7", "req-12345678")


async def write(
    database: Database,
    actor: Actor = SYSTEM,
    action: str = "user.update",
    subject: tuple[str, Any] = ("user", None),
    **more: Any,
) -> None:
    """One row, in a transaction of its own."""
    async with database.transaction() as session:
        await record(session, actor, action, subject, **more)


async def write_many(database: Database, count: int) -> None:
    """Rows of every day: a hundred actors, ten actions, as many subjects as rows; each tenth about a provider."""
    await database.execute(
        "insert into audit (id, actor_kind, actor_id, actor_label, action, subject_kind, subject_id, reason, before, after)"
        " select uuid_v7(), 'user', ('00000000-0000-7000-8000-' || lpad((g %% 100)::text, 12, '0'))::uuid,"
        " 'actor' || g %% 100 || '@example.com', 'deed.' || g %% 10,"
        " case when g %% 10 = 0 then 'provider' else 'user' end, 'subject-' || g, 'because',"
        " jsonb_build_object('number', g), jsonb_build_object('number', g + 1) from generate_series(1, %(count)s) g",
        {"count": count},
    )


async def rows(database: Database) -> list[AuditEntry]:
    """All rows in the order of their ids."""
    async with database.transaction() as session:
        return list(await session.exec(select(AuditEntry).order_by(col(AuditEntry.id))))


async def broken(database: Database) -> list[Difference]:
    """What `verify` finds about the audit."""
    return [one for one in await differences(database.url) if one.check.startswith("audit-")]


def as_owner(url: str, *statements: str) -> None:
    """Does what no code of ours may: the owner of the database can take every guard away."""
    with psycopg.connect(url) as connection:
        for table in ("audit", "audit_head"):
            connection.execute(f"alter table {table} disable trigger all".encode())
        for statement in statements:
            connection.execute(statement.encode())
        for table in ("audit", "audit_head"):
            connection.execute(f"alter table {table} enable trigger all".encode())
