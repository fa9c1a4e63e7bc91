"""Saved views: kept per person and page, replaced only when asked, and never another person's."""

import asyncio

import pytest

from core.accounts import views as module
from core.accounts.views import View, delete_view, save_view, views
from core.audit import Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotFound
from core.ids import new_id
from core.vocabulary import Role
from tests.factories import actor_of, make_user

PAGE = "generations"


async def save(database: Database, actor: Actor, name: str, query: str, *, replace: bool = False) -> View:
    async with database.transaction() as session:
        return await save_view(session, actor, PAGE, name, query, replace=replace)


async def someone(database: Database) -> Actor:
    return actor_of(await make_user(database, role=Role.SUPPORT))


async def names(database: Database, actor: Actor, page: str = PAGE) -> list[tuple[str, str]]:
    assert actor.id
    return [(view.name, view.query) for view in await views(database, actor.id, page)]


async def test_views_are_ones_own_and_of_one_page(database: Database) -> None:
    mira, jonas = await someone(database), await someone(database)
    await save(database, mira, "Failed", "?status=failed")
    await save(database, jonas, "Failed", "status=failed&range=7d")

    assert await names(database, mira) == [("Failed", "status=failed")]
    assert await names(database, jonas) == [("Failed", "status=failed&range=7d")]
    assert await names(database, mira, "users") == []


async def test_a_name_that_is_taken_is_replaced_only_when_asked(database: Database) -> None:
    mira = await someone(database)
    first = await save(database, mira, "Mine", "status=failed")

    with pytest.raises(Conflict, match="Mine"):
        await save(database, mira, "Mine", "status=completed")
    replaced = await save(database, mira, " Mine ", "status=cancelled", replace=True)

    assert replaced.id == first.id
    assert await names(database, mira) == [("Mine", "status=cancelled")]


async def test_of_two_who_save_one_name_at_once_one_is_told(database: Database) -> None:
    mira = await someone(database)

    outcomes = await asyncio.gather(
        *(save(database, mira, "Mine", f"q={number}") for number in range(5)), return_exceptions=True
    )

    assert sum(isinstance(one, View) for one in outcomes) == 1
    assert sum(isinstance(one, Conflict) for one in outcomes) == 4
    assert len(await names(database, mira)) == 1


@pytest.mark.parametrize(
    ("name", "query"), [("", "q=1"), ("  \x00 ", "q=1"), ("x" * 61, "q=1"), ("long", "q=" + "x" * 2_000), ("odd", "q=\x00")]
)  # fmt: skip
async def test_what_is_no_name_or_no_address_is_refused(database: Database, name: str, query: str) -> None:
    mira = await someone(database)

    with pytest.raises(InvalidRequest):
        await save(database, mira, name, query)

    assert await names(database, mira) == []


async def test_there_is_an_end_to_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VIEWS", 2)
    mira = await someone(database)
    for name in ("a", "b"):
        await save(database, mira, name, "q=1")

    with pytest.raises(Conflict):
        await save(database, mira, "c", "q=1")
    await save(database, mira, "b", "q=2", replace=True)

    assert await names(database, mira) == [("a", "q=1"), ("b", "q=2")]


async def test_a_deleted_view_can_be_put_back_and_all_of_it_is_in_the_audit(database: Database) -> None:
    mira = await someone(database)
    made = await save(database, mira, "Mine", "q=1")

    async with database.transaction() as session:
        gone = await delete_view(session, mira, made.id)
    assert await names(database, mira) == []
    await save(database, mira, gone.name, gone.query)

    assert await names(database, mira) == [("Mine", "q=1")]
    audited = await database.fetch_all(
        "select action, actor_id, before ->> 'query', after ->> 'query' from audit order by id"
    )
    assert audited == [
        ("view.save", mira.id, None, "q=1"),
        ("view.delete", mira.id, "q=1", None),
        ("view.save", mira.id, None, "q=1"),
    ]


async def test_nobody_deletes_what_is_another_persons(database: Database) -> None:
    mira, jonas = await someone(database), await someone(database)
    made = await save(database, mira, "Mine", "q=1")

    for view_id in (made.id, new_id()):
        with pytest.raises(NotFound):
            async with database.transaction() as session:
                await delete_view(session, jonas, view_id)

    assert await names(database, mira) == [("Mine", "q=1")]
