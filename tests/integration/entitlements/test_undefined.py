"""Counting the checks of features that nobody has defined."""

import asyncio
from datetime import UTC, datetime

import pytest

from core.audit import Actor
from core.database import Database
from core.entitlements import service
from core.entitlements.rules import Entitlements, FeatureView, entitlements_of
from core.entitlements.service import UndefinedFeatures, dismiss_undefined, undefined_features
from core.errors import DatabaseUnavailable, NotAllowed, NotFound
from core.vocabulary import Role

DEFINED = Entitlements({}, {"topic-researcher": "Topic researcher", "voice-over": "Voice-over"})


async def counted(database: Database) -> dict[str, int]:
    return dict(await database.fetch_all("select feature_id, checks from undefined_features"))


async def test_counts_are_exact_under_two_recorders(database: Database) -> None:
    recorders = [UndefinedFeatures(database, every_seconds=0.01) for _ in range(2)]
    for recorder in recorders:
        recorder.start()
    for turn in range(500):
        # Each begins with another id: flushed in this order they would wait for one another in a circle.
        for recorder, ids in zip(recorders, (("a", "b"), ("b", "a")), strict=True):
            for feature_id in ids:
                recorder.record(feature_id)
        if turn % 20 == 0:
            await asyncio.sleep(0.005)
    await asyncio.gather(*(recorder.close() for recorder in recorders))
    assert await counted(database) == {"a": 1000, "b": 1000}


async def test_they_are_listed_most_asked_first_with_the_nearest_defined_name(database: Database) -> None:
    recorder = UndefinedFeatures(database)
    for feature_id, checks in (("topic-resercher", 41), ("billing", 3), ("voice-over", 99)):
        recorder.record(feature_id, checks)
    await recorder.close()
    async with database.transaction() as session:
        listed = await undefined_features(session, DEFINED)
    assert [(row.feature_id, row.checks, row.nearest) for row in listed] == [
        ("topic-resercher", 41, "topic-researcher"),
        ("billing", 3, None),
    ]
    assert listed[0].first_seen_at <= listed[0].last_seen_at <= datetime.now(UTC)


async def test_a_flush_that_finds_no_database_is_made_up_for_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = UndefinedFeatures(database)
    recorder.record("a")
    with monkeypatch.context() as absent:

        async def gone(*_: object) -> int:
            raise DatabaseUnavailable

        absent.setattr(database, "execute", gone)
        await recorder.flush()
    recorder.record("a")
    await recorder.close()
    assert await counted(database) == {"a": 2}


@pytest.mark.parametrize(
    "hostile", ["\0", "a\0b", "\ud800", "x" * 5_000, "'; drop table users; --", "", "{}", 'a,"b']
)
async def test_hostile_ids_are_counted_and_harmless(database: Database, hostile: str) -> None:
    recorder = UndefinedFeatures(database)
    recorder.record(hostile)
    recorder.record("innocent")
    await recorder.close()
    rows = await counted(database)
    assert rows["innocent"] == 1
    assert len(rows) == 2
    assert max(map(len, rows)) <= 100


async def test_the_number_of_ids_is_bounded_in_memory_and_in_the_table(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_ROWS", 30)
    recorder = UndefinedFeatures(database, most_ids=20)
    for flood in range(3):
        for number in range(100):
            recorder.record(f"{flood}-{number}")
        await recorder.flush()
    recorder.record("0-0")
    recorder.record("late")
    await recorder.close()
    rows = await counted(database)
    assert len(rows) == 40  # the second flood found room, the third did not
    assert rows["0-0"] == 2  # known ids are counted on
    assert "late" not in rows


async def listed(database: Database) -> list[str]:
    async with database.transaction() as session:
        return [row.feature_id for row in await undefined_features(session, DEFINED)]


async def test_what_was_dismissed_stays_off_the_list_however_often_it_is_asked_for(
    database: Database,
) -> None:
    recorder = UndefinedFeatures(database)
    recorder.record("billing", 3)
    recorder.record("voice_over", 2)
    await recorder.flush()
    admin = Actor("user", "mira@example.com", Role.SUPERADMIN)
    for _ in range(2):
        async with database.transaction() as session:
            await dismiss_undefined(session, "billing", actor=admin)
    recorder.record("billing", 4)
    await recorder.close()
    assert await listed(database) == ["voice_over"]
    assert (await counted(database))["billing"] == 7
    rows = await database.fetch_all("select action, subject_id, before ->> 'checks' from audit")
    assert rows == [("feature.dismiss", "billing", "3")]


async def test_only_superadmins_dismiss_and_only_what_was_asked_for(database: Database) -> None:
    with pytest.raises(NotAllowed):
        async with database.transaction() as session:
            await dismiss_undefined(session, "billing", actor=Actor("user", "x", Role.SUPPORT))
    with pytest.raises(NotFound):
        async with database.transaction() as session:
            await dismiss_undefined(session, "billing", actor=Actor("user", "x", Role.SUPERADMIN))


async def test_a_retired_feature_that_is_asked_for_is_told_as_such(database: Database) -> None:
    recorder = UndefinedFeatures(database)
    recorder.record("stock-media")
    await recorder.close()
    known = entitlements_of((), [FeatureView("stock-media", "Stock media", retired=True)])
    async with database.transaction() as session:
        (row,) = await undefined_features(session, known)
    assert row.retired
