"""Seeding a real database: once, twice, at the same time, and after an admin has been there."""

import asyncio

import pytest
from sqlmodel import col, delete, select

from core.database import Database
from core.entitlements import seed as seeds
from core.entitlements.models import Feature, Plan, PlanFeature
from core.entitlements.rules import Entitlements
from core.entitlements.seed import ALL, CREATOR, Seeded, seed
from core.entitlements.service import load
from core.vocabulary import Modality


async def seeded(database: Database, **options: int) -> Seeded:
    async with database.transaction() as session:
        return await seed(session, **options)


async def config_version(database: Database) -> int:
    row = await database.fetch_one("select version from versions where topic = 'config'")
    assert row
    return row[0]


async def test_the_first_run_makes_all_plans_and_features(database: Database) -> None:
    made = await seeded(database)
    assert (len(made.features), len(made.plans), made.links) == (9, 6, 44)
    entitlements = await load(database)
    assert list(entitlements.plans) == ["free", "trial", "creator", "premium", "pro", "unlimited"]
    assert entitlements.plans["creator"].features == CREATOR
    assert entitlements.plans["unlimited"].features == ALL == entitlements.features.keys()
    pro = entitlements.plans["pro"]
    assert (pro.daily_generations, pro.monthly_ceiling, pro.modalities) == (500, 10_000, frozenset(Modality))


async def test_a_second_run_changes_nothing_and_tells_nobody(database: Database) -> None:
    await seeded(database)
    first, version = await load(database), await config_version(database)
    assert not await seeded(database)
    assert await load(database) == first
    assert await config_version(database) == version


async def test_processes_that_seed_at_once_make_everything_once(database: Database) -> None:
    before = await config_version(database)
    runs = await asyncio.gather(*(seeded(database) for _ in range(4)))
    assert sorted(run.links for run in runs) == [0, 0, 0, 44]
    assert await config_version(database) == before + 1


async def test_the_free_plan_starts_with_the_configured_limit_and_then_keeps_its_own(
    database: Database,
) -> None:
    await seeded(database, free_daily_limit=7)
    await seeded(database, free_daily_limit=9)
    assert (await load(database)).plans["free"].daily_generations == 7


async def test_what_an_admin_changed_survives_the_next_run(database: Database) -> None:
    await seeded(database)
    async with database.transaction() as session:
        creator = await session.get_one(Plan, "creator")
        creator.daily_generations, creator.display_name = 42, "Maker"
        session.add(creator)
        await session.exec(delete(PlanFeature).where(col(PlanFeature.feature_id) == "video-suite"))
        session.add(PlanFeature(plan_id="free", feature_id="voice-over"))
    changed = await load(database)
    assert not await seeded(database)
    assert await load(database) == changed
    assert "video-suite" not in changed.plans["creator"].features
    assert "voice-over" in changed.plans["free"].features


async def test_a_plan_without_any_feature_stays_without(database: Database) -> None:
    await seeded(database)
    async with database.transaction() as session:
        await session.exec(delete(PlanFeature).where(col(PlanFeature.plan_id) == "pro"))
    await seeded(database)
    assert (await load(database)).plans["pro"].features == frozenset()


async def test_a_feature_of_a_later_release_reaches_its_plans_and_undoes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seeded(database)
    async with database.transaction() as session:
        await session.exec(delete(PlanFeature).where(col(PlanFeature.feature_id) == "video-suite"))
    monkeypatch.setattr(
        seeds,
        "FEATURES",
        (*seeds.FEATURES, {"id": "subtitles", "display_name": "Subtitles", "description": ""}),
    )
    monkeypatch.setattr(seeds, "FEATURES_OF", seeds.FEATURES_OF | {"pro": ALL | {"subtitles"}})
    made = await seeded(database)
    assert (made.features, made.plans, made.links) == (("subtitles",), (), 1)
    assert (await load(database)).plans["pro"].features == ALL - {"video-suite"} | {"subtitles"}


async def test_retired_features_are_undefined_and_retired_plans_serve_on(database: Database) -> None:
    await seeded(database)
    async with database.transaction() as session:
        for row in (await session.get_one(Feature, "voice-over"), await session.get_one(Plan, "premium")):
            row.retired_at = row.created_at
            session.add(row)
    assert not await seeded(database)
    entitlements = await load(database)
    assert "voice-over" not in entitlements.features
    assert entitlements.plans["premium"].retired


async def test_an_empty_database_gives_empty_entitlements(database: Database) -> None:
    assert await load(database) == Entitlements({}, {})
    async with database.transaction() as session:
        assert (await session.exec(select(Plan))).all() == []
