"""Whom a change set touches: counted right, each user once, and along indexes."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from core.database import Database
from core.database.reading import PLANNING
from core.entitlements.changes import Change, cell, feature_property, new_plan, plan_property
from core.entitlements.counts import COUNT, users_per_plan
from core.entitlements.impact import EXCEPTIONS, Impact, impact
from core.entitlements.matrix import Matrix
from tests.factories import make_override, make_user
from tests.integration.entitlements.test_editing import plan_of

PAST = datetime(2020, 1, 1, tzinfo=UTC)


async def people(database: Database, plan: str | None, count: int) -> list[Any]:
    return [(await make_user(database, plan_id=plan)).id for _ in range(count)]


async def projects(database: Database, owner: Any, count: int, *, archived: bool = False) -> None:
    await database.execute(
        "insert into projects (id, owner_id, name, archived_at) select gen_random_uuid(), %(owner)s, 'p',"
        " case when %(archived)s then now() end from generate_series(1, %(count)s)",
        {"owner": owner, "count": count, "archived": archived},
    )


async def found(database: Database, plans: Matrix, *changes: Change) -> Impact:
    return await impact(database, plans.entitlements, changes, longest_age=0)


def numbers(of: Impact) -> tuple[int, int, int]:
    return of.users, of.gain, of.lose


async def test_the_review_of_the_specification(database: Database, plans: Matrix) -> None:
    premium = await people(database, "premium", 12)
    for user in premium[:3]:
        await make_override(database, user, feature_id="voice-over", allowed=True)
    await make_override(database, premium[3], feature_id="voice-over", allowed=False)
    await make_override(database, premium[4], feature_id="voice-over", allowed=True, expires_at=PAST)
    await make_override(database, premium[5], feature_id="voice-over", allowed=True, ended_at=PAST)
    await make_override(database, premium[6], feature_id="video-suite", allowed=True)
    unlimited = await people(database, "unlimited", 5)
    for user, count in zip(unlimited, (51, 52, 50, 3, 0), strict=True):
        await projects(database, user, count)
    await projects(database, unlimited[3], 60, archived=True)
    result = await found(
        database,
        plans,
        cell("premium", "voice-over", True),
        plan_property(plan_of(plans, "unlimited"), "max_projects", 50),
    )
    assert numbers(result) == (13, 8, 5)
    assert [(one.gain, one.lose) for one in result.changes] == [(8, 0), (0, 5)]
    assert [tuple(one)[1:] for one in result.sentences] == [
        ("12 on Premium", "8 gain voice-over, 3 have it already by override, 1 stays without it by override"),
        ("5 on Unlimited", "2 have more than 50 projects; they keep them and cannot add one"),
    ]


async def test_a_user_whom_several_changes_touch_counts_once(database: Database, plans: Matrix) -> None:
    users = await people(database, "premium", 4)
    await make_override(database, users[0], feature_id="voice-over", allowed=True)
    await make_override(database, users[0], feature_id="video-suite", allowed=True)
    result = await found(
        database,
        plans,
        cell("premium", "voice-over", True),
        cell("premium", "video-suite", False),
        cell("premium", "video-editor", False),
    )
    assert numbers(result) == (4, 3, 4)  # one has voice-over and video-suite either way, and loses the editor
    assert [(one.gain, one.lose) for one in result.changes] == [(3, 0), (0, 3), (0, 4)]
    assert result.sentences[0].text == (
        "4 lose video-editor; 3 lose video-suite, 1 keeps it by override; 3 gain voice-over, 1 has it already by override"
    )


async def test_whoever_is_left_as_they_were_by_all_changes_is_not_touched(
    database: Database, plans: Matrix
) -> None:
    users = await people(database, "premium", 3)
    await make_override(database, users[0], limit_name="max_projects", value=20)
    await make_override(database, users[0], feature_id="voice-over", allowed=True)
    change = plan_property(plan_of(plans, "premium"), "max_projects", 15)
    assert numbers(await found(database, plans, change, cell("premium", "voice-over", True))) == (2, 2, 0)
    above = plan_property(plan_of(plans, "premium"), "max_projects", 25)
    assert numbers(await found(database, plans, above)) == (3, 3, 0)


async def test_whom_an_exception_gives_as_much_is_told_apart(database: Database, plans: Matrix) -> None:
    users = await people(database, "premium", 3)
    for value, user in ((500, users[0]), (60, users[1])):
        await make_override(database, user, limit_name="daily_generations", value=value)
    result = await found(database, plans, plan_property(plan_of(plans, "premium"), "daily_generations", 200))
    assert numbers(result) == (2, 2, 0)
    assert result.sentences[0].text == (
        "2 may make 200 generations a day instead of 100, 1 has as much by override"
    )
    result = await found(database, plans, plan_property(plan_of(plans, "premium"), "daily_generations", 50))
    assert numbers(result) == (2, 0, 2)
    assert result.sentences[0].text == (
        "2 may make 50 generations a day instead of 100, 1 has more by override"
    )


async def test_whom_an_exception_allows_as_many_projects_has_not_too_many(
    database: Database, plans: Matrix
) -> None:
    users = await people(database, "premium", 3)
    for user in users:
        await projects(database, user, 8)
    for user, value, fields in (
        (users[0], 8, {}),
        (users[1], 7, {}),
        (users[2], 8, {"expires_at": PAST}),
    ):
        await make_override(database, user, limit_name="max_projects", value=value, **fields)
    result = await found(database, plans, plan_property(plan_of(plans, "premium"), "max_projects", 5))
    assert "2 have more than 5 projects" in result.sentences[0].text


async def test_a_retired_feature_is_lost_by_those_on_its_plans_and_those_who_have_it_by_exception(
    database: Database, plans: Matrix
) -> None:
    await people(database, "pro", 3)
    await people(database, "premium", 2)
    free = await people(database, "free", 2)
    await make_override(database, free[0], feature_id="voice-over", allowed=True)
    feature = plans.feature("voice-over")
    assert feature
    result = await found(database, plans, feature_property(feature, "retired", True))
    assert numbers(result) == (4, 0, 4)
    assert [(one.gain, one.lose) for one in result.changes] == [(0, 4)]
    assert [tuple(one)[1:] for one in result.sentences if "Nobody" not in one.head] == [
        ("3 on Pro", "3 lose voice-over"),
        ("On Free", "1 loses voice-over, which they have by override"),
    ]
    # Put on a plan and retired in one go, nobody gains it.
    put = cell("premium", "voice-over", True)
    assert numbers(await found(database, plans, put, feature_property(feature, "retired", True))) == (4, 0, 4)


@pytest.mark.parametrize(
    ("field", "value", "counted", "said"),
    [
        ("daily_generations", 50, (0, 2), "2 may make 50 generations a day instead of 100"),
        ("daily_generations", None, (2, 0), "2 may make any number of generations a day instead of 100"),
        ("monthly_credits", 2_500, (2, 0), "2 get 2,500 credits a month instead of 2,000, from their next period on"),
        ("monthly_ceiling", 1_000, (0, 2), "2 may spend 1,000 credits a month instead of 5,000"),
        ("daily_credits", 5, (2, 0), "2 get 5 free credits a day instead of 0, from tomorrow on"),
        ("max_projects", 20, (2, 0), "2 may have 20 projects instead of 10"),
        ("max_projects", 1, (0, 2), "nobody has more than 1 project"),
        ("modalities", {"text", "video"}, (2, 2), "2 gain video and lose audio and image"),
        ("watermark", True, (0, 2), "2 get the watermark"),
        ("tier", "premium", (0, 0), "all are served by the rules of tier premium"),
        ("routing_strategy", "cost", (0, 0), "requests of all are routed by cost"),
        ("trial_days", 30, (0, 0), "those on it keep the day on which their trial ends"),
        ("trial_uses", 30, (0, 2), "2 may make 30 generations in all from now on"),
        ("retired", True, (0, 0), "they keep it, and nobody can join it any more"),
    ],
)  # fmt: skip
async def test_what_each_property_means_to_those_on_the_plan(
    database: Database, plans: Matrix, field: str, value: Any, counted: tuple[int, int], said: str
) -> None:
    await people(database, "premium", 2)
    result = await found(database, plans, plan_property(plan_of(plans, "premium"), field, value))
    assert (result.gain, result.lose) == counted
    assert result.users == (0 if field in ("trial_days", "retired") else 2)
    assert (result.sentences[0].head, result.sentences[0].text) == ("2 on Premium", said)


async def test_a_name_or_a_new_plan_touches_nobody(database: Database, plans: Matrix) -> None:
    await people(database, "premium", 2)
    result = await found(
        database,
        plans,
        plan_property(plan_of(plans, "premium"), "display_name", "Prime"),
        new_plan("team", display_name="Team", features=["voice-over"]),
    )
    assert (numbers(result), result.sentences) == ((0, 0, 0), ())


async def test_plans_on_which_nobody_is_say_so_and_users_of_the_demo_count_nowhere(
    database: Database, plans: Matrix
) -> None:
    demo = await people(database, "premium", 3)
    await database.execute("update user_stats set demo = true where user_id = any(%s)", (demo,))
    await make_override(database, demo[0], feature_id="voice-over", allowed=True)
    await people(database, None, 2)
    assert await users_per_plan(database, longest_age=0) == {None: 2}
    result = await found(database, plans, cell("premium", "voice-over", True))
    assert numbers(result) == (0, 0, 0)
    assert result.sentences[0].head == "Nobody on Premium"


async def test_the_count_of_users_is_used_again_for_a_moment(database: Database, plans: Matrix) -> None:
    await people(database, "premium", 2)
    assert (await users_per_plan(database))["premium"] == 2
    await people(database, "premium", 1)
    assert (await users_per_plan(database))["premium"] == 2
    assert (await users_per_plan(database, longest_age=0))["premium"] == 3


async def test_with_many_users_no_large_table_is_read_from_end_to_end(
    database: Database, plans: Matrix
) -> None:
    await database.execute(
        "insert into users (id, email, plan_id) select gen_random_uuid(), 'u' || n || '@example.com',"
        " case when n %% 50 = 0 then 'premium' else 'free' end from generate_series(1, 20000) n",
        {},
    )
    await database.execute(
        "insert into overrides (id, user_id, feature_id, allowed, reason) select gen_random_uuid(), id,"
        " case when random() < 0.02 then 'voice-over' else 'chat' end, true, 'x' from users where plan_id = 'free'"
    )
    # The test server commits before its log is flushed, and vacuum calls nothing visible to all before that.
    await database.execute("checkpoint")
    for table in ("user_stats", "overrides"):
        await database.execute(f"vacuum analyze {table}")
    wanted = {"features": ["voice-over"], "limits": []}
    for sql, index in ((COUNT, "user_stats_plan"), (EXCEPTIONS, "overrides_feature")):
        plan = await explained(database, sql, wanted)
        assert index in plan
        assert "Seq Scan" not in plan


async def explained(database: Database, sql: str, params: dict[str, Any]) -> str:
    async with database.transaction() as session:
        connection = await session.connection()
        settings = {"limit": "1000", "scans": "off"}
        await connection.exec_driver_sql(
            PLANNING, settings
        )  # as `read_within(…, by_index=True)` has it planned
        rows = (await connection.exec_driver_sql(f"explain (format json) {sql}", params)).fetchone()
    assert rows is not None
    return orjson.dumps(rows[0]).decode()
