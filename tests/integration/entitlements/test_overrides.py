"""Exceptions for single users: made, replaced, ended, listed, and felt by decisions."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.accounts.identities import Identities
from core.accounts.models import User
from core.audit import Actor
from core.database import Database
from core.entitlements.changes import feature_property
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.models import Override
from core.entitlements.overrides import (
    add_override,
    count_overrides,
    end_due,
    end_override,
    list_overrides,
    overrides_of,
)
from core.entitlements.rules import Reason, check, effective_limit
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import make_override, make_user
from tests.integration.entitlements.conftest import Save

LATER = datetime(2099, 1, 1, tzinfo=UTC)


async def add(database: Database, user_id: UUID, actor: Actor, **fields: Any) -> Override:
    fields.setdefault("reason", "a favour")
    async with database.transaction() as session:
        return await add_override(session, user_id, actor=actor, **fields)


async def end(database: Database, override_id: UUID, actor: Actor, reason: str = "enough") -> Override:
    async with database.transaction() as session:
        return await end_override(session, override_id, actor=actor, reason=reason)


@pytest.fixture
async def user(database: Database, plans: Matrix) -> User:
    return await make_user(database, email="ann@example.com", plan_id="premium")


async def decided(database: Database, user: User, now: datetime | None = None) -> Reason:
    person = await Identities(database).resolve_user(str(user.id))
    entitlements = (await matrix(database)).entitlements
    return check(entitlements, person, "voice-over", now or datetime.now(UTC)).reason


async def test_an_exception_allows_until_its_end_without_anybody_doing_anything(
    database: Database, user: User, support: Actor
) -> None:
    assert await decided(database, user) is Reason.FEATURE_NOT_IN_PLAN
    await add(database, user.id, support, feature_id="voice-over", allowed=True, expires_at=LATER)
    assert await decided(database, user) is Reason.OVERRIDE_ALLOWS
    assert await decided(database, user, LATER) is Reason.FEATURE_NOT_IN_PLAN


async def test_an_exception_is_audited_and_told_to_all_processes(
    database: Database, user: User, support: Actor
) -> None:
    async def people_version() -> int:
        row = await database.fetch_one(
            "select coalesce(max(version), 0) from versions where topic = 'people'"
        )
        assert row
        return row[0]

    before = await people_version()
    override = await add(
        database, user.id, support, feature_id="voice-over", allowed=True, reason="complained"
    )
    await end(database, override.id, support)
    assert await people_version() == before + 2
    rows = await database.fetch_all(
        "select action, subject_id, reason, before ->> 'feature', after ->> 'allowed' from audit order by id"
    )
    assert rows == [
        ("override.add", str(user.id), "complained", None, "true"),
        ("override.end", str(user.id), "enough", "voice-over", None),
    ]


async def test_a_limit_is_raised_and_falls_back_when_the_exception_ends(
    database: Database, user: User, support: Actor
) -> None:
    override = await add(database, user.id, support, limit_name="max_projects", value=20)
    plan = (await matrix(database)).entitlements.plans["premium"]

    async def limit() -> int | None:
        person = await Identities(database).resolve_user(str(user.id))
        return effective_limit(plan, person, "max_projects", datetime.now(UTC))

    assert await limit() == 20
    await end(database, override.id, support)
    assert await limit() == 10


async def test_another_exception_for_the_same_takes_the_place_of_the_first(
    database: Database, user: User, support: Actor
) -> None:
    first = await add(database, user.id, support, feature_id="voice-over", allowed=True)
    await add(database, user.id, support, feature_id="video-suite", allowed=False)
    second = await add(database, user.id, support, feature_id="voice-over", allowed=False, expires_at=LATER)
    lines = await overrides_of(database, user.id, ended=True)
    assert [(line.id, line.in_force) for line in lines if line.feature_id == "voice-over"] == [
        (second.id, True),
        (first.id, False),
    ]
    assert await count_overrides(database) == 2
    row = await database.fetch_one(
        "select before ->> 'allowed', after ->> 'allowed' from audit order by id desc limit 1"
    )
    assert row == ("true", "false")


async def test_two_who_make_the_same_exception_at_once_leave_one_in_force(
    database: Database, user: User, support: Actor
) -> None:
    await asyncio.gather(
        *(add(database, user.id, support, limit_name="max_projects", value=value) for value in range(20, 26))
    )
    assert len(await overrides_of(database, user.id)) == 1
    assert len(await overrides_of(database, user.id, ended=True)) == 6


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"feature_id": "voice_over", "allowed": True}, "unknown_feature"),
        ({"feature_id": "voice-over"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"feature_id": "voice-over", "allowed": True, "limit_name": "max_projects"}, "invalid_request"),
        ({"limit_name": "monthly_credits", "value": 9}, "unknown_limit"),
        ({"limit_name": "max_projects"}, "invalid_request"),
        ({"limit_name": "max_projects", "value": 10}, "limit_not_raised"),
        ({"limit_name": "max_projects", "value": 2**40}, "invalid_request"),
        ({"limit_name": "trial_uses", "value": 9}, "limit_not_raised"),
        ({"feature_id": "voice-over", "allowed": True, "reason": ""}, "reason_required"),
        (
            {"feature_id": "voice-over", "allowed": True, "expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
            "invalid_request",
        ),
        (
            {"feature_id": "voice-over", "allowed": True, "expires_at": datetime(2099, 1, 1)},
            "invalid_request",
        ),
    ],
)
async def test_an_exception_that_makes_no_sense_is_refused(
    database: Database, user: User, support: Actor, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await add(database, user.id, support, **fields)
    assert refusal.value.code == code
    assert await overrides_of(database, user.id, ended=True) == []


async def test_a_trial_is_prolonged_above_the_uses_that_the_user_has_of_their_own(
    database: Database, plans: Matrix, support: Actor
) -> None:
    user = await make_user(database, plan_id="trial", trial_uses=5)
    with pytest.raises(InvalidRequest, match="may have 5 already"):
        await add(database, user.id, support, limit_name="trial_uses", value=5)
    await add(database, user.id, support, limit_name="trial_uses", value=6)


async def test_a_retired_feature_takes_no_exceptions(
    database: Database, user: User, plans: Matrix, support: Actor, saving: Save
) -> None:
    feature = plans.feature("voice-over")
    assert feature
    await saving(feature_property(feature, "retired", True))
    with pytest.raises(InvalidRequest):
        await add(database, user.id, support, feature_id="voice-over", allowed=True)


async def test_support_makes_exceptions_for_users_and_not_for_superadmins(
    database: Database, user: User, support: Actor, admin: Actor
) -> None:
    assert admin.id
    fields: dict[str, Any] = {"feature_id": "voice-over", "allowed": True}
    with pytest.raises(NotAllowed):
        await add(database, admin.id, support, **fields)
    override = await add(database, admin.id, admin, **fields)
    with pytest.raises(NotAllowed):
        await end(database, override.id, support)
    for role in (Role.TESTER, Role.USER):
        with pytest.raises(NotAllowed):
            await add(database, user.id, Actor("user", "x", role, new_id()), **fields)
    with pytest.raises(NotFound):
        await add(database, new_id(), support, **fields)


async def test_what_has_ended_does_not_end_again(database: Database, user: User, support: Actor) -> None:
    override = await add(database, user.id, support, feature_id="voice-over", allowed=True)
    await end(database, override.id, support)
    over = await make_override(
        database, user.id, feature_id="chat", allowed=True, expires_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    for ended in (override.id, over.id):
        with pytest.raises(Conflict) as refusal:
            await end(database, ended, support)
        assert refusal.value.code == "override_ended"
    with pytest.raises(NotFound):
        await end(database, new_id(), support)


async def test_all_exceptions_are_listed_in_pages_with_address_and_author(
    database: Database, plans: Matrix, support: Actor
) -> None:
    people = [await make_user(database, email=f"u{one}@example.com", plan_id="premium") for one in range(5)]
    for one in people:
        await add(database, one.id, support, feature_id="voice-over", allowed=True)
    other = await add(database, people[0].id, support, limit_name="max_projects", value=99)
    first = await list_overrides(database, limit=4)
    assert [line.email for line in first] == ["u0@example.com", *(f"u{one}@example.com" for one in (4, 3, 2))]
    assert (first[0].id, first[0].created_by, first[0].in_force) == (other.id, "tom@example.com", True)
    rest = await list_overrides(database, limit=4, after=first[-1].id)
    assert [line.email for line in rest] == ["u1@example.com", "u0@example.com"]
    assert len(await list_overrides(database, feature_id="voice-over")) == 5
    assert (await count_overrides(database), await count_overrides(database, feature_id="voice-over")) == (
        6,
        5,
    )


async def test_what_is_over_leaves_the_list_and_is_noted_as_ended_when_it_was(
    database: Database, user: User
) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    await make_override(database, user.id, feature_id="voice-over", allowed=True, expires_at=at)
    assert await list_overrides(database) == []
    assert await count_overrides(database) == 0
    line = (await list_overrides(database, ended=True))[0]
    assert (line.in_force, line.ended_at) == (False, None)
    assert await end_due(database) == 1
    assert await end_due(database) == 0
    line = (await overrides_of(database, user.id, ended=True))[0]
    assert line.ended_at == at
