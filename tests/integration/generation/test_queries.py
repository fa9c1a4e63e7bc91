"""Lists of generations: every filter, paging both ways, and nobody sees what is not theirs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from core.database import Database
from core.database.reading import TOO_SLOW
from core.errors import Fault
from core.generation import queries
from core.generation.detail import detail
from core.generation.queries import Filter
from core.ids import first_id_at, new_id
from core.vocabulary import Traffic
from tests.factories import make_user

NOON = datetime.now(UTC).replace(microsecond=0)
_made = 0


async def make(database: Database, **fields: Any) -> UUID:
    """A generation; `at` says when, the rest are its columns."""
    global _made
    _made += 1
    at = fields.pop("at", NOON - timedelta(minutes=1))
    values: dict[str, Any] = {
        "id": UUID(int=first_id_at(at).int + _made),
        "traffic": "live",
        "modality": "text",
        "status": "completed",
        "trace": [],
    } | fields
    values["trace"] = orjson.dumps(values["trace"]).decode()
    names = ", ".join(values)
    places = ", ".join("%(trace)s::jsonb" if name == "trace" else f"%({name})s" for name in values)
    await database.execute(f"insert into generations ({names}) values ({places})", values)
    return values["id"]


async def found(database: Database, which: Filter, **how: Any) -> list[UUID]:
    return [line.id for line in (await queries.listing(database, which, **how)).lines]


async def test_the_newest_come_first_and_only_live_ones_unless_asked(database: Database) -> None:
    old = await make(database, at=NOON - timedelta(hours=2))
    new = await make(database)
    test = await make(database, traffic="test")
    assert await found(database, Filter()) == [new, old]
    assert await found(database, Filter(traffic=(Traffic.TEST,))) == [test]
    assert await found(database, Filter(traffic=(Traffic.LIVE, Traffic.TEST))) == [test, new, old]
    assert len(await found(database, Filter(traffic=tuple(Traffic)))) == 3


async def test_oldest_first_turns_the_list(database: Database) -> None:
    ids = [await make(database) for _ in range(5)]
    assert await found(database, Filter(), oldest_first=True) == ids
    page = await queries.listing(database, Filter(), oldest_first=True, after=ids[1], limit=2)
    assert [line.id for line in page.lines] == ids[2:4]
    assert (page.previous, page.next) == (True, True)
    assert await found(database, Filter(), oldest_first=True, before=ids[2], limit=2) == ids[:2]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Filter(status="failed"), ["failed", "refused"]),
        (Filter(status="cancelled"), ["cancelled"]),
        (Filter(status="no such status"), ["failed", "refused", "cancelled", "completed"]),
        (Filter(cause="overloaded"), ["failed"]),
        (Filter(cause="insufficient_credits"), ["refused"]),
        (Filter(cause="'; drop table generations; --"), []),
        (Filter(status="failed", cause="overloaded"), ["failed"]),
    ],
)
async def test_status_and_cause(database: Database, which: Filter, expected: list[str]) -> None:
    made = {
        "failed": await make(
            database, status="failed", error_class="overloaded", error_code="all_providers_failed"
        ),
        "refused": await make(database, status="failed", error_code="insufficient_credits"),
        "cancelled": await make(database, status="cancelled"),
        "completed": await make(database),
    }
    assert set(await found(database, which)) == {made[name] for name in expected}
    assert await queries.count(database, which) == len(expected)


async def test_a_provider_is_found_by_its_slug(database: Database) -> None:
    provider = new_id()
    await database.execute(
        "insert into providers (id, slug, name, kind) values (%s, 'openai', 'OpenAI', 'openai')", (provider,)
    )
    by = await make(database, provider_id=provider, provider="openai")
    gone = await make(database, provider_id=new_id(), provider="gone")
    assert await found(database, Filter(provider="openai")) == [by]
    assert await found(database, Filter(provider="gone")) == [gone]
    assert await found(database, Filter(provider="never")) == []


async def test_a_range_takes_its_beginning_and_leaves_its_end(database: Database) -> None:
    at = [NOON - timedelta(minutes=minutes) for minutes in (3, 2, 1)]
    ids = [await make(database, at=moment) for moment in at]
    assert await found(database, Filter(begin=at[0], end=at[2])) == [ids[1], ids[0]]
    assert await found(database, Filter(begin=at[2])) == [ids[2]]


async def test_pages_have_no_gaps_and_no_repeats_either_way(database: Database) -> None:
    ids = [await make(database, status="failed" if number % 3 else "completed") for number in range(23)]
    wanted = [identifier for number, identifier in reversed(list(enumerate(ids))) if number % 3]
    which, seen, after = Filter(status="failed"), list[UUID](), None
    while True:
        page = await queries.listing(database, which, after=after, limit=4)
        seen += [line.id for line in page.lines]
        assert page.previous == (after is not None)
        after = page.lines[-1].id
        if not page.next:
            break
    assert seen == wanted

    back, before = list[UUID](), wanted[-1]
    while True:
        page = await queries.listing(database, which, before=before, limit=4)
        back = [line.id for line in page.lines] + back
        assert page.next
        if not page.previous:
            break
        before = page.lines[0].id
    assert back == wanted[:-1]


async def test_what_comes_meanwhile_does_not_move_the_page(database: Database) -> None:
    ids = [await make(database) for _ in range(6)]
    first = await queries.listing(database, Filter(), limit=3)
    await make(database)
    second = await found(database, Filter(), after=first.lines[-1].id, limit=3)
    assert second == ids[2::-1]


async def test_a_page_is_never_longer_than_two_hundred(database: Database) -> None:
    for _ in range(205):
        await make(database)
    assert len(await found(database, Filter(), limit=100_000)) == 200
    assert len(await found(database, Filter(), limit=-5)) == 1


async def test_how_many_and_how_many_stand_ahead(database: Database) -> None:
    ids = [await make(database) for _ in range(7)]
    assert await queries.count(database, Filter()) == 7
    assert await queries.count(database, Filter(), ahead_of=ids[4]) == 2
    assert await queries.count(database, Filter(), ahead_of=ids[4], oldest_first=True) == 4


async def test_counting_stops_after_ten_thousand(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COUNTED_TO", 3)
    for _ in range(6):
        await make(database)
    assert await queries.count(database, Filter()) == 4


async def test_a_search_by_address_takes_wildcards_as_letters(database: Database) -> None:
    odd = await make_user(database, email="a_b%c@odd.example")
    even = await make_user(database, email="axbyc@odd.example")
    by_odd, by_even = await make(database, user_id=odd.id), await make(database, user_id=even.id)
    assert await found(database, Filter(text="a")) == [by_even, by_odd]
    assert await found(database, Filter(text="A_B%")) == [by_odd]
    assert await found(database, Filter(text="a_b")) == [by_odd]
    assert await found(database, Filter(text="%")) == []
    assert await found(database, Filter(text="_")) == []
    assert await found(database, Filter(text="\\")) == []
    assert await found(database, Filter(text="odd.example")) == []
    assert await found(database, Filter(text="a\x00xby")) == [by_even]


async def test_an_id_finds_its_generation_whatever_else_is_chosen(database: Database) -> None:
    wanted = await make(database, traffic="test", at=NOON - timedelta(hours=3))
    await make(database)
    which = Filter(text=f" {str(wanted).upper()} ", status="failed", begin=NOON)
    assert await found(database, which) == [wanted]


async def test_a_users_id_finds_what_is_theirs(database: Database) -> None:
    user = await make_user(database)
    theirs = await make(database, user_id=user.id)
    await make(database)
    assert await found(database, Filter(text=str(user.id))) == [theirs]
    assert await found(database, Filter(text=str(new_id()))) == []


async def test_a_tester_sees_nothing_but_their_own(database: Database) -> None:
    tester, other = await make_user(database), await make_user(database, email="other@example.com")
    own = await make(database, user_id=tester.id)
    foreign = await make(database, user_id=other.id)
    await make(database)
    mine = Filter(user_id=tester.id)
    assert await found(database, mine) == [own]
    assert await found(database, replace(mine, text=str(foreign))) == []
    assert await found(database, replace(mine, text="other@")) == []
    assert await queries.count(database, replace(mine, text=str(foreign))) == 0
    buckets = await queries.volume(database, mine, NOON - timedelta(hours=1), NOON, timedelta(hours=1))
    assert [bucket.completed for bucket in buckets] == [1]
    assert await detail(database, foreign, content=True, reader=tester.id, user_id=tester.id) is None
    assert await detail(database, own, content=False, reader=tester.id, user_id=tester.id)
    assert not await queries.exists(database, "test", tester.id)
    assert await queries.exists(database, "live", tester.id)


async def test_content_is_for_its_owner_and_for_those_who_may_read_all(database: Database) -> None:
    owner, other = await make_user(database), await make_user(database)
    made = await make(database, user_id=owner.id)
    await database.execute(
        "insert into generation_content (id, prompt, answer) values (%s, %s::jsonb, 'secret')",
        (made, '{"messages": []}'),
    )
    by_admin = await detail(database, made, content=True, reader=other.id)
    by_owner = await detail(database, made, content=False, reader=owner.id)
    by_support = await detail(database, made, content=False, reader=other.id)
    assert by_admin
    assert by_owner
    assert by_support
    assert (by_admin.answer, by_owner.answer, by_support.answer) == ("secret", "secret", None)
    assert (by_admin.content_withheld, by_owner.content_withheld, by_support.content_withheld) == (
        False,
        False,
        True,
    )
    assert by_support.prompt is None


async def test_what_belongs_to_nobody_is_nobodys_own(database: Database) -> None:
    made = await make(database)
    seen = await detail(database, made, content=False, reader=None)
    assert seen
    assert seen.content_withheld


async def test_a_detail_has_its_attempts_in_order_and_the_breakers_that_opened(database: Database) -> None:
    provider = new_id()
    await database.execute(
        "insert into providers (id, slug, name, kind) values (%s, 'openai', 'OpenAI', 'openai')", (provider,)
    )
    at = NOON - timedelta(minutes=5)
    made = await make(
        database, at=at, status="failed", cost=Decimal("0.000000001"), finished_at=at + timedelta(seconds=9)
    )
    for number in (2, 1):
        await database.execute(
            "insert into attempts (id, generation_id, number, modality, provider_id, provider, model, outcome,"
            " error_class, cost) values (%s, %s, %s, 'text', %s, 'openai', 'm', 'failed', 'overloaded', 0.5)",
            (UUID(int=first_id_at(at + timedelta(seconds=number)).int + number), made, number, provider),
        )
    for seconds, kind in ((3, "breaker_opened"), (4, "breaker_closed"), (60, "breaker_opened")):
        moment = at + timedelta(seconds=seconds)
        await database.execute(
            "insert into provider_events (id, provider_id, modality, kind, reason, at) values (%s, %s, 'text', %s, 'r', %s)",
            (UUID(int=first_id_at(moment).int + seconds), provider, kind, moment),
        )
    seen = await detail(database, made, content=False)
    assert seen
    assert [call["number"] for call in seen.attempts] == [1, 2]
    assert seen.row["cost"] == Decimal("0.000000001")
    assert [call["cost"] for call in seen.attempts] == [Decimal("0.5")] * 2
    assert [event["kind"] for event in seen.openings] == ["breaker_opened"]


async def test_no_such_generation(database: Database) -> None:
    assert await detail(database, new_id(), content=True) is None


async def test_the_one_whose_turn_it_was_first_is_named(database: Database) -> None:
    def step(provider: str, decision: str, reason: str) -> dict[str, str]:
        return {"provider": provider, "decision": decision, "reason": reason}

    await make(
        database,
        provider="openai",
        trace=[
            step("gemini", "skipped", "no_streaming"),
            step("anthropic", "skipped", "breaker_open"),
            step("openai", "chosen", "next_in_order"),
        ],
    )
    await make(database, provider="openai", trace=[step("openai", "chosen", "first_in_order")])
    await make(
        database,
        provider="gemini",
        trace=[step("openai", "failed", "first_in_order"), step("gemini", "chosen", "next_in_order")],
    )
    await make(database, status="processing", requested_provider="openai", requested_model="m")
    lines = (await queries.listing(database, Filter())).lines
    assert [(line.via, line.provider) for line in reversed(lines)] == [
        ("anthropic", "openai"),
        (None, "openai"),
        ("openai", "gemini"),
        (None, "openai"),
    ]


async def test_volume_counts_each_once_in_its_step(database: Database) -> None:
    begin = NOON - timedelta(minutes=10)
    for minute, status in (
        (0, "completed"),
        (0, "failed"),
        (4, "processing"),
        (9, "cancelled"),
        (10, "failed"),
    ):
        await make(database, at=begin + timedelta(minutes=minute), status=status)
    buckets = await queries.volume(database, Filter(), begin, NOON, timedelta(minutes=5))
    assert [(one.begin, one.completed, one.failed, one.other) for one in buckets] == [
        (begin, 1, 1, 1),
        (begin + timedelta(minutes=5), 0, 0, 1),
    ]


async def test_volume_takes_uneven_steps(database: Database) -> None:
    edges = [NOON - timedelta(minutes=minutes) for minutes in (30, 10, 9, 0)]
    await make(database, at=edges[1])
    await make(database, at=edges[1] - timedelta(milliseconds=1))
    buckets = await queries.volume_at(database, Filter(), edges)
    assert [bucket.completed for bucket in buckets] == [1, 1, 0]
    nobody = await queries.volume_at(database, Filter(text="nobody@"), edges)
    assert [bucket.completed for bucket in nobody] == [0, 0, 0]


async def test_what_runs_is_counted_of_all_or_of_one(database: Database) -> None:
    users = [await make_user(database) for _ in range(2)]
    for user in users:
        account = new_id()
        await database.execute(
            "insert into credit_accounts (id, user_id, balance, held) values (%s, %s, 9, 5)",
            (account, user.id),
        )
        await database.execute(
            "insert into reservations (generation_id, account_id, amount, lease_until) values (%s, %s, 5, now())",
            (new_id(), account),
        )
    count, oldest = await queries.running(database)
    assert (count, oldest is not None) == (2, True)
    assert (await queries.running(database, users[0].id))[0] == 1
    assert await queries.running(database, new_id()) == (0, None)


async def test_what_takes_too_long_is_refused_in_words(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SECONDS_FOR_COUNTS", 0.05)
    monkeypatch.setattr(queries, "CAUSE", "(select pg_sleep(1)::text || g.error_class)")
    await make(database)
    with pytest.raises(Fault) as refused:
        await queries.count(database, Filter(cause="x"))
    assert refused.value.code == TOO_SLOW
    monkeypatch.undo()
    assert await queries.count(database, Filter()) == 1, "the limit ends with its transaction"


async def test_a_project_shows_its_own_generations_alone_by_its_index(database: Database) -> None:
    project = new_id()
    mine = [await make(database, project_id=project) for _ in range(3)]
    await make(database, project_id=new_id())
    await make(database)
    assert await found(database, Filter(project_id=project)) == mine[::-1]
    assert await queries.count(database, Filter(project_id=project, status="failed")) == 0
    await database.execute(
        "insert into generations (id, modality, status) select uuid_v7(), 'text', 'completed' from generate_series(1, 3000)"
    )
    await database.execute("analyze generations")
    plan = await database.fetch_all(
        "explain select id from generations g where project_id = %s and traffic = 'live' order by id desc limit 51",
        (project,),
    )
    assert "project_id_id_idx" in " ".join(line for (line,) in plan)
