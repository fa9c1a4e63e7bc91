"""Finding people from a search box: by id, by address, by its beginning, and by an index alone."""

from datetime import UTC, datetime

import pytest

from core.accounts.lookup import look_up, people_of, presence
from core.accounts.words import beginnings, search
from core.database import Database
from core.ids import new_id
from tests.factories import make_user


async def emails(database: Database, text: str, **how: int) -> list[str]:
    return [one.email for one in await look_up(database, text, **how)]


async def test_a_beginning_finds_those_whose_address_begins_so_in_its_order(database: Database) -> None:
    for email in (
        "mara.o@a.example",
        "mara.l@b.example",
        "tamara@c.example",
        "mara.k@d.example",
        "zoe@a.example",
    ):
        await make_user(database, email=email)

    assert await emails(database, "MARA") == ["mara.k@d.example", "mara.l@b.example", "mara.o@a.example"]
    assert await emails(database, "mara", limit=2) == ["mara.k@d.example", "mara.l@b.example"]
    assert await emails(database, "mara.l@b.example") == ["mara.l@b.example"]
    assert await emails(database, "nobody") == []


async def test_an_id_finds_its_person_in_any_spelling(database: Database) -> None:
    user = await make_user(database, email="mara@a.example")

    for spelling in (str(user.id), user.id.hex.upper(), f" {user.id} "):
        assert await emails(database, spelling) == ["mara@a.example"]
    assert await emails(database, str(new_id())) == []


@pytest.mark.parametrize(
    "text", ["", "   ", "%", "_", "\\", "\x00", "a\nb", "x" * 10_000, "'; drop table users"]
)
async def test_what_means_nothing_finds_nobody(database: Database, text: str) -> None:
    await make_user(database, email="mara@a.example")

    assert await emails(database, text) == []


async def test_beginnings_of_words_of_the_name_find_people_too_the_shortest_word_first(
    database: Database,
) -> None:
    await make_user(database, email="m.lund@a.example", name="Mara-Lena Lund")
    await make_user(database, email="mara@b.example", name="Marabu")
    await make_user(database, email="tom@c.example", name="Tom O'Brien")

    assert await emails(database, "Mara") == ["m.lund@a.example", "mara@b.example"]
    assert await emails(database, "lun mara") == ["m.lund@a.example"]
    assert await emails(database, "o'br") == await emails(database, "brie") == ["tom@c.example"]
    assert await emails(database, "ara") == []


@pytest.mark.parametrize("text", ["user", "user1", "user user1 user2"])
async def test_a_search_goes_along_the_index_of_words(database: Database, text: str) -> None:
    await database.execute(
        "insert into users (id, email, role) select uuid_v7(), 'user' || n || '@a.example', 'user'"
        " from generate_series(1, 5000) n"
    )
    await database.execute("analyze user_words")
    found = await search(database, beginnings(text), seconds=5)
    async with database.transaction() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(f"explain {people_of(found)}", {**found.params, "limit": 5})
        plan = "\n".join(row[0] for row in rows)

    assert "user_words_prefix" in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "Sort" not in plan, plan


async def test_somebody_was_last_here_by_session_or_by_key(database: Database) -> None:
    user = await make_user(database)
    assert await presence(database, new_id()) is None
    here = await presence(database, user.id)
    assert here is not None
    assert here[1] is None

    seen, used = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    await database.execute(
        "insert into sessions (id, token_hash, user_id, last_seen_at, expires_at) values (%s, 'x', %s, %s, now())",
        (new_id(), user.id, seen),
    )
    assert (await presence(database, user.id) or (None, None))[1] == seen
    await database.execute(
        "insert into api_keys (id, user_id, kind, name, prefix, key_hash, last_used_at)"
        " values (%s, %s, 'user', 'k', 'p', 'h', %s)",
        (new_id(), user.id, used),
    )
    assert (await presence(database, user.id) or (None, None))[1] == used
