"""Finding a generation by what people have in hand: its id, its request's id, the end of its id; only where it is theirs."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.database import Database
from core.generation.lookup import by_ending, by_id, latest
from core.ids import new_id, short
from tests.factories import make_user
from tests.integration.generation.test_queries import NOON, make


async def test_by_its_id_with_whose_it_is(database: Database) -> None:
    user = await make_user(database, email="mara@a.example")
    made = await make(database, user_id=user.id, model="gpt-6.1-sol", status="failed")

    hit = await by_id(database, made)

    assert hit is not None
    assert (hit.id, hit.status, hit.model, hit.email) == (made, "failed", "gpt-6.1-sol", "mara@a.example")
    assert await by_id(database, new_id()) is None


async def test_by_the_id_of_the_request_that_asked_for_it(database: Database) -> None:
    request = new_id()
    made = await make(database, id=new_id(), request_id=str(request))

    hit = await by_id(database, request)

    assert hit is not None
    assert hit.id == made


@pytest.mark.parametrize(
    "text", ["ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-0000-0000-000000000000"]
)
async def test_an_id_beyond_any_calendar_finds_nothing(database: Database, text: str) -> None:
    assert await by_id(database, UUID(text)) is None


async def test_by_the_ending_that_pages_show(database: Database) -> None:
    made, _ = [await make(database, id=new_id()) for _ in range(2)]

    hit = await by_ending(database, short(made))

    assert hit is not None
    assert hit.id == made
    for text in ("", "%", "zzzzzzzz", short(made)[1:], "0" * 8):
        assert await by_ending(database, text) is None


async def test_the_latest_of_somebody_come_newest_first(database: Database) -> None:
    user, other = await make_user(database), await make_user(database)
    mine = [await make(database, user_id=user.id, at=NOON - timedelta(days=n, hours=1)) for n in range(3)]
    await make(database, user_id=other.id)

    assert [hit.id for hit in await latest(database, user.id)] == mine[:2]


async def test_what_is_not_ones_own_is_not_found(database: Database) -> None:
    user, other = await make_user(database), await make_user(database)
    request = new_id()
    made = await make(database, id=new_id(), user_id=user.id, request_id=str(request))

    assert await by_id(database, made, user_id=user.id) is not None
    assert await by_ending(database, short(made), user_id=user.id) is not None
    assert await by_id(database, made, user_id=other.id) is None
    assert await by_id(database, request, user_id=other.id) is None
    assert await by_ending(database, short(made), user_id=other.id) is None
