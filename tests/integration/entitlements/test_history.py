"""The history of plans and one-click revert."""

import pytest

from core.audit import Actor
from core.database import Database
from core.entitlements.changes import cell, new_feature, new_plan, plan_property
from core.entitlements.history import reversal, revert, version, versions
from core.entitlements.matrix import Matrix, matrix
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.vocabulary import Role
from tests.factories import make_user
from tests.integration.entitlements.conftest import Save
from tests.integration.entitlements.test_editing import everything, plan_of


async def back(
    database: Database, actor: Actor, number: int, *, base: int | None = None, partly: bool = False
) -> int:
    async with database.transaction() as session:
        return await revert(session, number, base=base, actor=actor, reason="a mistake", partly=partly)


async def test_versions_are_listed_newest_first_in_pages_with_all_that_they_changed(
    database: Database, plans: Matrix, saving: Save
) -> None:
    assert await versions(database) == []
    for turn in range(5):
        await saving(cell("premium", "voice-over", turn % 2 == 0), reason=f"turn {turn}")
    newest = await versions(database, limit=2)
    assert [one.number for one in newest] == [5, 4]
    assert (newest[0].saved_by, newest[0].reason, newest[0].reverts) == ("mira@example.com", "turn 4", None)
    assert newest[0].changes == (cell("premium", "voice-over", True),)
    assert [one.number for one in await versions(database, before=4)] == [3, 2, 1]


async def test_a_revert_is_a_version_of_its_own_that_brings_everything_back(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(*everything(plans))
    assert await back(database, admin, 1, base=1) == 2
    stored = await matrix(database)
    assert (stored.plans, stored.features) == (plans.plans, plans.features)
    second, first = await versions(database)
    assert (second.reverts, second.reverted_by, first.reverts, first.reverted_by) == (1, None, None, 2)
    row = await database.fetch_one("select action, reason from audit order by id desc limit 1")
    assert row == ("plans.revert", "a mistake")


async def test_a_revert_can_be_reverted(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(*everything(plans))
    changed = await matrix(database)
    await back(database, admin, 1)
    await back(database, admin, 2)
    stored = await matrix(database)
    assert (stored.plans, stored.features) == (changed.plans, changed.features)


async def test_what_was_changed_again_since_stops_a_revert_with_its_names(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    pro = plan_of(plans, "pro")
    await saving(cell("premium", "voice-over", True), plan_property(pro, "max_projects", 50))
    await saving(plan_property(plan_of(await matrix(database), "pro"), "max_projects", 60))
    with pytest.raises(Conflict, match="Since version 1, Pro · Projects was changed again") as refusal:
        await back(database, admin, 1)
    assert (refusal.value.code, refusal.value.details) == ("changed_since", {"names": ["Pro · Projects"]})
    found = reversal(await matrix(database), await version(database, 1))
    assert found.changes == (cell("premium", "voice-over", False),)
    assert found.overtaken == (plan_property(pro, "max_projects", 50),)
    assert await back(database, admin, 1, partly=True) == 3
    stored = await matrix(database)
    assert "voice-over" not in plan_of(stored, "premium").features
    assert plan_of(stored, "pro").max_projects == 60


async def test_what_does_not_stand_any_more_at_all_cannot_be_reverted(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(cell("premium", "voice-over", True))
    await back(database, admin, 1)
    for partly in (False, True):
        with pytest.raises(InvalidRequest, match="nothing to revert"):
            await back(database, admin, 1, partly=partly)


async def test_a_plan_with_people_on_it_stops_the_revert_of_its_making(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(new_plan("team", display_name="Team"), cell("team", "voice-over", True))
    await make_user(database, plan_id="team")
    with pytest.raises(Conflict) as refusal:
        await back(database, admin, 1)
    assert refusal.value.code == "plan_in_use"
    assert (await matrix(database)).version == 1


async def test_a_feature_put_on_another_plan_since_is_not_taken_away_with_its_making(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(new_feature("subtitles", "Subtitles"), cell("pro", "subtitles", True))
    await saving(cell("unlimited", "subtitles", True))
    with pytest.raises(Conflict, match="subtitles is on Unlimited by now") as refusal:
        await back(database, admin, 1)
    assert refusal.value.code == "feature_in_use"


async def test_a_revert_on_an_older_version_than_the_newest_is_refused(
    database: Database, plans: Matrix, saving: Save, admin: Actor
) -> None:
    await saving(cell("premium", "voice-over", True))
    await saving(cell("creator", "voice-over", True))
    with pytest.raises(Conflict) as refusal:
        await back(database, admin, 1, base=1)
    assert refusal.value.code == "changed_meanwhile"


async def test_unknown_versions_and_other_people_are_refused(
    database: Database, saving: Save, admin: Actor, support: Actor
) -> None:
    await saving(cell("premium", "voice-over", True))
    with pytest.raises(NotFound):
        await back(database, admin, 2)
    assert support.role is Role.SUPPORT
    with pytest.raises(NotAllowed):
        await back(database, support, 1)
