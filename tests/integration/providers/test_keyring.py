"""Keys as people handle them: added, rotated, changed, removed, told without the secret, refused in clear words."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.audit import COMMAND_LINE, Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.providers.keyring import MOST_KEYS, add_key, remove_key
from core.providers.models import ProviderKey
from core.routing.events import events
from core.vocabulary import Role
from tests.factories import actor_of, make_user
from tests.integration.providers.keys import (
    MINUTE,
    OTHER,
    SECRET,
    VAULT,
    add,
    aside,
    change,
    keys,
    put_back,
    rotate,
)
from tests.rows import make_provider


@pytest.fixture
async def provider(database: Database) -> UUID:
    return await make_provider(database)


async def remove(database: Database, key: ProviderKey, **how: Any) -> None:
    async with database.transaction() as session:
        await remove_key(session, key.id, **{"actor": COMMAND_LINE, "reason": "it leaked", **how})


async def audited(database: Database) -> list[tuple[Any, ...]]:
    return await database.fetch_all("select action, reason, before, after from audit order by id")


async def everything_written(database: Database) -> str:
    rows = await database.fetch_all(
        "select to_jsonb(a)::varchar from audit a union all select to_jsonb(e)::varchar from provider_events e"
        " union all select to_jsonb(k)::varchar from provider_keys k"
    )
    return " ".join(row for (row,) in rows)


async def test_an_added_key_serves_and_its_secret_is_nowhere_to_be_read(
    database: Database, provider: UUID
) -> None:
    admin = await make_user(database, role=Role.SUPERADMIN, email="ann@example.com")
    until = datetime.now(UTC) + timedelta(days=90)
    await add(database, provider, f"  {SECRET}\n", weight=3, expires_at=until, actor=actor_of(admin))

    (key,) = await keys(database)
    assert (key.secret, key.last_four, key.weight, key.expires_at) == (SECRET, "-one", 3, until)
    assert key.usable(datetime.now(UTC))
    assert not key.usable(until)
    (event,) = await events(database, provider)
    assert (event.kind, event.actor, event.key) == ("key_added", "ann@example.com", "-one")
    ((action, _, _, after),) = await audited(database)
    assert (action, after["last_four"], after["weight"]) == ("provider.key_added", "-one", 3)
    assert SECRET not in await everything_written(database)
    assert await database.fetch_one("select created_by from provider_keys") == (admin.id,)


@pytest.mark.parametrize("secret", ["", "  ", "two words", "line\nbreak", "schlüssel", "x" * 4001, "nul\0"])
async def test_what_no_key_can_be_is_refused(database: Database, provider: UUID, secret: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await add(database, provider, secret)
    assert refused.value.code == "invalid_key"


@pytest.mark.parametrize("how", [{"weight": 0}, {"weight": 1001}, {"weight": True}, {"weight": 1.5}])
async def test_a_weight_that_is_none_is_refused(
    database: Database, provider: UUID, how: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match="weight"):
        await add(database, provider, **how)
    key = await add(database, provider)
    with pytest.raises(InvalidRequest, match="weight"):
        await change(database, key, **how)


async def test_an_expiry_lies_ahead(database: Database, provider: UUID) -> None:
    past = datetime.now(UTC) - MINUTE
    for expiry in (past, datetime(2100, 1, 1)):
        with pytest.raises(InvalidRequest, match="expiry"):
            await add(database, provider, expires_at=expiry)


async def test_the_same_secret_twice_at_one_provider_is_refused_whatever_its_state(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)
    await change(database, key, enabled=False)

    with pytest.raises(Conflict, match="····-one, switched off") as refused:
        await add(database, provider)
    with pytest.raises(Conflict):
        await rotate(database, key, SECRET)

    assert refused.value.code == "key_exists"
    await add(database, await make_provider(database, "beta"))


async def test_of_two_that_add_the_same_key_at_once_one_is_refused(
    database: Database, provider: UUID
) -> None:
    results = await asyncio.gather(*(add(database, provider) for _ in range(2)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in results) == ["Conflict", "ProviderKey"]


async def test_a_provider_has_so_many_keys_and_the_sandbox_none(database: Database, provider: UUID) -> None:
    async with database.transaction() as session:
        for number in range(MOST_KEYS):
            await add_key(session, VAULT, provider, f"sk-test-{number}-abcdef", actor=COMMAND_LINE)
    with pytest.raises(Conflict, match="remove one"):
        await add(database, provider)
    await database.execute("update providers set kind = 'sandbox'")
    with pytest.raises(InvalidRequest, match="needs no key"):
        await add(database, provider)


async def test_a_rotation_lets_both_serve_for_the_overlap_and_takes_the_weight_over(
    database: Database, provider: UUID
) -> None:
    old = await add(database, provider, weight=7)
    new = await rotate(database, old)

    (first, second), now = await keys(database), datetime.now(UTC)
    assert (second.id, second.weight, second.expires_at) == (new.id, 7, None)
    assert first.expires_at is not None
    assert timedelta(minutes=59) < first.expires_at - now <= timedelta(hours=1)
    assert first.usable(now)
    assert second.usable(now)
    assert not first.usable(now + timedelta(hours=1))
    event, *_ = await events(database, provider)
    assert (event.kind, event.reason, event.key, event.until) == (
        "key_rotated", "the old one serves for 1 hour more: yearly", "-two", first.expires_at,
    )  # fmt: skip
    assert (await audited(database))[-1][1] == "yearly"
    assert OTHER not in await everything_written(database)


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(
    database: Database, provider: UUID
) -> None:
    old = await add(database, provider)
    await rotate(database, old, overlap=timedelta(0))

    assert [key.usable(datetime.now(UTC)) for key in await keys(database)] == [False, True]
    event, *_ = await events(database, provider)
    assert event.reason == "the old one serves no more: yearly"


async def test_an_old_key_that_ends_sooner_by_itself_still_does(database: Database, provider: UUID) -> None:
    soon = datetime.now(UTC) + MINUTE
    old = await add(database, provider, expires_at=soon)
    await rotate(database, old)

    assert (await keys(database))[0].expires_at == soon


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
async def test_an_overlap_has_bounds(database: Database, provider: UUID, overlap: timedelta) -> None:
    old = await add(database, provider)
    with pytest.raises(InvalidRequest, match="thirty days"):
        await rotate(database, old, overlap=overlap)


async def test_a_key_under_a_lost_encryption_key_can_still_be_rotated_away(
    database: Database, provider: UUID
) -> None:
    old = await add(database, provider)
    await database.execute("update provider_keys set ciphertext = %s", (b"unreadable",))
    await rotate(database, old)

    first, second = await keys(database)
    assert (first.fault, second.fault) == ("key cannot be decrypted", None)


async def test_a_key_is_weighed_switched_off_and_on_and_every_change_is_told(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)
    until = datetime.now(UTC) + timedelta(days=30)

    await change(database, key, weight=5)
    await change(database, key, enabled=False)
    assert not (await keys(database))[0].usable(datetime.now(UTC))
    await change(database, key, enabled=True, expires_at=until)
    await change(database, key, weight=5, enabled=True)

    (config,) = await keys(database)
    assert (config.weight, config.state, config.expires_at) == (5, "active", until)
    told = [one.reason for one in reversed(await events(database, provider))]
    assert told[1:3] == ["weight 1 → 5: so it is", "state active → disabled: so it is"]
    assert len(told) == 4, "the last changed nothing"
    assert (await audited(database))[1][2:] == (
        {"last_four": "-one", "weight": 1},
        {"last_four": "-one", "weight": 5},
    )
    await change(database, key, expires_at=None)
    assert (await keys(database))[0].expires_at is None


async def test_an_expired_key_is_not_switched_on_without_another_expiry(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)
    await change(database, key, enabled=False)
    await database.execute("update provider_keys set expires_at = now() - interval '1 second'")

    with pytest.raises(Conflict, match="another expiry"):
        await change(database, key, enabled=True)

    await change(database, key, enabled=True, expires_at=None)
    assert (await keys(database))[0].usable(datetime.now(UTC))


async def test_a_key_may_be_removed_the_last_one_too_and_twice_is_told(
    database: Database, provider: UUID
) -> None:
    key = await add(database, provider)
    await remove(database, key)

    assert await keys(database) == []
    event, *_ = await events(database, provider)
    assert (event.kind, event.reason, event.key) == ("key_removed", "it leaked", "-one")
    with pytest.raises(NotFound, match="removed meanwhile"):
        await remove(database, key)


async def test_only_superadmins_may_in_person_and_with_a_reason(database: Database, provider: UUID) -> None:
    key = await add(database, provider)
    await aside(database, key)
    written = await everything_written(database)
    actors = [
        actor_of(await make_user(database, role=role)) for role in (Role.SUPPORT, Role.TESTER, Role.USER)
    ]
    for actor in [*actors, Actor("key", "a key", Role.SUPERADMIN)]:
        for verb in (change, rotate, remove, put_back):
            with pytest.raises(NotAllowed):
                await verb(database, key, actor=actor)
        with pytest.raises(NotAllowed):
            await add(database, provider, OTHER, actor=actor)
    for verb in (change, rotate, remove, put_back):
        with pytest.raises(InvalidRequest, match="reason"):
            await verb(database, key, reason="\t")
    with pytest.raises(NotFound):
        await add(database, new_id(), OTHER)
    assert await everything_written(database) == written
