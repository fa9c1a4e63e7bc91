"""The list of users: every order, filter and search gives the same people page by page, both ways, along an index."""

import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.accounts.list_query import Place, query_of
from core.accounts.listing import (
    COUNTED_TO,
    LOW_BALANCE,
    NO_PLAN,
    UNLISTED,
    Filter,
    Line,
    Sort,
    count,
    ids_matching,
    listing,
)
from core.accounts.models import UserStatus
from core.accounts.words import FEW
from core.database import Database
from core.errors import InvalidRequest
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import make_plan, make_user

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS: dict[Sort, Callable[[Line], Any]] = {
    Sort.NEWEST: lambda line: line.id,
    Sort.EMAIL: lambda line: line.email.encode(),
    Sort.BALANCE: lambda line: (line.balance, line.id),
    Sort.USED: lambda line: (line.used_7d, line.id),
    Sort.FAILURES: lambda line: (line.failures_7d, line.id),
    Sort.ACTIVE: lambda line: (line.last_active_at, line.id),
}
FILTERS: dict[str, tuple[Filter, Callable[[Line], bool]]] = {
    "all": (Filter(), lambda line: not line.demo),
    "demo": (Filter(demo=True), lambda line: line.demo),
    "plan": (Filter(plan="free"), lambda line: not line.demo and line.plan_id == "free"),
    "no plan": (Filter(plan=NO_PLAN), lambda line: not line.demo and line.plan_id is None),
    "active": (Filter(status="active"), lambda line: not line.demo and line.status == "active"),
    "suspended": (Filter(status="suspended"), lambda line: not line.demo and line.status == "suspended"),
    "low": (Filter(low_balance=LOW_BALANCE), lambda line: not line.demo and line.balance < LOW_BALANCE),
    "lower": (Filter(low_balance=3), lambda line: not line.demo and line.balance < 3),
    "failing": (Filter(failing=True), lambda line: not line.demo and line.failures_7d > 0),
    "staff": (Filter(staff=True), lambda line: not line.demo and line.role is not Role.USER),
    "two at once": (
        Filter(plan="free", failing=True),
        lambda line: not line.demo and line.plan_id == "free" and line.failures_7d > 0,
    ),
}


async def crowd(database: Database, people: int) -> None:
    """Users of all kinds, with many ties."""
    await make_plan(database, "free")
    await make_plan(database, "pro")
    chance = random.Random(7)
    for number in range(people):
        user = await make_user(
            database,
            email=f"{chance.choice('abc')}{number}_%@x.example",
            role=Role.SUPPORT if number % 20 == 1 else Role.USER,
            status=UserStatus.SUSPENDED if number % 9 == 2 else UserStatus.ACTIVE,
            plan_id=chance.choice(["free", "pro", None]),
        )
        await database.execute(
            "update user_stats set demo = %s, balance = %s, used_7d = %s, generations_7d = %s, failures_7d = %s,"
            " last_active_at = %s where user_id = %s",
            (
                number % 7 == 3,
                chance.choice([0, 2, 9, 10, 500]),
                chance.choice([0, 0, 40]),
                5,
                chance.choice([0, 0, 1, 4]),
                NOW - timedelta(days=chance.randint(0, 4)),
                user.id,
            ),
        )


async def walked(
    database: Database, which: Filter, sort: Sort, *, descending: bool, limit: int
) -> list[Line]:
    """All lines, page by page to the end and back again; both ways must tell the same."""
    pages = [await listing(database, which, sort=sort, descending=descending, limit=limit)]
    assert pages[0].previous is None
    while following := pages[-1].next:
        pages.append(
            await listing(database, which, sort=sort, descending=descending, limit=limit, after=following)
        )
    back, before = [pages[-1]], pages[-1].previous
    while before:
        page = await listing(database, which, sort=sort, descending=descending, limit=limit, before=before)
        assert page.next == page.lines[-1].cursor
        back.insert(0, page)
        before = page.previous
    lines = [line for page in pages for line in page.lines]
    assert [line.id for page in back for line in page.lines] == [line.id for line in lines]
    return lines


@pytest.mark.parametrize("descending", [False, True])
async def test_every_order_of_every_filter_is_walked_both_ways_by_the_page(
    database: Database, descending: bool
) -> None:
    await crowd(database, 40)
    everybody = [
        line
        for demo in (False, True)
        for line in (await listing(database, Filter(demo=demo), limit=200)).lines
    ]
    assert len(everybody) == 40

    for name, (which, belongs) in FILTERS.items():
        expected = [line for line in everybody if belongs(line)]
        assert expected, name
        for sort, key in KEYS.items():
            lines = await walked(database, which, sort, descending=descending, limit=9)
            ordered = sorted(expected, key=key, reverse=descending)
            assert [line.id for line in lines] == [line.id for line in ordered], (name, sort)
            middle = len(lines) // 2
            ahead = await count(database, which, ahead_of=lines[middle].cursor, descending=descending)
            assert ahead == middle, (name, sort)
        assert await count(database, which) == len(expected), name
        sql, params = ids_matching(which)
        found = {row[0] for row in await database.fetch_all(sql, params)}
        assert found == {line.id for line in expected}, name


