"""Settings that people change: who may, which values mean something, and that nobody writes over what they have not seen."""

from typing import Any

import pytest

from core.audit import Actor
from core.configuration.rules import (
    SETTINGS,
    SUPERADMIN_LIMIT,
    SUPPORT_CONTACT,
    SUPPORT_LIMIT,
    TEST_BUDGET,
    UPGRADE_URL,
)
from core.configuration.service import change_settings
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed
from core.vocabulary import Role
from tests.factories import actor_of, make_user

WHY = "for the test"


async def admin(database: Database, role: Role = Role.SUPERADMIN) -> Actor:
    return actor_of(await make_user(database, role=role))


async def change(database: Database, actor: Actor, values: dict[str, Any], **seen: Any) -> dict[str, Any]:
    async with database.transaction() as session:
        return await change_settings(session, values, seen=seen, actor=actor, reason=WHY)


async def stored(database: Database) -> dict[str, Any]:
    return dict(await database.fetch_all("select key, value from settings"))


async def test_what_is_set_is_kept_told_to_all_processes_and_audited(database: Database) -> None:
    actor = await admin(database)
    (version,) = await database.fetch_one("select version from versions where topic = 'config'") or (0,)

    changed = await change(database, actor, {SUPPORT_LIMIT: "2000", TEST_BUDGET: "12.5", UPGRADE_URL: " "})

    assert changed == {SUPPORT_LIMIT: 2_000, TEST_BUDGET: "12.50"}
    assert await stored(database) == changed
    assert await database.fetch_one("select version from versions where topic = 'config'") == (version + 1,)
    row = await database.fetch_one("select action, reason, before, after from audit")
    assert row == ("settings.change", WHY, {SUPPORT_LIMIT: None, TEST_BUDGET: None}, changed)


async def test_nothing_goes_back_to_the_default(database: Database) -> None:
    actor = await admin(database)
    await change(database, actor, {SUPPORT_CONTACT: "help@example.com"})

    await change(database, actor, {SUPPORT_CONTACT: ""}, support_contact="help@example.com")

    assert await stored(database) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (SUPPORT_LIMIT, "-1"),
        (SUPPORT_LIMIT, "1.5"),
        (SUPERADMIN_LIMIT, "many"),
        (SUPERADMIN_LIMIT, "NaN"),
        (SUPERADMIN_LIMIT, "1e30"),
        (TEST_BUDGET, "-0.01"),
        (TEST_BUDGET, "Infinity"),
        (UPGRADE_URL, "javascript:alert(1)"),
        (UPGRADE_URL, "https://name:secret@example.com"),
        (UPGRADE_URL, "//example.com"),
        (UPGRADE_URL, "https://[broken"),
        (SUPPORT_CONTACT, "x" * 201),
        ("secret_key", "1"),
    ],
)
async def test_a_value_that_means_nothing_is_refused_and_changes_nothing(
    key: str, value: str, database: Database
) -> None:
    actor = await admin(database)

    with pytest.raises(InvalidRequest):
        await change(database, actor, {SUPPORT_CONTACT: "help@example.com", key: value})

    assert await stored(database) == {}


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TESTER, Role.USER])
async def test_only_superadmins_change_settings(role: Role, database: Database) -> None:
    with pytest.raises(NotAllowed):
        await change(database, await admin(database, role), {SUPPORT_LIMIT: "9"})


async def test_of_two_who_saw_the_same_the_second_is_told(database: Database) -> None:
    one, other = await admin(database), await admin(database)
    await change(database, one, {SUPPORT_LIMIT: "700"})

    with pytest.raises(Conflict, match=SETTINGS[SUPPORT_LIMIT].words) as told:
        await change(database, other, {SUPPORT_LIMIT: "9"})

    assert told.value.code == "changed_meanwhile"
    assert await stored(database) == {SUPPORT_LIMIT: 700}
