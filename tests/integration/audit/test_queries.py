"""Reading the audit: what a person may see of it and nothing else, by any filter, page by page, along indexes."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.audit import asking, queries
from core.audit.asking import Filter, Sight, sight_of
from core.audit.models import AuditEntry
from core.audit.sealing import seal
from core.database import Database
from core.database.reading import TOO_SLOW
from core.errors import Fault, NotAllowed, Refusal
from core.ids import new_id
from core.vocabulary import Role
from tests.integration.audit.rows import person, rows, write, write_many

ALL = Sight(everything=True)
PEOPLE = {
    "ann": person("ann"),
    "anna": person("anna", Role.SUPPORT),
    "tess": person("tess", Role.TESTER),
    "key": replace(person("ann", kind="key"), label="Ann@example.com by key “sync”"),
}
PEOPLE["key"] = replace(PEOPLE["key"], id=PEOPLE["ann"].id)
USER, OTHER = new_id(), new_id()
SUBJECTS: tuple[tuple[str, Any], ...] = (
    ("user", USER), ("user", OTHER), ("generation", new_id()), ("provider", new_id()), ("plan", "free"), ("demo", None),
)  # fmt: skip
ACTIONS = ("user.role", "user.suspend", "provider.update", "plan.save")


@pytest.fixture
async def filled(database: Database) -> list[AuditEntry]:
    """A hundred rows of all kinds, half of them sealed."""
    dice = random.Random(4)
    for number in range(100):
        await write(
            database, dice.choice(list(PEOPLE.values())), dice.choice(ACTIONS), dice.choice(SUBJECTS), before={"number": number},
        )  # fmt: skip
        if number == 50:
            await seal(database)
    return list(reversed(await rows(database)))


async def walked(database: Database, sight: Sight, which: Filter, limit: int = 7) -> list[UUID]:
    """All pages one after another, by the way that a person turns them."""
    found: list[UUID] = []
    after: UUID | None = None
    while True:
        page = await queries.listing(database, sight, which, after=after, limit=limit)
        assert page.previous is (after is not None)
        found += [line.id for line in page.lines]
        if not page.next:
            return found
        assert len(page.lines) == limit
        after = found[-1]


def in_sight(sight: Sight, row: AuditEntry) -> bool:
    return sight.everything or row.actor_id == sight.person_id or row.subject_kind in sight.kinds


SIGHTS: dict[str, Callable[[], Sight]] = {
    "superadmin": lambda: sight_of(Role.SUPERADMIN, new_id()),
    "support": lambda: sight_of(Role.SUPPORT, PEOPLE["anna"].id or USER),
    "tester": lambda: sight_of(Role.TESTER, PEOPLE["tess"].id or USER),
    "newcomer": lambda: sight_of(Role.TESTER, new_id()),
}


@pytest.mark.parametrize("who", SIGHTS)
async def test_everybody_sees_what_is_theirs_and_nothing_else(
    database: Database, filled: list[AuditEntry], who: str
) -> None:
    sight = SIGHTS[who]()
    allowed = [row.id for row in filled if in_sight(sight, row)]

    assert await walked(database, sight, Filter()) == allowed
    assert await queries.count(database, sight, Filter()) == len(allowed)
    for row in filled:
        found = await queries.entry(database, sight, row.id)
        assert (found is not None) is (row.id in allowed)
        by_id = await queries.listing(database, sight, Filter(text=str(row.id)))
        assert [line.id for line in by_id.lines] == ([row.id] if row.id in allowed else [])
    exported = [one.id async for page in queries.entries(database, sight, Filter()) for one in page]
    assert exported == allowed
    seen = [row for row in filled if row.id in allowed]
    assert await queries.actions(database, sight) == sorted({row.action for row in seen})
    assert await queries.subject_kinds(database, sight) == sorted({row.subject_kind for row in seen})


def test_users_of_the_api_read_no_audit() -> None:
    with pytest.raises(NotAllowed):
        sight_of(Role.USER, new_id())


async def test_no_sight_sees_nothing(database: Database, filled: list[AuditEntry]) -> None:
    assert (await queries.listing(database, Sight(), Filter())).lines == ()
    assert await queries.count(database, Sight(), Filter()) == 0
    assert await queries.actions(database, Sight()) == []


def matches(row: AuditEntry, which: Filter) -> bool:
    text = which.text.lower()
    return (
        (not which.actor_kind or row.actor_kind == which.actor_kind)
        and (not which.actor_id or row.actor_id == which.actor_id)
        and (not which.action or row.action == which.action)
        and (not which.subject_kind or row.subject_kind == which.subject_kind)
        and (not which.about or row.actor_id == which.about or (row.subject_kind, row.subject_id) == ("user", str(which.about)))
        and (not text or row.actor_label.lower().startswith(text) or text in (row.subject_id, str(row.actor_id), str(row.seq)))
    )  # fmt: skip


async def test_any_filter_finds_exactly_what_matches_in_sight(
    database: Database, filled: list[AuditEntry]
) -> None:
    dice = random.Random(11)
    filters = {
        "text": ["", "", "ann", "ANN@", "tess@example.com", str(USER), str(PEOPLE["ann"].id), "free", "nobody", "17", "%"],
        "actor_kind": [None, None, "user", "key"],
        "actor_id": [None, None, None, PEOPLE["ann"].id],
        "action": [None, None, "user.role", "nothing"],
        "subject_kind": [None, None, "user", "demo"],
        "about": [None, None, None, USER, PEOPLE["anna"].id],
    }  # fmt: skip
    found_some = 0
    for _ in range(150):
        which = Filter(**{name: dice.choice(options) for name, options in filters.items()})
        sight = SIGHTS[dice.choice(list(SIGHTS))]()
        expected = [row.id for row in filled if in_sight(sight, row) and matches(row, which)]
        assert await walked(database, sight, which) == expected, which
        assert await queries.count(database, sight, which) == len(expected), which
        found_some += bool(expected)
    assert found_some > 20


async def test_pages_turn_back_as_they_turned_on(database: Database, filled: list[AuditEntry]) -> None:
    ids = [row.id for row in filled]
    second = await queries.listing(database, ALL, Filter(), after=ids[9], limit=10)
    assert [line.id for line in second.lines] == ids[10:20]

    first = await queries.listing(database, ALL, Filter(), before=ids[10], limit=10)
    assert ([line.id for line in first.lines], first.previous, first.next) == (ids[:10], False, True)
    middle = await queries.listing(database, ALL, Filter(), before=ids[40], limit=10)
    assert ([line.id for line in middle.lines], middle.previous, middle.next) == (ids[30:40], True, True)
    assert await queries.count(database, ALL, Filter(), newer_than=ids[30]) == 30


async def test_a_range_takes_its_beginning_and_leaves_its_end(database: Database) -> None:
    await write(database, action="before")
    begin = datetime.now(UTC)
    await write(database, action="inside")
    end = datetime.now(UTC) + timedelta(milliseconds=2)

    found = await queries.listing(database, ALL, Filter(begin=begin - timedelta(milliseconds=1), end=end))
    assert "inside" in [line.action for line in found.lines]
    assert (await queries.listing(database, ALL, Filter(begin=end + timedelta(seconds=1)))).lines == ()
    assert (await queries.listing(database, ALL, Filter(end=begin - timedelta(days=1)))).lines == ()


async def test_a_whole_row_tells_all_that_is_known(database: Database) -> None:
    ann = PEOPLE["ann"]
    await write(
        database,
        ann,
        "user.role",
        ("user", USER),
        before={"role": "user"},
        after={"role": "tester"},
        reason="asked",
    )
    (line,) = (await queries.listing(database, ALL, Filter())).lines
    waiting = await queries.entry(database, ALL, line.id)
    await seal(database)
    sealed = await queries.entry(database, ALL, line.id)

    assert waiting is not None
    assert sealed is not None
    assert (waiting.seq, waiting.hash) == (None, None)
    assert (sealed.seq, len(sealed.hash or b"")) == (1, 32)
    assert (sealed.before, sealed.after, sealed.reason) == ({"role": "user"}, {"role": "tester"}, "asked")
    assert (sealed.actor_label, sealed.address, sealed.request_id) == (ann.label, ann.address, ann.request_id)
    assert sealed[:9] == line[:9]


async def test_counts_are_exact_up_to_ten_thousand(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COUNTED_TO", 20)
    await write_many(database, 200)

    assert await queries.count(database, ALL, Filter(action="deed.1")) == 20
    assert await queries.count(database, ALL, Filter(action="deed.1", text="actor11@")) == 2
    assert await queries.count(database, ALL, Filter()) == 21
    assert await queries.count(database, sight_of(Role.SUPPORT, new_id()), Filter()) == 21


async def test_a_file_ends_at_its_most_rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "EXPORT_PAGE", 7)
    await write_many(database, 40)

    pages = [page async for page in queries.entries(database, ALL, Filter(), most=23)]

    assert [len(page) for page in pages] == [7, 7, 7, 2]
    assert len({one.id for page in pages for one in page}) == 23


async def test_a_search_that_means_too_many_actors_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_ACTORS", 20)
    monkeypatch.setattr(asking, "ACTORS", asking.ACTORS.replace("limit 201", "limit 21"))
    await write_many(database, 100)

    with pytest.raises(Refusal, match="Write more of the address") as refused:
        await queries.listing(database, ALL, Filter(text="actor"))

    assert refused.value.code == "search_too_wide"
    assert len((await queries.listing(database, ALL, Filter(text="actor7"))).lines) == 11


async def test_what_takes_too_long_is_refused_in_words(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SECONDS_FOR_COUNTS", 0.05)
    await write(database)
    asked = asking.Question.require
    monkeypatch.setattr(
        asking.Question, "require", lambda self, *_, **__: asked(self, "(select pg_sleep(1)) is not null")
    )

    with pytest.raises(Fault) as refused:
        await queries.count(database, ALL, Filter(action="x"))

    assert refused.value.code == TOO_SLOW


QUESTIONS = {
    "all": Filter(),
    "an action": Filter(action="deed.3"),
    "an action that is rare": Filter(action="nothing"),
    "an actor": Filter(actor_id=UUID("00000000-0000-7000-8000-000000000007")),
    "a kind of actors": Filter(actor_kind="key"),
    "a kind of subjects": Filter(subject_kind="plan"),
    "the beginning of an address": Filter(text="actor1"),
    "a subject": Filter(text="subject-77"),
    "an id": Filter(text=str(new_id())),
    "a user's page": Filter(about=new_id()),
    "a range": Filter(begin=datetime.now(UTC) - timedelta(days=1), end=datetime.now(UTC) + timedelta(days=1)),
}


@pytest.mark.parametrize("who", ["superadmin", "support", "tester"])
async def test_no_question_reads_the_whole_table(
    database: Database, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_many(database, 30_000)
    await database.execute("analyze audit")
    plans: list[str] = []
    read_within = queries.read_within

    async def explained(of: Database, seconds: float, sql: str, params: Any) -> list[tuple[Any, ...]]:
        plans.extend(line for (line,) in await read_within(of, seconds, f"explain {sql}", params))
        return await read_within(of, seconds, sql, params)

    monkeypatch.setattr(queries, "read_within", explained)
    monkeypatch.setattr(asking, "read_within", explained)
    sight = SIGHTS[who]()
    for name, which in QUESTIONS.items():
        plans.clear()
        page = await queries.listing(database, sight, which, after=new_id())
        if page.lines:
            await queries.entry(database, sight, page.lines[0].id)
        assert plans
        assert not [line for line in plans if "Seq Scan on audit" in line], f"{name}:\n" + "\n".join(plans)
    plans.clear()
    await queries.actions(database, sight)
    assert not [line for line in plans if "Seq Scan on audit" in line], "\n".join(plans)


async def test_the_signature_tells_of_writing_and_of_sealing(database: Database) -> None:
    seen = [await queries.signature(database)]
    await write(database)
    seen.append(await queries.signature(database))
    await seal(database)
    seen.append(await queries.signature(database))

    assert len(set(seen)) == 3
    assert await queries.signature(database) == seen[-1]
