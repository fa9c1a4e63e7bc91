"""What the list of users is sorted by: right within one count of whatever happens, and after any interruption."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.accounts.listing import Filter, Line, listing
from core.audit import COMMAND_LINE, SYSTEM
from core.credits.models import EntryType
from core.credits.posting import open_account, post
from core.database import Database
from core.generation import user_figures
from core.generation.user_figures import (
    OVERLAP,
    count_users,
    figures_as_of,
    recount,
    recount_all,
)
from core.ids import time_of
from core.system import demo
from core.vocabulary import Role, Traffic
from tests.factories import make_user, seed_plans
from tests.rows import id_at, make_months
from tests.world import World

NOW = datetime.now(UTC).replace(microsecond=0)
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
async def months(database: Database) -> None:
    await make_months(database, NOW - timedelta(days=70), 6)


async def generate(database: Database, user_id: UUID, at: datetime, **fields: Any) -> UUID:
    """A generation of a user, as it ended a second after it began."""
    values: dict[str, Any] = {"status": "completed", "traffic": "live", "credits": 3} | fields
    generation_id = id_at(at)
    await database.execute(
        "insert into generations (id, user_id, status, traffic, modality, credits, finished_at)"
        " values (%s, %s, %s, %s, 'text', %s, %s)",
        (
            generation_id,
            user_id,
            values["status"],
            values["traffic"],
            values["credits"],
            values.get("finished_at", at + timedelta(seconds=1)),
        ),
    )
    return generation_id


async def grant(database: Database, user_id: UUID, amount: int, traffic: Traffic = Traffic.LIVE) -> None:
    async with database.transaction() as session:
        account = await open_account(session, user_id, traffic)
        await post(session, account, type=EntryType.GRANT, amount=amount, reason="for the test", actor=SYSTEM)


async def line(database: Database, user_id: UUID) -> Line:
    (found,) = (await listing(database, Filter(text=str(user_id)))).lines
    return found


async def figures(database: Database, user_id: UUID) -> tuple[int, int, int, int]:
    """Balance, credits used, generations, failures."""
    found = await line(database, user_id)
    return found.balance, found.used_7d, found.generations_7d, found.failures_7d


async def test_a_week_is_counted_and_what_is_older_is_not(database: Database) -> None:
    user, other = await make_user(database), await make_user(database)
    for at in (NOW - WEEK - MINUTE, NOW - WEEK + MINUTE, NOW - MINUTE):
        await generate(database, user.id, at)
    await generate(database, user.id, NOW - MINUTE, status="failed", credits=0)
    await generate(database, user.id, NOW - MINUTE, status="cancelled", credits=1)
    await generate(database, user.id, NOW - MINUTE, traffic="test", status="failed", credits=900)
    await grant(database, user.id, 50)
    await grant(database, user.id, 7_000, Traffic.TEST)

    await count_users(database, NOW)
    await count_users(database, NOW + MINUTE)  # the grants are of this moment

    assert await figures(database, user.id) == (50, 7, 4, 1)
    assert await figures(database, other.id) == (0, 0, 0, 0)
    assert await recount_all(database, NOW) == 0


async def test_what_happens_is_there_after_the_next_count(database: Database) -> None:
    user = await make_user(database)
    await user_figures_at(database, NOW - MINUTE)

    await generate(database, user.id, NOW - timedelta(seconds=2))
    await count_users(database, NOW)
    assert (await figures(database, user.id))[1:] == (3, 1, 0)
    assert await count_users(database, NOW) == 0


async def user_figures_at(database: Database, moment: datetime) -> None:
    """As if everything up to then had been counted."""
    await database.execute(
        "insert into marks (name, at) values ('user_figures', %s) on conflict (name) do update set at = excluded.at",
        (moment,),
    )


async def test_a_generation_that_fails_long_after_it_began_is_counted_as_failed(database: Database) -> None:
    user = await make_user(database)
    began = NOW - timedelta(hours=6)
    running = await generate(database, user.id, began, status="processing", credits=0, finished_at=None)
    await user_figures_at(database, NOW - timedelta(hours=5))
    await recount(database, [user.id], NOW)
    assert (await figures(database, user.id))[3] == 0

    await user_figures_at(database, NOW - MINUTE)
    await database.execute(
        "update generations set status = 'failed', finished_at = %s where id = %s",
        (NOW - timedelta(seconds=5), running),
    )
    await count_users(database, NOW)

    assert (await figures(database, user.id))[3] == 1


async def test_a_generation_leaves_the_week_by_itself(database: Database) -> None:
    user = await make_user(database)
    leaves = NOW - WEEK + 3 * MINUTE
    await generate(database, user.id, leaves, status="failed")
    await recount(database, [user.id], NOW)
    await user_figures_at(database, NOW)
    assert await figures(database, user.id) == (0, 3, 1, 1)

    await count_users(database, NOW + 2 * MINUTE)
    assert await figures(database, user.id) == (0, 3, 1, 1)
    assert await count_users(database, NOW + 4 * MINUTE) == 1
    assert await figures(database, user.id) == (0, 0, 0, 0)


async def test_a_long_absence_is_made_up_for_a_bounded_piece_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_figures, "MOST_SLICES", 1)
    before, gone = await make_user(database), await make_user(database)
    long_ago = NOW - timedelta(days=8)
    await generate(database, gone.id, long_ago - MINUTE)
    await recount(database, [gone.id], long_ago)
    await user_figures_at(database, long_ago)
    await generate(database, before.id, NOW - timedelta(days=3))
    assert (await figures(database, gone.id))[2] == 1

    runs = 0
    while (await figures_as_of(database) or long_ago) < NOW:
        await count_users(database, NOW)
        runs += 1

    assert runs > 2  # one for each hour with something in it; hours without are passed over
    assert (await figures(database, before.id))[2] == 1
    assert (await figures(database, gone.id))[2] == 0


async def test_what_is_committed_late_is_found_by_the_overlap(database: Database) -> None:
    user = await make_user(database)
    await user_figures_at(database, NOW)
    await generate(database, user.id, NOW - OVERLAP + timedelta(seconds=10))

    await count_users(database, NOW + timedelta(seconds=1))

    assert (await figures(database, user.id))[2] == 1


async def test_a_count_that_died_is_made_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [await make_user(database) for _ in range(3)]
    await user_figures_at(database, NOW - MINUTE)
    for user in users:
        await generate(database, user.id, NOW - timedelta(seconds=5))
    monkeypatch.setattr(user_figures, "CHUNK", 1)
    statement = user_figures.COUNT
    broken = statement.replace(
        "s.counted_at <= now()", f"(s.user_id <> '{users[1].id}' or 1 / (s.used_7d) > 0)"
    )
    assert broken != statement
    monkeypatch.setattr(user_figures, "COUNT", broken)
    with pytest.raises(Exception, match="division by zero"):
        await count_users(database, NOW)
    monkeypatch.setattr(user_figures, "COUNT", statement)

    await count_users(database, NOW)

    for user in users:
        assert (await figures(database, user.id))[2] == 1


async def test_two_counts_at_once_come_to_the_same(database: Database) -> None:
    users = [await make_user(database) for _ in range(4)]
    await user_figures_at(database, NOW - MINUTE)
    for user in users:
        await generate(database, user.id, NOW - timedelta(seconds=5))
        await grant(database, user.id, 5)

    await asyncio.gather(*(count_users(database, NOW + MINUTE) for _ in range(4)))

    assert await recount_all(database, NOW + MINUTE) == 0
    for user in users:
        assert await figures(database, user.id) == (5, 3, 1, 0)


async def test_somebody_was_last_active_by_generation_key_or_page(database: Database) -> None:
    by_key, by_page, by_nothing = [await make_user(database, role=Role.TESTER) for _ in range(3)]
    used = NOW - timedelta(seconds=20)
    await database.execute(
        "insert into api_keys (id, user_id, kind, name, prefix, key_hash, last_used_at)"
        " values (gen_random_uuid(), %s, 'user', 'k', 'p', 'h', %s)",
        (by_key.id, used),
    )
    await database.execute(
        "insert into sessions (id, token_hash, user_id, last_seen_at, expires_at) values (gen_random_uuid(), 'x', %s, %s, now())",
        (by_page.id, used),
    )
    made = (await line(database, by_nothing.id)).last_active_at
    # As if they had signed up before.
    await database.execute("update user_stats set last_active_at = %s", (NOW - timedelta(days=9),))
    await user_figures_at(database, NOW - MINUTE)

    await count_users(database, NOW)

    assert (await line(database, by_key.id)).last_active_at == used
    assert (await line(database, by_page.id)).last_active_at == used
    assert (await line(database, by_nothing.id)).last_active_at == NOW - timedelta(days=9)
    await generate(database, by_nothing.id, NOW - timedelta(days=40))
    await database.execute("update users set created_at = %s", (NOW - timedelta(days=60),))
    await recount_all(database, NOW)
    assert (await line(database, by_nothing.id)).last_active_at < made - timedelta(days=39)


async def test_a_generation_is_in_the_list_after_one_count_with_its_charge_and_balance(world: World) -> None:
    database = world.purser.database
    result = await world.ask()

    await count_users(database, datetime.now(UTC))

    found = await line(database, world.user.id)
    assert (found.balance, found.used_7d, found.generations_7d) == (1_000 - result.credits, result.credits, 1)
    assert abs(found.last_active_at - time_of(result.id)) < timedelta(milliseconds=2)


async def test_demo_users_are_counted_by_what_the_demo_says_of_them(database: Database) -> None:
    await seed_plans(database)
    await demo.load(database, actor=COMMAND_LINE, users=20, generations=400, days=10)

    lines = (await listing(database, Filter(demo=True), limit=50)).lines

    assert len(lines) == 20
    rows = await database.fetch_all(
        "select u.id, a.balance, count(g.id) filter (where g.id >= first_uuid_at(now() - interval '7 days')),"
        " coalesce(max(uuid_time(g.id)), u.created_at)"
        " from users u join credit_accounts a on a.user_id = u.id and a.traffic = 'demo'"
        " left join generations g on g.user_id = u.id group by u.id, a.balance"
    )
    told = {one.id: (one.balance, one.generations_7d, one.last_active_at) for one in lines}
    assert told == {user_id: tuple(others) for user_id, *others in rows}
    assert sum(one.generations_7d for one in lines) > 100
    assert sum(one.failures_7d for one in lines) > 0
    assert (await listing(database, Filter())).lines == ()
    assert await recount_all(database, datetime.now(UTC)) == 0