async def people(database: Database, *somebody: tuple[str, str]) -> dict[str, UUID]:
    return {email: (await make_user(database, email=email, name=name)).id for email, name in somebody}


MARAS = (
    ("mara.okafor@a.example", "Mara Okafor"),
    ("m.lund@b.example", "Mara-Lena Lund"),
    ("lena@c.example", "Lena Okafor"),
    ("tom@d.example", "Tom O'Brien"),
    ("joerg@e.example", "Jörg MARASCO"),
    ("mara_x@f.example", ""),
)


async def searched(database: Database, text: str, sort: Sort = Sort.EMAIL, **fields: Any) -> list[str]:
    found = await listing(database, Filter(text=text, **fields), sort=sort, descending=False)
    assert await count(database, Filter(text=text, **fields)) == len(found.lines)
    return [line.email.split("@")[0] for line in found.lines]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mara", ["joerg", "m.lund", "mara.okafor", "mara_x"]),
        ("MARA oka", ["mara.okafor"]),
        ("okafor mara", ["mara.okafor"]),
        ("lena", ["lena", "m.lund"]),
        ("mara-l", ["m.lund"]),
        ("o'b", ["tom"]),
        ("brien", ["tom"]),
        ("Jörg", ["joerg"]),
        ("mara.okafor@a.example", ["mara.okafor"]),
        ("mara_", ["mara_x"]),
        ("%", []),
        ("afor", []),
        ("mara nobody", []),
        ("\\", []),
        ("a\0b", []),
    ],
)
async def test_beginnings_of_the_address_and_of_each_word_of_the_name_find_people(
    database: Database, text: str, found: list[str]
) -> None:
    await people(database, *MARAS)

    assert await searched(database, text) == found
    assert sorted(await searched(database, text, Sort.MATCH)) == found


async def test_a_search_is_told_in_the_order_of_the_words_found_each_person_once(database: Database) -> None:
    await people(database, *MARAS, ("marabu@g.example", "Mara Marabu"))

    words = await searched(database, "mara", Sort.MATCH)
    # By "mara" (in the order of their making), "mara.okafor@…" is behind; "marasco", "mara_x@…".
    assert words == ["mara.okafor", "m.lund", "marabu", "mara_x", "joerg"]
    for descending in (False, True):
        lines = await walked(database, Filter(text="mara"), Sort.MATCH, descending=descending, limit=2)
        told = [line.email.split("@")[0] for line in lines]
        assert told == (words[::-1] if descending else words)
        ahead = await count(database, Filter(text="mara"), ahead_of=lines[3].cursor, descending=descending)
        assert ahead == 3


async def test_an_id_finds_its_person_whatever_the_filter_says(database: Database) -> None:
    ids = await people(database, *MARAS)
    await database.execute("update user_stats set demo = true where user_id = %s", (ids["tom@d.example"],))

    for text in (str(ids["tom@d.example"]), ids["tom@d.example"].hex.upper()):
        assert await searched(database, text, failing=True, plan="pro") == ["tom"]
    assert await searched(database, str(new_id())) == []


async def test_a_search_is_filtered_and_sorted_as_any_list(database: Database) -> None:
    ids = await people(database, *MARAS)
    for place, user_id in enumerate(ids.values()):
        await database.execute("update user_stats set balance = %s where user_id = %s", (place % 4, user_id))

    assert await searched(database, "mara", Sort.BALANCE) == ["mara.okafor", "joerg", "m.lund", "mara_x"]
    assert await searched(database, "mara", low_balance=1) == ["joerg", "mara.okafor"]


async def test_a_change_of_name_address_plan_and_role_is_in_the_list_at_once(database: Database) -> None:
    (user_id,) = (await people(database, ("old@a.example", "Old Name"))).values()
    await make_plan(database, "pro")
    await database.execute(
        "update users set email = 'new@a.example', name = 'New Name', plan_id = 'pro', status = 'suspended'"
        " where id = %s",
        (user_id,),
    )

    assert await searched(database, "old") == []
    assert await searched(database, "name", plan="pro", status="suspended") == ["new"]


NO_PLACES = {
    "not base64": "x",
    "percent": "%00",
    "not ASCII": "é",
    "null": "bnVsbA",
    "an empty list": "W10",
    "no id": "WyJiYWxhbmNlIixudWxsLCIwIl0",
    "a text for a number": Place(Sort.BALANCE, "5", UUID(int=1)).written(),
    "true for a number": Place(Sort.BALANCE, True, UUID(int=1)).written(),
    "no offset": Place(Sort.ACTIVE, "2026-11-20T12:00:00", UUID(int=1)).written(),
    "a control character": Place(Sort.EMAIL, "a\0", UUID(int=1)).written(),
}


