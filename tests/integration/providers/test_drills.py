"""Simulated outages: bounded, told, over by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from core.audit import COMMAND_LINE, Actor
from core.database import Database
from core.errors import Conflict, ErrorClass, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.providers.config import Drill, load
from core.providers.drills import clear_drills, end_drill, start_drill
from core.providers.vault import Vault
from core.routing.events import events
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.rows import make_provider


@pytest.fixture
async def provider(database: Database) -> UUID:
    return await make_provider(database)


async def start(database: Database, provider: UUID, **how: Any) -> Drill:
    given = {
        "error_class": ErrorClass.OVERLOADED, "latency_ms": 0, "minutes": 30, "actor": COMMAND_LINE,
        "reason": "the yearly rehearsal",
    } | how  # fmt: skip
    async with database.transaction() as session:
        return await start_drill(session, provider, **given)


async def end(database: Database, provider: UUID, actor: Actor = COMMAND_LINE) -> None:
    async with database.transaction() as session:
        await end_drill(session, provider, actor=actor)


async def running(database: Database) -> Drill | None:
    (config,) = await load(database, Vault([Fernet.generate_key()]), {})
    return config.drilled(datetime.now(UTC))


async def told(database: Database, provider: UUID) -> list[tuple[str, str, str]]:
    return [(one.kind, one.reason, one.actor) for one in reversed(await events(database, provider))]


async def time_passes(database: Database) -> None:
    await database.execute(
        "update drills set started_at = started_at - interval '30 min', ends_at = ends_at - interval '30 min'"
    )


async def test_a_drill_is_told_with_its_bounds_and_is_over_by_itself(
    database: Database, provider: UUID
) -> None:
    admin = await make_user(database, role=Role.SUPERADMIN, email="ann@example.com")
    drill = await start(database, provider, actor=actor_of(admin))

    assert await running(database) == drill
    assert drill.ends_at - drill.started_at == timedelta(minutes=30)
    (event,) = await events(database, provider)
    assert (event.kind, event.actor, event.until) == ("drill_started", "ann@example.com", drill.ends_at)
    assert event.reason == (
        f"overloaded, 30 min, until {drill.ends_at:%H:%M} UTC; test traffic only: the yearly rehearsal"
    )
    (row,) = await database.fetch_all("select action, reason, after ->> 'error_class' from audit")
    assert row == ("provider.drill_started", "the yearly rehearsal", "overloaded")

    await time_passes(database)

    assert await running(database) is None
    with pytest.raises(Conflict) as refused:
        await end(database, provider)
    assert refused.value.code == "no_drill"


async def test_its_end_by_itself_is_told_once(database: Database, provider: UUID) -> None:
    await start(database, provider, error_class=None, latency_ms=1500)
    assert await clear_drills(database) == 0
    await time_passes(database)

    assert await clear_drills(database) == 1
    assert await clear_drills(database) == 0

    kind, reason, actor = (await told(database, provider))[-1]
    assert (kind, actor) == ("drill_ended", "Purser")
    assert reason.startswith("1,500 ms late, by itself at ")


async def test_ending_it_before_its_time_is_told_with_who(database: Database, provider: UUID) -> None:
    await start(database, provider, latency_ms=200)
    await end(database, provider)

    assert await running(database) is None
    assert (await told(database, provider))[-1] == (
        "drill_ended", "overloaded 200 ms late, after 0 of 30 min", "command line",
    )  # fmt: skip


async def test_one_drill_at_a_time_and_another_after_it(database: Database, provider: UUID) -> None:
    await start(database, provider)
    with pytest.raises(Conflict, match="is running until") as refused:
        await start(database, provider, minutes=1)
    assert refused.value.code == "drill_running"

    await time_passes(database)
    await start(database, provider, error_class=ErrorClass.QUOTA)

    drill = await running(database)
    assert drill is not None
    assert drill.error_class is ErrorClass.QUOTA
    kinds = [kind for kind, _, _ in await told(database, provider)]
    assert kinds == ["drill_started", "drill_ended", "drill_started"]


@pytest.mark.parametrize(
    "how",
    [
        {"minutes": 0},
        {"minutes": 121},
        {"minutes": True},
        {"minutes": 1.5},
        {"latency_ms": -1},
        {"latency_ms": 60_001},
        {"error_class": None},
        {"reason": " "},
    ],
)
async def test_what_is_out_of_bounds_is_refused(
    database: Database, provider: UUID, how: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        await start(database, provider, **how)
    assert await running(database) is None


@pytest.mark.parametrize("error_class", ErrorClass)
async def test_every_class_of_error_can_be_rehearsed(
    database: Database, provider: UUID, error_class: ErrorClass
) -> None:
    assert (await start(database, provider, error_class=error_class, minutes=120)).error_class is error_class


async def test_only_superadmins_may_in_person(database: Database, provider: UUID) -> None:
    actors = [
        actor_of(await make_user(database, role=role)) for role in (Role.SUPPORT, Role.TESTER, Role.USER)
    ]
    for actor in [*actors, Actor("key", "a key", Role.SUPERADMIN)]:
        with pytest.raises(NotAllowed):
            await start(database, provider, actor=actor)
        with pytest.raises(NotAllowed):
            await end(database, provider, actor)
    with pytest.raises(NotFound):
        await start(database, new_id())