@pytest.mark.parametrize("cursor", NO_PLACES.values(), ids=list(NO_PLACES))
async def test_what_is_no_place_in_the_list_is_refused(database: Database, cursor: str) -> None:
    for ask in (
        *(listing(database, Filter(), sort=sort, after=cursor) for sort in (Sort.BALANCE, Sort.ACTIVE)),
        listing(database, Filter(), sort=Sort.EMAIL, before=cursor),
        count(database, Filter(), ahead_of=cursor),
    ):
        with pytest.raises(InvalidRequest) as refusal:
            await ask
        assert refusal.value.code == "bad_cursor"


async def test_a_place_of_another_order_is_refused(database: Database) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await listing(database, Filter(), sort=Sort.EMAIL, after=Place(Sort.BALANCE, 5, new_id()).written())
    assert refusal.value.code == "bad_cursor"


async def test_what_takes_too_long_is_refused_in_words(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_user(database)
    monkeypatch.setattr("core.accounts.listing.SECONDS", 0.05)
    async with database.transaction() as session:
        await (await session.connection()).exec_driver_sql("lock table user_stats")  # nobody can read it
        with pytest.raises(InvalidRequest) as refusal:
            await listing(database, Filter())

    assert (refusal.value.code, refusal.value.message) == ("unlisted_combination", UNLISTED)


# How it is read


@pytest.fixture
async def many(database: Database) -> Database:
    """Twenty thousand rows to choose plans for; nobody of them fails or is suspended who was active long ago."""
    async with database.transaction() as session:
        connection = await session.connection()
        for statement in MANY:
            await connection.exec_driver_sql(statement)
    await database.execute("analyze user_stats")
    await database.execute("analyze user_words")
    return database


MANY = (
    "set local session_replication_role = replica",  # neither triggers nor references: only the plans are looked at
    "create temp table drawn on commit drop as select n, uuid_v7() id, random() r, random() q, mod(n, 10) = 0 seen,"
    " mod(n, 100) = 0 rare from generate_series(1, 20000) n",
    "insert into user_stats (user_id, email, plan_id, status, role, balance, used_7d, failures_7d, last_active_at)"
    " select id, 'm' || n || '@a.example', case when r < 0.05 then 'pro' when r < 0.9 then 'free' end,"
    " case when rare then 'suspended' else 'active' end, case when mod(n, 5000) = 0 then 'support' else 'user' end,"
    " case when mod(n, 20) = 0 then (q * 9)::int else 10 + (q * 900)::int end, case when seen then (q * 400)::int else 0 end,"
    " case when mod(n, 40) = 0 then 2 else 0 end, now() - (case when seen then r else 7 + 300 * r end) * interval '1 day'"
    " from drawn",
    "insert into user_words (word, user_id) select 'm' || n || '@a.example', id from drawn"
    " union all select case when mod(n, 50) = 0 then 'rare' else 'mara' || mod(n, 7) end, id from drawn",
)
SLOWER = ("demo", "no plan", "two at once")
"""Nobody here is of the demo; the few without a plan are sorted; two filters need no index of their own."""


async def plan_of(database: Database, which: Filter, sort: Sort, edge: Any, *, descends: bool) -> str:
    query = await query_of(database, which, sort)
    assert query is not None
    if edge:
        query.stand_behind(edge, descends=descends)
    async with database.transaction() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(f"explain {query.page(51, descends=descends)}", query.params)
        return "\n".join(row[0] for row in rows)


def places() -> Iterator[tuple[Sort, Place]]:
    user_id = UUID("0193b000-0000-7000-8000-000000000000")
    values = {
        Sort.NEWEST: None,
        Sort.EMAIL: "m5@a.example",
        Sort.BALANCE: 5,
        Sort.USED: 3,
        Sort.FAILURES: 1,
        Sort.ACTIVE: (datetime.now(UTC) - timedelta(days=3)).isoformat(),
    }
    for sort, value in values.items():
        yield sort, Place(sort, value, user_id)


async def test_one_filter_and_any_order_is_read_along_an_index_from_any_place(many: Database) -> None:
    for name, (which, _) in FILTERS.items():
        for sort, place in places() if name not in SLOWER else ():
            for descends in (False, True):
                for edge in (None, place):
                    plan = await plan_of(many, which, sort, edge, descends=descends)
                    said = f"{name} by {sort} {descends=} {edge}\n{plan}"
                    assert "Seq Scan on user_stats" not in plan, said
                    # What is in the page is put in order once more; what it is taken from is in order.
                    assert not re.search(r"CTE page\n(?:.*\n){0,3}.*Sort", plan) or which.staff, said


async def test_a_search_reads_the_words_that_begin_so_and_no_other(many: Database) -> None:
    for text in ("mara3", "rare m1", "m199"):
        for sort in (Sort.MATCH, Sort.NEWEST, Sort.BALANCE):
            plan = await plan_of(many, Filter(text=text), sort, None, descends=False)
            assert "Seq Scan" not in plan.replace("Seq Scan on users", ""), f"{text} by {sort}\n{plan}"


async def test_counts_are_exact_to_ten_thousand(many: Database) -> None:
    assert await count(many, Filter(status="suspended")) == 200
    assert await count(many, Filter()) == COUNTED_TO + 1
    assert await count(many, Filter(text="rare")) == 400
    assert FEW > COUNTED_TO
